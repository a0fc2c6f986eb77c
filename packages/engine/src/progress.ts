import type { AnswerEvent, Stage } from "./answer-events.js";

/** Where each stage ends on the way from 0 to 1. Executing takes the most, and its length is not known before. */
const STAGE_ENDS: Readonly<Record<Stage, number>> = {
  parsing: 0.05,
  validating: 0.15,
  generating: 0.3,
  optimizing: 0.35,
  executing: 0.95,
  formatting: 0.98,
  completed: 1,
};
const STAGE_STARTS: Readonly<Record<Stage, number>> = {
  parsing: 0,
  validating: STAGE_ENDS.parsing,
  generating: STAGE_ENDS.validating,
  optimizing: STAGE_ENDS.generating,
  executing: STAGE_ENDS.optimizing,
  formatting: STAGE_ENDS.executing,
  completed: 1,
};

/** `fraction` is how much of the stage is done, 0 to 1; the progress is that of the whole answer. */
export function progress(
  stage: Stage,
  fraction: number,
  message: string,
  details?: Readonly<Record<string, unknown>>,
): AnswerEvent {
  const start = STAGE_STARTS[stage];
  const value = start + (STAGE_ENDS[stage] - start) * Math.min(1, Math.max(0, fraction));
  return {
    kind: "progress",
    stage,
    progress: Math.round(value * 1_000) / 1_000,
    message,
    ...(details === undefined ? {} : { details }),
  };
}
