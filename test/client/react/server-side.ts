import { createElement as h, version } from "react";
import { renderToString } from "react-dom/server";
import { Everything } from "./everything.js";

// What a server sends; the address of the WebSocket is the argument.
process.stdout.write(
  JSON.stringify({ version, html: renderToString(h(Everything, { url: process.argv[2] ?? "" })) }),
);
