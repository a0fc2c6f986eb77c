import { ADMIN_ACTIONS } from "@sparql-live/protocol/admin";
import { CLIENT_PAYLOADS } from "@sparql-live/protocol/schemas";
import type { Random } from "./random.js";

/** As much of a JSON Schema as the messages of clients use. */
interface Shape {
  readonly type?: string;
  readonly const?: unknown;
  readonly anyOf?: readonly Shape[];
  readonly properties?: Readonly<Record<string, Shape>>;
  readonly required?: readonly string[] | undefined;
  readonly items?: Shape;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxLength?: number;
}

type Json = Record<string, unknown>;

const TYPES = Object.entries(CLIENT_PAYLOADS as Readonly<Record<string, Shape>>);
const ACTIONS = Object.entries(ADMIN_ACTIONS as Readonly<Record<string, Shape>>).filter(
  ([action]) => action !== "drain",
);
/** These cost a worker's time: that of others would be told apart from theirs no more. */
const RARE: ReadonlySet<string> = new Set(["query_request", "query_attach"]);

const NAMES = ["red", "green", "blue", "__proto__", "constructor", "toString", "a", "q", ""] as const;
const QUERIES = [
  "SELECT * { ?s ?p ?o }",
  "ASK {}",
  "SELECT * { ?s ?p ?o } ORDER BY RAND() LIMIT 3",
  "CONSTRUCT WHERE { ?s ?p ?o }",
  "SELECT (COUNT(*) AS ?n) { ?s ?p* ?o }",
  'SELECT ?x { VALUES ?x { 1 "a"@en <x:y> UNDEF } FILTER(?x',
  "DELETE WHERE { ?s ?p ?o }",
  "SELECT * { SERVICE <http://127.0.0.1/> { ?s ?p ?o } }",
  "",
] as const;
const UPDATES = ["AAA=", "AQEBAAQBAXQBYQA=", "AQE=", "AAABAQEB", "!", ""] as const;

/** Values of members that mean something, so that more is reached than the checks. */
const MEANINGS: ReadonlyMap<string, readonly unknown[]> = new Map<string, readonly unknown[]>([
  ["room_id", NAMES],
  ["query_id", NAMES],
  ["message_id", NAMES],
  ["user_id", NAMES],
  ["sparql", QUERIES],
  ["natural_language", ["all", "How many things are there?", "?", "\u0000", "x ".repeat(900)]],
  ["update", UPDATES],
]);

/** A message of any type that fits its schema, or nearly. */
export function validMessage(random: Random): Json {
  let [type, shape] = random.pick(TYPES) ?? ["ping", {}];
  if (RARE.has(type) && random.chance(0.7)) [type, shape] = ["ping", {}];
  const message: Json = { type, payload: valueFor(shape, random) };
  if (random.chance(0.5)) message.message_id = `m${random.below(1_000)}`;
  if (random.chance(0.1)) message.correlation_id = random.pick(NAMES);
  return message;
}

/** What an admin may ask for, or nearly, but for the end of the server. */
export function adminRequest(random: Random): Json {
  const [action, shape] = random.pick(ACTIONS) ?? ["get_metrics", {}];
  return { action, ...objectOf(shape, random) };
}

/** The same with one to three places of it replaced, removed, renamed or added to. */
export function mutated(message: Json, random: Random): Json {
  for (let left = 1 + random.below(3); left > 0; left--) {
    const place = placeIn(message, random);
    const key = random.pick(Object.keys(place));
    const name = Array.isArray(place) ? `${place.length}` : (random.pick(NAMES) ?? "");
    const how = random.below(6);
    if (key === undefined || how === 0) define(place, name, hostile(random));
    else if (how === 1) delete place[key];
    else if (how === 2) define(place, name, place[key]);
    else define(place, key, hostile(random));
  }
  return message;
}

/** A value that programs trip over. */
export function hostile(random: Random): unknown {
  switch (random.below(14)) {
    case 0:
      return null;
    case 1:
      return random.pick([true, false]);
    case 2:
      return random.pick([0, -0, -1, 1, 0.5, 2 ** 31, 2 ** 32, 2 ** 53, -(2 ** 63), 1e308, 5e-324]);
    case 3:
      return random.pick([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]);
    case 4:
      return random.pick(["", " ", "\u0000", "\ud800", "\udfff\ud800", "\u202e", "\ufeff", "💥"]);
    case 5:
      return random.pick(NAMES);
    case 6:
      return "x".repeat(random.below(2_000));
    case 7:
      return Array.from({ length: random.below(200) }, (_, index) => index);
    case 8:
      return nested(random.below(60));
    case 9:
      return Object.fromEntries(
        Array.from({ length: random.below(200) }, (_, index) => [`k${index}`, index]),
      );
    case 10:
      return JSON.parse(
        '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"toString":1}',
      );
    case 11:
      return [];
    case 12:
      return {};
    default:
      return new Uint8Array(random.below(100));
  }
}

function nested(levels: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < levels; level++) value = level % 2 === 0 ? [value] : { in: value };
  return value;
}

function valueFor(shape: Shape, random: Random): unknown {
  if (shape.const !== undefined) return shape.const;
  if (shape.anyOf !== undefined) return valueFor(random.pick(shape.anyOf) ?? {}, random);
  switch (shape.type) {
    case "object":
      return objectOf(shape, random);
    case "array":
      return Array.from({ length: random.below(4) }, () => valueFor(shape.items ?? {}, random));
    case "string":
      return "s".repeat(random.below(Math.min(shape.maxLength ?? 20, 20)));
    case "boolean":
      return random.chance(0.5);
    case "integer":
    case "number": {
      const { minimum = 0, maximum = 1_000 } = shape;
      return random.pick([minimum, maximum, minimum + random.below(Math.min(maximum - minimum, 100) + 1)]);
    }
    default:
      return random.chance(0.5) ? hostile(random) : random.below(10);
  }
}

function objectOf({ properties = {}, required = [] }: Shape, random: Random): Json {
  const object: Json = {};
  for (const [key, shape] of Object.entries(properties)) {
    if (!required.includes(key) && random.chance(0.5)) continue;
    const meanings = MEANINGS.get(key);
    define(object, key, meanings === undefined ? valueFor(shape, random) : random.pick(meanings));
  }
  return object;
}

/** An object or array somewhere in the message, itself included. */
function placeIn(message: Json, random: Random): Json {
  let place = message;
  while (random.chance(0.7)) {
    const inner = Object.values(place).filter(isJson);
    const next = random.pick(inner);
    if (next === undefined) break;
    place = next;
  }
  return place;
}

function isJson(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !(value instanceof Uint8Array);
}

/** Own members alone: fuzzing must not change prototypes here either. */
function define(object: Json, key: string, value: unknown): void {
  Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
}
