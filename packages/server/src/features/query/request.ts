import type { AnswerRequest } from "@sparql-live/engine";
import { ProtocolFailure, WIRE_LIMITS } from "@sparql-live/protocol";
import type { MessageOf } from "../../realtime/dispatcher.js";

/** Throws `question_required` and `bad_request`. */
export function answerRequest(payload: MessageOf<"query_request">["payload"]): AnswerRequest {
  const question = payload.natural_language?.trim() ?? "";
  const sparql = payload.sparql?.trim() ?? "";
  if (question === "" && sparql === "") {
    throw new ProtocolFailure("question_required", "natural_language is required");
  }
  if (question !== "" && sparql !== "") {
    throw new ProtocolFailure("bad_request", "Give either `natural_language` or `sparql`, not both.");
  }
  if (payload.endpoint_id !== undefined && payload.endpoint_url !== undefined) {
    throw new ProtocolFailure("bad_request", "Give either `endpoint_id` or `endpoint_url`, not both.");
  }
  return {
    // The texts go on as they came: places in failures and links are counted in them.
    ...(sparql === "" ? { question: payload.natural_language ?? "" } : { sparql: payload.sparql ?? "" }),
    ...(payload.endpoint_id === undefined ? {} : { endpointId: payload.endpoint_id }),
    ...(payload.endpoint_url === undefined ? {} : { endpointUrl: payload.endpoint_url }),
    ...(payload.strategy === undefined ? {} : { strategy: payload.strategy }),
    ...(payload.execute === undefined ? {} : { execute: payload.execute }),
    limit: payload.limit ?? WIRE_LIMITS.defaultRowLimit,
    ...(payload.timeout === undefined ? {} : { timeoutMs: payload.timeout * 1_000 }),
    ...(payload.projection === undefined ? {} : { projection: payload.projection }),
  };
}
