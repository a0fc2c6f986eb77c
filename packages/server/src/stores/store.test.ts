import { describe } from "vitest";
import { STORAGE_KINDS } from "../testing/storages.js";
import { analyticsContract } from "./testing/analytics-contract.js";
import { endpointsContract } from "./testing/endpoints-contract.js";
import { historyContract } from "./testing/history-contract.js";
import { revocationsContract } from "./testing/revocations-contract.js";
import { roomsContract } from "./testing/rooms-contract.js";

describe.each(STORAGE_KINDS)("a store: $kind", (storageKind) => {
  describe("rooms", () => roomsContract(storageKind));
  describe("endpoints", () => endpointsContract(storageKind));
  describe("revocations", () => revocationsContract(storageKind));
  describe("history", () => historyContract(storageKind));
  describe("analytics", () => analyticsContract(storageKind));
});
