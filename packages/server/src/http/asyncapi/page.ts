import { SUBPROTOCOLS } from "@sparql-live/protocol";
import { CONTENT_TYPES } from "./document.js";
import type { DescribedMessage, DescribedMessages, JsonSchema } from "./messages.js";

/** The messages as a page to read: a table of members for each, and its schema in full. No script. */
export function asyncApiPage({ messages, shared }: DescribedMessages, version: string): string {
  const ofClient = messages.filter(({ from }) => from === "client");
  const ofServer = messages.filter(({ from }) => from === "server");
  const codecs = SUBPROTOCOLS.map(
    (name) => `<li><code>${escapeHtml(name)}</code>: <code>${escapeHtml(CONTENT_TYPES[name])}</code></li>`,
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>sparql-live: messages</title>
<link rel="stylesheet" href="asyncapi/page.css">
</head>
<body>
<h1>sparql-live ${escapeHtml(version)}: messages</h1>
<p>WebSockets are at <code>/api/ws/query</code>, and at <code>/api/ws/room/{room_id}</code>, which joins that room at once.
The same messages go over both. This page as an AsyncAPI 3.0 document: <a href="asyncapi/json">JSON</a>.
What goes over HTTP: <a href="docs">OpenAPI</a>.</p>
<p>Subprotocols, and the media types of their messages; without one messages are JSON:</p>
<ul>${codecs.join("")}</ul>
<nav aria-label="Messages">
<h2>From clients</h2>
${contents(ofClient)}
<h2>From the server</h2>
${contents(ofServer)}
</nav>
<main>
<h2>From clients, in full</h2>
${ofClient.map(section).join("\n")}
<h2>From the server, in full</h2>
${ofServer.map(section).join("\n")}
<h2>Shared schemas</h2>
${[...shared].map(([name, schema]) => `<h3 id="${escapeHtml(name)}">${escapeHtml(name)}</h3>${source(schema)}`).join("\n")}
</main>
</body>
</html>
`;
}

function contents(messages: readonly DescribedMessage[]): string {
  const items = messages.map(
    (message) =>
      `<li><a href="#${idOf(message)}"><code>${escapeHtml(message.type)}</code></a> ${escapeHtml(message.summary)}</li>`,
  );
  return `<ul>${items.join("\n")}</ul>`;
}

function section(message: DescribedMessage): string {
  const { type, summary, payload, schema } = message;
  return `<section id="${idOf(message)}">
<h3><code>${escapeHtml(type)}</code></h3>
<p>${escapeHtml(summary)}</p>
${members(payload)}
<details><summary>Schema</summary>${source(schema)}</details>
</section>`;
}

function members({ properties, required }: JsonSchema): string {
  const needed = Array.isArray(required) ? required : [];
  const rows = Object.entries((properties ?? {}) as Readonly<Record<string, JsonSchema>>).map(
    ([name, schema]) =>
      `<tr><td><code>${escapeHtml(name)}</code></td><td>${escapeHtml(typeOf(schema))}</td>` +
      `<td>${needed.includes(name) ? "yes" : ""}</td><td>${escapeHtml(String(schema.description ?? ""))}</td></tr>`,
  );
  if (rows.length === 0) return "<p>The payload has no members.</p>";
  return `<table><thead><tr><th>member of the payload</th><th>type</th><th>required</th><th></th></tr></thead>
<tbody>${rows.join("\n")}</tbody></table>`;
}

function typeOf(schema: JsonSchema): string {
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (Array.isArray(schema.enum)) return schema.enum.length > 8 ? "one of a list" : schema.enum.join(" | ");
  if (Array.isArray(schema.anyOf)) return schema.anyOf.map(typeOf).join(" | ");
  if (schema.type === "array") return `list of ${typeOf((schema.items ?? {}) as JsonSchema)}`;
  return typeof schema.type === "string" ? schema.type : "any";
}

function source(schema: JsonSchema): string {
  return `<pre>${escapeHtml(JSON.stringify(schema, null, 2))}</pre>`;
}

function idOf({ from, type }: DescribedMessage): string {
  return `${from}-${type}`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
