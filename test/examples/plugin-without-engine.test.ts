import { expect, test } from "vitest";
import { openClient } from "../../packages/server/src/testing/test-client.js";
import { startExample } from "./start-example.js";

test("examples/plugin-without-engine tells reports in the room of their project, also to who comes later", async () => {
  await using example = await startExample("plugin-without-engine");
  const { url, ws } = example;
  const report = (project: string, status: string) =>
    fetch(`${url}/builds/${project}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ status }),
    });
  expect((await report("website", "passed")).status).toBe(404);

  await using ada = await openClient(`${ws}/live/api/ws/room/website?user_id=ada`);
  await ada.next("join_room");
  expect(await (await report("website", "passed")).json()).toEqual({ reached: 1 });
  expect((await ada.next("room_message")).payload).toMatchObject({
    user_name: "Build server",
    message: { status: "passed" },
    seq: 1,
  });
  await using bob = await openClient(`${ws}/live/api/ws/room/website?user_id=bob`);
  await bob.next("join_room");
  bob.send("room_history", { room_id: "website" });
  expect((await bob.next("room_message")).payload.message).toEqual({ status: "passed" });
  bob.send("query_request", { natural_language: "Is there an engine?" });
  expect((await bob.next("error_message")).payload.code).toBe("feature_unavailable");

  expect(await example.interrupt()).toBe(0);
  expect((await ada.closed).code).toBe(1012);
}, 120_000);
