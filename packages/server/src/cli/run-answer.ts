import type { AnswerRequest } from "@sparql-live/engine";
import { interruptSignal, UsageError } from "./exit.js";
import { openLocalEngine } from "./local-engine.js";
import { presentAnswer } from "./output.js";
import type { OutputFormat } from "./output-formats.js";
import { answerThroughServer } from "./remote-answers.js";

export interface AnswerOptions {
  readonly limit?: number;
  readonly timeout?: number;
  readonly endpoint?: string;
  readonly server?: string;
  readonly data?: readonly string[];
  readonly config?: string;
  readonly format: OutputFormat;
  readonly showQuery?: boolean;
}

/** Answers one request, in this process or through a server, and shows it. Settles with the exit code. */
export async function runAnswer(
  asked: Pick<AnswerRequest, "question" | "sparql" | "strategy" | "execute">,
  options: AnswerOptions,
): Promise<number> {
  if (options.server !== undefined && options.data !== undefined) {
    throw new UsageError(
      "--data is read in this process; with --server, start that server with --data instead",
    );
  }
  const interrupt = interruptSignal();
  const present = { format: options.format, showQuery: options.showQuery ?? false, signal: interrupt.signal };
  const bounds = {
    ...(options.limit === undefined ? {} : { limit: options.limit }),
    ...(options.timeout === undefined ? {} : { timeoutMs: options.timeout * 1_000 }),
  };
  try {
    if (options.server !== undefined) {
      const request = { ...asked, ...bounds, ...endpointChoice(options.endpoint) };
      const events = answerThroughServer(options.server, request, interrupt.signal);
      return await presentAnswer(events, { ...present, prefixes: async () => ({}) });
    }
    const local = openLocalEngine(options);
    try {
      const events = local.engine.answer(
        { ...asked, ...bounds, endpointId: local.endpointId },
        interrupt.signal,
      );
      return await presentAnswer(events, { ...present, prefixes: () => local.prefixes(interrupt.signal) });
    } finally {
      await local.engine.close();
    }
  } finally {
    interrupt.release();
  }
}

function endpointChoice(endpoint: string | undefined): Pick<AnswerRequest, "endpointId" | "endpointUrl"> {
  if (endpoint === undefined) return {};
  return /^https?:\/\//i.test(endpoint) ? { endpointUrl: endpoint } : { endpointId: endpoint };
}
