import { flipped, randomBytes } from "./fuzz-bytes.js";
import { hostile } from "./fuzz-messages.js";
import type { Random } from "./random.js";

const PATHS = [
  "/",
  "/sparql",
  "/text2sparql",
  "/api/examples",
  "/api/ws/rooms",
  "/api/ws/rooms/red",
  "/api/ws/rooms/__proto__",
  "/api/ws/rooms/%00",
  "/api/ws/rooms/%E0%A4%A",
  "/api/ws/metrics",
  "/api/ws/connections",
  "/api/ws/analytics",
  "/api/ws/tickets",
  "/api/ws/backup",
  "/api/ws/admin",
  "/api/auth/config",
  "/api/endpoints",
  "/api/endpoints/__proto__",
  "/api/users/__proto__/data",
  "/api/users/%00/data",
  "/api/users/%E0%A4%A/data",
  "/api/users//data",
  "/api/ws/query",
  "/api/ws/room/red",
  "/api/ws/room/../../etc/passwd",
  "/metrics",
  "/healthz",
  "/readyz",
  "/.well-known/void",
  "/asyncapi",
  "//",
  "/%",
] as const;
const METHODS = ["GET", "POST", "DELETE", "PUT", "HEAD", "OPTIONS", "PATCH", "get", "X"] as const;
const PARAMETERS = [
  "query",
  "room_id",
  "user_id",
  "limit",
  "offset",
  "endpoint",
  "dataset",
  "question",
  "ticket",
  "api_key",
  "from",
  "to",
  "__proto__",
];
const VALUES = [
  "",
  "ASK{}",
  "SELECT * {?s ?p ?o}",
  "red",
  "-1",
  "1e9",
  "%00",
  "%FF",
  "%",
  "[]",
  "x".repeat(300),
];
const MEDIA_TYPES = [
  "application/json",
  "application/x-www-form-urlencoded",
  "application/sparql-query",
  "text/plain; charset=\u00ff",
  "",
];
const BODY_KEYS = [
  "room_id",
  "name",
  "metadata",
  "max_members",
  "is_public",
  "owner_id",
  "default_role",
  "url",
  "title",
  "headers",
  "basic",
  "__proto__",
];

/**
 * A request of HTTP: nearly good, with a body or not, or with bytes that were changed. `credentials`: what it shows now
 * and then in `Authorization`.
 */
export function fuzzedRequest(random: Random, credentials: readonly string[] = ["Bearer x"]): Buffer {
  const query = Array.from(
    { length: random.below(4) },
    () => `${random.pick(PARAMETERS)}${random.pick(["=", "", "[]=", "[__proto__]="])}${random.pick(VALUES)}`,
  ).join("&");
  const body = random.chance(0.5) ? bodyOf(random) : Buffer.alloc(0);
  const lines = [
    `${random.pick(METHODS)} ${random.pick(PATHS)}${query === "" ? "" : `?${query}`} HTTP/1.1`,
    "host: fuzz",
    `content-type: ${random.pick(MEDIA_TYPES)}`,
    `accept: ${random.pick(["*/*", "text/csv", "application/json;q=2", ";;;", "x/y", ""])}`,
    random.chance(0.9) ? `content-length: ${body.byteLength}` : "transfer-encoding: chunked",
    ...(random.chance(0.1) ? [`query-id: ${random.pick(VALUES)}`] : []),
    ...(random.chance(0.1) ? ["origin: http://evil.example"] : []),
    ...(random.chance(0.1) ? [`x-forwarded-for: ${random.pick(VALUES)}, 192.0.2.${random.below(300)}`] : []),
    ...(random.chance(credentials.length > 1 ? 0.7 : 0.1)
      ? [`authorization: ${random.pick(credentials)}`]
      : []),
    ...(random.chance(0.05)
      ? ["connection: upgrade", "upgrade: websocket", "sec-websocket-version: 13"]
      : []),
  ];
  const request = Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1"), body]);
  return random.chance(0.1) ? flipped(request, random) : request;
}

function bodyOf(random: Random): Buffer {
  switch (random.below(4)) {
    case 0:
      return randomBytes(random.below(200), random);
    case 1:
      return Buffer.from(`query=${random.pick(VALUES)}&${random.pick(PARAMETERS)}=x`);
    case 2:
      return Buffer.from(JSON.stringify(hostile(random)) ?? "");
    default: {
      const keys = Array.from({ length: random.below(6) }, () => random.pick(BODY_KEYS) ?? "");
      return Buffer.from(`{${keys.map((key) => `"${key}":${JSON.stringify(hostile(random))}`).join(",")}}`);
    }
  }
}
