import fc from "fast-check";
import { expect, test } from "vitest";
import * as Y from "yjs";
import { createSharedDocument } from "./shared-document.js";
import { contentOf } from "./testing/document-content.js";
import { anyEdit, type Edit, edit } from "./testing/editing-clients.js";

type Step =
  | { readonly kind: "edit"; readonly client: number; readonly change: Edit }
  | { readonly kind: "undo" | "redo"; readonly client: number }
  /** A client sends all that it has, as after a connection was lost. */
  | { readonly kind: "resend"; readonly client: number }
  /** The oldest updates that a client has not sent yet reach the server, some of them twice. */
  | { readonly kind: "send"; readonly client: number; readonly count: number; readonly twice: boolean }
  /** What the server sent reaches a client, all that is under way. */
  | { readonly kind: "receive"; readonly client: number };

const CLIENTS = 4;
const client = fc.nat(CLIENTS - 1);
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("edit"), client, change: anyEdit }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("send"),
      client,
      count: fc.integer({ min: 1, max: 4 }),
      twice: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("receive"), client }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom("undo", "redo"), client }) },
  fc.record({ kind: fc.constant("resend"), client }),
);

/** Clients that edit, send and receive at their own pace, around one server that logs what it sends. */
function openRoom() {
  const shared = createSharedDocument();
  const log: Uint8Array[] = [];
  const clients = Array.from({ length: CLIENTS }, () => {
    const doc = new Y.Doc();
    const unsent: Uint8Array[] = [];
    doc.on("update", (update: Uint8Array, origin: unknown) => {
      if (origin !== "server") unsent.push(update);
    });
    const scope = [doc.getText("query"), doc.getMap("map"), doc.getArray("list")];
    const undo = new Y.UndoManager(scope, { captureTimeout: 0 });
    return { doc, unsent, undo, receivedCount: 0 };
  });
  type Client = (typeof clients)[number];

  const sendNow = (update: Uint8Array) => {
    const news = shared.apply(update);
    if (news !== null) log.push(news);
  };
  const send = ({ unsent }: Client, count: number, twice: boolean) => {
    const updates = unsent.splice(0, count);
    for (const update of twice ? [...updates, ...updates] : updates) sendNow(update);
  };
  const receive = (receiver: Client) => {
    for (const update of log.slice(receiver.receivedCount)) Y.applyUpdate(receiver.doc, update, "server");
    receiver.receivedCount = log.length;
  };
  return {
    shared,
    log,
    clients,
    take(step: Step) {
      const at = clients[step.client] ?? expect.fail("no such client");
      switch (step.kind) {
        case "edit":
          edit(at.doc, step.change);
          break;
        case "undo":
          at.undo.undo();
          break;
        case "redo":
          at.undo.redo();
          break;
        case "resend":
          sendNow(Y.encodeStateAsUpdate(at.doc));
          break;
        case "send":
          send(at, step.count, step.twice);
          break;
        case "receive":
          receive(at);
          break;
      }
    },
    finish() {
      for (const at of clients) send(at, at.unsent.length, false);
      for (const at of clients) receive(at);
    },
  };
}

test("whatever the order in which updates arrive, the server and all clients end with the same document", () => {
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 60 }), (steps) => {
      const { shared, clients, log, take, finish } = openRoom();
      for (const step of steps) take(step);
      finish();
      const content = contentOf(shared.whole());
      expect(content.isWaiting).toBe(false);
      for (const { doc } of clients) {
        expect(contentOf(Y.encodeStateAsUpdate(doc))).toEqual(content);
        expect(doc.getText("query").toString()).toBe(content.text);
      }

      // What was logged is the document: from its beginning, in one piece, or behind a snapshot of any time.
      const replayed = createSharedDocument();
      for (const update of log) replayed.restore(update);
      expect(contentOf(replayed.whole())).toEqual(content);
      if (log.length > 0) expect(contentOf(Y.mergeUpdates(log))).toEqual(content);
      shared.destroy();
      replayed.destroy();
    }),
    { numRuns: 150, seed: 1 },
  );
});

test("[DOC-4] a snapshot taken at any time, with what was logged since, is the whole document", () => {
  fc.assert(
    fc.property(
      fc.array(anyStep, { maxLength: 30 }),
      fc.array(anyStep, { maxLength: 30 }),
      (before, after) => {
        const { shared, log, take, finish } = openRoom();
        for (const step of before) take(step);
        const snapshot = shared.whole();
        const loggedCount = log.length;
        for (const step of after) take(step);
        finish();
        const restored = createSharedDocument();
        if (snapshot !== null) restored.restore(snapshot);
        for (const update of log.slice(loggedCount)) restored.restore(update);
        expect(contentOf(restored.whole())).toEqual(contentOf(shared.whole()));
        shared.destroy();
        restored.destroy();
      },
    ),
    { numRuns: 100, seed: 2 },
  );
});
