import {
  checkKeys,
  entries,
  isGiven,
  items,
  type JsonNode,
  member,
  readFlag,
  readOptionalText,
  readText,
  report,
} from "./json-node.js";
import {
  type ColumnRules,
  type Constant,
  type Description,
  KNOWN_PREFIXES,
  type Mapping,
  type NodeRule,
  type Rule,
  type TableMapping,
} from "./mapping.js";
import type { Problem } from "./problem.js";
import { parseTemplate, type Template } from "./template.js";
import { iriFault, isLanguageTag } from "./term.js";

type Prefixes = ReadonlyMap<string, string>;

const PREFIX_NAME = /^[A-Za-z][A-Za-z0-9-]*$/;
const DESCRIPTION_KEYS = ["types", "columns", "constants", "nodes"];

/** Reads and checks a mapping; faults are added to `problems`, and what could be read is given back. */
export function readMapping(file: string, text: string, problems: Problem[]): Mapping {
  const root: JsonNode = { file, path: "", value: parseJson(file, text, problems), problems };
  if (!isGiven(root)) return { prefixes: KNOWN_PREFIXES, tables: [] };
  checkKeys(root, ["prefixes", "tables"]);
  const prefixes = readPrefixes(member(root, "prefixes"));
  const tables = items(member(root, "tables")).map((node) => readTable(node, prefixes));
  if (tables.length === 0) report(member(root, "tables"), "no table is named");
  return { prefixes, tables };
}

function parseJson(file: string, text: string, problems: Problem[]): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    problems.push({
      place: { file },
      message: `no JSON: ${error instanceof Error ? error.message : String(error)}`,
    });
    return undefined;
  }
}

function readPrefixes(node: JsonNode): Prefixes {
  const prefixes = new Map(KNOWN_PREFIXES);
  for (const [name, entry] of entries(node)) {
    const namespace = readText(entry);
    const fault = PREFIX_NAME.test(name) ? iriFault(namespace) : `«${name}» is no prefix name`;
    if (fault !== undefined) report(entry, fault);
    prefixes.set(name, namespace);
  }
  return prefixes;
}

function readTable(node: JsonNode, prefixes: Prefixes): TableMapping {
  checkKeys(node, ["file", "subject", "key", "required", "ignore", ...DESCRIPTION_KEYS]);
  const file = readText(member(node, "file"));
  if (/[\\/]/.test(file)) report(member(node, "file"), "a file name without folders is expected");
  return {
    file,
    subject: readTemplate(member(node, "subject")),
    key: items(member(node, "key")).map(readText),
    required: items(member(node, "required")).map(readText),
    ignore: items(member(node, "ignore")).map(readText),
    ...readDescription(node, prefixes),
  };
}

function readDescription(node: JsonNode, prefixes: Prefixes): Description {
  return {
    types: items(member(node, "types")).map((type) => readName(type, prefixes)),
    columns: entries(member(node, "columns")).map(([column, rules]) => readColumn(column, rules, prefixes)),
    constants: items(member(node, "constants")).map((constant) => readConstant(constant, prefixes)),
    nodes: items(member(node, "nodes")).map((child) => readNode(child, prefixes)),
  };
}

function readColumn(column: string, node: JsonNode, prefixes: Prefixes): ColumnRules {
  const rules = Array.isArray(node.value) ? items(node) : [node];
  return { column, rules: rules.map((rule) => readRule(rule, prefixes)) };
}

function readRule(node: JsonNode, prefixes: Prefixes): Rule {
  checkKeys(node, ["predicate", "kind", "datatype", "lang", "iri", "separator", "inverse"]);
  const predicate = readName(member(node, "predicate"), prefixes);
  const kind = readOptionalText(member(node, "kind")) ?? "literal";
  const separator = readOptionalText(member(node, "separator"));
  const shared = { predicate, ...(separator === undefined ? {} : { separator }) };
  if (kind === "iri") {
    rejectKeys(node, ["datatype", "lang"], "belongs to literals");
    const iri = member(node, "iri");
    const inverse = readFlag(member(node, "inverse"));
    return { kind, ...shared, inverse, ...(isGiven(iri) ? { template: readTemplate(iri) } : {}) };
  }
  if (kind !== "literal") report(member(node, "kind"), `«${kind}» is neither "literal" nor "iri"`);
  rejectKeys(node, ["iri", "inverse"], 'belongs to "kind": "iri"');
  return { kind: "literal", ...shared, ...readLiteralKind(node, prefixes) };
}

function readLiteralKind(
  node: JsonNode,
  prefixes: Prefixes,
): { readonly datatype?: string; readonly lang?: string } {
  const lang = readOptionalText(member(node, "lang"));
  const datatype = member(node, "datatype");
  if (lang === undefined) return isGiven(datatype) ? { datatype: readName(datatype, prefixes) } : {};
  if (isGiven(datatype)) report(datatype, "a literal has a datatype or a language, not both");
  if (!isLanguageTag(lang)) report(member(node, "lang"), `«${lang}» is no language tag`);
  return { lang };
}

function rejectKeys(node: JsonNode, keys: readonly string[], reason: string): void {
  for (const key of keys) {
    const child = member(node, key);
    if (isGiven(child)) report(child, reason);
  }
}

function readNode(node: JsonNode, prefixes: Prefixes): NodeRule {
  checkKeys(node, ["predicate", "iri", "when", "each", "separator", "inverse", ...DESCRIPTION_KEYS]);
  const each = readOptionalText(member(node, "each"));
  const separator = readOptionalText(member(node, "separator"));
  if (separator !== undefined && each === undefined) report(member(node, "separator"), 'belongs to "each"');
  return {
    predicate: readName(member(node, "predicate"), prefixes),
    iri: readTemplate(member(node, "iri")),
    when: items(member(node, "when")).map(readText),
    inverse: readFlag(member(node, "inverse")),
    ...(each === undefined ? {} : { each }),
    ...(separator === undefined ? {} : { separator }),
    ...readDescription(node, prefixes),
  };
}

function readConstant(node: JsonNode, prefixes: Prefixes): Constant {
  checkKeys(node, ["predicate", "object"]);
  return {
    predicate: readName(member(node, "predicate"), prefixes),
    object: readName(member(node, "object"), prefixes),
  };
}

function readTemplate(node: JsonNode): Template {
  const template = parseTemplate(readText(node));
  if (!("fault" in template)) return template;
  report(node, template.fault);
  return { text: "", parts: [] };
}

/** A prefixed name or a full IRI, as a full IRI. A known prefix wins over a scheme of the same name. */
function readName(node: JsonNode, prefixes: Prefixes): string {
  const text = readText(node);
  if (text === "") return "";
  const colon = text.indexOf(":");
  const namespace = colon < 0 ? undefined : prefixes.get(text.slice(0, colon));
  const iri = namespace === undefined ? text : namespace + text.slice(colon + 1);
  if (namespace === undefined && !text.slice(colon).startsWith("://") && !text.startsWith("urn:")) {
    report(node, `«${text}» is neither a name with a known prefix nor a full IRI`);
  } else {
    const fault = iriFault(iri);
    if (fault !== undefined) report(node, fault);
  }
  return iri;
}
