import { createHash } from "node:crypto";
import type { Binding } from "../rdf.js";
import { ntriplesTerm } from "./terms.js";

/** Made while the rows pass; equal for equal rows in equal order, whichever format they are written in. */
export interface RowDigest {
  add(rows: readonly Binding[]): void;
  /** SHA-256, hex. The digest takes no rows after that. */
  finish(): string;
}

/**
 * SHA-256 over rows: the terms of a row in N-Triples, in the order of `variables`, joined by tabs, nothing for an
 * unbound variable; each row ended by a line feed. N-Triples terms hold neither tabs nor line feeds.
 */
export function createRowDigest(variables: readonly string[]): RowDigest {
  const hash = createHash("sha256");
  return {
    add(rows) {
      let text = "";
      for (const row of rows) {
        let separator = "";
        for (const variable of variables) {
          const term = Object.hasOwn(row, variable) ? row[variable] : undefined;
          text += term === undefined ? separator : separator + ntriplesTerm(term);
          separator = "\t";
        }
        text += "\n";
      }
      hash.update(text);
    },
    finish: () => hash.digest("hex"),
  };
}

/** The digest of an ASK: that of one row with its boolean. */
export function booleanDigest(value: boolean): string {
  const digest = createRowDigest(["boolean"]);
  digest.add([
    {
      boolean: {
        type: "literal",
        value: String(value),
        datatype: "http://www.w3.org/2001/XMLSchema#boolean",
      },
    },
  ]);
  return digest.finish();
}
