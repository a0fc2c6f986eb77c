/** Something that has gathered work during this turn of the event loop. */
export interface Flushable {
  flush(): void;
}

/**
 * The end of a turn of the event loop: first what was gathered for many is handed to the outboxes, then each outbox
 * writes once. A lone message is not delayed (it goes before the loop polls again), and a burst is one write for each
 * connection however many messages and rooms it came from. One immediate serves all.
 */
export interface Ticker {
  /** Calls `flush` before the outboxes write. Call once for each turn. */
  gather(source: Flushable): void;
  /** Calls `flush` after everything was handed over. Call once for each turn. */
  write(outbox: Flushable): void;
}

export function createTicker(): Ticker {
  let sources: Flushable[] = [];
  let outboxes: Flushable[] = [];
  let scheduled = false;

  const tick = () => {
    scheduled = false;
    const gathered = sources;
    sources = [];
    for (const source of gathered) source.flush();
    const writers = outboxes;
    outboxes = [];
    for (const outbox of writers) outbox.flush();
  };
  const schedule = () => {
    if (scheduled) return;
    scheduled = true;
    // After this turn's callbacks and before the next poll.
    setImmediate(tick);
  };

  return {
    gather(source) {
      sources.push(source);
      schedule();
    },
    write(outbox) {
      outboxes.push(outbox);
      schedule();
    },
  };
}
