import { type AnswerResult, RESULT_FORMATS, type ResultFormat, writeResults } from "@sparql-live/engine";
import type { Representation } from "./accept.js";
import type { OpenedAnswer } from "./sparql-answer.js";

/** What an answer to a query of this form can be written as, the preferred one first. */
export function representationsOf(form: AnswerResult["form"]): readonly Representation<ResultFormat>[] {
  return RESULT_FORMATS.filter(({ forms }) => forms.includes(form)).map(({ id, mediaTypes, parameters }) => ({
    format: id,
    mediaTypes,
    parameters,
  }));
}

/** An answer as a document, in parts, as its rows come. */
export function writeDocument(
  format: ResultFormat,
  form: AnswerResult["form"],
  { variables, boolean, rows, result }: OpenedAnswer,
): AsyncIterable<string> {
  // Asked after the last row: an answer of the engine has its result by then; a description is complete.
  const completeness = () => result()?.completeness ?? { status: "complete" as const };
  if (boolean !== undefined) return writeResults({ format, head: { kind: "boolean", value: boolean } }, rows);
  const head =
    form === "construct" || form === "describe"
      ? ({ kind: "triples" } as const)
      : ({ kind: "bindings", variables } as const);
  return writeResults({ format, head, completeness }, rows);
}
