import { describe, expect, test } from "vitest";
import { STORAGE_KINDS } from "../testing/storages.js";
import { logsContract } from "./testing/logs-contract.js";
import { presenceContract } from "./testing/presence-contract.js";
import { queuesContract } from "./testing/queues-contract.js";
import { runsContract } from "./testing/runs-contract.js";
import { snapshotsContract } from "./testing/snapshots-contract.js";

describe.each(STORAGE_KINDS)("a broker: $kind", (storageKind) => {
  test("it names itself", async () => {
    await using storage = await storageKind.open();
    expect(storage.broker.kind).toBe(storageKind.kind);
  });

  describe("logs", () => logsContract(storageKind));
  describe("pinned entries and snapshots", () => snapshotsContract(storageKind));
  describe("queues", () => queuesContract(storageKind));
  describe("presence", () => presenceContract(storageKind));
  describe("records of runs", () => runsContract(storageKind));
});
