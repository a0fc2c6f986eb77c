import type { ServerMessage, ServerPayloads } from "@sparql-live/protocol";
import type { SparqlLiveError } from "../errors.js";

type Entrance = ServerPayloads["join_room"];
export type Role = Entrance["role"];
export type Cursor = ServerPayloads["cursor_position"];

/** One connection of a user in the room. The role is not told of who came later. */
export type Member = Omit<Entrance["members"][number], "role"> & { readonly role?: Role };

export type RoomStatus =
  | { readonly kind: "joining" }
  | { readonly kind: "joined" }
  /** The connection is lost, or what was missed is on its way. */
  | { readonly kind: "recovering" }
  /** `reason`: as the server said it (`requested`, `kicked`, `banned`, `deleted`), or the code of what went wrong. */
  | { readonly kind: "left"; readonly reason: string; readonly error?: SparqlLiveError };

/** A room as it is now. Each change is a new object; what did not change in it is the same. */
export interface RoomView {
  readonly status: RoomStatus;
  /** Name, owner, runs, the own `role` and more, as they were told last; `null` before. */
  readonly info: Omit<Entrance, "members" | "member_count"> | null;
  readonly memberCount: number;
  readonly members: readonly Member[];
  /** Who types. */
  readonly typing: readonly ServerPayloads["typing_indicator"][];
  /** One of each connection, the latest. */
  readonly cursors: readonly Cursor[];
}

export const EMPTY_VIEW: RoomView = {
  status: { kind: "joining" },
  info: null,
  memberCount: 0,
  members: [],
  typing: [],
  cursors: [],
};

/** The view of a user after a message about who is in the room and what they do. */
export function viewAfter(view: RoomView, message: ServerMessage, ownId: string): RoomView {
  switch (message.type) {
    case "join_room":
    case "room_state":
      return entered(view, message.payload);
    case "user_joined": {
      const { room_id: _, member_count: memberCount, ...member } = message.payload;
      return { ...view, memberCount, members: [...without(view.members, member), member] };
    }
    case "user_left": {
      const { payload } = message;
      return {
        ...view,
        memberCount: payload.member_count,
        members: without(view.members, payload),
        typing: without(view.typing, payload),
        cursors: without(view.cursors, payload),
      };
    }
    case "typing_indicator": {
      const { payload } = message;
      const others = without(view.typing, payload);
      return { ...view, typing: payload.is_typing ? [...others, payload] : others };
    }
    case "cursor_position":
      return { ...view, cursors: [...without(view.cursors, message.payload), message.payload] };
    case "room_member_update": {
      const { user_id: userId, action, role } = message.payload;
      if (action !== "role" || role === undefined) return view;
      const members = view.members.map((member) =>
        member.user_id === userId ? { ...member, role } : member,
      );
      const { info } = view;
      return { ...view, members, info: info !== null && userId === ownId ? { ...info, role } : info };
    }
    default:
      return view;
  }
}

function entered(view: RoomView, { members, member_count: memberCount, ...info }: Entrance): RoomView {
  const present = new Set(members.map(({ connection_id }) => connection_id));
  const isPresent = ({ connection_id: id }: { readonly connection_id: string }) => present.has(id);
  return {
    ...view,
    info,
    memberCount,
    members,
    typing: view.typing.filter(isPresent),
    cursors: view.cursors.filter(isPresent),
  };
}

interface OfConnection {
  readonly connection_id: string;
}

function without<T extends OfConnection>(
  items: readonly T[],
  { connection_id: id }: OfConnection,
): readonly T[] {
  const others = items.filter((item) => item.connection_id !== id);
  return others.length === items.length ? items : others;
}
