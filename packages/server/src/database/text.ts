/**
 * UTF-8 has no lone surrogates: they would be changed without a word, and two ids could become one. They are written
 * as the control character SUBSTITUTE and four digits, and so is that character itself.
 */
const UNSTORABLE = /\u001a|\p{Surrogate}/u;
const EACH_UNSTORABLE = /\u001a|\p{Surrogate}/gu;
const EACH_ESCAPE = /\u001a([0-9a-f]{4})/g;

/**
 * Texts are stored as the bytes of their UTF-8. Read as texts of SQLite, those with a zero would be cut, and bytes
 * that are no UTF-8 (in a damaged file) would end the process.
 */
export function toStored(text: string): Uint8Array {
  return Buffer.from(UNSTORABLE.test(text) ? text.replace(EACH_UNSTORABLE, escaped) : text);
}

export function fromStored(bytes: Buffer): string {
  const text = bytes.toString();
  if (!text.includes("\u001a")) return text;
  return text.replace(EACH_ESCAPE, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
}

function escaped(unit: string): string {
  return `\u001a${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
