import { createHash } from "node:crypto";
import {
  type AnswerEvent,
  type AnswerRequest,
  type Binding,
  type Endpoint,
  type EndpointHealth,
  type Engine,
  EngineFailure,
  type Term,
} from "@sparql-live/engine";
import oxigraph from "oxigraph";

export interface MemoryEngine extends Engine {
  /** How often somebody asked for the next event. */
  readonly pulledCount: number;
  /** Answers whose work has not ended. */
  readonly openCount: number;
  setHealth(health: EndpointHealth): void;
}

const HEALTHY: EndpointHealth = { state: "healthy", latencyMs: 1, checkedAt: null, consecutiveFailures: 0 };

/**
 * An engine in this process over oxigraph in memory, for tests that need to see when it is asked: SPARQL, and
 * questions that name a class ("all cities"). Rows come in windows, so that they can be paused between.
 *
 * Where a query says `urn:test:endless` its rows come again without end, one window at a time; `urn:test:stuck` waits
 * until it is cancelled; `urn:test:broken` fails with a fault of its own.
 */
export function createMemoryEngine(turtle: string, { windowRows = 100 } = {}): MemoryEngine {
  const store = new oxigraph.Store();
  store.load(turtle, { format: "text/turtle" });
  const listeners = new Set<(endpoint: Endpoint, health: EndpointHealth) => void>();
  let health = HEALTHY;
  let pulledCount = 0;
  let openCount = 0;

  const parts = {
    entry: { id: "local", title: "Test data", data: ["memory.ttl"], datasets: ["https://example.org/data"] },
    kind: "embedded" as const,
    executor: {
      execute: () => {
        throw new EngineFailure("internal_error", "The test engine has no executor of its own.");
      },
      close: async () => undefined,
    },
    profile: async () => ({
      version: 1 as const,
      endpointId: "local",
      fingerprint: "test",
      madeAt: "2026-01-01T00:00:00Z",
      complete: true,
      tripleCount: store.size,
      prefixes: { ex: "http://example.org/" },
      classes: [
        {
          iri: "http://example.org/City",
          labels: [{ text: "city" }],
          count: 3,
          directCount: 3,
          superclasses: [],
        },
      ],
      properties: [],
      links: [],
      labelPredicates: [],
      alternativePredicates: [],
      labelPaths: [],
      valueNodes: [],
      languages: [],
    }),
    graphs: async () => "any" as const,
    knownProfile: () => undefined,
    labels: async () => {
      throw new EngineFailure("internal_error", "The test engine has no labels.");
    },
    examples: async () => [
      { iri: "urn:example:1", question: "all cities", sparql: "SELECT ?s { ?s ?p ?o }", keywords: [] },
    ],
    health: () => health,
    check: async () => health,
    ready: async () => undefined,
    close: async () => undefined,
  };
  const endpoint: Endpoint = parts;

  async function* answer(
    request: AnswerRequest,
    signal: AbortSignal,
  ): AsyncGenerator<AnswerEvent, void, undefined> {
    openCount++;
    try {
      for await (const event of events(request, signal)) {
        pulledCount++;
        if (signal.aborted) throw new EngineFailure("query_cancelled", "The query was cancelled.");
        yield event;
      }
    } finally {
      openCount--;
    }
  }

  async function* events(
    request: AnswerRequest,
    signal: AbortSignal,
  ): AsyncGenerator<AnswerEvent, void, undefined> {
    if (request.endpointId !== undefined && request.endpointId !== "local") {
      throw new EngineFailure("endpoint_not_found", `There is no endpoint "${request.endpointId}".`);
    }
    yield { kind: "progress", stage: "parsing", progress: 0.05, message: "Reading" };
    if (request.question !== undefined) {
      yield { kind: "progress", stage: "validating", progress: 0.1, message: "Linking" };
      yield { kind: "progress", stage: "generating", progress: 0.2, message: "Drafting" };
    }
    const query = request.sparql ?? draft(request.question ?? "");
    const form = check(query);
    yield { kind: "progress", stage: "optimizing", progress: 0.35, message: "Checking", details: { form } };
    if (request.execute === false) {
      yield { kind: "result", result: resultOf(query, form, [], [], false) };
      yield { kind: "progress", stage: "completed", progress: 1, message: "Drafted" };
      return;
    }
    yield { kind: "progress", stage: "executing", progress: 0.4, message: "Asking" };
    if (query.includes("urn:test:broken")) throw new TypeError("a fault of the engine");
    if (query.includes("urn:test:stuck")) await aborted(signal);
    const limit = request.limit ?? 10_000;
    const all = run(query, form);
    if (typeof all === "boolean") {
      yield { kind: "progress", stage: "formatting", progress: 0.95, message: "Closing" };
      yield { kind: "result", result: { ...resultOf(query, form, [], [], true), boolean: all } };
      yield { kind: "progress", stage: "completed", progress: 1, message: "Done" };
      return;
    }
    yield { kind: "head", variables: all.variables };
    const sent: Binding[] = [];
    const endless = query.includes("urn:test:endless");
    for (let start = 0; endless || start < Math.min(limit, all.rows.length); start += windowRows) {
      const end = Math.min(start + windowRows, limit);
      const rows = endless ? all.rows.slice(0, windowRows) : all.rows.slice(start, end);
      if (!endless) sent.push(...rows);
      yield { kind: "rows", rows };
      await new Promise((resolve) => setImmediate(resolve));
      if (signal.aborted) throw new EngineFailure("query_cancelled", "The query was cancelled.");
      yield { kind: "progress", stage: "executing", progress: 0.5, message: `${start} rows` };
    }
    yield { kind: "progress", stage: "formatting", progress: 0.95, message: "Closing" };
    const result = resultOf(query, form, all.variables, sent, true);
    const completeness = { ...result.completeness, ...(all.rows.length > limit ? TRUNCATED : {}) };
    yield { kind: "result", result: { ...result, completeness } };
    yield { kind: "progress", stage: "completed", progress: 1, message: "Done" };
  }

  function run(query: string, form: Form): boolean | { variables: readonly string[]; rows: Binding[] } {
    const found = store.query(query);
    if (typeof found === "boolean") return found;
    if (!Array.isArray(found)) throw new TypeError("unexpected result");
    if (form === "construct" || form === "describe") {
      const rows = (found as oxigraph.Quad[]).map(({ subject, predicate, object }) => ({
        subject: termOf(subject),
        predicate: termOf(predicate),
        object: termOf(object),
      }));
      return { variables: ["subject", "predicate", "object"], rows };
    }
    const names = [...query.slice(0, query.indexOf("{")).matchAll(/\?(\w+)/g)].map(([, name]) => name ?? "");
    const rows = (found as Map<string, oxigraph.Term>[]).map((solution) =>
      Object.fromEntries([...solution].map(([name, term]) => [name, termOf(term)])),
    );
    return { variables: [...new Set(names)], rows };
  }

  return {
    answer,
    endpoints: {
      get: (id) => (id === "local" ? endpoint : undefined),
      list: () => [endpoint],
      findByDataset: (dataset) =>
        dataset === "local" || endpoint.entry.datasets?.includes(dataset) ? endpoint : undefined,
      add: () => {
        throw new EngineFailure("bad_request", "The test engine has one endpoint.");
      },
      remove: async () => false,
      onHealthChange(listener) {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
    async findTerms({ text, signal }) {
      if (text === "slow") await aborted(signal);
      const term = {
        iri: "http://example.org/City",
        label: text,
        description: "",
        ontology: "ex",
        synonyms: [],
        score: 1,
      };
      return [term];
    },
    ready: async () => undefined,
    close: async () => undefined,
    get pulledCount() {
      return pulledCount;
    },
    get openCount() {
      return openCount;
    },
    setHealth(changed) {
      health = changed;
      for (const listener of listeners) listener(endpoint, changed);
    },
  };
}

type Form = "select" | "ask" | "construct" | "describe";

const TRUNCATED = { status: "truncated", reason: "row_limit" } as const;

function draft(question: string): string {
  const noun = /^all (\w+)$/.exec(question)?.[1];
  if (noun === undefined) throw new EngineFailure("not_understood", "Nothing here is called that.");
  return "PREFIX ex: <http://example.org/> SELECT ?s WHERE { ?s a ex:City }";
}

/** Throws `bad_query`, `read_only`, `service_forbidden`. */
function check(query: string): Form {
  const code = query.replaceAll(/PREFIX\s+\w*:\s*<[^>]*>/gi, "").trim();
  if (/^(insert|delete|load|clear|drop|create)\b/i.test(code)) {
    throw new EngineFailure("read_only", "Updates are not taken.");
  }
  if (/\bservice\b/i.test(code)) throw new EngineFailure("service_forbidden", "SERVICE is not allowed.");
  const form = /^(select|ask|construct|describe)\b/i.exec(code)?.[1]?.toLowerCase();
  try {
    new oxigraph.Store().query(query);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const [, line, column] = /at (\d+):(\d+)/.exec(message) ?? [];
    throw new EngineFailure(
      "bad_query",
      message,
      line === undefined ? {} : { place: { line: Number(line), column: Number(column) } },
    );
  }
  return form as Form;
}

function resultOf(
  query: string,
  form: Form,
  variables: readonly string[],
  rows: readonly Binding[],
  executed: boolean,
) {
  const digest = createHash("sha256").update(JSON.stringify(rows)).digest("hex");
  return {
    query,
    form,
    executed,
    variables,
    rowCount: rows.length,
    executionTimeMs: 1,
    explanation: "The query as it was given.",
    confidence: 1,
    completeness: { status: "complete" as const, digest },
    links: [],
    notUnderstood: [],
    alternatives: [],
    warnings: [],
  };
}

function termOf(term: oxigraph.Term): Term {
  if (term.termType === "NamedNode") return { type: "uri", value: term.value };
  if (term.termType === "BlankNode") return { type: "bnode", value: term.value };
  if (term.termType !== "Literal") throw new TypeError(`unexpected term ${term.termType}`);
  if (term.language !== "") return { type: "literal", value: term.value, "xml:lang": term.language };
  const datatype = term.datatype.value;
  if (datatype.endsWith("#string")) return { type: "literal", value: term.value };
  return { type: "literal", value: term.value, datatype };
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const fail = () => reject(new EngineFailure("query_cancelled", "The query was cancelled."));
    if (signal.aborted) fail();
    signal.addEventListener("abort", fail, { once: true });
  });
}
