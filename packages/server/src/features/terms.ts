import type { Engine } from "@sparql-live/engine";
import { WIRE_LIMITS } from "@sparql-live/protocol";
import type { Connection } from "../realtime/connection.js";
import { correlationOf, type Handler } from "../realtime/dispatcher.js";
import { withoutEngine } from "../realtime/refusals.js";

export interface TermHandlers {
  readonly ontology_search: Handler<"ontology_search">;
}

/**
 * Terms while somebody types: a newer search of a connection overtakes the one before it, which is then answered
 * with an empty list and `superseded`, because clients wait for each answer.
 */
export function createTermHandlers({ engine }: { readonly engine: Engine | null }): TermHandlers {
  const latest = new WeakMap<Connection, AbortController>();
  return {
    async ontology_search(message, connection) {
      if (engine === null) throw withoutEngine();
      const { query, ontology, endpoint_id, limit, position } = message.payload;
      const correlationId = correlationOf(message);
      const abort = new AbortController();
      latest.get(connection)?.abort();
      latest.set(connection, abort);
      const echo = { query_text: query, ...(position === undefined ? {} : { position }) };
      try {
        const suggestions = await engine.findTerms(
          {
            text: query,
            ...(ontology === undefined ? {} : { ontology }),
            limit: limit ?? WIRE_LIMITS.defaultTermLimit,
            mode: "autocomplete",
            signal: AbortSignal.any([abort.signal, connection.signal]),
          },
          endpoint_id,
        );
        abort.signal.throwIfAborted();
        const payload = {
          ...echo,
          suggestions: suggestions.map((term) => ({ ...term, synonyms: [...term.synonyms] })),
        };
        connection.send("ontology_suggestion", payload, { correlationId });
      } catch (error) {
        if (!abort.signal.aborted) throw error;
        connection.send(
          "ontology_suggestion",
          { ...echo, suggestions: [], superseded: true },
          { correlationId },
        );
      } finally {
        if (latest.get(connection) === abort) latest.delete(connection);
      }
    },
  };
}
