import { LIMITS } from "@sparql-live/engine/limits";
import Type, { type Static, type TSchema } from "typebox";
import { SERVER_LIMITS } from "../limits.js";

/** One setting: what it may be, what it is when nobody says so, and the words for `--help` and the docs. */
export interface SettingDefinition<S extends TSchema = TSchema> {
  readonly schema: S;
  readonly default: Static<S>;
  readonly help: string;
  /** What is allowed, in words, for the error. */
  readonly allowed: string;
  /** Stands for the value in `--help`; absent for switches. */
  readonly placeholder?: string;
  /** How the text of a flag or an environment variable is read. */
  readonly kind: "text" | "number" | "switch" | "list" | "json";
  /** Its value is not told, not even in an error. Default `false`. */
  readonly isSecret?: boolean;
}

function text<S extends TSchema>(
  schema: S,
  fallback: Static<S>,
  placeholder: string,
  allowed: string,
  help: string,
) {
  return { schema, default: fallback, placeholder, allowed, help, kind: "text" } as const;
}

function whole(minimum: number, maximum: number, fallback: number, placeholder: string, help: string) {
  const schema = Type.Integer({ minimum, maximum });
  const allowed = `a whole number from ${minimum} to ${maximum}`;
  return { schema, default: fallback, placeholder, allowed, help, kind: "number" } as const;
}

function onOff(fallback: boolean, help: string) {
  return {
    schema: Type.Boolean(),
    default: fallback,
    allowed: "true or false",
    help,
    kind: "switch",
  } as const;
}

function list<S extends TSchema>(item: S, placeholder: string, allowed: string, help: string) {
  const schema = Type.Array(item);
  return { schema, default: [] as Static<S>[], placeholder, allowed, help, kind: "list" } as const;
}

function json<S extends TSchema>(schema: S, fallback: Static<S>, allowed: string, help: string) {
  return { schema, default: fallback, placeholder: "<json>", allowed, help, kind: "json" } as const;
}

const HttpUrl = Type.String({ pattern: "^https?://[^\\s/]+(/\\S*)?$" });
const Iri = Type.String({ pattern: '^[A-Za-z][A-Za-z0-9+.-]*:[^\\s<>"{}|\\\\^`]+$' });
/** What it is exactly the engine checks. */
const Network = Type.String({ pattern: "^[A-Za-z0-9_.:-]+(/[0-9]{1,3})?$" });
const Origin = Type.String({ pattern: "^https?://[^\\s/]+$" });
/** Visible ASCII, so that it fits in a header. */
const AdminKey = Type.String({
  pattern: `^[!-~]{${SERVER_LIMITS.minAdminKeyCharacters},${SERVER_LIMITS.maxAdminKeyCharacters}}$`,
});

const SecretKey = Type.String({ minLength: SERVER_LIMITS.minSecretKeyCharacters, maxLength: 1_024 });
const TierLimits = Type.Object(
  {
    ratePerMinute: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000_000 })),
    parallelQueries: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000 })),
    maxRows: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000 })),
  },
  { additionalProperties: false },
);

const Name = Type.String({ pattern: "^[A-Za-z0-9_-]{1,64}$" });
const Shares = Type.Record(Name, Type.Integer({ minimum: 1, maximum: 1_000_000 }), {
  minProperties: 1,
  maxProperties: SERVER_LIMITS.variantsCount,
  additionalProperties: false,
});

/** An entry of the registry, as it may stand in the configuration file. */
const EndpointSetting = Type.Union([
  HttpUrl,
  Type.String({ pattern: "^[A-Za-z0-9_-]{1,64}=https?://\\S+$" }),
  Type.Object(
    {
      id: Type.String({ pattern: "^[A-Za-z0-9_-]{1,64}$" }),
      title: Type.String({ minLength: 1 }),
      description: Type.Optional(Type.String()),
      url: Type.Optional(HttpUrl),
      data: Type.Optional(Type.Array(Type.String({ minLength: 1 }), { minItems: 1 })),
      examples: Type.Optional(Type.Array(Type.String({ minLength: 1 }))),
      prefixes: Type.Optional(Type.Record(Type.String(), Type.String())),
      datasets: Type.Optional(Type.Array(Iri)),
      headers: Type.Optional(Type.Record(Type.String(), Type.String())),
      timeoutMs: Type.Optional(Type.Integer({ minimum: 1, maximum: LIMITS.maxQueryTimeoutMs })),
      probe: Type.Optional(Type.Boolean()),
      probeIntervalMs: Type.Optional(Type.Integer({ minimum: 1_000 })),
    },
    { additionalProperties: false },
  ),
]);

/**
 * Every setting, once. Names of flags (`--query-timeout-ms`), of environment variables
 * (`SPARQL_LIVE_QUERY_TIMEOUT_MS`), `--help`, the checks and the docs follow from it.
 */
export const SETTINGS = {
  port: whole(0, 65_535, 8_000, "<number>", "port to listen on; 0 takes a free one"),
  host: text(
    Type.String({ minLength: 1 }),
    "127.0.0.1",
    "<address>",
    "an address or a host name",
    "address to listen on; 0.0.0.0 lets other machines in",
  ),
  data: list(
    Type.String({ minLength: 1 }),
    "<path...>",
    "files or folders",
    "files or folders of RDF to serve as the endpoint `local`; without them the demonstration graph",
  ),
  endpoint: list(
    EndpointSetting,
    "<id=url...>",
    "http(s) addresses, id=address pairs, or (in the file) entries {id, title, url | data, …}",
    "further endpoints: addresses, each with an id in front or not; in the file also whole entries",
  ),
  dataset: list(Iri, "<iri...>", "absolute IRIs", "IRIs under which /text2sparql knows the endpoint `local`"),
  logLevel: text(
    Type.Enum(["fatal", "error", "warn", "info", "debug", "trace", "silent"]),
    "info",
    "<level>",
    "fatal, error, warn, info, debug, trace or silent",
    "least severity that is logged",
  ),
  cacheDir: text(
    Type.Union([Type.String({ minLength: 1 }), Type.Null()]),
    null,
    "<folder>",
    "a folder",
    "where profiles of endpoints are kept; without it under the user's cache folder",
  ),
  store: text(
    Type.Union([Type.String({ minLength: 1 }), Type.Null()]),
    null,
    "<memory|path>",
    '"memory", or the path of a file',
    "where rooms, their messages, documents and queues are kept; without it a file under the user's data folder",
  ),
  workers: whole(1, 64, 2, "<number>", "threads that answer queries on embedded data"),
  workerMemoryMb: whole(
    64,
    65_536,
    2_048,
    "<megabytes>",
    "memory of one such thread; above it the query fails",
  ),
  maxRows: whole(
    1,
    1_000_000,
    LIMITS.maxRows,
    "<rows>",
    "rows of one result; more are cut, and that is said",
  ),
  maxResultBytes: whole(
    1_024,
    1_073_741_824,
    LIMITS.maxResultBytes,
    "<bytes>",
    "bytes of one result; more are cut, and that is said",
  ),
  queryTimeoutMs: whole(
    1,
    LIMITS.maxQueryTimeoutMs,
    LIMITS.queryTimeoutMs,
    "<milliseconds>",
    "time that an endpoint may work on a query that names none",
  ),
  queueLength: whole(0, 100_000, 100, "<queries>", "queries that may wait for a thread; more are refused"),
  ols: text(
    Type.Union([HttpUrl, Type.Literal("off")]),
    "off",
    "<url|off>",
    'an http(s) address, or "off"',
    "OLS4 service that is asked for ontology terms, for example https://www.ebi.ac.uk/ols4",
  ),
  adHocEndpoints: onOff(false, "let clients name an endpoint by its address (endpoint_url)"),
  allowedNetworks: list(
    Network,
    "<network...>",
    "CIDR blocks such as 10.0.0.0/8, addresses, and host names without a port",
    "where endpoint_url, or a redirect of any endpoint, may lead besides the public internet",
  ),
  rewriteTypes: onOff(true, "rewrite type patterns of queries on embedded data where that is faster"),
  allowedOrigins: list(
    Origin,
    "<origin...>",
    "origins such as https://example.org",
    "origins, besides the server's own, whose pages may connect",
  ),
  compression: onOff(false, "compress messages for clients that offer it: fewer bytes for more work"),
  trustedProxies: list(
    Type.String({ pattern: "^[0-9A-Fa-f.:]+(/[0-9]{1,3})?$" }),
    "<address...>",
    "addresses, and networks such as 10.0.0.0/8",
    "proxies in front of the server whose X-Forwarded-For and X-Forwarded-Proto are believed",
  ),
  tlsCert: text(
    Type.Union([Type.String({ minLength: 1 }), Type.Null()]),
    null,
    "<path>",
    "the path of a file",
    "certificate, with its chain, as PEM; together with a key the server speaks TLS. Read again on SIGHUP",
  ),
  tlsKey: text(
    Type.Union([Type.String({ minLength: 1 }), Type.Null()]),
    null,
    "<path>",
    "the path of a file",
    "private key of the certificate, as PEM",
  ),
  logQueries: onOff(false, "log questions and queries in full; they are data of their askers"),
  adminKey: {
    ...text(
      Type.Union([AdminKey, Type.Null()]),
      null,
      "<key>",
      `${SERVER_LIMITS.minAdminKeyCharacters} to ${SERVER_LIMITS.maxAdminKeyCharacters} letters, digits and signs`,
      "proves an administrator; without it there is none. Others can read flags: use the environment or the file",
    ),
    isSecret: true,
  },
  secretKey: {
    ...text(
      Type.Union([SecretKey, Type.Null()]),
      null,
      "<key>",
      `${SERVER_LIMITS.minSecretKeyCharacters} characters or more`,
      "seals the credentials of endpoints that users register; without it a key is made in a file beside the store",
    ),
    isSecret: true,
  },
  formerSecretKeys: {
    ...list(
      SecretKey,
      "<key...>",
      `keys of ${SERVER_LIMITS.minSecretKeyCharacters} characters or more`,
      "former secret keys: what they sealed is opened, and sealed anew when it is next used",
    ),
    isSecret: true,
  },
  authIssuer: text(
    Type.Union([Type.String({ pattern: "^[!-~]{1,2048}$" }), Type.Null()]),
    null,
    "<url>",
    "the `iss` of the tokens",
    "who issues tokens; without authJwks and authJwtSecret its keys are found by OpenID Connect discovery",
  ),
  authAudience: text(
    Type.Union([Type.String({ pattern: "^[!-~]{1,2048}$" }), Type.Null()]),
    null,
    "<name>",
    "the `aud` of the tokens",
    "for whom tokens must be issued; public keys want it",
  ),
  authJwks: text(
    Type.Union([Type.String({ minLength: 1, maxLength: 2_048 }), Type.Null()]),
    null,
    "<url|file>",
    "an https address, or the path of a file",
    "public keys that tokens are signed with (JWKS; RS256, ES256, EdDSA)",
  ),
  authJwtSecret: {
    ...text(
      Type.Union([
        Type.String({
          minLength: SERVER_LIMITS.minTokenSecretBytes,
          maxLength: SERVER_LIMITS.maxTokenSecretCharacters,
        }),
        Type.Null(),
      ]),
      null,
      "<secret>",
      `${SERVER_LIMITS.minTokenSecretBytes} to ${SERVER_LIMITS.maxTokenSecretCharacters} characters`,
      "the secret that tokens are signed with (HS256). Others can read flags: use the environment or the file",
    ),
    isSecret: true,
  },
  authClockSkewS: whole(
    0,
    SERVER_LIMITS.maxClockSkewS,
    SERVER_LIMITS.clockSkewS,
    "<seconds>",
    "by how much the clock of the issuer may differ",
  ),
  authRoleClaim: text(
    Type.String({ minLength: 1, maxLength: 256 }),
    "role",
    "<claim>",
    "the name of a claim",
    'claim that makes an administrator, where it is "admin" or a list that holds it',
  ),
  authClientId: text(
    Type.Union([Type.String({ pattern: "^[!-~]{1,256}$" }), Type.Null()]),
    null,
    "<id>",
    "a client id",
    "how the issuer knows the pages that sign in (a public client, with PKCE)",
  ),
  authScopes: text(
    Type.String({ minLength: 1, maxLength: 1_024 }),
    "openid profile",
    "<scopes>",
    "names with spaces between them",
    "what pages ask of the issuer when they sign in",
  ),
  insecureOpen: onOff(false, "listen beyond this machine although nobody has to prove who they are"),
  adminKeyInAddress: onOff(
    false,
    "let the admin's key stand in the address too (?api_key=), where logs may show it",
  ),
  roleLimits: json(
    Type.Object(
      {
        guest: Type.Optional(TierLimits),
        user: Type.Optional(TierLimits),
        admin: Type.Optional(TierLimits),
      },
      { additionalProperties: false },
    ),
    {},
    'such as {"guest": {"ratePerMinute": 20, "parallelQueries": 1, "maxRows": 1000}}; also for user and admin',
    "other limits for guests, users and admins: ratePerMinute, parallelQueries, maxRows",
  ),
  experiments: json(
    Type.Record(Name, Shares, {
      maxProperties: SERVER_LIMITS.experimentsCount,
      additionalProperties: false,
    }),
    {},
    'such as {"ranking": {"old": 9, "new": 1}}: experiments, and of each the variants with their shares',
    "variants that connections are assigned to, each user always to the same",
  ),
  analyticsDays: whole(
    0,
    3_660,
    SERVER_LIMITS.analyticsDaysCount,
    "<days>",
    "days of which queries are counted by endpoint; 0 counts none",
  ),
  analyticsTexts: onOff(
    false,
    "keep the texts of questions and queries among these counts, the first of a day",
  ),
  drainGraceMs: {
    schema: Type.Union([Type.Integer({ minimum: 0, maximum: SERVER_LIMITS.maxDrainGraceMs }), Type.Null()]),
    default: null,
    placeholder: "<milliseconds>",
    allowed: `a whole number from 0 to ${SERVER_LIMITS.maxDrainGraceMs}`,
    help: `time between "not ready" and the end of service, for load balancers to see it; without it ${SERVER_LIMITS.drainGraceMs}, and 0 where the server listens on loopback`,
    kind: "number",
  },
  drainQueriesMs: whole(
    0,
    SERVER_LIMITS.maxDrainQueriesMs,
    SERVER_LIMITS.drainQueriesMs,
    "<milliseconds>",
    "time that running queries may still take when the server shuts down",
  ),
  maxEventLoopDelayMs: whole(
    0,
    600_000,
    SERVER_LIMITS.maxEventLoopDelayMs,
    "<milliseconds>",
    "delay of the event loop above which new connections and queries are refused; 0 lifts the limit",
  ),
  maxHeapBytes: whole(
    0,
    Number.MAX_SAFE_INTEGER,
    0,
    "<bytes>",
    "heap of the main thread above which new connections and queries are refused; 0 is no limit",
  ),
  maxRssBytes: whole(
    0,
    Number.MAX_SAFE_INTEGER,
    0,
    "<bytes>",
    "memory of the process above which new connections and queries are refused; 0 is no limit",
  ),
  heartbeatIntervalMs: whole(
    100,
    3_600_000,
    SERVER_LIMITS.heartbeatIntervalMs,
    "<milliseconds>",
    "time between two signs of life to each connection",
  ),
  heartbeatTimeoutMs: whole(
    200,
    7_200_000,
    SERVER_LIMITS.heartbeatTimeoutMs,
    "<milliseconds>",
    "silence after which a connection is closed",
  ),
  rateLimitPerMinute: whole(
    0,
    1_000_000,
    SERVER_LIMITS.requestsPerMinuteCount,
    "<messages>",
    "messages of one connection a minute, and as many at once; 0 lifts the limit",
  ),
  maxConnectionsPerUser: whole(
    1,
    1_000_000,
    SERVER_LIMITS.connectionsPerUserCount,
    "<number>",
    "connections that one user may have",
  ),
  maxConnectionsPerAddress: whole(
    1,
    1_000_000,
    SERVER_LIMITS.connectionsPerAddressCount,
    "<number>",
    "connections that may come from one IP address",
  ),
  maxRooms: whole(1, 10_000_000, SERVER_LIMITS.roomsCount, "<number>", "rooms that there may be"),
  maxMembersPerRoom: whole(
    1,
    1_000_000,
    SERVER_LIMITS.membersPerRoomCount,
    "<users>",
    "users in a room that names no other number",
  ),
  roomLogEntries: whole(
    1,
    1_000_000,
    SERVER_LIMITS.roomLogs.maxEntriesCount,
    "<messages>",
    "messages and updates that each room keeps; the oldest go first",
  ),
  roomLogHours: whole(1, 87_600, 24, "<hours>", "how long a room keeps each of them"),
  historyRuns: whole(
    1,
    100_000,
    SERVER_LIMITS.historyRunsCount,
    "<runs>",
    "queries remembered of each room, and of each user outside rooms",
  ),
  historyDays: whole(1, 36_500, 90, "<days>", "how long a query is remembered"),
  mailboxMessages: whole(
    1,
    100_000,
    SERVER_LIMITS.queueEntriesCount,
    "<messages>",
    "messages that wait for a user who is away",
  ),
  mailboxDays: whole(1, 3_650, 7, "<days>", "how long such a message waits"),
  makeRooms: onOff(true, "make a missing room for whoever opens its address"),
  presenceGraceMs: whole(
    0,
    3_600_000,
    SERVER_LIMITS.presenceGraceMs,
    "<milliseconds>",
    "how long a connection that was lost stays a member of its rooms",
  ),
  resumeWindowMs: whole(
    1,
    86_400_000,
    SERVER_LIMITS.resumeWindowMs,
    "<milliseconds>",
    "how long a connection that was lost may come back",
  ),
} as const satisfies Record<string, SettingDefinition>;

export type SettingName = keyof typeof SETTINGS;

export type Settings = { readonly [N in SettingName]: Static<(typeof SETTINGS)[N]["schema"]> };

export const SETTING_NAMES = Object.keys(SETTINGS) as SettingName[];

/** `queryTimeoutMs` → `--query-timeout-ms`. */
export function flagOf(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** `queryTimeoutMs` → `SPARQL_LIVE_QUERY_TIMEOUT_MS`. */
export function envOf(name: string): string {
  return `SPARQL_LIVE_${name.replace(/[A-Z]/g, "_$&").toUpperCase()}`;
}
