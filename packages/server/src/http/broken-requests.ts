import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import { PROBLEM_TYPE, problem } from "./problem.js";

type Answer = readonly [status: number, code: string, detail: string];

const MALFORMED: Answer = [400, "bad_request", "This is no HTTP request that can be read."];

/** What the parser of Node gives up with, before there is a request that a route could answer. */
const ANSWERS: ReadonlyMap<string, Answer> = new Map([
  [
    "HPE_HEADER_OVERFLOW",
    [431, "headers_too_large", "The address and the headers are too long; send a long query as a POST."],
  ],
  ["ERR_HTTP_REQUEST_TIMEOUT", [408, "request_timeout", "The request took too long to come."]],
]);

/** Answers what is no whole request with a problem, and ends the connection. */
export function answerBrokenRequest(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const [status, code, detail] = ANSWERS.get(error.code ?? "") ?? MALFORMED;
  socket.end(problemResponse(status, code, detail), () => socket.destroy());
}

/** A problem document as a whole response of HTTP/1.1, behind which the connection ends. */
export function problemResponse(
  status: number,
  code: string,
  detail: string,
  headers: Readonly<Record<string, string>> = {},
): string {
  const body = JSON.stringify(problem(status, code, detail));
  const lines = Object.entries({
    connection: "close",
    "content-type": PROBLEM_TYPE,
    "content-length": String(Buffer.byteLength(body)),
    ...headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\n${lines.join("")}\r\n${body}`;
}
