import type { ByteReader } from "./byte-reader.js";
import { DOCUMENT_LIMITS } from "./limits.js";
import { refuse } from "./refusal.js";

/** `toJSON` of Yjs sets members of plain objects by names that peers choose; this one would set their prototype. */
const FORBIDDEN_NAME = "__proto__";

/** Of a shared type, a member of a map, a format, or a member of a plain object. */
export function checkName(name: string): void {
  if (name === FORBIDDEN_NAME) refuse(`Nothing may be named "${FORBIDDEN_NAME}".`);
}

/** Passes over a value in the binary form of lib0 (`writeAny`): a byte for its kind, then what belongs to it. */
export function checkBinaryValue(reader: ByteReader, depth = 1): void {
  switch (reader.byte()) {
    case 127: // undefined
    case 126: // null
    case 121: // false
    case 120: // true
      return;
    case 125:
      reader.skipVarInt();
      return;
    case 124:
      reader.skip(4);
      return;
    case 123:
    case 122: // a float of 64 bits, an integer of 64 bits
      reader.skip(8);
      return;
    case 119:
      reader.text();
      return;
    case 118:
      checkDepth(depth);
      for (let rest = reader.varUint(); rest > 0; rest--) {
        checkName(reader.text());
        checkBinaryValue(reader, depth + 1);
      }
      return;
    case 117:
      checkDepth(depth);
      for (let rest = reader.varUint(); rest > 0; rest--) checkBinaryValue(reader, depth + 1);
      return;
    case 116:
      reader.skip(reader.varUint());
      return;
    default:
      refuse("A value is of no known kind.");
  }
}

/** Parses JSON, which may nest 32 levels deep: V8 parses any depth, but writes only as deep as its stack. */
export function parseJson(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    refuse("A value is no JSON.");
  }
  checkJsonValue(value, 1);
  return value;
}

function checkJsonValue(value: unknown, depth: number): void {
  if (typeof value !== "object" || value === null) return;
  checkDepth(depth);
  for (const [name, member] of Object.entries(value)) {
    checkName(name);
    checkJsonValue(member, depth + 1);
  }
}

function checkDepth(depth: number): void {
  if (depth > DOCUMENT_LIMITS.maxValueNesting) {
    refuse(`A value nests more than ${DOCUMENT_LIMITS.maxValueNesting} levels deep.`);
  }
}
