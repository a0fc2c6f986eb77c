import * as Y from "yjs";
import { SparqlLiveError } from "../errors.js";
import type { Room } from "../rooms/room.js";
import { YJS_LIMITS } from "./limits.js";
import { cutUpdate } from "./update-parts.js";

export interface UploadOptions {
  readonly room: Room;
  /** The room's document is known: what was written since may be sent. */
  readonly mayRun: () => boolean;
  /** Settles when there may be space again. */
  readonly makeSpace: () => Promise<void>;
  /** The room has it. */
  readonly onSent: (update: Uint8Array) => void;
  /** What the room has must be looked at again. `error`: what the room refused; it was told. */
  readonly onRefused: (error: SparqlLiveError) => void;
  /** Whether everything was acknowledged. */
  readonly onSaved: (isSaved: boolean) => void;
}

/** What was written here, on its way to the room. */
export interface Upload {
  add(update: Uint8Array): void;
  /** In the place of all that waits: what the room lacks. */
  replace(update: Uint8Array | null): void;
  /** Sends what waits without waiting for its time. Nothing is told any more. */
  finish(): void;
}

export function createUpload({ room, mayRun, makeSpace, onSent, onRefused, onSaved }: UploadOptions): Upload {
  let waiting: Uint8Array[] = [];
  /** Grows with each `replace`: what was sent before is a part of what waits since, whatever becomes of it. */
  let generation = 0;
  let isRunning = false;
  let isFinished = false;
  let lastStartMs = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const later = (delayMs: number) =>
    new Promise<void>((resolve) => {
      setTimeout(resolve, delayMs);
    });
  const turn = () => {
    const waitMs = Math.max(0, lastStartMs + YJS_LIMITS.updateIntervalMs - Date.now());
    return isFinished || waitMs === 0 ? Promise.resolve() : later(waitMs);
  };

  const schedule = (delayMs: number) => {
    if (isRunning || isFinished || waiting.length === 0 || timer !== undefined) return;
    timer = setTimeout(() => {
      timer = undefined;
      if (mayRun()) run();
    }, delayMs);
  };

  const run = async (): Promise<void> => {
    if (waiting.length === 0) return;
    clearTimeout(timer);
    timer = undefined;
    isRunning = true;
    const begun = generation;
    const merged = Y.mergeUpdates(waiting);
    waiting = [];
    let pauseMs = 0;
    let isRefused = false;
    try {
      for (const part of cutUpdate(merged, YJS_LIMITS.partBytes)) {
        await turn();
        if (begun !== generation) break;
        lastStartMs = Date.now();
        await room.sendUpdate(part);
        onSent(part);
      }
    } catch (error) {
      isRefused = true;
      if (begun === generation) {
        // Parts that are there already are passed over by the server.
        waiting.unshift(merged);
        pauseMs = await afterRefusal(failureOf(error));
      }
    }
    isRunning = false;
    if (isFinished && !isRefused && waiting.length > 0) return run();
    if (waiting.length === 0) onSaved(true);
    schedule(pauseMs);
  };

  /** Milliseconds until the next try. */
  const afterRefusal = async (error: SparqlLiveError): Promise<number> => {
    if (isFinished) return 0;
    if (error.code === "snapshot_required") await makeSpace();
    else if (error.code === "outbox_full") return YJS_LIMITS.fullRetryMs;
    else onRefused(error);
    return 0;
  };

  return {
    add(update) {
      waiting.push(update);
      if (waiting.length >= YJS_LIMITS.waitingUpdatesCount) waiting = [Y.mergeUpdates(waiting)];
      onSaved(false);
      schedule(Math.max(0, lastStartMs + YJS_LIMITS.updateIntervalMs - Date.now()));
    },
    replace(update) {
      generation++;
      waiting = update === null ? [] : [update];
      if (!isRunning) onSaved(update === null);
      else onSaved(false);
      schedule(0);
    },
    finish() {
      isFinished = true;
      clearTimeout(timer);
      if (mayRun() && !isRunning) run();
    },
  };
}

function failureOf(cause: unknown): SparqlLiveError {
  if (cause instanceof SparqlLiveError) return cause;
  return new SparqlLiveError("bad_request", "The update cannot be sent.", { cause });
}
