import { expect, test } from "vitest";
import { createLog } from "./log.js";

test("[ERR-7] a line of the log has no character that a terminal obeys, and means what was logged", () => {
  const lines: string[] = [];
  const log = createLog("info", { write: (line: string) => void lines.push(line) });
  const controls = Array.from({ length: 0xa0 }, (_, code) => String.fromCharCode(code)).join("");
  const name = `${controls}\u061c\u200e\u200f\u2028\u2029\u202a\u202e\u2066\u2069"\\ Zoë 😀`;
  log.info({ name, err: new Error(name) }, name);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(/^[^\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]*\n$/);
  expect(JSON.parse(String(lines[0]))).toMatchObject({ name, msg: name, err: { message: name } });
});
