import type { EndpointEntry } from "../endpoint.js";

/**
 * Public endpoints that need no key. They are asked only when somebody chooses one (`probe: false`): starting a
 * server sends nothing to anybody.
 *
 * Addresses: the SIB endpoints from the defaults of github.com/sib-swiss/sparql-editor and
 * github.com/sib-swiss/sparql-examples (Makefile), Wikidata and DBpedia from their own documentation pages
 * (www.wikidata.org/wiki/Wikidata:SPARQL_query_service, www.dbpedia.org/resources/sparql).
 */
export const PUBLIC_ENDPOINTS: readonly EndpointEntry[] = [
  publicEndpoint(
    "uniprot",
    "UniProt",
    "https://sparql.uniprot.org/sparql/",
    "Proteins, their functions, diseases and taxa.",
  ),
  publicEndpoint(
    "wikidata",
    "Wikidata",
    "https://query.wikidata.org/sparql",
    "The free knowledge base of Wikimedia.",
  ),
  publicEndpoint("dbpedia", "DBpedia", "https://dbpedia.org/sparql", "Structured content of Wikipedia."),
  publicEndpoint("bgee", "Bgee", "https://www.bgee.org/sparql/", "Gene expression across animal species."),
  publicEndpoint("rhea", "Rhea", "https://sparql.rhea-db.org/sparql/", "Biochemical reactions."),
  publicEndpoint("oma", "OMA", "https://sparql.omabrowser.org/sparql/", "Orthologs among complete genomes."),
  publicEndpoint("cellosaurus", "Cellosaurus", "https://sparql.cellosaurus.org/sparql", "Cell lines."),
  publicEndpoint(
    "wikipathways",
    "WikiPathways",
    "https://sparql.wikipathways.org/sparql/",
    "Biological pathways.",
  ),
  publicEndpoint("mesh", "MeSH", "https://id.nlm.nih.gov/mesh/sparql", "Medical subject headings."),
];

function publicEndpoint(id: string, title: string, url: string, description: string): EndpointEntry {
  return { id, title, url, description, probe: false };
}
