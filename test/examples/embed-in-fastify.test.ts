import { expect, test } from "vitest";
import { openClient } from "../../packages/server/src/testing/test-client.js";
import { startExample } from "./start-example.js";

test("examples/embed-in-fastify answers by its own routes, by the page and by the live protocol", async () => {
  await using example = await startExample("embed-in-fastify");
  const { url } = example;
  expect(await (await fetch(url)).text()).toContain("The application itself");
  expect(await (await fetch(`${url}/books`)).json()).toContain("Frankenstein, by Mary Shelley");
  const redirected = await fetch(`${url}/graph`);
  expect([redirected.url, redirected.status]).toEqual([`${url}/graph/`, 200]);
  expect(await redirected.text()).toContain('src="app.js"');

  await using client = await openClient(`${example.ws}/graph/api/ws/query`);
  const question = "Which books were written by Mary Shelley?";
  client.send("query_request", { natural_language: question }, { message_id: "q" });
  expect((await client.next("query_result", "q")).payload.row_count).toBe(2);
  const announced = await fetch(`${url}/announce?text=Tea`, { method: "POST" });
  expect(await announced.json()).toEqual({ told: 1 });
  expect((await client.next("system_message")).payload).toMatchObject({ message: "Tea", level: "info" });

  expect(await example.interrupt()).toBe(0);
  expect((await client.closed).code).toBe(1012);
}, 120_000);
