import { once } from "node:events";
import { styleText } from "node:util";
import {
  type AnswerEvent,
  type AnswerResult,
  type Binding,
  EngineFailure,
  type ResultFormat,
  type ResultHead,
  toEngineFailure,
  writeResults,
} from "@sparql-live/engine";
import { EXIT, UsageError } from "./exit.js";
import type { OutputFormat } from "./output-formats.js";
import { createStepper } from "./stepper.js";
import { renderTable } from "./table.js";

export interface PresentOptions {
  readonly format: OutputFormat;
  readonly showQuery: boolean;
  readonly signal: AbortSignal;
  /** Asked once, at the end, for the short names of a table. */
  readonly prefixes: () => Promise<Readonly<Record<string, string>>>;
}

/**
 * Shows an answer as it comes: progress on standard error, the result alone on standard output, so that it can be
 * piped. Settles with the exit code.
 */
export async function presentAnswer(
  events: AsyncGenerator<AnswerEvent, void, undefined>,
  options: PresentOptions,
): Promise<number> {
  const stepper = createStepper(process.stderr);
  const rows: Binding[] = [];
  let variables: readonly string[] = [];
  let result: AnswerResult | undefined;
  try {
    for await (const event of events) {
      switch (event.kind) {
        case "progress":
          stepper.take(event);
          break;
        case "head":
          variables = event.variables;
          break;
        case "rows":
          for (const row of event.rows) rows.push(row);
          break;
        case "result":
          result = event.result;
          break;
      }
    }
    if (result === undefined) throw new EngineFailure("internal_error", "The answer ended without a result.");
  } catch (error) {
    const failure = toEngineFailure(error);
    const interrupted = options.signal.aborted;
    stepper.end(interrupted ? "interrupted" : "failed");
    if (error instanceof UsageError) throw error;
    process.stderr.write(interrupted ? "Interrupted.\n" : describeFailure(failure));
    return interrupted ? EXIT.interrupted : EXIT.failed;
  }
  stepper.end("done");
  describeUnderstanding(result, options.showQuery);
  await writeOutput({ variables, rows, result }, options);
  return EXIT.answered;
}

interface Collected {
  readonly variables: readonly string[];
  readonly rows: readonly Binding[];
  readonly result: AnswerResult;
}

async function writeOutput({ variables, rows, result }: Collected, options: PresentOptions): Promise<void> {
  if (!result.executed) {
    await write(`${result.query.trimEnd()}\n`);
    return;
  }
  if (options.format === "table") {
    if (result.boolean !== undefined) await write(result.boolean ? "yes\n" : "no\n");
    else {
      const width = process.stdout.isTTY ? (process.stdout.columns ?? 80) : Number.POSITIVE_INFINITY;
      const names = result.variables.length > 0 ? result.variables : variables;
      await write(renderTable({ variables: names, rows, prefixes: await options.prefixes(), width }));
    }
    process.stderr.write(summary(result));
    return;
  }
  const head: ResultHead =
    result.boolean === undefined
      ? { kind: "bindings", variables: result.variables.length > 0 ? result.variables : variables }
      : { kind: "boolean", value: result.boolean };
  const format: ResultFormat = options.format;
  for await (const chunk of writeResults(
    { format, head, completeness: () => result.completeness },
    rowsOnce(rows),
  ))
    await write(chunk);
}

async function* rowsOnce(rows: readonly Binding[]) {
  if (rows.length > 0) yield rows;
}

/** Waits for a slow pipe; a closed one (`| head`) ends the command quietly. */
async function write(text: string): Promise<void> {
  if (!process.stdout.write(text)) await once(process.stdout, "drain");
}

function summary(result: AnswerResult): string {
  const { completeness, rowCount, executionTimeMs } = result;
  const rows = result.boolean === undefined ? `${rowCount} ${rowCount === 1 ? "row" : "rows"}, ` : "";
  const cut =
    completeness.status === "complete"
      ? ""
      : styleText(
          "yellow",
          ` – ${completeness.status}${completeness.reason ? ` (${completeness.reason})` : ""}`,
        );
  return `${rows}${Math.round(executionTimeMs)} ms${cut}\n`;
}

function describeUnderstanding(result: AnswerResult, showQuery: boolean): void {
  const lines: string[] = [];
  if (result.notUnderstood.length > 0) {
    const words = result.notUnderstood.map((span) => `"${span.text}"`).join(", ");
    lines.push(styleText("yellow", `Not understood: ${words}`));
  }
  for (const warning of result.warnings) {
    if (warning.code !== "prefix_added") lines.push(styleText("yellow", warning.message));
  }
  if (result.clarification !== undefined) lines.push(result.clarification);
  if (showQuery && result.executed) lines.push(styleText("dim", result.query.trimEnd()));
  if (lines.length > 0) process.stderr.write(`${lines.join("\n")}\n`);
}

export function describeFailure(failure: EngineFailure): string {
  const detail = failure.detail === undefined ? "" : `\n${failure.detail}`;
  return `${styleText("red", `${failure.code}:`)} ${failure.message}${detail}\n`;
}
