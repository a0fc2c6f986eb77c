import { expect, test } from "vitest";
import { SparqlLiveError } from "./errors.js";
import { CLIENT_LIMITS } from "./limits.js";
import { createOutbox } from "./outbox.js";
import { createRuns } from "./queries/runs.js";
import { createRequests } from "./requests.js";
import { createUserMessages } from "./user-messages.js";

const unready = { isReady: () => false, refusal: () => null };
const full = { code: "outbox_full", retry: true };

function openOutbox() {
  return createOutbox({
    storage: undefined,
    isReady: () => false,
    transmit: () => false,
    onDelivery: () => undefined,
    onStorageError: () => undefined,
  });
}

test("[CLIENT-11] the outbox takes 4 MiB, and no byte more", async () => {
  const outbox = openOutbox();
  const add = (bytes: number) =>
    // A text stands between quotation marks.
    outbox
      .add({ roomId: "lab", kind: "message", body: "x".repeat(bytes - 2) })
      .catch((error: unknown) => error);
  const waiting = add(CLIENT_LIMITS.outboxBytes - 10);
  await expect(add(11)).resolves.toMatchObject(full);
  void add(10);
  expect(outbox.deliveries.getSnapshot()).toHaveLength(2);
  await expect(add(3)).resolves.toMatchObject(full);
  outbox.acknowledged(outbox.deliveries.getSnapshot()[0]?.messageId ?? "", { epoch: "e", seq: 1 });
  await expect(waiting).resolves.toMatchObject({ place: { epoch: "e", seq: 1 } });
  void add(1_000);
  expect(outbox.deliveries.getSnapshot()).toHaveLength(2);
});

test("[CLIENT-18] 1,000 requests may wait for an answer, and 200 queries", async () => {
  const requests = createRequests(() => false, unready.isReady, unready.refusal);
  const ask = () => requests.send("ontology_search", { query: "x" }, "ontology_suggestion", { timeoutMs: 0 });
  const asked = Array.from({ length: CLIENT_LIMITS.pendingRequestsCount }, () => ask().catch(() => "over"));
  await expect(ask()).rejects.toMatchObject(full);
  requests.rejectAll(new SparqlLiveError("connection_closed", ""));
  expect(new Set(await Promise.all(asked))).toEqual(new Set(["over"]));

  const runs = createRuns({ send: () => false, mayBegin: () => false, maxRows: () => 1, ...unready });
  const ids = Array.from({ length: CLIENT_LIMITS.runsCount }, () => runs.stream("x").queryId);
  await expect(runs.send("x")).rejects.toMatchObject(full);
  await runs.cancel(ids[0] ?? "");
  expect(runs.stream("x").queryId).not.toBe(ids[0]);
});

test("[CLIENT-17] of 1,000 messages to the user it is known that they came", () => {
  const acknowledged: unknown[] = [];
  const messages = createUserMessages((_type, payload) => acknowledged.push(payload) > 0);
  const take = (index: number) =>
    messages.take({ type: "notification", message_id: `m${index}`, timestamp: 0, payload: { message: "" } });
  const bound = CLIENT_LIMITS.knownMessageIdsCount;
  for (let index = 0; index < bound; index++) expect(take(index)).toBe(true);
  expect(take(0)).toBe(false);
  expect(take(bound)).toBe(true);
  expect(take(1)).toBe(false);
  expect(take(0)).toBe(true);
  expect(acknowledged).toHaveLength(bound + 4);
});
