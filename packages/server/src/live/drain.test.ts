import { pino } from "pino";
import { expect, test } from "vitest";
import { openFileStorage } from "../file-storage.js";
import { createGate } from "../testing/gate.js";
import { openMemoryLive } from "../testing/memory-live.js";
import { temporaryFolder } from "../testing/temporary-folder.js";

test("[QUEUE-8] a delivery that is under way when the server closes ends before its storage is closed", {
  timeout: 60_000,
}, async () => {
  await using folder = await temporaryFolder();
  const storage = await openFileStorage(folder.path("store.db"));
  const { queues } = storage.broker;
  const gate = createGate();
  const broker: typeof storage.broker = {
    ...storage.broker,
    queues: {
      ...queues,
      async list(userId) {
        await gate.pass();
        return queues.list(userId);
      },
    },
  };
  const logged: string[] = [];
  const log = pino({ level: "warn" }, { write: (line: string) => void logged.push(line) });
  const { live, connect } = await openMemoryLive(null, { storage: { broker, store: storage.store }, log });
  await live.mailboxes.send("ada", "notification", { message: "waits" });
  connect("ada");
  await gate.reached;
  let isClosed = false;
  const closed = live.close().then(() => {
    isClosed = true;
  });
  await expect.poll(() => [...live.hub.all()], { timeout: 20_000 }).toEqual([]);
  expect(isClosed).toBe(false);
  gate.open();
  await closed;
  await storage.close();
  expect(logged).toEqual([]);

  const { broker: again, close } = await openFileStorage(folder.path("store.db"));
  expect((await again.queues.list("ada")).entries).toHaveLength(1);
  await close();
});
