import type { AnswerEvent, AnswerResult, Binding } from "@sparql-live/engine";

export type QueryForm = AnswerResult["form"];

/** An answer of the engine that is read as far as its head: what is needed to begin a document. */
export interface OpenedAnswer {
  readonly variables: readonly string[];
  readonly boolean: boolean | undefined;
  /** All rows, in batches; to be read once. Ending it early stops the endpoint's work. */
  readonly rows: AsyncIterable<readonly Binding[]>;
  /** Known at once where there are no rows, else when `rows` has ended. */
  result(): AnswerResult | null;
}

type Events = AsyncGenerator<AnswerEvent, void, undefined>;

/**
 * Reads up to the first of head, rows and result. `onForm` is told the form of the query before it is executed, and
 * may throw to stop it there.
 */
export async function openAnswer(events: Events, onForm: (form: QueryForm) => void): Promise<OpenedAnswer> {
  try {
    return await readHead(events, onForm);
  } catch (error) {
    await events.return();
    throw error;
  }
}

async function readHead(events: Events, onForm: (form: QueryForm) => void): Promise<OpenedAnswer> {
  let form: QueryForm | null = null;
  for (;;) {
    const { value: event, done } = await events.next();
    if (done === true) throw new Error("the engine ended without a result");
    if (event.kind === "progress" && form === null) {
      form = formOf(event.details?.form);
      if (form !== null) onForm(form);
    }
    if (event.kind === "result") {
      if (form === null) onForm(event.result.form);
      const { result } = event;
      await events.return();
      return { variables: result.variables, boolean: result.boolean, rows: noRows(), result: () => result };
    }
    if (event.kind === "head" && form !== "ask") return streamed(events, event.variables, []);
    if (event.kind === "rows") return streamed(events, Object.keys(event.rows[0] ?? {}), [event.rows]);
  }
}

function streamed(
  events: Events,
  variables: readonly string[],
  first: readonly (readonly Binding[])[],
): OpenedAnswer {
  let result: AnswerResult | null = null;
  async function* rows(): AsyncGenerator<readonly Binding[], void, undefined> {
    yield* first;
    for await (const event of events) {
      if (event.kind === "rows") yield event.rows;
      if (event.kind === "result") result = event.result;
    }
    if (result === null) throw new Error("the engine ended without a result");
  }
  return { variables, boolean: undefined, rows: rows(), result: () => result };
}

async function* noRows(): AsyncGenerator<readonly Binding[], void, undefined> {
  // A result that came before any row.
}

function formOf(value: unknown): QueryForm | null {
  return value === "select" || value === "ask" || value === "construct" || value === "describe"
    ? value
    : null;
}
