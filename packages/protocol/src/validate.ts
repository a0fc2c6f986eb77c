import type { Static, TSchema } from "typebox";
import { Compile } from "typebox/compile";
import { ProtocolFailure, type Violation } from "./failures.js";
import type { ClientMessage, ServerMessage } from "./messages.js";
import { CLIENT_PAYLOADS, Envelope, type EnvelopeFields, SERVER_PAYLOADS } from "./schemas/index.js";

/** How many places of a misfit are told; a hostile message may have as many as it has bytes. */
const MAX_VIOLATIONS = 8;

const envelope = Compile(Envelope);
const clientPayloads = compileAll(CLIENT_PAYLOADS);
const serverPayloads = compileAll(SERVER_PAYLOADS);

/**
 * A decoded frame as a typed message of a client.
 *
 * Members that are `null` count as absent and a missing payload as an empty one: clients that serialise records
 * write nulls for what they leave out.
 *
 * Throws `ProtocolFailure`: `bad_message` where it is no object with a string `type`; `unknown_type`;
 * `invalid_message` with the places that do not fit.
 */
export function parseClientMessage(value: unknown): ClientMessage {
  return parse(value, clientPayloads, withoutNulls) as ClientMessage;
}

/** A type of message that an application adds to the protocol, with the schema of its payload. */
export interface MessageDefinition<T extends string = string, S extends TSchema = TSchema> {
  readonly type: T;
  readonly payload: S;
}

/** A message of an added type, as a handler gets it. */
export type MessageOfDefinition<D extends MessageDefinition> = Omit<EnvelopeFields, "type" | "payload"> & {
  readonly type: D["type"];
  readonly payload: Static<D["payload"]>;
};

/**
 * A type of an application's own: `payload` is the schema (TypeBox) of an object, which checks what comes and types
 * what is handled and sent. Throws a `TypeError` where the type is one of the protocol's own.
 */
export function defineMessage<const T extends string, S extends TSchema>(
  type: T,
  payload: S,
): MessageDefinition<T, S> {
  if (clientPayloads.has(type) || serverPayloads.has(type)) {
    throw new TypeError(
      `"${type}" is a type of the protocol; name yours otherwise, for example "acme.${type}".`,
    );
  }
  return { type, payload };
}

/** A message of the protocol, or of a type that was added. */
export type ParsedMessage = ClientMessage | MessageOfDefinition<MessageDefinition>;

export interface MessageParser {
  /** As `parseClientMessage`, and messages of the added types too. */
  parse(value: unknown): ParsedMessage;
  /** Throws where another definition of the type was added. */
  add(definition: MessageDefinition): void;
}

export function createMessageParser(): MessageParser {
  const payloads = new Map(clientPayloads);
  const added = new Map<string, MessageDefinition>();
  return {
    parse: (value) => parse(value, payloads, withoutNulls) as ParsedMessage,
    add(definition) {
      const before = added.get(definition.type);
      if (before === definition) return;
      if (before !== undefined || payloads.has(definition.type)) {
        throw new TypeError(`There is another definition of the message type "${definition.type}" already.`);
      }
      added.set(definition.type, definition);
      payloads.set(definition.type, Compile(definition.payload));
    },
  };
}

/**
 * The same for messages of a server; used by clients that want to check what they get, and by tests. In its
 * payloads `null` is a value: no results, no user yet.
 */
export function parseServerMessage(value: unknown): ServerMessage {
  return parse(value, serverPayloads, (payload) => ({ ...payload })) as ServerMessage;
}

type Validator = ReturnType<typeof Compile>;

function compileAll(schemas: Readonly<Record<string, TSchema>>): ReadonlyMap<string, Validator> {
  return new Map(Object.entries(schemas).map(([type, schema]) => [type, Compile(schema)]));
}

function parse(
  value: unknown,
  payloads: ReadonlyMap<string, Validator>,
  readPayload: (payload: object) => Record<string, unknown>,
): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new ProtocolFailure("bad_message", 'A message is an object such as {"type": "ping"}.');
  }
  const message = withoutNulls(value);
  if (typeof message.type !== "string") {
    throw new ProtocolFailure("bad_message", "A message needs a `type`, a string.");
  }
  const payload = payloads.get(message.type);
  if (payload === undefined) {
    throw new ProtocolFailure("unknown_type", `There is no message type "${message.type.slice(0, 64)}".`, [
      { path: "/type", message: `must be one of ${[...payloads.keys()].join(", ")}` },
    ]);
  }
  const inner = message.payload ?? {};
  message.payload = typeof inner === "object" && !Array.isArray(inner) ? readPayload(inner) : inner;
  check(envelope, message, "");
  check(payload, message.payload, "/payload");
  return message;
}

function withoutNulls(value: object): Record<string, unknown> {
  // Of every message twice: the long way is three times the work, and hardly any has one.
  if (!Object.values(value).includes(null)) return { ...value };
  return Object.fromEntries(Object.entries(value).filter(([, inner]) => inner !== null));
}

function check(validator: Validator, value: unknown, at: string): void {
  if (validator.Check(value)) return;
  const violations: Violation[] = [];
  for (const error of validator.Errors(value)) {
    if (violations.length === MAX_VIOLATIONS) break;
    violations.push({ path: `${at}${error.instancePath}`, message: error.message });
  }
  const first = violations[0];
  throw new ProtocolFailure(
    "invalid_message",
    first === undefined ? "The message does not fit its type." : `${first.path || "/"}: ${first.message}`,
    violations,
  );
}
