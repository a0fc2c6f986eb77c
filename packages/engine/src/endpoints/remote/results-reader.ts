import { EngineFailure } from "../../failure.js";
import type { Binding } from "../../rdf.js";
import { ResultsScanner } from "./results-scanner.js";
import { toRow } from "./row-terms.js";

/** What an answer holds, in the order of the answer: `rows` may come before `head`. */
export type ReaderEvent =
  | { readonly kind: "head"; readonly variables: readonly string[] }
  | { readonly kind: "rows"; readonly rows: readonly Binding[] }
  | { readonly kind: "boolean"; readonly value: boolean };

/** Reads one answer from chunks of any size. Every method throws `EngineFailure`. */
export interface AnswerReader {
  read(chunk: Uint8Array): readonly ReaderEvent[];
  /** The answer is over: what was left, or `upstream_truncated` when it cannot have been the whole. */
  end(): readonly ReaderEvent[];
  /** Whether anything of a result was found. */
  begun(): boolean;
}

/**
 * Reads SPARQL 1.1 Query Results JSON (W3C Recommendation) and its 1.2 draft: `head` and `results` in either order,
 * members that nobody knows skipped at every level, `typed-literal` taken for `literal`.
 */
export function createResultsReader(): AnswerReader {
  let events: ReaderEvent[] = [];
  let seenBoolean = false;
  let seenBindings = false;
  let seenHead = false;

  const readHead = (value: unknown) => {
    if (seenHead) throw refuse("`head` is there twice");
    seenHead = true;
    const variables = variablesOf(value);
    if (variables !== undefined) events.push({ kind: "head", variables });
  };
  const readBoolean = (value: unknown) => {
    if (typeof value !== "boolean") throw refuse("`boolean` is neither true nor false");
    if (seenBoolean) throw refuse("`boolean` is there twice");
    seenBoolean = true;
    events.push({ kind: "boolean", value });
  };
  const scanner = new ResultsScanner({
    member(level, key, value) {
      if (level !== "document") return;
      if (key === "head") readHead(value);
      else if (key === "boolean") readBoolean(value);
    },
    bindings() {
      seenBindings = true;
    },
    rows(rows) {
      events.push({ kind: "rows", rows: rows.map(toRow) });
    },
  });
  return {
    read(chunk) {
      events = [];
      scanner.push(chunk);
      return events;
    },
    end() {
      scanner.end();
      if (seenBoolean === seenBindings) {
        throw refuse(seenBoolean ? "it has both rows and a boolean" : "it has neither rows nor a boolean");
      }
      return [];
    },
    begun: () => seenBindings || seenBoolean,
  };
}

/** `undefined` where `head` has no `vars`, as with ASK. */
function variablesOf(head: unknown): readonly string[] | undefined {
  if (typeof head !== "object" || head === null) throw refuse("`head` is no object");
  const { vars } = head as { readonly vars?: unknown };
  if (vars === undefined || vars === null) return undefined;
  if (!Array.isArray(vars) || !vars.every((name) => typeof name === "string")) {
    throw refuse("`head.vars` is no list of names");
  }
  return [...new Set<string>(vars)];
}

function refuse(reason: string): EngineFailure {
  return new EngineFailure(
    "upstream_bad_response",
    `The endpoint's answer is no SPARQL Query Results JSON: ${reason}.`,
  );
}
