import { expect, test } from "vitest";
import { startServer } from "../testing/start-server.js";

const ORIGIN = "https://app.example";

test("[CORS-1] pages of allowed origins may read answers, each by its own name and without credentials", async () => {
  await using server = await startServer({ settings: { allowedOrigins: [ORIGIN] } });
  for (const path of ["/api/ws/rooms", "/sparql?query=ASK%20%7B%7D", "/api/ws/rooms/nowhere"]) {
    const { headers } = await fetch(`${server.url}${path}`, { headers: { origin: ORIGIN } });
    expect(headers.get("access-control-allow-origin")).toBe(ORIGIN);
    expect(headers.get("access-control-allow-credentials")).toBeNull();
    expect(headers.get("vary")).toContain("origin");
  }
});

test("[CORS-1] a preflight of an allowed origin is answered for every path", async () => {
  await using server = await startServer({ settings: { allowedOrigins: [ORIGIN] } });
  for (const path of ["/api/ws/rooms", "/sparql", "/api/ws/rooms/lab"]) {
    const answer = await fetch(`${server.url}${path}`, {
      method: "OPTIONS",
      headers: { origin: ORIGIN, "access-control-request-method": "POST" },
    });
    expect([answer.status, answer.headers.get("access-control-allow-origin")]).toEqual([204, ORIGIN]);
    expect(answer.headers.get("access-control-allow-methods")).toContain("POST");
  }
});

test.each(["https://evil.example", "null", "https://app.example.evil.example"])(
  "[CORS-2] the origin %s gets no leave to read, with or without others that have it",
  async (origin) => {
    for (const allowedOrigins of [[], [ORIGIN]]) {
      await using server = await startServer({ settings: { allowedOrigins } });
      for (const method of ["GET", "OPTIONS"]) {
        const headers = { origin, "access-control-request-method": "POST" };
        const answer = await fetch(`${server.url}/api/ws/rooms`, { method, headers });
        expect(answer.headers.get("access-control-allow-origin")).toBeNull();
        expect(answer.headers.get("access-control-allow-methods")).toBeNull();
      }
    }
  },
);
