import type { ClassProfile, LinkProfile, PropertyProfile, SchemaProfile } from "../profile.js";
import { superclassesOf } from "./counts.js";
import { BLANK, compareText, IRI, type ProfileDraft, type PropertyDraft } from "./draft.js";
import { literalCount } from "./literals.js";
import { choosePrefixes } from "./prefixes.js";

const MAX_LINKS = 20_000;
const MAX_COMMENT_CHARACTERS = 1_000;

export interface ProfileHead {
  readonly endpointId: string;
  readonly fingerprint: string;
  readonly prefixes: Readonly<Record<string, string>>;
  readonly complete: boolean;
}

/** The draft as a record: everything sorted, so that the same data give the same profile. */
export function finishProfile(draft: ProfileDraft, head: ProfileHead): SchemaProfile {
  return {
    version: 1,
    endpointId: head.endpointId,
    fingerprint: head.fingerprint,
    madeAt: new Date().toISOString(),
    complete: head.complete,
    tripleCount: draft.tripleCount,
    prefixes: choosePrefixes(draft, head.prefixes),
    classes: [...draft.classes.keys()].map((iri) => classProfile(draft, iri)).sort(byCount),
    properties: [...draft.properties]
      .map(([iri, property]) => propertyProfile(draft, iri, property))
      .sort(byCount),
    links: linkProfiles(draft),
    labelPredicates: draft.labelPredicates,
    alternativePredicates: draft.alternativePredicates,
    labelPaths: draft.labelPaths,
    valueNodes: draft.valueNodes,
    languages: [...draft.languages]
      .sort(([a, n], [b, m]) => m - n || compareText(a, b))
      .map(([lang]) => lang),
  };
}

function byCount(a: { iri: string; count: number }, b: { iri: string; count: number }): number {
  return b.count - a.count || compareText(a.iri, b.iri);
}

function commentOf(draft: ProfileDraft, iri: string): { comment: string } | undefined {
  const comment = draft.comments.get(iri)?.trim();
  return comment === undefined || comment === ""
    ? undefined
    : { comment: comment.slice(0, MAX_COMMENT_CHARACTERS) };
}

function classProfile(draft: ProfileDraft, iri: string): ClassProfile {
  const known = draft.classes.get(iri);
  return {
    iri,
    labels: draft.labels.get(iri) ?? [],
    ...commentOf(draft, iri),
    count: known?.count ?? 0,
    directCount: known?.direct ?? 0,
    superclasses: [...superclassesOf(draft, iri)].sort(compareText),
  };
}

function propertyProfile(draft: ProfileDraft, iri: string, property: PropertyDraft): PropertyProfile {
  const literals = literalCount(property);
  const nodes = (property.kinds.get(IRI) ?? 0) + (property.kinds.get(BLANK) ?? 0);
  const datatypes = [...property.kinds]
    .filter(([kind]) => kind !== IRI && kind !== BLANK)
    .map(([datatype, count]) => ({ iri: datatype, count }));
  return {
    iri,
    labels: draft.labels.get(iri) ?? [],
    ...commentOf(draft, iri),
    count: property.count,
    distinctSubjects: property.subjects ?? property.count,
    distinctObjects: property.objects ?? property.count,
    kind: literals === 0 ? "object" : nodes === 0 ? "literal" : "mixed",
    datatypes: datatypes.sort(byCount),
    ...(property.minimum === null ? undefined : { minimum: property.minimum }),
    ...(property.maximum === null ? undefined : { maximum: property.maximum }),
    values: property.values,
    valuesComplete: property.valuesComplete,
    ...(property.inverse === null ? undefined : { inverse: property.inverse }),
  };
}

function linkProfiles(draft: ProfileDraft): LinkProfile[] {
  const links = new Map<string, LinkProfile>();
  for (const { domain, property, range, kind, count } of draft.links.values()) {
    const datatype = kind === IRI || kind === BLANK ? null : kind;
    const key = `${domain} ${property} ${range ?? ""} ${datatype ?? ""}`;
    links.set(key, { domain, property, range, datatype, count: (links.get(key)?.count ?? 0) + count });
  }
  return [...links]
    .sort(([a, left], [b, right]) => right.count - left.count || compareText(a, b))
    .slice(0, MAX_LINKS)
    .map(([, link]) => link);
}
