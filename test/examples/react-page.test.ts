import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";
import { expect, test } from "vitest";
import { describeWithPackage } from "../interop/debian-package.js";
import { endProcess } from "../interop/processes.js";
import { hasChromium, openBrowserPage } from "../support/browser.js";
import { startServerProcess } from "../support/server-process.js";
import { startTcpProxy } from "../support/tcp-proxy.js";
import { openTwoPeople } from "./two-people.js";

const FOLDER = fileURLToPath(new URL("../../examples/react-page", import.meta.url));
const VITE = fileURLToPath(new URL("../../node_modules/vite/bin/vite.js", import.meta.url));
const LABEL = "<http://www.w3.org/2000/01/rdf-schema#label>";
const DATA = `
  <urn:City> a <http://www.w3.org/2000/01/rdf-schema#Class> ; ${LABEL} "city" .
  <urn:bonn> a <urn:City> ; ${LABEL} "Bonn" . <urn:oslo> a <urn:City> ; ${LABEL} "Oslo" .`;
const DEADLINE = { timeout: 20_000 };

/** As its reader would: with vite, on a port that is free. */
async function startPage(server: string) {
  const child = spawn(process.execPath, [VITE, FOLDER], {
    env: { ...process.env, SPARQL_LIVE_SERVER: server },
    stdio: ["ignore", "pipe", "inherit"],
  });
  // Several lines may come at once: the stream's text is read as a whole, not by one event for a line.
  let told = "";
  for await (const text of child.stdout.setEncoding("utf8").iterator({ destroyOnReturn: false })) {
    told += text;
    const url = /http:\/\/127\.0\.0\.1:\d+\//.exec(stripVTControlCharacters(told))?.[0];
    if (url) {
      child.stdout.resume();
      return { url, [Symbol.asyncDispose]: () => endProcess(child) };
    }
  }
  throw new Error(`vite ended without telling where it listens: ${told}`);
}

describeWithPackage("chromium", hasChromium, "examples/react-page", () => {
  test("two people ask and watch: progress, rows, who is there, who types, cancel", {
    timeout: 180_000,
  }, async () => {
    await using server = await startServerProcess({ data: DATA });
    await using proxy = await startTcpProxy(Number(new URL(server.url).port));
    await using page = await startPage(`http://127.0.0.1:${proxy.port}`);
    await using browser = await openBrowserPage();
    const { ada, bob, faults } = await openTwoPeople(browser, page.url);
    for (const each of [ada, bob]) {
      each.on("console", (message) => {
        if (message.type() === "error") faults.push(message.text());
      });
    }
    for (const each of [ada, bob]) {
      await each.getByText("Here: ada, bob").waitFor();
    }
    await ada.getByLabel("Question").fill("List all cities");
    await bob.getByText("ada is typing…").waitFor();
    await ada.getByRole("button", { name: "Ask" }).click();
    const rows = async () => ((await ada.locator("pre").textContent()) ?? "").split("\n").slice(1);
    await expect.poll(async () => (await rows()).length, DEADLINE).toBe(2);
    await expect.poll(() => ada.locator("progress").getAttribute("value"), DEADLINE).toBe("1");
    expect((await rows()).join()).toContain("Oslo");
    await bob.getByText("ada: List all cities (completed)").waitFor();

    proxy.stall();
    await ada.getByLabel("Question").fill("List all rivers");
    await ada.getByRole("button", { name: "Ask" }).click();
    await ada.getByRole("button", { name: "Cancel", disabled: false }).click();
    await ada.getByRole("button", { name: "Cancel", disabled: true }).waitFor();
    expect(faults).toEqual([]);
  });
});
