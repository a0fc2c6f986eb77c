import type { IncomingMessage } from "node:http";
import { WIRE_LIMITS } from "@sparql-live/protocol";
import type { Newcomer } from "../live-options.js";
import { bearerOf } from "./admin-key.js";

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

/** What an address may say where users have to prove who they are. */
export function strangerOf({ searchParams }: URL): Newcomer {
  return { acknowledges: searchParams.get("acks") === "true" };
}

/** By what somebody proves who it is already with the upgrade. A token is never read from an address. */
export type Credential =
  | { readonly kind: "token"; readonly token: string }
  | { readonly kind: "ticket"; readonly ticket: string };

export function credentialOf({ headers }: IncomingMessage, url: URL | null): Credential | null {
  const token = bearerOf({ headers });
  if (token !== undefined) return { kind: "token", token };
  const ticket = url?.searchParams.get("ticket") ?? null;
  return ticket === null ? null : { kind: "ticket", ticket };
}

export function offeredProtocols({ headers }: IncomingMessage): string[] {
  return headers["sec-websocket-protocol"]?.split(",").map((name) => name.trim()) ?? [];
}
