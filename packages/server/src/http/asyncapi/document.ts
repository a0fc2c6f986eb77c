import { SUBPROTOCOLS, WIRE_LIMITS } from "@sparql-live/protocol";
import { type DescribedMessage, type DescribedMessages, type JsonSchema, SHARED_PATH } from "./messages.js";

/** A media type for each subprotocol: the same messages as JSON in text frames and as MessagePack in binary ones. */
export const CONTENT_TYPES = {
  "sparql-live.v1.json": "application/json",
  "sparql-live.v1.msgpack": "application/vnd.msgpack",
} as const satisfies Record<(typeof SUBPROTOCOLS)[number], string>;

const ID = { type: "string", maxLength: WIRE_LIMITS.maxIdCharacters } as const;

const BINDINGS = {
  ws: {
    method: "GET",
    query: {
      type: "object",
      properties: {
        user_id: {
          ...ID,
          description:
            "In the open mode; without one each connection is a guest of its own. Else users show a token: in the " +
            "header Authorization, with `authenticate`, or as a ticket.",
        },
        user_name: ID,
        ticket: { type: "string", description: "Of POST /api/ws/tickets; good once." },
        acks: {
          enum: ["true", "false"],
          description: "Whether the client acknowledges what is queued for it.",
        },
      },
    },
    headers: {
      type: "object",
      properties: {
        "Sec-WebSocket-Protocol": {
          enum: SUBPROTOCOLS,
          description: "Without one the messages are JSON.",
        },
      },
    },
    bindingVersion: "0.1.0",
  },
} as const;

const CHANNELS = {
  query: {
    address: "/api/ws/query",
    title: "A connection",
    description: "Queries, terms and endpoints; and rooms, as many as the client joins.",
  },
  room: {
    address: "/api/ws/room/{room_id}",
    title: "A connection that joins a room at once",
    description: "All messages may be sent here too. A missing room is made where the server allows it.",
    parameters: {
      room_id: {
        description: `1 to ${WIRE_LIMITS.maxIdCharacters} letters, digits, "_" and "-".`,
        examples: ["lab"],
      },
    },
  },
} as const;

const DESCRIPTION =
  "Ask a knowledge graph in plain language or SPARQL and watch the answer come, together. The rules (in which " +
  "order messages come, what happens when something goes wrong) are in PROTOCOL.md. HTTP is described by the " +
  "OpenAPI document at `/docs`.";

const ROLES = {
  receive: { from: "client", summary: "What clients send." },
  send: { from: "server", summary: "What the server sends." },
} as const;

export interface ServerAddress {
  /** With its port. */
  readonly host: string;
  readonly isSecure: boolean;
  /** Where the application is mounted, without a slash at the end. */
  readonly prefix: string;
}

/** The AsyncAPI 3.0 document of the WebSockets, from the server's point of view. */
export function asyncApiDocument(
  { messages, shared }: DescribedMessages,
  version: string,
  { host, isSecure, prefix }: ServerAddress,
): JsonSchema {
  const variants = messages.flatMap((message) =>
    Object.values(CONTENT_TYPES).map((contentType) => ({ message, contentType })),
  );
  const references = Object.fromEntries(
    variants.map(({ message, contentType }) => {
      const name = nameOf(message, contentType);
      return [name, { $ref: `#/components/messages/${name}` }];
    }),
  );
  return {
    asyncapi: "3.0.0",
    info: { title: "sparql-live", version, description: DESCRIPTION, license: { name: "MIT" } },
    defaultContentType: CONTENT_TYPES["sparql-live.v1.json"],
    servers: {
      this: {
        host,
        protocol: isSecure ? "wss" : "ws",
        ...(prefix === "" ? {} : { pathname: prefix }),
        description: "The server that this document was asked of.",
      },
    },
    channels: Object.fromEntries(
      Object.entries(CHANNELS).map(([name, channel]) => [
        name,
        { ...channel, messages: references, bindings: BINDINGS },
      ]),
    ),
    operations: operationsOf(variants),
    components: {
      correlationIds: {
        request: {
          description: "A reply has the correlation_id of its request, else its message_id.",
          location: "$message.payload#/correlation_id",
        },
      },
      messages: Object.fromEntries(
        variants.map(({ message, contentType }) => [
          nameOf(message, contentType),
          {
            name: message.type,
            title: message.type,
            summary: message.summary,
            contentType,
            correlationId: { $ref: "#/components/correlationIds/request" },
            payload: { $ref: SHARED_PATH + schemaNameOf(message) },
          },
        ]),
      ),
      schemas: {
        ...Object.fromEntries(shared),
        ...Object.fromEntries(messages.map((message) => [schemaNameOf(message), message.schema])),
      },
    },
  };
}

interface Variant {
  readonly message: DescribedMessage;
  readonly contentType: string;
}

function operationsOf(variants: readonly Variant[]): JsonSchema {
  const operations: Record<string, unknown> = {};
  for (const channel of Object.keys(CHANNELS)) {
    for (const [action, { from, summary }] of Object.entries(ROLES)) {
      operations[`${action}.${channel}`] = {
        action,
        summary,
        channel: { $ref: `#/channels/${channel}` },
        messages: variants
          .filter(({ message }) => message.from === from)
          .map(({ message, contentType }) => ({
            $ref: `#/channels/${channel}/messages/${nameOf(message, contentType)}`,
          })),
      };
    }
  }
  return operations;
}

/** Unlike types, unique: some types go both ways. */
function nameOf(message: DescribedMessage, contentType: string): string {
  const codec = contentType === CONTENT_TYPES["sparql-live.v1.json"] ? "json" : "msgpack";
  return `${schemaNameOf(message)}.${codec}`;
}

function schemaNameOf({ from, type }: DescribedMessage): string {
  return `${from}.${type}`;
}
