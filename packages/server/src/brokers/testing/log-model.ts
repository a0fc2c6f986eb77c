import { expect } from "vitest";
import type { LogEntry, LogName, Logs, NewEntry, Retention } from "../../broker.js";

export const MODEL_RETENTION: Retention = { maxEntriesCount: 5, maxAgeMs: 100, maxBytes: 30 };
export const MODEL_PINNED_BYTES = 24;

export type Step =
  | { readonly kind: "append"; readonly entries: readonly Required<NewEntry>[] }
  | { readonly kind: "read"; readonly sinceSeq: number; readonly maxCount: number; readonly maxBytes: number }
  | { readonly kind: "head" | "state" | "delete" | "reopen" }
  | { readonly kind: "pass"; readonly ms: number }
  /** Up to an entry so many before the newest. */
  | { readonly kind: "snapshot"; readonly back: number };

interface ModelEntry extends LogEntry {
  readonly pinned: boolean;
}

/** What a log must do, in the plainest way: everything is kept, and looked through each time. */
export function createLogModel() {
  let all: ModelEntry[] = [];
  let firstSeq = 1;
  let snapshot: { seq: number; data: Uint8Array } | null = null;

  const bytes = (entries: readonly ModelEntry[]) =>
    entries.reduce((sum, { data }) => sum + Buffer.byteLength(data), 0);
  const readable = () => all.filter(({ seq }) => seq >= firstSeq);
  const pinned = () => all.filter((entry) => entry.pinned && entry.seq > (snapshot?.seq ?? 0));
  const trim = (nowMs: number) => {
    for (const entry of readable()) {
      const kept = readable();
      const { maxEntriesCount, maxBytes, maxAgeMs } = MODEL_RETENTION;
      const over = kept.length > maxEntriesCount || bytes(kept) > maxBytes || nowMs - entry.atMs > maxAgeMs;
      if (!over) return;
      firstSeq = entry.seq + 1;
    }
  };
  const plain = ({ seq, id, atMs, data }: ModelEntry): LogEntry => ({ seq, id, atMs, data });

  return {
    append({ id, data, pinned: isPinned }: Required<NewEntry>, nowMs: number) {
      trim(nowMs);
      const known = [...readable(), ...pinned()].find((entry) => entry.id === id);
      if (known !== undefined) return { seq: known.seq, repeated: true };
      if (isPinned && bytes(pinned()) + Buffer.byteLength(data) > MODEL_PINNED_BYTES) return "storage_full";
      const seq = all.length + 1;
      all.push({ seq, id, atMs: nowMs, data, pinned: isPinned });
      trim(nowMs);
      return { seq, repeated: false };
    },
    head(nowMs: number) {
      trim(nowMs);
      return { seq: all.length, firstSeq };
    },
    read(sinceSeq: number, maxCount: number, maxBytes: number): readonly LogEntry[] {
      const found: ModelEntry[] = [];
      for (const entry of readable().filter(({ seq }) => seq > sinceSeq)) {
        const fits = bytes([...found, entry]) <= maxBytes || found.length === 0;
        if (found.length === maxCount || !fits) break;
        found.push(entry);
      }
      return found.map(plain);
    },
    state: () => ({ snapshot, pinned: pinned().map(plain) }),
    saveSnapshot(seq: number, data: Uint8Array) {
      if (seq >= (snapshot?.seq ?? 0)) snapshot = { seq, data };
    },
    delete() {
      all = [];
      firstSeq = 1;
      snapshot = null;
    },
  };
}

type Model = ReturnType<typeof createLogModel>;

/** Takes one step with both and compares. `reopen` and `pass` are the caller's. */
export async function takeStep(
  step: Step,
  logs: Logs,
  name: LogName,
  model: Model,
  nowMs: number,
): Promise<void> {
  switch (step.kind) {
    case "append": {
      const outcomes = step.entries.map((entry) =>
        logs.append(name, entry).then(
          ({ seq, repeated }) => ({ seq, repeated }),
          (error: unknown) => (error instanceof Error && "code" in error ? error.code : error),
        ),
      );
      const expected = step.entries.map((entry) => model.append(entry, nowMs));
      expect(await Promise.all(outcomes)).toEqual(expected);
      break;
    }
    case "head":
      expect(await logs.head(name)).toMatchObject(model.head(nowMs));
      break;
    case "read": {
      const { sinceSeq, maxCount, maxBytes } = step;
      const slice = await logs.read(name, sinceSeq, { maxCount, maxBytes });
      expect(slice).toMatchObject(model.head(nowMs));
      expect(slice.entries).toEqual(model.read(sinceSeq, maxCount, maxBytes));
      break;
    }
    case "state": {
      const state = await logs.state(name);
      expect(state).toMatchObject(model.head(nowMs));
      expect({ snapshot: state.snapshot, pinned: state.pinned }).toEqual(model.state());
      break;
    }
    case "snapshot": {
      const seq = Math.max(0, model.head(nowMs).seq - step.back);
      const data = new Uint8Array([seq, step.back]);
      const { epoch } = await logs.head(name);
      await logs.saveSnapshot(name, { epoch, seq, data });
      model.saveSnapshot(seq, data);
      break;
    }
    case "delete":
      await logs.delete(name);
      model.delete();
      break;
  }
}
