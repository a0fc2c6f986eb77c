import { randomUUID } from "node:crypto";
import { WIRE_LIMITS } from "@sparql-live/protocol";
import type { Connection } from "../../realtime/connection.js";
import { correlationOf, type Handler } from "../../realtime/dispatcher.js";
import { errorMessageOf, failureOf, isFault, withoutEngine } from "../../realtime/refusals.js";
import { beginWork, type Work } from "../../tracing.js";
import { isPrivateEndpointId, type PrivateEndpoints } from "../private-endpoints.js";
import type { QueryRuns } from "./query-runs.js";
import { answerRequest } from "./request.js";

export interface QueryHandlers {
  readonly query_request: Handler<"query_request">;
  readonly query_attach: Handler<"query_attach">;
  readonly query_cancel: Handler<"query_cancel">;
  readonly query_credit: Handler<"query_credit">;
}

export interface QueryFeatureDeps {
  /** `null` where there is no engine. */
  readonly queries: QueryRuns | null;
  readonly privateEndpoints: Pick<PrivateEndpoints, "addressed">;
}

export function createQueryHandlers({ queries, privateEndpoints }: QueryFeatureDeps): QueryHandlers {
  return {
    async query_request(message, connection) {
      const { payload } = message;
      const { stream = false, credit = WIRE_LIMITS.defaultCreditRows, room_id: roomId } = payload;
      const correlationId = correlationOf(message);
      const queryId = correlationId ?? randomUUID();
      let done: Promise<void>;
      let work: Work | null = null;
      try {
        if (queries === null) throw withoutEngine();
        const asked = answerRequest(payload);
        const addressed = isPrivateEndpointId(asked.endpointId)
          ? await privateEndpoints.addressed(asked, connection.user.id, roomId ?? null)
          : asked;
        work = beginWork("query", message.traceparent, { "sparql_live.query_id": queryId });
        const request = {
          ...addressed,
          ...(work.traceparent === undefined ? {} : { traceparent: work.traceparent }),
        };
        const audience = roomId === undefined ? null : queries.rooms.audience(roomId, connection, "run");
        ({ done } = queries.begin(connection, {
          queryId,
          request,
          watching: { stream, credit },
          // Waited for only where it must be: what comes next may be about this run.
          audience: audience instanceof Promise ? await audience : audience,
        }));
      } catch (error) {
        work?.end(failureOf(error));
        refuse(connection, error, { queryId, roomId, correlationId });
        return;
      }
      await done.finally(work.end);
    },

    async query_attach(message, connection) {
      const { query_id: queryId, room_id: roomId, since, credit, stream } = message.payload;
      try {
        if (queries === null) throw withoutEngine();
        await queries.attach(
          connection,
          { queryId, roomId },
          {
            ...(since === undefined ? {} : { since }),
            ...(credit === undefined ? {} : { credit }),
            ...(stream === undefined ? {} : { stream }),
          },
        );
      } catch (error) {
        refuse(connection, error, { queryId, roomId, correlationId: correlationOf(message) });
      }
    },

    async query_cancel(message, connection) {
      const { query_id: queryId, room_id: roomId } = message.payload;
      try {
        if (queries === null) throw withoutEngine();
        await queries.cancel(connection, { queryId, roomId });
      } catch (error) {
        refuse(connection, error, { queryId, roomId, correlationId: correlationOf(message) });
      }
    },

    query_credit(message, connection) {
      const { query_id: queryId, room_id: roomId, rows } = message.payload;
      queries?.grant(connection, { queryId, roomId }, rows);
    },
  };
}

interface Refused {
  readonly queryId: string;
  readonly roomId: string | undefined;
  readonly correlationId: string | undefined;
}

/** Faults of our own are the dispatcher's to log and to answer. */
function refuse(connection: Connection, error: unknown, { queryId, roomId, correlationId }: Refused): void {
  if (isFault(error)) throw error;
  const payload = {
    ...errorMessageOf(error, queryId),
    ...(roomId === undefined ? {} : { room_id: roomId }),
  };
  connection.send("error_message", payload, { correlationId });
}
