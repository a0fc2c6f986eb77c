/** Letters that Unicode does not decompose, written as readers without that letter on their keyboard do. */
const SPELLED: ReadonlyMap<string, string> = new Map([
  ["ß", "ss"],
  ["æ", "ae"],
  ["œ", "oe"],
  ["ø", "o"],
  ["ł", "l"],
  ["đ", "d"],
  ["ð", "d"],
  ["þ", "th"],
  ["ı", "i"],
]);

const SPELLED_LETTERS = /[ßæœøłđðþı]/g;

/** Accents of Latin, Greek and Cyrillic letters. Marks of other scripts are letters there and stay. */
const ACCENTS = /[\u0300-\u036f]/g;

/** Apostrophes vanish, so that "Alzheimer's" and "Alzheimers" are the same word. */
const APOSTROPHES = /['’‘`´ʼ]/g;

/** Whatever is no letter, mark or digit separates words; `+` and `#` at the end of a word are part of it (C++, Ca2+). */
const SEPARATORS = /(?:(?<![\p{L}\p{M}\p{N}+#])[+#]+|[^\p{L}\p{M}\p{N}+#])+/gu;

const PLAIN = /^[a-z0-9]+(?: [a-z0-9]+)*$/;

/**
 * Text in the form in which names are compared: lower case, without accents and punctuation, words separated by one
 * space. A text without any letter or digit folds to itself, trimmed and in lower case.
 */
export function foldText(text: string): string {
  const lower = text.toLowerCase();
  if (PLAIN.test(lower)) return lower;
  const folded = lower
    .normalize("NFKD")
    // Once more: letters in mathematical or circled form become plain capitals only now.
    .toLowerCase()
    .replace(ACCENTS, "")
    .replace(SPELLED_LETTERS, (letter) => SPELLED.get(letter) ?? letter)
    .replace(APOSTROPHES, "")
    .normalize("NFC")
    .replace(SEPARATORS, " ")
    .trim();
  return folded === "" ? lower.trim() : folded;
}

/**
 * A folded word without its English plural: light, and only ever compared with words that went through it too
 * (D. Harman, "How effective is suffixing?", 1991, with the sibilants of "boxes" and "classes" added).
 */
export function lemmaOf(word: string): string {
  const { length } = word;
  if (length < 4 || !word.endsWith("s")) return word;
  if (word.endsWith("ss") || word.endsWith("us") || word.endsWith("is")) return word;
  if (word.endsWith("ies")) return length > 4 ? `${word.slice(0, -3)}y` : word;
  if (/(?:x|ch|sh|ss|zz)es$/.test(word)) return word.slice(0, -2);
  return word.slice(0, -1);
}

/** The words of a folded text. */
export function wordsOf(folded: string): string[] {
  return folded === "" ? [] : folded.split(" ");
}

/** A folded text with every word in its lemma. */
export function lemmaKey(folded: string): string {
  return folded.includes("s") ? wordsOf(folded).map(lemmaOf).join(" ") : folded;
}

/** The part of an IRI after its last `#`, `/` or `:`, percent signs decoded where that is valid. */
export function localNameOf(iri: string): string {
  const trimmed = iri.replace(/[#/]+$/, "");
  const local = trimmed.slice(
    Math.max(trimmed.lastIndexOf("#"), trimmed.lastIndexOf("/"), trimmed.lastIndexOf(":")) + 1,
  );
  if (!local.includes("%")) return local;
  try {
    return decodeURIComponent(local);
  } catch {
    return local;
  }
}

/** A local name as words: `encodedBy`, `encoded_by` and `encoded-by` give `encoded by`; `HTTPServer` gives `HTTP server`. */
export function splitName(localName: string): string {
  return localName
    .replace(/[_\-.+]+/g, " ")
    .replace(
      /(\p{Ll}|\p{N})(\p{Lu})(?=\p{Ll})/gu,
      (_, end: string, start: string) => `${end} ${start.toLowerCase()}`,
    )
    .replace(/(\p{Ll})(\p{Lu})/gu, "$1 $2")
    .replace(/(\p{Lu}+)(\p{Lu}\p{Ll})/gu, (_, end: string, start: string) => `${end} ${start.toLowerCase()}`)
    .replace(/\s+/g, " ")
    .trim();
}
