import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { openLibraryClient } from "../client/support.js";
import { startServerProcess } from "../support/server-process.js";

const PROGRAM = fileURLToPath(new URL("../../examples/node-client/client.js", import.meta.url));
const DATA = `
@prefix ex: <http://example.org/> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
ex:City a rdfs:Class ; rdfs:label "city" .
ex:bonn a ex:City ; rdfs:label "Bonn" .
ex:oslo a ex:City ; rdfs:label "Oslo" .
`;

test("examples/node-client asks, reads rows, and says in the room what it found", async () => {
  await using server = await startServerProcess({ data: DATA });
  const address = server.webSocketUrl.replace("/query", "/room/lab");
  using ada = openLibraryClient(address, { userId: "ada" });
  const room = await ada.joinRoom("lab");
  const question = "List all cities";
  const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM, address, question]);
  expect(stdout).toContain(`2 rows answer "${question}":\n`);
  expect(stdout).toContain("SELECT");
  expect(stdout).toMatch(/Said so in the room, as number \d+; 2 there\.\n$/);
  await expect
    .poll(() => room.messages.getSnapshot().map(({ message }) => message))
    .toEqual([{ question, rows: 2 }]);
}, 120_000);
