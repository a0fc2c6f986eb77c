import { compareText, type ProfileDraft } from "./draft.js";
import { COMMON_PREFIXES } from "./vocabulary.js";

const MAX_PREFIXES = 100;
/** A namespace of instances gets a prefix when it holds so many of the sampled ones. */
const MIN_SAMPLED = 5;

/** The part of an IRI up to and with its last `#`, `/` or `:`; `null` where nothing readable stands before it. */
function namespaceOf(iri: string): string | null {
  const end = Math.max(iri.lastIndexOf("#"), iri.lastIndexOf("/"), iri.lastIndexOf(":"));
  const namespace = iri.slice(0, end + 1);
  return /^[a-z][a-z0-9+.-]*:\/\/[^/]+[/#]|^urn:[^:]+:/i.test(namespace) ? namespace : null;
}

/** A name for a namespace from its own words: the last part that is neither a version nor a mere container. */
function nameOf(namespace: string): string {
  const [, rest = namespace] = namespace.split("://");
  const parts = rest.split(/[/#:]+/).filter((part) => part !== "");
  const host = (parts.shift() ?? "").split(".").filter((part) => !/^(?:www|com|org|net|example)$/.test(part));
  const candidates = [...parts.reverse(), ...host];
  for (const part of candidates) {
    const word = part
      .toLowerCase()
      .replace(/\.[a-z]+$/, "")
      .replace(/[^a-z0-9]+/g, "");
    if (
      /^[a-z][a-z0-9]{1,15}$/.test(word) &&
      !/^(?:ns|vocab|ontology|ont|schema|v\d+|terms|onto)$/.test(word)
    )
      return word;
  }
  return "ns";
}

/**
 * Prefixes for an endpoint: those given, those the data declare, the usual ones for namespaces in use, and made-up
 * ones for the other namespaces of classes, properties and instances.
 */
export function choosePrefixes(
  draft: ProfileDraft,
  given: Readonly<Record<string, string>>,
): Record<string, string> {
  const chosen = new Map(Object.entries(given));
  const named = new Set(chosen.values());
  const add = (prefix: string, namespace: string) => {
    if (named.has(namespace) || chosen.has(prefix) || chosen.size >= MAX_PREFIXES) return;
    chosen.set(prefix, namespace);
    named.add(namespace);
  };
  for (const [prefix, namespace] of draft.prefixes) add(prefix, namespace);
  const used = namespacesInUse(draft);
  for (const [prefix, namespace] of COMMON_PREFIXES) if (used.has(namespace)) add(prefix, namespace);
  for (const [prefix, namespace] of [...COMMON_PREFIXES].slice(0, 4)) add(prefix, namespace);
  for (const namespace of [...used.keys()].sort(
    (a, b) => (used.get(b) ?? 0) - (used.get(a) ?? 0) || compareText(a, b),
  )) {
    if (named.has(namespace)) continue;
    const base = nameOf(namespace);
    let prefix = base;
    for (let number = 2; chosen.has(prefix) || COMMON_PREFIXES.has(prefix); number += 1)
      prefix = `${base}${number}`;
    add(prefix, namespace);
  }
  return Object.fromEntries(chosen);
}

function namespacesInUse(draft: ProfileDraft): Map<string, number> {
  const used = new Map<string, number>();
  for (const iri of [...draft.classes.keys(), ...draft.properties.keys()]) {
    const namespace = namespaceOf(iri);
    if (namespace !== null) used.set(namespace, (used.get(namespace) ?? 0) + 1_000);
  }
  const sampled = new Map<string, number>();
  for (const iri of draft.sampleIris) {
    const namespace = namespaceOf(iri);
    if (namespace !== null) sampled.set(namespace, (sampled.get(namespace) ?? 0) + 1);
  }
  for (const [namespace, count] of sampled) {
    if (count >= MIN_SAMPLED) used.set(namespace, (used.get(namespace) ?? 0) + count);
  }
  return used;
}
