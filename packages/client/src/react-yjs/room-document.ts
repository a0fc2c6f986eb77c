import { Doc } from "yjs";
import { membershipOf } from "../react/room-store.js";
import type { SharedClient } from "../react/shared-client.js";
import { createSharedStores, type OpenedStore } from "../react/shared-store.js";
import type { CollaborationOptions } from "../react/use-collaboration-room.js";
import type { Room } from "../rooms/room.js";
import { createStore, type ReadableStore } from "../store.js";
import { YJS_LIMITS } from "../yjs/limits.js";
import { createRoomProvider, type RoomProvider } from "../yjs/provider.js";

export interface RoomDocumentView {
  /** What bindings of editors take: `provider.doc`, `provider.awareness`. `null` until the room was entered. */
  readonly provider: RoomProvider | null;
  /**
   * `entering` the room, `loading` what it has (in the beginning, and after a gap), `synced` with it, or `left`: what is
   * written then goes nowhere.
   */
  readonly status: "entering" | "loading" | "synced" | "left";
  /** Whether the room has acknowledged everything that was written here. */
  readonly isSaved: boolean;
  /** Viewers may not. */
  readonly canEdit: boolean;
  /** Why the room could not be entered or was left, or what it refused last. */
  readonly error: unknown;
}

export const NO_DOCUMENT: RoomDocumentView = {
  provider: null,
  status: "entering",
  isSaved: false,
  canEdit: false,
  error: null,
};

const documents = createSharedStores<RoomDocumentView>();

/** The document of a room, one doc and one provider for however many components. */
export function roomDocumentOf(
  shared: SharedClient,
  roomId: string,
  options: CollaborationOptions,
): ReadableStore<RoomDocumentView> {
  return documents(shared.client, roomId, NO_DOCUMENT, () => openDocument(shared, roomId, options));
}

function openDocument(
  shared: SharedClient,
  roomId: string,
  options: CollaborationOptions,
): OpenedStore<RoomDocumentView> {
  const { client } = shared;
  const doc = new Doc();
  const view = createStore<RoomDocumentView>(NO_DOCUMENT);
  const membership = membershipOf(client, roomId);
  let provider: RoomProvider | null = null;
  /** The one of the provider. */
  let entered: Room | null = null;
  let refused: unknown = null;

  let isWritten = false;
  doc.on("update", (_update, origin) => {
    if (origin !== provider) isWritten = true;
  });

  const look = () => {
    const { status, info, error } = membership.getSnapshot();
    const room = membership.room();
    if (status.kind === "joined" && room !== undefined && room !== entered) {
      // The client was closed and connected anew.
      entered = room;
      provider?.destroy();
      provider = createRoomProvider(room, doc, {
        onError(cause) {
          refused = cause;
          look();
        },
      });
      provider.synced.subscribe(look);
      provider.saved.subscribe(look);
    }
    view.set({
      provider,
      status: status.kind === "left" || error !== null ? "left" : documentStatus(provider),
      isSaved: provider?.saved.getSnapshot() === true,
      canEdit: info?.role === "owner" || info?.role === "editor",
      error: error ?? refused,
    });
  };
  const stop = membership.subscribe(look);
  // The connection stays as long as what was written last is waited for, also where everything else has gone.
  const release = shared.retain();
  const leave = membership.retain(options);
  look();

  return {
    getSnapshot: view.getSnapshot,
    subscribe: view.subscribe,
    close() {
      stop();
      provider?.destroy();
      // In the room until what was written last is there.
      whenSaved(isWritten ? provider : null, () => {
        doc.destroy();
        leave();
        release();
      });
    },
  };
}

function documentStatus(provider: RoomProvider | null): "entering" | "loading" | "synced" {
  if (provider === null) return "entering";
  return provider.synced.getSnapshot() ? "synced" : "loading";
}

function whenSaved(provider: RoomProvider | null, done: () => void): void {
  if (provider === null || provider.saved.getSnapshot()) {
    done();
    return;
  }
  const finish = () => {
    clearTimeout(timer);
    stop();
    done();
  };
  const timer = setTimeout(finish, YJS_LIMITS.lastUpdatesMs);
  const stop = provider.saved.subscribe(() => {
    if (provider.saved.getSnapshot()) finish();
  });
}
