const MIB = 1024 * 1024;

/** What a long command tells on standard error. */
export interface Progress {
  /** A step, in words. */
  step(text: string): void;
  /** How much of a step is done; told at each tenth. */
  bytes(doneBytes: number, totalBytes: number): void;
}

export function createProgress(): Progress {
  let tenths = 0;
  return {
    step(text) {
      tenths = 0;
      process.stderr.write(`${text}\n`);
    },
    bytes(doneBytes, totalBytes) {
      const reached = totalBytes === 0 ? 10 : Math.floor((doneBytes / totalBytes) * 10);
      if (reached <= tenths) return;
      tenths = reached;
      process.stderr.write(`  ${megabytes(doneBytes)} of ${megabytes(totalBytes)}\n`);
    },
  };
}

export function megabytes(bytes: number): string {
  return `${(bytes / MIB).toFixed(1)} MiB`;
}
