import { randomBytes } from "node:crypto";
import { ProtocolFailure } from "@sparql-live/protocol";
import type { Peer } from "../peer.js";
import { isAllowed } from "../policy.js";
import type { Room } from "./room.js";

/** `make`: where there is none. `rotate`: another one, and the one before is good no more. `revoke`: none. */
type InviteAction = "make" | "rotate" | "revoke";

/** 128 bits: not to be guessed. */
export function newInvite(): string {
  return randomBytes(16).toString("base64url");
}

/**
 * Changes what lets others into a private room, stores it, and tells those who may invite; who is in stays in. Throws
 * `bad_request` for a public room.
 */
export async function changeInvite(
  room: Room,
  action: InviteAction,
  { asker, correlationId }: { readonly asker: Peer; readonly correlationId: string | undefined },
): Promise<void> {
  if (room.record.isPublic) {
    throw new ProtocolFailure("bad_request", "A public room needs no invitation: anybody may join it.");
  }
  await room.change((record) => ({ invite: changedInvite(record.invite, action) }));
  const told = { room_id: room.id, invite: room.record.invite };
  for (const peer of room.fanOut.members) {
    if (!isAllowed("invite", room.roleOf(peer.user.id))) continue;
    peer.send("room_invite", told, peer === asker ? { correlationId } : {});
  }
}

function changedInvite(invite: string | null, action: InviteAction): string | null {
  switch (action) {
    case "make":
      return invite ?? newInvite();
    case "rotate":
      return newInvite();
    case "revoke":
      return null;
  }
}
