import type { MessageOf } from "../messages.js";
import type { Room, RoomEvents } from "../rooms/room.js";
import { YJS_LIMITS } from "./limits.js";

type Sealed = MessageOf<"document_snapshot">["payload"];
type SealedAt = Sealed["updates"][number];

export interface DocumentSourceOptions {
  readonly room: Room;
  /** Everything that the room's document is made of; nothing where it is empty. */
  readonly onWhole: (updates: readonly Uint8Array[]) => void;
  /** What the room has is not known any more. */
  readonly onAsk: () => void;
  /** What somebody else wrote. */
  readonly onUpdate: (update: Uint8Array) => void;
  readonly onError: (error: unknown) => void;
}

/** The document as the room tells it. */
export interface DocumentSource {
  /** The whole is on its way: what the room lacks is not known. */
  readonly isAsking: boolean;
  /** Of a sealed document some could not be opened. */
  readonly isDamaged: boolean;
  /** Asks for the whole, now or as soon as the room is joined. */
  ask(): void;
  stop(): void;
}

/** Whatever is told whole will do, whether it was asked for or came by itself. */
export function createDocumentSource({
  room,
  onWhole,
  onAsk,
  onUpdate,
  onError,
}: DocumentSourceOptions): DocumentSource {
  const { sealer } = room.access;
  let isAsking = true;
  let isDamaged = false;
  let isStopped = false;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const told = (updates: readonly Uint8Array[]) => {
    if (isStopped) return;
    clearTimeout(timer);
    isAsking = false;
    onWhole(updates);
  };

  const ask = () => {
    clearTimeout(timer);
    if (isStopped) return;
    isAsking = true;
    onAsk();
    if (room.view.getSnapshot().status.kind !== "joined") return;
    room.requestDocument();
    timer = setTimeout(ask, YJS_LIMITS.answerTimeoutMs);
  };

  const open = async (kind: "document" | "snapshot", { sealed, user_id: userId }: SealedAt) =>
    sealer === null ? [] : [await sealer.open(kind, sealed, userId)];

  const openAll = async ({ snapshot, updates }: Sealed) => {
    const opened: Uint8Array[] = [];
    let failed = false;
    const failure = (error: unknown): Uint8Array[] => {
      failed = true;
      onError(error);
      return [];
    };
    if (snapshot !== null) opened.push(...(await open("snapshot", snapshot).catch(failure)));
    for (const update of updates) opened.push(...(await open("document", update).catch(failure)));
    isDamaged = failed;
    told(opened);
  };

  /** Behind what is being opened. */
  let opening: Promise<void> = Promise.resolve();
  const listeners: { readonly [N in "document" | "told" | "joined" | "gap" | "error"]: Listener<N> } = {
    document({ update, isWhole }) {
      if (isWhole) told([update]);
      else onUpdate(update);
    },
    told(message) {
      if (message.type !== "document_snapshot") return;
      const { payload } = message;
      opening = opening.then(() => openAll(payload));
    },
    joined() {
      if (isAsking) ask();
    },
    gap: () => ask(),
    error(_, isOfDocument) {
      // Messages and cursors are no part of it.
      if (isOfDocument) isDamaged = true;
    },
  };
  const stops = [
    room.on("document", listeners.document),
    room.on("told", listeners.told),
    room.on("joined", listeners.joined),
    room.on("gap", listeners.gap),
    room.on("error", listeners.error),
  ];
  ask();

  return {
    get isAsking() {
      return isAsking;
    },
    get isDamaged() {
      return isDamaged;
    },
    ask,
    stop() {
      isStopped = true;
      clearTimeout(timer);
      for (const stop of stops) stop();
    },
  };
}

type Listener<N extends keyof RoomEvents> = (...args: RoomEvents[N]) => void;
