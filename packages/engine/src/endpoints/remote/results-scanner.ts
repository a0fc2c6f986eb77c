import { isAscii, isUtf8 } from "node:buffer";
import { EngineFailure } from "../../failure.js";
import {
  BOM,
  CLOSE_ARRAY,
  CLOSE_OBJECT,
  COLON,
  COMMA,
  isDelimiter,
  OPEN_ARRAY,
  OPEN_OBJECT,
  QUOTE,
  skipSpace,
  stringEnd,
} from "./json-bytes.js";

/** Receives what the scanner finds, in the order of the document. */
export interface ResultsSink {
  /** `head`, `boolean` and members that nobody knows, at the top level or inside `results`. */
  member(level: "document" | "results", key: string, value: unknown): void;
  /** Elements of `results.bindings`, in batches of at least one. They are JSON objects; what is in them is not checked. */
  rows(rows: Record<string, unknown>[]): void;
  /** `results.bindings` began. */
  bindings(): void;
}

/** The reader of one answer: pushed chunk by chunk, cut anywhere. */
type State =
  | "start"
  | "document"
  | "memberOrEnd"
  | "member"
  | "key"
  | "colon"
  | "value"
  | "scalar"
  | "string"
  | "nested"
  | "nestedString"
  | "afterMember"
  | "rowOrEnd"
  | "row"
  | "rowBody"
  | "rowString"
  | "afterRow"
  | "end";

const MAX_DEPTH = 64;
/** Of `head`, of an unknown member or of a key. */
const MAX_MEMBER_BYTES = 1024 * 1024;
const MAX_ROW_BYTES = 16 * 1024 * 1024;

/**
 * Finds the parts of a document of SPARQL Query Results JSON in bytes that arrive in chunks of any size.
 * It looks only at structure: each part is parsed by `JSON.parse`, rows many at a time. Everything between the parts
 * is checked here, so a document that passes is well-formed JSON as a whole.
 *
 * Throws `upstream_bad_response` for what is no such document and `upstream_truncated` for one that ends too soon.
 */
export class ResultsScanner {
  readonly #sink: ResultsSink;
  #state: State = "start";
  #level: "document" | "results" = "document";
  #key = "";
  /** Open braces and brackets of the value or row that is being read. */
  #depth = 0;
  /** The last byte was a backslash inside a string. */
  #escaped = false;
  #bomBytes = 0;
  #seenResults = false;
  #seenBindings = false;
  /** The part that is being read: its bytes from earlier chunks, and where it goes on in this chunk (-1: no part is open). */
  #pieces: Uint8Array[] = [];
  #pieceBytes = 0;
  #partStart = -1;
  /** Complete rows of this chunk that wait to be parsed together: from `#partStart` to here. */
  #batchEnd = -1;
  /** Bytes of the chunks before this one. */
  #consumedBytes = 0;

  constructor(sink: ResultsSink) {
    this.#sink = sink;
  }

  push(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length) at = this.#step(chunk, at);
    this.#keepOpenPart(chunk);
    this.#consumedBytes += chunk.length;
  }

  /** The answer is over. */
  end(): void {
    if (this.#state === "end") return;
    if (this.#consumedBytes === 0) {
      throw new EngineFailure("upstream_bad_response", "The endpoint answered with an empty body.");
    }
    throw new EngineFailure(
      "upstream_truncated",
      `The endpoint's answer ended after ${this.#consumedBytes} bytes, before its result was complete.`,
    );
  }

  #step(chunk: Uint8Array, at: number): number {
    switch (this.#state) {
      case "start":
        return this.#start(chunk, at);
      case "document":
        return this.#document(chunk, at);
      case "memberOrEnd":
      case "member":
        return this.#member(chunk, at);
      case "key":
        return this.#inKey(chunk, at);
      case "colon":
        return this.#colon(chunk, at);
      case "value":
        return this.#value(chunk, at);
      case "scalar":
        return this.#scalar(chunk, at);
      case "string":
        return this.#string(chunk, at);
      case "nested":
      case "rowBody":
        return this.#inside(chunk, at);
      case "nestedString":
      case "rowString":
        return this.#insideString(chunk, at);
      case "afterMember":
        return this.#afterMember(chunk, at);
      case "rowOrEnd":
      case "row":
        return this.#row(chunk, at);
      case "afterRow":
        return this.#afterRow(chunk, at);
      case "end":
        return this.#end(chunk, at);
    }
  }

  /** A byte order mark is allowed before the document (RFC 8259, section 8.1, lets parsers ignore it). */
  #start(chunk: Uint8Array, at: number): number {
    if (chunk[at] !== BOM[this.#bomBytes]) {
      if (this.#bomBytes > 0) this.#refuse(chunk, at, "a JSON object");
      this.#state = "document";
      return at;
    }
    this.#bomBytes += 1;
    if (this.#bomBytes === BOM.length) this.#state = "document";
    return at + 1;
  }

  #document(chunk: Uint8Array, from: number): number {
    const at = skipSpace(chunk, from);
    if (at === chunk.length) return at;
    if (chunk[at] !== OPEN_OBJECT) this.#refuse(chunk, at, "a JSON object");
    this.#state = "memberOrEnd";
    return at + 1;
  }

  #member(chunk: Uint8Array, from: number): number {
    const at = skipSpace(chunk, from);
    if (at === chunk.length) return at;
    if (chunk[at] === QUOTE) {
      this.#partStart = at;
      this.#state = "key";
      return at + 1;
    }
    if (chunk[at] !== CLOSE_OBJECT || this.#state === "member") this.#refuse(chunk, at, "a member name");
    this.#closeLevel();
    return at + 1;
  }

  #inKey(chunk: Uint8Array, from: number): number {
    const at = this.#endOfString(chunk, from);
    if (at === -1) return chunk.length;
    const key = this.#parsePart(chunk, at);
    if (typeof key !== "string") throw this.#malformed("a member's name is no string");
    this.#key = key;
    this.#state = "colon";
    return at;
  }

  #colon(chunk: Uint8Array, from: number): number {
    const at = skipSpace(chunk, from);
    if (at === chunk.length) return at;
    if (chunk[at] !== COLON) this.#refuse(chunk, at, "a colon");
    this.#state = "value";
    return at + 1;
  }

  #value(chunk: Uint8Array, from: number): number {
    const at = skipSpace(chunk, from);
    if (at === chunk.length) return at;
    const byte = chunk[at];
    if (this.#level === "document" && this.#key === "results") {
      if (byte !== OPEN_OBJECT) this.#refuse(chunk, at, "an object as `results`");
      if (this.#seenResults) throw this.#malformed("`results` is there twice");
      this.#seenResults = true;
      this.#level = "results";
      this.#state = "memberOrEnd";
      return at + 1;
    }
    if (this.#level === "results" && this.#key === "bindings") {
      if (byte !== OPEN_ARRAY) this.#refuse(chunk, at, "an array as `bindings`");
      if (this.#seenBindings) throw this.#malformed("`bindings` is there twice");
      this.#seenBindings = true;
      this.#sink.bindings();
      this.#state = "rowOrEnd";
      return at + 1;
    }
    this.#partStart = at;
    if (byte === QUOTE) this.#state = "string";
    else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
      this.#depth = 1;
      this.#state = "nested";
    } else this.#state = "scalar";
    return at + 1;
  }

  /** A number, `true`, `false` or `null`: it ends where a delimiter begins. */
  #scalar(chunk: Uint8Array, from: number): number {
    let at = from;
    while (at < chunk.length && !isDelimiter(chunk[at])) at += 1;
    if (at === chunk.length) return at;
    this.#finishMember(chunk, at);
    return at;
  }

  #string(chunk: Uint8Array, from: number): number {
    const at = this.#endOfString(chunk, from);
    if (at === -1) return chunk.length;
    this.#finishMember(chunk, at);
    return at;
  }

  /** The inside of a row or of a nested member; strings that end in this chunk are skipped without leaving the loop. */
  #inside(chunk: Uint8Array, from: number): number {
    const row = this.#state === "rowBody";
    let depth = this.#depth;
    let at = from;
    while (at < chunk.length) {
      const byte = chunk[at];
      at += 1;
      if (byte === QUOTE) {
        const end = stringEnd(chunk, at);
        if (end < 0 || end > chunk.length) {
          this.#depth = depth;
          this.#escaped = end > chunk.length;
          this.#state = row ? "rowString" : "nestedString";
          return chunk.length;
        }
        at = end;
      } else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
        depth += 1;
        if (depth > MAX_DEPTH) throw this.#malformed(`it is nested deeper than ${MAX_DEPTH} levels`);
      } else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) {
        depth -= 1;
        if (depth > 0) continue;
        if (row) this.#finishRow(at);
        else this.#finishMember(chunk, at);
        return at;
      }
    }
    this.#depth = depth;
    return at;
  }

  #insideString(chunk: Uint8Array, from: number): number {
    const at = this.#endOfString(chunk, from);
    if (at === -1) return chunk.length;
    this.#state = this.#state === "rowString" ? "rowBody" : "nested";
    return at;
  }

  #afterMember(chunk: Uint8Array, from: number): number {
    const at = skipSpace(chunk, from);
    if (at === chunk.length) return at;
    if (chunk[at] === COMMA) this.#state = "member";
    else if (chunk[at] === CLOSE_OBJECT) this.#closeLevel();
    else this.#refuse(chunk, at, "a comma or the end of the object");
    return at + 1;
  }

  #row(chunk: Uint8Array, from: number): number {
    const at = skipSpace(chunk, from);
    if (at === chunk.length) return at;
    if (chunk[at] === OPEN_OBJECT) {
      if (this.#partStart === -1) this.#partStart = at;
      this.#depth = 1;
      this.#state = "rowBody";
      return at + 1;
    }
    if (chunk[at] !== CLOSE_ARRAY || this.#state === "row") this.#refuse(chunk, at, "a row");
    this.#state = "afterMember";
    return at + 1;
  }

  #afterRow(chunk: Uint8Array, from: number): number {
    const at = skipSpace(chunk, from);
    if (at === chunk.length) return at;
    if (chunk[at] === COMMA) this.#state = "row";
    else if (chunk[at] === CLOSE_ARRAY) {
      this.#flushRows(chunk);
      this.#state = "afterMember";
    } else this.#refuse(chunk, at, "a comma or the end of the rows");
    return at + 1;
  }

  #end(chunk: Uint8Array, from: number): number {
    const at = skipSpace(chunk, from);
    if (at < chunk.length) this.#refuse(chunk, at, "nothing after the result");
    return at;
  }

  #closeLevel(): void {
    this.#state = this.#level === "results" ? "afterMember" : "end";
    this.#level = "document";
  }

  #finishMember(chunk: Uint8Array, end: number): void {
    const value = this.#parsePart(chunk, end);
    this.#state = "afterMember";
    this.#sink.member(this.#level, this.#key, value);
  }

  #finishRow(end: number): void {
    this.#batchEnd = end;
    this.#state = "afterRow";
  }

  #flushRows(chunk: Uint8Array): void {
    if (this.#batchEnd === -1) return;
    const text = this.#takePart(chunk, this.#batchEnd);
    this.#batchEnd = -1;
    const rows = this.#parse(`[${text}]`);
    this.#sink.rows(rows as Record<string, unknown>[]);
  }

  /** Parses the rows that this chunk completed and keeps the bytes of the part that it left open. */
  #keepOpenPart(chunk: Uint8Array): void {
    const openRow = this.#state === "rowBody" || this.#state === "rowString";
    if (this.#batchEnd !== -1) {
      const next = openRow ? chunk.indexOf(OPEN_OBJECT, this.#batchEnd) : -1;
      this.#flushRows(chunk);
      this.#partStart = next;
    }
    if (this.#partStart === -1) return;
    const piece = chunk.subarray(this.#partStart);
    this.#pieces.push(piece);
    this.#pieceBytes += piece.length;
    // The part goes on at the beginning of the next chunk.
    this.#partStart = 0;
    const limit = openRow ? MAX_ROW_BYTES : MAX_MEMBER_BYTES;
    if (this.#pieceBytes > limit) {
      throw this.#malformed(`one ${openRow ? "row" : "member"} is larger than ${limit} bytes`);
    }
  }

  #parsePart(chunk: Uint8Array, end: number): unknown {
    return this.#parse(this.#takePart(chunk, end));
  }

  #takePart(chunk: Uint8Array, end: number): string {
    const start = this.#partStart;
    this.#partStart = -1;
    let bytes = Buffer.from(chunk.buffer, chunk.byteOffset + start, end - start);
    if (this.#pieces.length > 0) {
      bytes = Buffer.concat([...this.#pieces, bytes]);
      this.#pieces = [];
      this.#pieceBytes = 0;
    }
    if (isAscii(bytes)) return bytes.toString("latin1");
    if (!isUtf8(bytes)) throw this.#malformed("it is not valid UTF-8");
    return bytes.toString("utf8");
  }

  #parse(text: string): unknown {
    try {
      return JSON.parse(text);
    } catch (cause) {
      throw this.#malformed(cause instanceof Error ? cause.message : String(cause), cause);
    }
  }

  /** The position after the closing quote, or -1 when the string goes on in the next chunk. */
  #endOfString(chunk: Uint8Array, from: number): number {
    const at = stringEnd(chunk, this.#escaped ? from + 1 : from);
    this.#escaped = at > chunk.length;
    return at < 0 || this.#escaped ? -1 : at;
  }

  #refuse(chunk: Uint8Array, at: number, expected: string): never {
    const found = JSON.stringify(Buffer.from(chunk.subarray(at, at + 20)).toString("latin1"));
    throw this.#malformed(`${expected} was expected at byte ${this.#consumedBytes + at}, found ${found}`);
  }

  #malformed(reason: string, cause?: unknown): EngineFailure {
    return new EngineFailure(
      "upstream_bad_response",
      `The endpoint's answer is no SPARQL Query Results JSON: ${reason}.`,
      cause === undefined ? {} : { cause },
    );
  }
}
