import type { Executor } from "../executor.js";
import { type EngineFailure, toEngineFailure } from "../failure.js";
import type { SchemaProfile } from "../profile.js";
import { remoteFingerprint } from "./fingerprint.js";
import type { ProfileCache } from "./profile-cache.js";
import { makeProfile, PROFILE_BUDGET_MS, type ProfileProgress } from "./profile-maker.js";

const DAY_MS = 24 * 60 * 60_000;
/** An incomplete remote profile is looked after sooner, but not at every start: the next may end no better. */
const INCOMPLETE_AGE_MS = 60 * 60_000;
/** What a remote endpoint's profile is called when the endpoint tells nothing that could change with its data. */
const NO_FINGERPRINT = "remote-unknown";

export interface ProfileOfOptions {
  readonly endpointId: string;
  readonly executor: Executor;
  readonly cache: ProfileCache;
  readonly prefixes: Readonly<Record<string, string>>;
  /** Of an embedded endpoint's data files; `null` for a remote endpoint, which is asked. */
  readonly fingerprint: string | null;
  /** Default `PROFILE_BUDGET_MS` of the kind. */
  readonly budgetMs?: number;
  /** A remote endpoint's profile older than this is looked after; default one day. */
  readonly maxAgeMs?: number;
  /** Of the caller who waits for the profile. */
  readonly signal: AbortSignal;
  /** Of the endpoint: a refresh behind goes on when the caller has what it wanted. */
  readonly lifetime: AbortSignal;
  readonly onProgress?: (progress: ProfileProgress) => void;
  /** A kept profile that could not be refreshed or saved goes on being used; this says why. */
  readonly onFailure: (failure: EngineFailure) => void;
}

export interface ServedProfile {
  readonly profile: SchemaProfile;
  /** Under way when what was kept is old: the new profile, or `null` when the old one stays. Never rejects. */
  readonly refresh: Promise<SchemaProfile | null> | null;
}

/**
 * The kept profile where there is one, else a new one. An embedded endpoint's data have a strong fingerprint, so what
 * is kept for it is right; a remote endpoint's kept profile is served at once and looked after behind when it is
 * older than `maxAgeMs` or was left incomplete.
 */
export async function profileOf(options: ProfileOfOptions): Promise<ServedProfile> {
  const { endpointId, cache, fingerprint, maxAgeMs = DAY_MS, lifetime } = options;
  const kept =
    fingerprint === null ? await cache.loadAny(endpointId) : await cache.load(endpointId, fingerprint);
  if (kept === null) return { profile: await make(options, fingerprint, options.signal), refresh: null };
  const stale = fingerprint === null ? isOld(kept, maxAgeMs) : !kept.complete;
  return { profile: kept, refresh: stale ? refresh(options, kept, lifetime) : null };
}

function isOld({ madeAt, complete }: SchemaProfile, maxAgeMs: number): boolean {
  const ageMs = Date.now() - Date.parse(madeAt);
  // An age that is no number or lies in the future is a clock that was wrong: not to be trusted either.
  return !(ageMs >= 0 && ageMs < (complete ? maxAgeMs : Math.min(maxAgeMs, INCOMPLETE_AGE_MS)));
}

async function refresh(
  options: ProfileOfOptions,
  kept: SchemaProfile,
  lifetime: AbortSignal,
): Promise<SchemaProfile | null> {
  try {
    const now = options.fingerprint ?? (await remoteFingerprint(options.executor, lifetime));
    if (now !== null && now === kept.fingerprint && kept.complete) {
      await save(options, { ...kept, madeAt: new Date().toISOString() });
      return null;
    }
    return await make(options, now ?? NO_FINGERPRINT, lifetime);
  } catch (error) {
    options.onFailure(toEngineFailure(error));
    return null;
  }
}

async function make(
  options: ProfileOfOptions,
  fingerprint: string | null,
  signal: AbortSignal,
): Promise<SchemaProfile> {
  const { endpointId, executor, prefixes, onProgress } = options;
  const kind = options.fingerprint === null ? "remote" : "embedded";
  const profile = await makeProfile({
    endpointId,
    executor,
    prefixes,
    fingerprint: fingerprint ?? (await remoteFingerprint(executor, signal)) ?? NO_FINGERPRINT,
    budgetMs: options.budgetMs ?? PROFILE_BUDGET_MS[kind],
    signal,
    ...(onProgress === undefined ? undefined : { onProgress }),
  });
  await save(options, profile);
  return profile;
}

/** A disk that is full or read-only costs the next start time, not this one its profile. */
async function save({ cache, onFailure }: ProfileOfOptions, profile: SchemaProfile): Promise<void> {
  try {
    await cache.save(profile);
  } catch (error) {
    onFailure(toEngineFailure(error));
  }
}
