import type { NamedText, SchemaProfile } from "../../profile.js";
import { RDF, XSD } from "../../rdf.js";
import { isText } from "../../schema/vocabulary.js";
import { localNameOf, splitName } from "../fold.js";
import type { NameRole, SchemaName } from "./messages.js";

/** A property with more distinct values is no list to choose from. */
const MAX_LISTED_VALUES = 200;

/** Names of classes and properties, and the values of few-valued text properties. */
export function schemaNames(profile: SchemaProfile, language: string): SchemaName[] {
  const entries: SchemaName[] = [];
  for (const { iri, labels, comment, count } of profile.classes) {
    entries.push({
      kind: "class",
      iri,
      names: termNames(iri, labels, language),
      degree: count,
      ...description(comment),
    });
  }
  for (const { iri, labels, comment, count } of profile.properties) {
    entries.push({
      kind: "property",
      iri,
      names: termNames(iri, labels, language),
      degree: count,
      ...description(comment),
    });
  }
  const naming = new Set([...profile.labelPredicates, ...profile.alternativePredicates]);
  for (const property of profile.properties) {
    // Names of things are found as those things, not as values of the predicate that names them.
    if (naming.has(property.iri) || property.distinctObjects > MAX_LISTED_VALUES) continue;
    for (const { value, lang, datatype, count } of property.values) {
      if (!isText(datatype ?? (lang === undefined ? `${XSD}string` : `${RDF}langString`))) continue;
      if (!/\p{L}/u.test(value)) continue;
      entries.push({
        kind: "value",
        iri: property.iri,
        names: [{ role: "label", text: value, lang: lang ?? "" }],
        degree: count,
        ...(lang === undefined ? undefined : { lang }),
        ...(datatype === undefined ? undefined : { datatype }),
      });
    }
  }
  return entries;
}

function description(comment: string | undefined): { description: string } | undefined {
  return comment === undefined ? undefined : { description: comment };
}

/** The first label of each language is a label, the others alternatives; the local name as words always counts. */
function termNames(iri: string, labels: readonly NamedText[], language: string): SchemaName["names"] {
  const names: { role: NameRole; text: string; lang: string }[] = [];
  const spoken = new Set<string>();
  const wanted = labels.filter(({ lang }) => lang === language);
  for (const { text, lang = "" } of [...wanted, ...labels.filter((label) => !wanted.includes(label))]) {
    names.push({ role: spoken.has(lang) ? "alternative" : "label", text, lang });
    spoken.add(lang);
  }
  const words = splitName(localNameOf(iri));
  if (words !== "") names.push({ role: names.length === 0 ? "label" : "alternative", text: words, lang: "" });
  return names;
}
