import { OWL, RDF, RDFS, SKOS, XSD } from "../rdf.js";

/** Namespaces of vocabularies that any data may use, none of them a data set's own. */
export const SH = "http://www.w3.org/ns/shacl#";
export const VOID = "http://rdfs.org/ns/void#";
export const VOID_EXT = "http://ldf.fi/void-ext#";
export const DCTERMS = "http://purl.org/dc/terms/";
export const SCHEMA = "http://schema.org/";
const DC = "http://purl.org/dc/elements/1.1/";
const FOAF = "http://xmlns.com/foaf/0.1/";
const SD = "http://www.w3.org/ns/sparql-service-description#";

export const RDF_TYPE = `${RDF}type`;

/** Prefixes that everybody writes the same way (W3C recommendations and prefix.cc's first entries). */
export const COMMON_PREFIXES: ReadonlyMap<string, string> = new Map([
  ["rdf", RDF],
  ["rdfs", RDFS],
  ["owl", OWL],
  ["xsd", XSD],
  ["skos", SKOS],
  ["sh", SH],
  ["void", VOID],
  ["dcterms", DCTERMS],
  ["dc", DC],
  ["foaf", FOAF],
  ["schema", SCHEMA],
  ["schemas", "https://schema.org/"],
  ["prov", "http://www.w3.org/ns/prov#"],
  ["geo", "http://www.opengis.net/ont/geosparql#"],
  ["wgs84", "http://www.w3.org/2003/01/geo/wgs84_pos#"],
  ["qudt", "http://qudt.org/schema/qudt/"],
  ["unit", "http://qudt.org/vocab/unit/"],
  ["time", "http://www.w3.org/2006/time#"],
  ["org", "http://www.w3.org/ns/org#"],
  ["dcat", "http://www.w3.org/ns/dcat#"],
  ["vann", "http://purl.org/vocab/vann/"],
  ["sd", SD],
  ["oboInOwl", "http://www.geneontology.org/formats/oboInOwl#"],
  ["obo", "http://purl.obolibrary.org/obo/"],
]);

/** Predicates that are made for names. Only a head start: what a predicate is used for decides. */
export const KNOWN_LABEL_PREDICATES: ReadonlySet<string> = new Set([
  `${RDFS}label`,
  `${SKOS}prefLabel`,
  `${SCHEMA}name`,
  "https://schema.org/name",
  `${FOAF}name`,
  `${DC}title`,
  `${DCTERMS}title`,
]);

/** Predicates that are made for other names. */
export const KNOWN_ALTERNATIVE_PREDICATES: ReadonlySet<string> = new Set([
  `${SKOS}altLabel`,
  `${SKOS}hiddenLabel`,
  `${SKOS}notation`,
  `${DCTERMS}alternative`,
  `${DCTERMS}identifier`,
  `${DC}identifier`,
  `${SCHEMA}alternateName`,
  "https://schema.org/alternateName",
  `${SCHEMA}identifier`,
  "https://schema.org/identifier",
  `${FOAF}nick`,
  "http://www.geneontology.org/formats/oboInOwl#hasExactSynonym",
  "http://www.geneontology.org/formats/oboInOwl#hasRelatedSynonym",
]);

/** Predicates that are made for descriptions; never names. */
export const COMMENT_PREDICATES: readonly string[] = [
  `${RDFS}comment`,
  `${SKOS}definition`,
  `${DCTERMS}description`,
  `${DC}description`,
  `${SCHEMA}description`,
  "https://schema.org/description",
  "http://purl.obolibrary.org/obo/IAO_0000115",
];

/** Namespaces whose terms describe data instead of being data. */
const META_NAMESPACES = [RDF, RDFS, OWL, SH, VOID, VOID_EXT, SD];

const META_PROPERTIES_KEPT: ReadonlySet<string> = new Set([
  `${RDF}value`,
  `${RDFS}label`,
  `${RDFS}comment`,
  `${RDFS}seeAlso`,
  `${RDFS}isDefinedBy`,
  `${OWL}sameAs`,
]);

const ONTOLOGY_PROPERTIES: ReadonlySet<string> = new Set([
  `${RDFS}subClassOf`,
  `${RDFS}subPropertyOf`,
  `${OWL}deprecated`,
]);

/** Classes that say nothing about their instances. */
const EMPTY_CLASSES: ReadonlySet<string> = new Set([
  `${OWL}Thing`,
  `${OWL}NamedIndividual`,
  `${RDFS}Resource`,
]);

export function isEmptyClass(iri: string): boolean {
  return EMPTY_CLASSES.has(iri);
}

export function isMetaClass(iri: string): boolean {
  return META_NAMESPACES.some((namespace) => iri.startsWith(namespace));
}

/** `ontology`: the data are an ontology, whose hierarchy is what one asks for. */
export function isMetaProperty(iri: string, ontology: boolean): boolean {
  if (!META_NAMESPACES.some((namespace) => iri.startsWith(namespace))) return false;
  return !META_PROPERTIES_KEPT.has(iri) && !(ontology && ONTOLOGY_PROPERTIES.has(iri));
}

const NUMERIC = new Set(
  [
    "integer",
    "decimal",
    "double",
    "float",
    "int",
    "long",
    "short",
    "byte",
    "nonNegativeInteger",
    "positiveInteger",
    "nonPositiveInteger",
    "negativeInteger",
    "unsignedInt",
    "unsignedLong",
    "unsignedShort",
    "unsignedByte",
  ].map((name) => XSD + name),
);

const TEMPORAL = new Set(
  ["date", "dateTime", "dateTimeStamp", "gYear", "gYearMonth", "time"].map((name) => XSD + name),
);

/** Datatypes whose values have a least and a greatest. */
export function isOrdered(datatype: string): boolean {
  return NUMERIC.has(datatype) || TEMPORAL.has(datatype);
}

export function isText(datatype: string): boolean {
  return datatype === `${XSD}string` || datatype === `${RDF}langString`;
}
