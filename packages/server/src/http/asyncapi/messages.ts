import type { ClientMessageType, ServerMessageType } from "@sparql-live/protocol";
import { CLIENT_PAYLOADS, Envelope, SERVER_PAYLOADS } from "@sparql-live/protocol/schemas";
import type { TSchema } from "typebox";
import { CLIENT_SUMMARIES, SERVER_SUMMARIES } from "./summaries.js";

/** A JSON Schema as plain data. */
export type JsonSchema = Readonly<Record<string, unknown>>;

export interface DescribedMessage {
  readonly from: "client" | "server";
  readonly type: string;
  readonly summary: string;
  /** Of the whole message, envelope included. References lead to `SHARED`. */
  readonly schema: JsonSchema;
  readonly payload: JsonSchema;
}

export const SHARED_PATH = "#/components/schemas/";

export interface DescribedMessages {
  readonly messages: readonly DescribedMessage[];
  /** Schemas that messages refer to, by name. */
  readonly shared: ReadonlyMap<string, JsonSchema>;
}

/** Every message of the protocol, from the schemas that check them. */
export function describeMessages(): DescribedMessages {
  const shared = new Map<string, JsonSchema>();
  const describe = (
    from: DescribedMessage["from"],
    payloads: Readonly<Record<string, TSchema>>,
    summaries: Readonly<Record<string, string>>,
  ) =>
    Object.entries(payloads).map(([type, schema]): DescribedMessage => {
      const payload = plainSchema(schema, shared);
      const summary = summaries[type] ?? "";
      return { from, type, summary, payload, schema: messageSchema(from, type, payload) };
    });
  const messages = [
    ...describe("client", CLIENT_PAYLOADS, CLIENT_SUMMARIES satisfies Record<ClientMessageType, string>),
    ...describe("server", SERVER_PAYLOADS, SERVER_SUMMARIES satisfies Record<ServerMessageType, string>),
  ];
  return { messages, shared };
}

/** Of what a client sends only the type is required, and the payload where it has members that are. */
function messageSchema(from: DescribedMessage["from"], type: string, payload: JsonSchema): JsonSchema {
  const required = from === "server" ? ["type", "message_id", "timestamp", "payload"] : ["type"];
  if (from === "client" && Array.isArray(payload.required)) required.push("payload");
  const { properties } = plainSchema(Envelope, new Map()) as { properties: Record<string, unknown> };
  return {
    type: "object",
    required,
    properties: { ...properties, type: { const: type }, payload },
  };
}

/**
 * AsyncAPI 3.0 speaks JSON Schema draft 7, and resolves references from the root of the document: definitions of a
 * schema's own go into `shared`.
 */
function plainSchema(schema: TSchema, shared: Map<string, JsonSchema>): JsonSchema {
  // What is no data (how the library checks it) falls away.
  return convert(JSON.parse(JSON.stringify(schema)), shared) as JsonSchema;
}

function convert(value: unknown, shared: Map<string, JsonSchema>): unknown {
  if (Array.isArray(value)) return value.map((item) => convert(item, shared));
  if (typeof value !== "object" || value === null) return value;
  const { $defs, $id: _, ...rest } = value as Record<string, unknown>;
  if (typeof $defs === "object" && $defs !== null) {
    for (const [name, definition] of Object.entries($defs)) {
      shared.set(name, convert(definition, shared) as JsonSchema);
    }
  }
  const members = Object.entries(rest).map(([name, inner]) => [
    name,
    name === "$ref" ? SHARED_PATH + String(inner) : convert(inner, shared),
  ]);
  return Object.fromEntries(members);
}
