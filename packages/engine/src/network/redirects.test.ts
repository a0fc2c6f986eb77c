import { expect, test } from "vitest";
import { redirectTarget } from "./redirects.js";

test.each([
  ["http://a.test/x", "/y", "http://a.test/y"],
  ["http://a.test/x", "//b.test/", "http://b.test/"],
  ["http://a.test/x", "https://a.test/x", "https://a.test/x"],
  ["https://a.test/x", "https://b.test:8443/", "https://b.test:8443/"],
])("[GUARD-5] a redirect from %s to %s leads to %s", (from, location, target) => {
  expect(redirectTarget(location, new URL(from)).href).toBe(target);
});

test.each([
  ["https: down to http:", "https://a.test/", "http://a.test/"],
  ["https: down to http:, at another host", "https://a.test/", "http://b.test/"],
  ["a file", "http://a.test/", "file:///etc/passwd"],
  ["another protocol", "http://a.test/", "gopher://a.test/"],
  ["data", "http://a.test/", "data:text/plain,x"],
  ["credentials", "http://a.test/", "http://me:pw@b.test/"],
  ["a user without a password", "http://a.test/", "//me@b.test/"],
])("[GUARD-5] a redirect to %s is refused", (_title, from, location) => {
  expect(() => redirectTarget(location, new URL(from))).toThrow(
    expect.objectContaining({ code: "address_forbidden" }),
  );
});

test("a redirect to what is no address is the endpoint's fault", () => {
  expect(() => redirectTarget("http://[", new URL("http://a.test/"))).toThrow(
    expect.objectContaining({ code: "upstream_error" }),
  );
});
