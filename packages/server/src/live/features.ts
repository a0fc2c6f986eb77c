import type { Limits } from "../live-options.js";

/** What a server may or may not have, as `connection_ack` tells it. */
export type Feature =
  | "query"
  | "stream"
  | "cancel"
  | "terms"
  | "endpoints"
  | "rooms"
  | "documents"
  | "resume";

export function featuresOf(hasEngine: boolean, { enableRooms }: Limits): readonly Feature[] {
  return [
    ...(hasEngine ? (["query", "stream", "cancel", "terms", "endpoints"] as const) : []),
    ...(enableRooms ? (["rooms", "documents"] as const) : []),
    "resume",
  ];
}
