import { EngineFailure, type EngineFailureCode } from "../failure.js";
import type { NameScope } from "./names.js";
import { placeAt } from "./places.js";
import { type AnyNode, type ParsedQuery, rangeOf, visitNodes } from "./syntax.js";

export interface SparqlPolicy {
  readonly allowService: boolean;
  /** The graphs that FROM and FROM NAMED may name. */
  readonly localGraphs: "any" | readonly string[];
}

function refuse(code: EngineFailureCode, text: string, offset: number, message: string): EngineFailure {
  const place = placeAt(text, offset);
  return new EngineFailure(code, `Line ${place.line}, column ${place.column}: ${message}`, { place });
}

/** The first SERVICE of the text, however deep: in a subquery, in EXISTS, under SILENT. */
function firstService(parsed: ParsedQuery): number | null {
  let first: number | null = null;
  visitNodes(parsed.ast, (node: AnyNode) => {
    if (node.type === "pattern" && node.subType === "service") {
      const start = rangeOf(node)?.start ?? 0;
      first = first === null ? start : Math.min(first, start);
    }
    return true;
  });
  return first;
}

/** Throws `service_forbidden` or `graph_forbidden`, with the place, for what the policy does not allow. */
export function checkPolicy(parsed: ParsedQuery, policy: SparqlPolicy, names: NameScope): void {
  const service = policy.allowService ? null : firstService(parsed);
  if (service !== null)
    throw refuse(
      "service_forbidden",
      parsed.text,
      service,
      "SERVICE is not allowed here; ask the other endpoint directly.",
    );
  if (policy.localGraphs === "any") return;
  const local = new Set(policy.localGraphs);
  for (const { value } of parsed.ast.datasets.clauses) {
    const iri = names.expand(value) ?? value.value;
    if (local.has(iri)) continue;
    throw refuse(
      "graph_forbidden",
      parsed.text,
      rangeOf(value)?.start ?? 0,
      `FROM names the graph <${iri}>, which this endpoint does not hold; FROM and FROM NAMED are for its own graphs only.`,
    );
  }
}
