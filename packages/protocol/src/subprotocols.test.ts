import { expect, test } from "vitest";
import { negotiateSubprotocol } from "./subprotocols.js";

test("a client that asks for no subprotocol gets JSON, and none is echoed", () => {
  expect(negotiateSubprotocol([])).toEqual({ accepted: "sparql-live.v1.json" });
});

test("the first offered subprotocol that is known is taken and echoed", () => {
  expect(negotiateSubprotocol(["soap", "sparql-live.v1.msgpack", "sparql-live.v1.json"])).toEqual({
    accepted: "sparql-live.v1.msgpack",
    echo: "sparql-live.v1.msgpack",
  });
});

test("where only unknown subprotocols are offered none is accepted", () => {
  expect(negotiateSubprotocol(["graphql-transport-ws", "toString"])).toEqual({ accepted: null });
});
