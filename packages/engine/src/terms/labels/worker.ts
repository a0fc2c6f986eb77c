import { parentPort, workerData } from "node:worker_threads";
import type { LabelReply, LabelRequest, LabelWorkerData } from "./messages.js";
import { labelOf, searchTable } from "./name-search.js";
import { createNameTable, type NameTable } from "./name-table.js";

/** The thread that holds one endpoint's names: takes them in batches, is sealed once, then answers searches. */
function serve(port: NonNullable<typeof parentPort>, { maxNames, language }: LabelWorkerData): void {
  let builder: ReturnType<typeof createNameTable> | null = createNameTable(maxNames, language);
  let table: NameTable | null = null;

  const answer = (request: LabelRequest): LabelReply => {
    const { id } = request;
    switch (request.type) {
      case "build":
        if (builder === null) throw new Error("The index is sealed; nothing can be added.");
        builder.add(request.batch);
        return { id, type: "built", nameCount: builder.nameCount(), full: builder.full() };
      case "seal": {
        const full = builder?.full() ?? false;
        table ??= builder?.seal() ?? null;
        builder = null;
        return { id, type: "built", nameCount: table?.names.length ?? 0, full };
      }
      case "search":
        if (table === null) throw new Error("The index is not sealed; nothing can be searched.");
        return { id, type: "hits", hits: searchTable(table, request.search) };
      case "labels": {
        const labels: [string, string][] = [];
        for (const iri of request.iris) {
          const subject = table?.subjects[table.subjectByIri.get(iri) ?? -1];
          if (table !== null && subject !== undefined) labels.push([iri, labelOf(table, subject)]);
        }
        return { id, type: "labels", labels };
      }
    }
  };

  port.on("message", (request: LabelRequest) => {
    try {
      port.postMessage(answer(request));
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      port.postMessage({ id: request.id, type: "failed", message } satisfies LabelReply);
    }
  });
}

if (parentPort !== null) serve(parentPort, workerData as LabelWorkerData);
