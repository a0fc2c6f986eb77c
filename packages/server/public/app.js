import { connect } from "./connection.js";
import { createRows } from "./rows.js";

const STAGES = ["parsing", "validating", "generating", "optimizing", "executing", "formatting", "completed"];
const INITIAL_CREDIT = 2_000;
const MAX_ROWS = 10_000;

const $ = (id) => document.getElementById(id);
const rows = createRows({ head: $("head"), body: $("rows"), more: $("more"), counts: $("counts") });
const endpoints = new Map();
/** The query in progress: its id, its text, and when each stage began. */
let run = null;
let maxRows = MAX_ROWS;
let runEnded = true;

const url = new URL("api/ws/query", document.baseURI);
url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
const { send } = connect({ url, onMessage: receive, onState: showConnection });

function looksLikeSparql(text) {
  const code = text.replace(/^\s*#.*$/gm, "").trim();
  return (
    /^(prefix\s+[\w.-]*:\s*<|base\s*<|version\s*["'])/i.test(code) ||
    /^(select|ask|construct|describe)\b[\s\S]*(\{|<|\w:\w)/i.test(code)
  );
}

function ask(text) {
  if (text.trim() === "") return $("text").focus();
  if (!runEnded) cancel();
  const isSparql = looksLikeSparql(text);
  const endpointId = $("endpoint").value;
  const id = send("query_request", {
    ...(isSparql ? { sparql: text } : { natural_language: text }),
    ...(endpointId === "" ? {} : { endpoint_id: endpointId }),
    limit: maxRows,
    stream: true,
    credit: INITIAL_CREDIT,
  });
  clear();
  if (id === null)
    return fail({ error: "There is no connection to the server at the moment.", code: "offline" });
  run = { id, text, isSparql, startedAt: performance.now(), begun: new Map(), stage: null };
  runEnded = false;
  $("run").disabled = true;
  $("cancel").hidden = false;
  $("progress").hidden = false;
  if (isSparql) showQuery(text);
  requestAnimationFrame(tick);
}

function cancel() {
  if (run !== null && !runEnded) send("query_cancel", { query_id: run.id });
}

function clear() {
  rows.clear();
  for (const id of [
    "error",
    "reading",
    "query",
    "results",
    "progress",
    "answer",
    "error-place",
    "clarification",
  ]) {
    $(id).hidden = true;
  }
  for (const id of ["links", "alternatives", "warnings", "question"]) $(id).replaceChildren();
  for (const id of ["completeness", "explanation", "stage-message", "elapsed"]) $(id).textContent = "";
  $("stages").replaceChildren(
    ...STAGES.map((stage) => element("li", { textContent: stage, title: stage, id: `stage-${stage}` })),
  );
}

function receive({ type, payload, correlation_id: correlationId }) {
  if (type === "connection_ack") {
    maxRows = Math.min(MAX_ROWS, payload.limits.max_rows);
    send("endpoint_status", {});
  } else if (type === "endpoint_status") showEndpoints(payload.endpoints);
  else if (type === "endpoint_health") showHealth(payload);
  else if (run !== null && (payload.query_id ?? correlationId) === run.id) receiveOfRun(type, payload);
}

function receiveOfRun(type, payload) {
  if (type === "query_progress") showProgress(payload);
  else if (type === "query_rows") {
    $("results").hidden = false;
    if (payload.variables) rows.columns(payload.variables);
    rows.add(payload.rows);
    // What is in the page is read: as much again may come.
    send("query_credit", { query_id: run.id, rows: payload.rows.length });
  } else if (type === "query_result") showResult(payload);
  else if (type === "query_cancelled") end("Cancelled");
  // A cancel that crossed the end of its run on the way is no failure.
  else if (payload.code !== "query_not_found") fail(payload);
}

function showProgress({ stage, message, details }) {
  $("stage-message").textContent = message;
  if (stage === "failed") return end("Failed");
  const now = performance.now();
  if (!run.begun.has(stage)) run.begun.set(stage, now);
  run.stage = stage;
  const at = STAGES.indexOf(stage);
  STAGES.forEach((name, index) => {
    const item = $(`stage-${name}`);
    const began = run.begun.get(name);
    if (index < at || stage === "completed") item.dataset.state = began === undefined ? "skipped" : "done";
    else if (index === at) item.dataset.state = "now";
    if (index < at && began !== undefined && item.childElementCount === 0) {
      const next = STAGES.slice(index + 1).find((later) => run.begun.has(later));
      item.append(element("time", { textContent: ` ${seconds(run.begun.get(next) - began)}` }));
    }
  });
  if (Array.isArray(details?.links)) showReading(details);
  if (typeof details?.query === "string") showQuery(details.query);
  if (stage === "completed") end(message);
}

/** The question with its spans marked by what they were taken for, and each span with its pattern. */
function showReading({ links, not_understood: unknown = [], explanation = "" }) {
  if (run.isSparql) return;
  const spans = [...links, ...unknown.map((span) => ({ ...span, kind: "unknown" }))]
    .filter(({ start, end }) => end > start)
    .sort((one, other) => one.start - other.start || other.end - one.end);
  const parts = [];
  let at = 0;
  for (const span of spans) {
    if (span.start < at) continue;
    parts.push(run.text.slice(at, span.start));
    const mark = element("mark", { textContent: run.text.slice(span.start, span.end) });
    mark.dataset.kind = span.kind;
    mark.title = span.kind === "unknown" ? "not understood" : `${span.kind}: ${span.label}`;
    parts.push(mark);
    at = span.end;
  }
  parts.push(run.text.slice(at));
  $("question").replaceChildren(...parts);
  const items = links.map((link) => {
    const item = element("li");
    const mark = element("mark", { textContent: link.text });
    mark.dataset.kind = link.kind;
    item.append(mark, ` ${link.kind} “${link.label}” `);
    if (link.pattern ?? link.iri) item.append(element("code", { textContent: link.pattern ?? link.iri }));
    return item;
  });
  if (unknown.length > 0) {
    const words = unknown.map(({ text }) => `“${text}”`).join(", ");
    items.push(element("li", { textContent: `Not understood: ${words}` }));
  }
  $("links").replaceChildren(...items);
  $("explanation").textContent = explanation;
  $("reading").hidden = false;
}

function showQuery(text) {
  $("sparql").textContent = text;
  $("query").hidden = false;
}

function showResult(result) {
  showQuery(result.query);
  if (!run.isSparql) showReading(result);
  $("warnings").replaceChildren(...result.warnings.map(warning));
  $("clarification").textContent = result.clarification ?? "";
  $("clarification").hidden = result.clarification === undefined;
  $("alternatives").replaceChildren(
    ...result.alternatives.map(({ query, explanation }) => chip(explanation || "another reading", query)),
  );
  if (result.results === null) return;
  $("results").hidden = false;
  rows.columns(result.results.variables);
  rows.add(result.results.bindings);
  if (result.results.boolean !== undefined) {
    $("answer").textContent = result.results.boolean ? "Yes" : "No";
    $("answer").hidden = false;
    $("counts").textContent = "";
  }
  const { status, reason } = result.completeness;
  const words = {
    complete: "Complete",
    truncated: `Cut off after ${result.row_count.toLocaleString()} rows (${reason ?? "limit"}): there are more`,
    partial: `Incomplete: the endpoint gave up (${reason ?? "no reason given"})`,
  };
  $("completeness").textContent =
    `${words[status]} · ${seconds(result.execution_time * 1000)} at the endpoint`;
  $("completeness").classList.toggle("cut", status !== "complete");
}

function warning({ message, line, column, suggestion }) {
  const place = line === undefined ? "" : `line ${line}, column ${column}: `;
  const item = element("li", { textContent: place + message });
  if (suggestion) item.append(" ", element("code", { textContent: suggestion }));
  return item;
}

function fail({ error, code, line, column, detail, errors = [] }) {
  $("error").hidden = false;
  $("error-title").textContent = (code ?? "error").replaceAll("_", " ");
  const places = errors.map(({ path, message }) => `${path}: ${message}`);
  $("error-text").textContent = [error, ...(detail ? [detail] : []), ...places].join(" — ");
  if (line !== undefined && run !== null) {
    const text = run.text.split("\n")[line - 1] ?? "";
    $("error-place").textContent =
      `line ${line}, column ${column}\n${text}\n${" ".repeat(Math.max(0, column - 1))}▲`;
    $("error-place").hidden = false;
  }
  if (!runEnded) end("Failed");
}

function end(message) {
  runEnded = true;
  $("stage-message").textContent = message;
  $("run").disabled = false;
  $("cancel").hidden = true;
  if (run !== null && run.stage !== "completed" && run.stage !== null) {
    $(`stage-${run.stage}`).dataset.state = "failed";
  }
  if (run !== null) $("elapsed").textContent = seconds(performance.now() - run.startedAt);
}

function tick() {
  if (runEnded) return;
  $("elapsed").textContent = seconds(performance.now() - run.startedAt);
  requestAnimationFrame(tick);
}

function showConnection({ state, retryMs }) {
  const words = { connecting: "connecting …", online: "online" };
  $("connection").textContent = words[state] ?? `offline, trying again in ${Math.ceil(retryMs / 1000)} s`;
  if (state === "offline" && !runEnded) {
    fail({ error: "The connection was lost while the query ran. Ask again.", code: "connection_lost" });
    end("Connection lost");
  }
}

function showEndpoints(list) {
  const chosen = $("endpoint").value;
  endpoints.clear();
  for (const endpoint of list) endpoints.set(endpoint.endpoint_id, endpoint);
  $("endpoint").replaceChildren(
    ...list.map(({ endpoint_id: value, title }) => element("option", { value, textContent: title })),
  );
  if (endpoints.has(chosen)) $("endpoint").value = chosen;
  $("endpoint").disabled = list.length === 0;
  chooseEndpoint();
}

function showHealth(health) {
  const endpoint = endpoints.get(health.endpoint_id);
  if (endpoint === undefined) return;
  const wasReady = endpoint.health.state === "healthy";
  endpoint.health = health;
  if (health.endpoint_id !== $("endpoint").value) return;
  describeHealth(health);
  if (!wasReady && health.state === "healthy") loadExamples(health.endpoint_id);
}

function describeHealth({ state, message, latency_ms: latency }) {
  $("health").dataset.state = state;
  const words = [state, message, latency === null ? null : `${Math.round(latency)} ms`]
    .filter(Boolean)
    .join(" · ");
  $("health").parentElement.title = words;
  $("health-words").textContent = words;
}

function chooseEndpoint() {
  const endpoint = endpoints.get($("endpoint").value);
  if (endpoint === undefined) return;
  describeHealth(endpoint.health);
  loadExamples(endpoint.endpoint_id);
}

async function loadExamples(endpointId) {
  const response = await fetch(`api/examples?endpoint=${encodeURIComponent(endpointId)}`).catch(() => null);
  const { examples } = response?.ok ? await response.json() : { examples: [] };
  if ($("endpoint").value !== endpointId) return;
  $("examples").replaceChildren(...examples.slice(0, 6).map(({ question }) => chip(question, question)));
  if (examples.length > 0) $("text").placeholder = examples[0].question;
}

function chip(words, text) {
  const item = element("li");
  const button = element("button", { type: "button", textContent: words, title: text });
  button.addEventListener("click", () => askThis(text));
  item.append(button);
  return item;
}

function askThis(text) {
  $("text").value = text;
  detect();
  ask(text);
}

function detect() {
  const isSparql = looksLikeSparql($("text").value);
  $("text").classList.toggle("sparql", isSparql);
  $("language").textContent = isSparql ? "SPARQL" : "plain language";
  $("text").rows = Math.min(16, Math.max(2, $("text").value.split("\n").length));
}

function seconds(ms) {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

function element(name, properties = {}) {
  return Object.assign(document.createElement(name), properties);
}

$("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  ask($("text").value);
});
$("text").addEventListener("input", detect);
$("text").addEventListener("keydown", (event) => {
  const plainEnter = event.key === "Enter" && !event.shiftKey && !looksLikeSparql($("text").value);
  if (event.key === "Enter" && !event.isComposing && (plainEnter || event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    ask($("text").value);
  }
});
addEventListener("keydown", (event) => {
  if (event.key === "Escape") cancel();
});
$("cancel").addEventListener("click", cancel);
$("endpoint").addEventListener("change", chooseEndpoint);
$("edit").addEventListener("click", () => {
  $("text").value = $("sparql").textContent;
  detect();
  $("text").focus();
});
$("copy").addEventListener("click", async () => {
  await navigator.clipboard?.writeText($("sparql").textContent);
  $("copy").textContent = "Copied";
});
clear();
// A table that scrolls must be reachable by keyboard.
$("scroller").tabIndex = 0;
if (matchMedia("(pointer: fine)").matches) $("text").focus();
