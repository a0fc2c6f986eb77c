/** The RDF serialisations that embedded endpoints read, by their media types. */
export type DataFormat =
  | "text/turtle"
  | "application/n-triples"
  | "application/n-quads"
  | "application/trig"
  | "application/rdf+xml"
  | "application/ld+json";

interface DataFormatEntry {
  readonly format: DataFormat;
  readonly title: string;
  /** With the dot, in lower case; each may be followed by `.gz`. */
  readonly extensions: readonly string[];
}

/** What can be loaded. `.xml` and `.json` are left out: in a folder most of them are something else. */
export const loadFormats: readonly DataFormatEntry[] = [
  { format: "text/turtle", title: "Turtle", extensions: [".ttl", ".turtle"] },
  { format: "application/n-triples", title: "N-Triples", extensions: [".nt"] },
  { format: "application/n-quads", title: "N-Quads", extensions: [".nq"] },
  { format: "application/trig", title: "TriG", extensions: [".trig"] },
  { format: "application/rdf+xml", title: "RDF/XML", extensions: [".rdf", ".rdfs", ".owl"] },
  { format: "application/ld+json", title: "JSON-LD", extensions: [".jsonld"] },
];

export interface FileFormat {
  readonly format: DataFormat;
  readonly gzip: boolean;
}

/** The format of a file by its extension, in any case; `undefined` where the extension is not a known one. */
export function dataFormatOf(path: string): FileFormat | undefined {
  const name = path.toLowerCase();
  const gzip = name.endsWith(".gz");
  const bare = gzip ? name.slice(0, -".gz".length) : name;
  const entry = loadFormats.find(({ extensions }) =>
    extensions.some((extension) => bare.endsWith(extension)),
  );
  return entry === undefined ? undefined : { format: entry.format, gzip };
}

/** For messages: `.ttl, .turtle, .nt, …`. */
export function knownExtensions(): string {
  return loadFormats.flatMap(({ extensions }) => extensions).join(", ");
}
