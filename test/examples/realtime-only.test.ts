import { defineMessage } from "sparql-live";
import { expect, test } from "vitest";
import { openClient } from "../../packages/server/src/testing/test-client.js";
import { startExample } from "./start-example.js";

/** Any payload: what is in it is compared. */
const Tally = defineMessage("poll.tally", {});

test("examples/realtime-only shows votes to the room and keeps notifications for who is away", async () => {
  await using example = await startExample("realtime-only");
  const { url, ws } = example;
  expect(await (await fetch(`${url}/?user=ada`)).text()).toContain("Tea or coffee?");
  expect((await fetch(`${url}/nothing`)).status).toBe(404);

  await using ada = await openClient(`${ws}/api/ws/query?user_id=ada`);
  await using bob = await openClient(`${ws}/api/ws/query?user_id=bob`);
  for (const client of [ada, bob]) {
    client.send("join_room", { room_id: "poll" });
    expect((await client.nextCustom(Tally)).payload).toEqual({ tea: 0, coffee: 0 });
    await client.next("join_room");
  }
  ada.send("poll.vote", { drink: "tea" });
  for (const client of [ada, bob]) {
    expect((await client.nextCustom(Tally)).payload).toEqual({ tea: 1, coffee: 0 });
  }
  bob.send("poll.vote", { drink: "water" });
  expect((await bob.next("validation_error")).payload.code).toBe("invalid_message");

  const notify = (user: string) => fetch(`${url}/notify?user=${user}&text=Your+turn`, { method: "POST" });
  expect(await (await notify("ada")).text()).toBe("ada has it\n");
  expect(await (await notify("eve")).text()).toBe("eve is away and gets it on return\n");
  await using eve = await openClient(`${ws}/api/ws/query?user_id=eve`);
  expect((await eve.next("notification")).payload.message).toBe("Your turn");

  expect(await example.interrupt()).toBe(0);
  expect((await ada.closed).code).toBe(1012);
}, 120_000);
