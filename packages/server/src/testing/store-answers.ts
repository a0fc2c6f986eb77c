import { expect } from "vitest";
import type { Logs } from "../broker.js";

/** Settles when a store that had failed answers again. */
export async function answersAgain(logs: Logs): Promise<void> {
  const asked = () =>
    logs.head("room:one").then(
      () => true,
      () => false,
    );
  await expect.poll(asked, { timeout: 20_000 }).toBe(true);
}
