import { createElement as h, StrictMode } from "react";
import { hydrateRoot } from "react-dom/client";
import { Everything } from "./everything.js";

declare global {
  /** What React had to mend. */
  var mended: string[];
}

globalThis.mended = [];
const main = document.querySelector("main");
if (main === null) throw new Error("a server has rendered it");
const url = new URLSearchParams(location.search).get("server") ?? "";
hydrateRoot(main, h(StrictMode, null, h(Everything, { url })), {
  onRecoverableError: (error) => void globalThis.mended.push(String(error)),
});
