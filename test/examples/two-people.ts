import type { Page } from "playwright-core";
import type { BrowserPage } from "../support/browser.js";

/** Two people on one page, and what went wrong in either: what was thrown and not caught. */
export async function openTwoPeople(browser: BrowserPage, url: string) {
  const faults: string[] = [];
  const openAs = async (page: Page, user: string) => {
    page.on("pageerror", ({ message }) => faults.push(message));
    await page.goto(`${url}?user=${user}`);
    return page;
  };
  const ada = await openAs(browser.page, "ada");
  const bob = await openAs(await browser.another(), "bob");
  return { ada, bob, faults };
}
