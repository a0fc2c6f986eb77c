import type { Codec, ServerMessage } from "@sparql-live/protocol";
import type { MetricsSnapshot } from "@sparql-live/protocol/admin";
import { jsonCodec } from "../json-codec.js";

/** What the endpoint sends, as far as it is told apart by its type. Answers are told apart by what they answer. */
export type AdminMessage =
  | Extract<
      ServerMessage,
      { readonly type: "error_message" | "validation_error" | "ping" | "heartbeat" | "server_draining" }
    >
  | { readonly type: "metrics"; readonly correlation_id?: string; readonly payload: MetricsSnapshot };

const SIGNS: ReadonlySet<string> = new Set(["ping", "pong"]);

/** The endpoint takes an action with what it needs beside it, and signs of life as everywhere. */
export const adminCodec: Codec = {
  ...jsonCodec,
  encode({ type, payload, ...framing }) {
    if (SIGNS.has(type)) return JSON.stringify({ ...framing, type });
    const { message_id: id } = framing;
    return JSON.stringify({ ...Object(payload), action: type, message_id: id });
  },
};
