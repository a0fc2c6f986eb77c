import * as Y from "yjs";
import { type ByteReader, createByteReader } from "./byte-reader.js";
import { checkBinaryValue, checkName, parseJson } from "./plain-values.js";
import { refuse } from "./refusal.js";

export type Struct = Y.Item | Y.GC | Y.Skip;

/** An update as Yjs decodes it, safe to decode and well-formed. What it refers to may be missing. */
export interface DecodedUpdate {
  /** Client by client, each by rising clocks. The parent of an item may be the name of a root type. */
  readonly structs: readonly Struct[];
  /** By client, sorted, not overlapping. */
  readonly deletions: ReadonlyMap<number, readonly Deletion[]>;
  /** Bytes of the update without its deletions. */
  readonly structBytes: number;
}

export interface Deletion {
  readonly clock: number;
  readonly len: number;
}

/**
 * Reads an update in the first format of Yjs. Its own decoder believes what it reads: it takes lengths of zero,
 * numbers without an end, kinds that it does not know and whatever follows the end, recurses as deep as values
 * nest, and makes documents within documents. So the bytes are read once before.
 */
export function readUpdate(update: Uint8Array): DecodedUpdate {
  const structBytes = checkUpdate(update);
  const { structs, ds } = Y.decodeUpdate(update);
  return { structs, deletions: Y.mergeDeleteSets([ds]).clients, structBytes };
}

/** Returns where the deletions begin. */
function checkUpdate(update: Uint8Array): number {
  const reader = createByteReader(update);
  const seen = new Set<number>();
  for (let clients = reader.varUint(); clients > 0; clients--) {
    const structs = reader.varUint();
    const client = reader.varUint();
    if (seen.has(client)) refuse("A client stands twice.");
    seen.add(client);
    reader.varUint(); // its clock
    for (let rest = structs; rest > 0; rest--) checkStruct(reader);
  }
  const structBytes = update.byteLength - reader.remainingBytes;
  for (let clients = reader.varUint(); clients > 0; clients--) {
    reader.varUint();
    for (let ranges = reader.varUint(); ranges > 0; ranges--) {
      reader.varUint();
      checkLength(reader.varUint());
    }
  }
  if (reader.remainingBytes > 0) {
    refuse("Something follows the end of the update. Is it of the second format? The first is spoken here.");
  }
  return structBytes;
}

const HAS_ORIGIN = 0x80;
const HAS_RIGHT_ORIGIN = 0x40;
const HAS_KEY = 0x20;
const KIND = 0x1f;

const GC = 0;
const SUBDOCUMENT = 9;
const SKIP = 10;

function checkStruct(reader: ByteReader): void {
  const info = reader.byte();
  if (info === GC || info === SKIP) {
    checkLength(reader.varUint());
    return;
  }
  if ((info & HAS_ORIGIN) !== 0) checkId(reader);
  if ((info & HAS_RIGHT_ORIGIN) !== 0) checkId(reader);
  if ((info & (HAS_ORIGIN | HAS_RIGHT_ORIGIN)) === 0) checkParent(reader, (info & HAS_KEY) !== 0);
  if ((info & KIND) === SUBDOCUMENT) refuse("Documents within documents are not taken.");
  checkContent(reader, info & KIND);
}

function checkId(reader: ByteReader): void {
  reader.varUint();
  reader.varUint();
}

function checkParent(reader: ByteReader, hasKey: boolean): void {
  const isRoot = reader.varUint();
  if (isRoot > 1) refuse("A parent is of no known kind.");
  if (isRoot === 1) checkName(reader.text());
  else checkId(reader);
  if (hasKey) checkName(reader.text());
}

/** The content of an item; kinds and their numbers are those of `contentRefs` in Yjs. */
function checkContent(reader: ByteReader, kind: number): void {
  switch (kind) {
    case 1: // deleted
      checkLength(reader.varUint());
      return;
    case 2: // JSON, of former versions of Yjs
      checkEach(reader, () => {
        const text = reader.text();
        if (text !== "undefined") parseJson(text);
      });
      return;
    case 3: // bytes
      reader.skip(reader.varUint());
      return;
    case 4: // text
      checkLength(reader.text().length);
      return;
    case 5: // an object within a text
      parseJson(reader.text());
      return;
    case 6: // a format of a text
      checkName(reader.text());
      parseJson(reader.text());
      return;
    case 7:
      checkType(reader);
      return;
    case 8: // values
      checkEach(reader, () => checkBinaryValue(reader));
      return;
    default:
      refuse("A struct is of no known kind.");
  }
}

/** Numbers as in `typeRefs` of Yjs: array, map, text, XML element, XML fragment, XML hook, XML text. */
function checkType(reader: ByteReader): void {
  const kind = reader.varUint();
  if (kind > 6) refuse("A type is of no known kind.");
  if (kind === 3 || kind === 5) reader.text();
}

function checkEach(reader: ByteReader, checkNext: () => void): void {
  const count = reader.varUint();
  checkLength(count);
  for (let rest = count; rest > 0; rest--) checkNext();
}

/** A struct of no length shares its clock with the next one, and Yjs then finds the wrong of the two. */
function checkLength(length: number): void {
  if (length === 0) refuse("Something has no length.");
}
