import type { IncomingMessage } from "node:http";
import { WIRE_LIMITS } from "@sparql-live/protocol";
import type { Newcomer } from "../live-options.js";

/** `null` for what is no URL: nothing that a client must not send keeps it from sending it. */
export function urlOf({ url }: IncomingMessage): URL | null {
  try {
    return new URL(url ?? "/", "http://localhost");
  } catch {
    return null;
  }
}

/** What an address leads to; `null`: to nothing. */
export function placeOf(path: string): Pick<Newcomer, "roomId"> | null {
  if (path === "/api/ws/query") return {};
  const roomId = /^\/api\/ws\/room\/([^/]+)$/.exec(path)?.[1];
  return roomId === undefined ? null : { roomId };
}

/** Who an address says that comes; `null` where its parameters are too long. */
export function newcomerOf({ searchParams }: URL): Newcomer | null {
  const userId = searchParams.get("user_id") ?? "";
  const userName = searchParams.get("user_name") ?? "";
  if (Math.max(userId.length, userName.length) > WIRE_LIMITS.maxIdCharacters) return null;
  return {
    ...(userId === "" ? {} : { userId }),
    ...(userName === "" ? {} : { userName }),
    acknowledges: searchParams.get("acks") === "true",
  };
}

export function offeredProtocols({ headers }: IncomingMessage): string[] {
  return headers["sec-websocket-protocol"]?.split(",").map((name) => name.trim()) ?? [];
}
