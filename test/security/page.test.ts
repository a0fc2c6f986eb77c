import { expect, test } from "vitest";
import { startServer } from "../../packages/server/src/testing/start-server.js";
import { describeWithPackage } from "../interop/debian-package.js";
import { hasChromium, openBrowserPage } from "../support/browser.js";

const MARKUP = "<img src=x onerror='globalThis.hit = true'><script>globalThis.hit = true</script>";
const QUERIES = [
  `SELECT ("${MARKUP}" AS ?text) (STRLANG("b", "en") AS ?language) {}`,
  `SELECT (IRI("javascript:globalThis.hit=true") AS ?script) (IRI("data:text/html,x") AS ?data)
     (IRI("https://example.org/?a=%3Cb%3E") AS ?web) {}`,
  `SELECT * { ?s ?p "${MARKUP}" . ${MARKUP} }`,
];

describeWithPackage("chromium", hasChromium, "the page of the server", () => {
  test("[HTTP-11] data, questions and errors are shown as text, and only web addresses are links", {
    timeout: 120_000,
  }, async () => {
    await using server = await startServer();
    await using browser = await openBrowserPage();
    const { page } = browser;
    await page.goto(server.url);
    await page.locator("#connection", { hasText: "online" }).waitFor();
    const ask = async (text: string) => {
      await page.locator("#text").fill(text);
      await page.locator("#text").press("Control+Enter");
    };
    await ask(QUERIES[0] ?? "");
    await page.locator("#rows td", { hasText: "onerror" }).waitFor();
    await ask(QUERIES[1] ?? "");
    await page.locator("#rows td", { hasText: "javascript:" }).waitFor();
    expect(
      await page.locator("#rows a").evaluateAll((links) => links.map((link) => link.getAttribute("href"))),
    ).toEqual(["https://example.org/?a=%3Cb%3E"]);
    for (const text of [QUERIES[2] ?? "", `Which ${MARKUP} are there?`]) {
      await ask(text);
      await page.locator("#error").waitFor();
    }
    expect(await page.locator("main img, main script").count()).toBe(0);
    expect(await page.evaluate("globalThis.hit")).toBeUndefined();
  });
});
