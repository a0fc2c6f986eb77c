import type { Executor } from "./executor.js";
import type { LabelIndex } from "./labels.js";
import type { ExampleQuery, SchemaProfile } from "./profile.js";

/** What a registry file says of an endpoint. */
export interface EndpointEntry {
  /** `[A-Za-z0-9_-]{1,64}`. */
  readonly id: string;
  readonly title: string;
  readonly description?: string;
  /** A remote endpoint's address … */
  readonly url?: string;
  /** … or the files and folders of an embedded one. Exactly one of the two. */
  readonly data?: readonly string[];
  /** Files with `sh:SPARQLExecutable` examples. */
  readonly examples?: readonly string[];
  readonly prefixes?: Readonly<Record<string, string>>;
  /** IRIs under which `/text2sparql` knows this endpoint. */
  readonly datasets?: readonly string[];
  /** Sent with every request to a remote endpoint. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
  /** `probe: false` for addresses that one should not ask without cause. Default `true`. */
  readonly probe?: boolean;
  /** Milliseconds between health probes, before jitter. Default 60 000. */
  readonly probeIntervalMs?: number;
}

export type HealthState = "unknown" | "loading" | "healthy" | "degraded" | "unreachable";

export interface EndpointHealth {
  readonly state: HealthState;
  /** Of the last probe that was answered. */
  readonly latencyMs: number | null;
  /** ISO 8601; `null` before the first probe. */
  readonly checkedAt: string | null;
  /** What is wrong, in words, or how far the loading is. */
  readonly message?: string;
  readonly consecutiveFailures: number;
}

/** An endpoint in use. `profile`, `labels` and `examples` are made at the first call and kept. */
export interface Endpoint {
  readonly entry: EndpointEntry;
  readonly kind: "embedded" | "remote";
  readonly executor: Executor;
  profile(signal: AbortSignal): Promise<SchemaProfile>;
  /** The named graphs that FROM may name; `any` where the endpoint itself decides. */
  graphs(signal: AbortSignal): Promise<readonly string[] | "any">;
  /** The profile where it was made already: for what profits from it and must not wait for it. */
  knownProfile(): SchemaProfile | undefined;
  labels(signal: AbortSignal): Promise<LabelIndex>;
  examples(signal: AbortSignal): Promise<readonly ExampleQuery[]>;
  health(): EndpointHealth;
  /** Asks it now whether it answers, and settles with the health that follows. */
  check(signal: AbortSignal): Promise<EndpointHealth>;
  /** Settles when its data is loaded; rejects with `data_unreadable`. At once for a remote one. */
  ready(): Promise<void>;
  close(): Promise<void>;
}
