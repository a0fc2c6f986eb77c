import { describe, expect, test } from "vitest";
import type { EndpointEntry } from "../endpoint.js";
import { assertEntry, idOfUrl } from "./entry.js";

const remote: EndpointEntry = { id: "a", title: "A", url: "https://e.test/sparql" };

describe("entries", () => {
  for (const entry of [
    remote,
    { ...remote, id: "x".repeat(64) },
    { ...remote, id: "Az09_-" },
    { ...remote, url: "http://127.0.0.1:8080/sparql?default-graph-uri=x" },
    { id: "a", title: "A", data: ["a.ttl"] },
  ]) {
    test(`${JSON.stringify(entry).slice(0, 60)} is taken`, () => {
      expect(() => assertEntry(entry)).not.toThrow();
    });
  }

  const refused: readonly (readonly [string, EndpointEntry, string])[] = [
    ["an empty id", { ...remote, id: "" }, "its id may have"],
    ["an id of 65 characters", { ...remote, id: "x".repeat(65) }, "its id may have"],
    ["an id with a blank", { ...remote, id: "a b" }, "its id may have"],
    ["an id that ends in a line break", { ...remote, id: "a\n" }, "its id may have"],
    ["neither address nor data", { id: "a", title: "A" }, "either `url` or `data`"],
    ["both address and data", { ...remote, data: ["a.ttl"] }, "either `url` or `data`"],
    ["no file in its data", { id: "a", title: "A", data: [] }, "`data` names no file"],
    ["what is no address", { ...remote, url: "e.test" }, '"e.test" is not an address'],
    ["an address of another kind", { ...remote, url: "file:///etc/passwd" }, "not file://"],
    ["a user name in its address", { ...remote, url: "https://me@e.test/" }, "must not hold a password"],
    ["a password in its address", { ...remote, url: "https://:pw@e.test/" }, "must not hold a password"],
  ];
  for (const [title, entry, message] of refused) {
    test(`an entry with ${title} is a bad request that says so`, () => {
      expect(() => assertEntry(entry)).toThrow(
        expect.objectContaining({ code: "bad_request", message: expect.stringContaining(message) }),
      );
    });
  }
});

describe("ids of addresses", () => {
  for (const [address, id] of [
    ["https://sparql.uniprot.org/sparql/", "sparql-uniprot-org"],
    ["http://127.0.0.1:3030/ds", "127-0-0-1-3030"],
    ["http://[::1]:80/", "-1-"],
    ["no address", "no-address"],
    ["", "endpoint"],
  ] as const) {
    test(`"${address}" is called ${id}`, () => {
      expect(idOfUrl(address)).toBe(id);
    });
  }

  test("every address that an entry may have gives an id that an entry may have", () => {
    const url = `https://${"long-label.".repeat(20)}test/sparql`;
    expect(idOfUrl(url)).toHaveLength(64);
    for (const address of [url, "https://bücher.test/", "http://[2001:db8::1]:8080/"]) {
      expect(() => assertEntry({ id: idOfUrl(address), title: "T", url: address })).not.toThrow();
    }
  });
});
