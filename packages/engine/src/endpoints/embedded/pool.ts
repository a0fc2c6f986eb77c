import { EngineFailure } from "../../failure.js";
import { crash, type DataThread, type DataThreadEvents } from "./data-thread.js";
import type { LoadProgress } from "./loader.js";
import type { DataRequest, Reply } from "./messages.js";
import { createWaitingLine, type Place, type WaitingLine } from "./waiting-line.js";

/** How long a worker may take to finish the step that it is in before it is terminated. */
const DRAIN_MS = 100;
const MAX_RELOAD_DELAY_MS = 30_000;
/** Loads that may fail one after the other before the pool gives up making new workers. */
const MAX_FAILED_LOADS = 8;

export interface PoolOptions {
  readonly start: (events: DataThreadEvents) => DataThread;
  /** Queries at the same time. */
  readonly workers: number;
  /** Loaded threads beyond those. */
  readonly spares: number;
  /** Threads that load at the same time; the rest of the cores is for queries. */
  readonly loaders: number;
  readonly maxQueued: number;
  /** Doubled with every failure. */
  readonly reloadDelayMs: number;
  readonly onProgress: (progress: LoadProgress) => void;
}

/** `loading`: no worker has its data yet. `failed`: none ever will. */
export type PoolState = "loading" | "ready" | "failed" | "closed";

export interface PoolStats {
  readonly state: PoolState;
  /** Answering a query, also one that nobody pulls from at the moment. */
  readonly busy: number;
  readonly idle: number;
  readonly loading: number;
  /** Finishing a step of a query that was stopped. */
  readonly draining: number;
  readonly queued: number;
  /** As queries without a dataset see them; `null` while loading. */
  readonly triples: number | null;
  /** Of the thread that is furthest; `null` once a worker has its data. */
  readonly progress: LoadProgress | null;
  /** Why the newest load failed, until one succeeds. */
  readonly failure: EngineFailure | null;
  /** Steps (queries opened and chunks pulled) that workers were asked for so far. */
  readonly steps: number;
}

/** The right to use one worker for one query. */
export interface Lease {
  ask(message: DataRequest): Promise<Reply>;
  /**
   * Gives the worker back at once; a step under way, and every later `ask`, rejects with `reason`. A worker that
   * does not finish its step within 100 ms is terminated and replaced. Later calls have no effect.
   */
  end(reason: EngineFailure): void;
}

/**
 * Keeps `workers + spares` loaded threads, of which `workers` are in use at most: a thread that ends is made up for
 * by a spare at once, while another one loads.
 */
export class DataPool {
  readonly #options: PoolOptions;
  readonly #line: WaitingLine<Lease>;
  readonly #ready = promiseWithResolvers();
  readonly #loading = new Map<DataThread, LoadProgress | null>();
  readonly #idle: DataThread[] = [];
  /** With what tells the query that its thread is gone. */
  readonly #busy = new Map<DataThread, (reason: EngineFailure) => void>();
  readonly #draining = new Map<DataThread, NodeJS.Timeout>();
  #state: PoolState = "loading";
  #triples: number | null = null;
  #failure: EngineFailure | null = null;
  #failedLoads = 0;
  #steps = 0;
  #reloadTimer: NodeJS.Timeout | undefined;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#line = createWaitingLine(options.maxQueued);
    this.#refill();
  }

  /** Resolves when the first worker has its data, rejects when none can have it. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** A place in the line for a worker. Throws where no query can be taken. */
  join(): Place<Lease> {
    if (this.#state === "closed") throw closed();
    if (this.#state === "failed") throw this.#failure ?? unavailable();
    const place = this.#line.join();
    this.#serve();
    return place;
  }

  /** `false` while every query would have to wait for data to be loaded. */
  hasLoaded(): boolean {
    return this.#idle.length + this.#busy.size + this.#draining.size > 0;
  }

  stats(): PoolStats {
    return {
      state: this.#state,
      busy: this.#busy.size,
      idle: this.#idle.length,
      loading: this.#loading.size,
      draining: this.#draining.size,
      queued: this.#line.length,
      triples: this.#triples,
      progress: this.hasLoaded() ? null : this.#furthest(),
      failure: this.#failure,
      steps: this.#steps,
    };
  }

  async close(): Promise<void> {
    const threads = this.#threads();
    if (this.#state !== "closed") {
      this.#state = "closed";
      clearTimeout(this.#reloadTimer);
      this.#line.dismiss(closed());
      this.#ready.reject(closed());
      for (const fail of [...this.#busy.values()]) fail(closed());
    }
    await Promise.all(threads.map((thread) => thread.terminate()));
  }

  #threads(): readonly DataThread[] {
    return [...this.#loading.keys(), ...this.#idle, ...this.#busy.keys(), ...this.#draining.keys()];
  }

  #furthest(): LoadProgress | null {
    let furthest: LoadProgress | null = null;
    for (const progress of this.#loading.values()) {
      if (progress !== null && progress.bytesRead >= (furthest?.bytesRead ?? 0)) furthest = progress;
    }
    return furthest;
  }

  #refill(): void {
    const { workers, spares, loaders } = this.#options;
    while (this.#state === "loading" || this.#state === "ready") {
      const waiting = this.#reloadTimer !== undefined || this.#failedLoads >= MAX_FAILED_LOADS;
      if (waiting || this.#loading.size >= loaders || this.#threads().length >= workers + spares) return;
      this.#startThread();
    }
  }

  #startThread(): void {
    const thread = this.#options.start({
      progress: (progress) => {
        this.#loading.set(thread, progress);
        if (!this.hasLoaded() && this.#furthest() === progress) this.#options.onProgress(progress);
      },
      loaded: (triples) => {
        this.#triples = triples;
        this.#loading.delete(thread);
        this.#failure = null;
        this.#failedLoads = 0;
        if (this.#state === "loading") this.#state = "ready";
        this.#ready.resolve();
        this.#giveBack(thread);
        this.#refill();
      },
      ended: (cause, loadFailure) => this.#threadEnded(thread, cause, loadFailure),
    });
    this.#loading.set(thread, null);
  }

  #threadEnded(thread: DataThread, cause: unknown, loadFailure: EngineFailure | undefined): void {
    const loadFailed = this.#loading.delete(thread);
    const index = this.#idle.indexOf(thread);
    if (index >= 0) this.#idle.splice(index, 1);
    clearTimeout(this.#draining.get(thread));
    this.#draining.delete(thread);
    this.#busy.get(thread)?.(crash(cause));
    this.#busy.delete(thread);
    if (this.#state === "closed") return;
    if (loadFailed) this.#loadFailed(loadFailure ?? unavailable(cause));
    this.#refill();
    this.#serve();
    if (this.#threads().length === 0 && this.#reloadTimer === undefined) this.#giveUp();
  }

  #loadFailed(failure: EngineFailure): void {
    this.#failure = failure;
    this.#failedLoads += 1;
    const hopeless = this.#triples === null && failure.code === "data_unreadable";
    if (hopeless) this.#failedLoads = MAX_FAILED_LOADS;
    if (this.#failedLoads >= MAX_FAILED_LOADS) return;
    const delayMs = this.#options.reloadDelayMs * 2 ** (this.#failedLoads - 1);
    clearTimeout(this.#reloadTimer);
    this.#reloadTimer = setTimeout(
      () => {
        this.#reloadTimer = undefined;
        this.#refill();
      },
      Math.min(delayMs, MAX_RELOAD_DELAY_MS),
    );
  }

  #giveUp(): void {
    const failure = this.#failure ?? unavailable();
    this.#state = "failed";
    this.#line.dismiss(failure);
    this.#ready.reject(failure);
  }

  #serve(): void {
    while (this.#line.length > 0 && this.#busy.size < this.#options.workers) {
      const thread = this.#idle.pop();
      if (thread === undefined) return;
      this.#line.grant(this.#lend(thread));
    }
  }

  #giveBack(thread: DataThread): void {
    this.#idle.push(thread);
    this.#serve();
  }

  #lend(thread: DataThread): Lease {
    let ended: EngineFailure | undefined;
    let step: {
      readonly settled: Promise<unknown>;
      readonly reject: (reason: EngineFailure) => void;
    } | null = null;
    const fail = (reason: EngineFailure) => {
      ended ??= reason;
      step?.reject(reason);
    };
    this.#busy.set(thread, fail);
    return {
      ask: (message) =>
        new Promise((resolve, reject) => {
          if (ended !== undefined) {
            reject(ended);
            return;
          }
          this.#steps += 1;
          const answer = thread.ask(message);
          step = { settled: answer, reject };
          answer.then(
            (reply) => {
              step = null;
              resolve(reply);
            },
            (reason: EngineFailure) => fail(reason),
          );
        }),
      end: (reason) => {
        if (ended !== undefined) return;
        const underWay = step?.settled;
        fail(reason);
        this.#busy.delete(thread);
        if (underWay === undefined) this.#release(thread);
        else this.#drain(thread, underWay);
        this.#serve();
      },
    };
  }

  #release(thread: DataThread): void {
    if (this.#state === "closed") return;
    thread.drop();
    this.#giveBack(thread);
  }

  /** Most steps end in milliseconds; waiting for them saves loading the data again. */
  #drain(thread: DataThread, underWay: Promise<unknown>): void {
    const timer = setTimeout(() => void thread.terminate(), DRAIN_MS);
    this.#draining.set(thread, timer);
    const finished = () => {
      clearTimeout(timer);
      if (this.#draining.delete(thread)) this.#release(thread);
    };
    underWay.then(finished, () => clearTimeout(timer));
  }
}

function promiseWithResolvers() {
  let resolve: () => void = () => undefined;
  let reject: (reason: EngineFailure) => void = () => undefined;
  const promise = new Promise<void>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  // Nobody has to wait for it; a failure is also told to every query and in the stats.
  promise.catch(() => undefined);
  return { promise, resolve, reject };
}

function closed(): EngineFailure {
  return new EngineFailure("endpoint_unavailable", "The endpoint was closed.");
}

function unavailable(cause?: unknown): EngineFailure {
  const reason = cause instanceof Error ? ` (${cause.message})` : "";
  return new EngineFailure(
    "endpoint_unavailable",
    `The endpoint's workers end while they load their data${reason}. Give them more memory or load less.`,
    { cause },
  );
}
