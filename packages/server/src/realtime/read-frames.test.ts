import { jsonCodec } from "@sparql-live/protocol";
import { msgpackCodec } from "@sparql-live/protocol/msgpack";
import { expect, test } from "vitest";
import { frameMessage } from "./frames.js";
import { readFramed } from "./read-frames.js";

test.each([1, 100, 125, 126, 65_000, 65_536, 200_000])(
  "a message of %i characters is read back from its frames",
  (length) => {
    const message = { type: "system_message", payload: { text: "ä".repeat(length) } };
    expect(jsonCodec.decode(readFramed(frameMessage(jsonCodec, message)).toString("utf8"))).toEqual(message);
    expect(msgpackCodec.decode(readFramed(frameMessage(msgpackCodec, message)))).toEqual(message);
  },
);
