import { expect, test } from "vitest";
import { isOriginAllowed } from "./origin.js";

const HOST = "graph.example:8000";

test.each([
  "http://evil.graph.example:8000",
  "http://evilgraph.example:8000",
  "http://graph.example:8000.evil.example",
  "http://graph.example:80001",
  "http://graph.example",
  "http://graph.example:8000@evil.example",
  "ftp://graph.example:8000",
  "null",
  "",
])("[CONN-5] %j is not the origin of the server at graph.example:8000", (origin) => {
  expect(isOriginAllowed(origin, HOST, ["https://app.example"])).toBe(false);
  expect(isOriginAllowed(origin, undefined, [])).toBe(false);
});

test.each(["https://graph.example.evil.example", "https://graph.example:8000", "https://evil.graph.example"])(
  "[CONN-5] %j is not the origin of the server at graph.example",
  (origin) => {
    expect(isOriginAllowed(origin, "graph.example", [])).toBe(false);
  },
);

test.each(["http://graph.example:8000", "https://graph.example:8000", "https://app.example", undefined])(
  "[CONN-5] %j may connect to it",
  (origin) => {
    expect(isOriginAllowed(origin, HOST, ["https://app.example"])).toBe(true);
  },
);
