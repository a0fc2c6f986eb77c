import { WIRE_LIMITS } from "@sparql-live/protocol";

/** The rows that a watcher is ready to take. */
export interface Credit {
  /** Below 0 where a chunk that was cut for others was larger: then the watcher owes rows. */
  readonly rows: number;
  grant(rows: number): void;
  spend(rows: number): void;
}

export function createCredit(initialRows: number): Credit {
  let rows = initialRows;
  return {
    get rows() {
      return rows;
    },
    grant(more) {
      rows = Math.min(rows + more, WIRE_LIMITS.maxCreditRows);
    },
    spend(spent) {
      rows -= spent;
    },
  };
}
