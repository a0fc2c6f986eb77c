import type { Connection } from "../../realtime/connection.js";

/** Port: the rooms in which runs are watched together. */
export interface QueryRooms {
  /**
   * Those who watch the runs of a room. Throws `room_not_found` and `not_in_room`, and where somebody wants to run
   * `role_forbidden`. A promise only where the connection is on its way into the room.
   */
  audience(roomId: string, connection: Connection, action: "run" | "watch"): Audience | Promise<Audience>;
  /** Those of a room that is in memory, for a connection that is known to be in it. */
  audienceOf(roomId: string): Audience | undefined;
}

export interface AudienceChange {
  readonly kind: "joined" | "left";
  readonly connection: Connection;
}

export interface Audience {
  readonly roomId: string;
  /** Names the room for as long as it is: one that is made anew under the same id has another. */
  readonly roomKey: string;
  /** Those that are live. */
  members(): Iterable<Connection>;
  /** Told of each change; a member that was lost and comes back joins again. Returns the way to stop. */
  follow(listener: (change: AudienceChange) => void): () => void;
  /** Whether the user may cancel what others began. */
  mayCancel(userId: string): boolean;
}
