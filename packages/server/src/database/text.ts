/**
 * SQLite's C strings end at a zero, and its UTF-8 has no lone surrogates: both would be cut or changed without a
 * word, and two ids could become one. Such units are written as the control character SUBSTITUTE and four digits.
 */
const UNSTORABLE = /[\0\u001a]|\p{Surrogate}/u;
const EACH_UNSTORABLE = /[\0\u001a]|\p{Surrogate}/gu;
const EACH_ESCAPE = /\u001a([0-9a-f]{4})/g;

export function toStored(text: string): string {
  if (!UNSTORABLE.test(text)) return text;
  return text.replace(EACH_UNSTORABLE, (unit) => `\u001a${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

export function fromStored(text: string): string {
  if (!text.includes("\u001a")) return text;
  return text.replace(EACH_ESCAPE, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
}
