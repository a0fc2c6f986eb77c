import { createHash } from "node:crypto";

/** By the name of the experiment its variants, each with its share: `{"ranking": {"old": 9, "new": 1}}`. */
export type ExperimentSettings = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** By the name of the experiment the name of a variant. */
export type Variants = Readonly<Record<string, string>>;

export interface Experiments {
  readonly settings: ExperimentSettings;
  /** The same for the same user, on every connection and every server; a guest's id is that of one connection. */
  variantsOf(userId: string): Variants;
}

const NONE: Variants = {};

/** Shares are whole numbers above 0. */
export function createExperiments(settings: ExperimentSettings): Experiments {
  const names = Object.keys(settings);
  return {
    settings,
    variantsOf: (userId) =>
      names.length === 0
        ? NONE
        : Object.fromEntries(names.map((name) => [name, variantOf(name, settings[name] ?? {}, userId)])),
  };
}

/** The hash spreads users evenly, and for each experiment anew: who is in the one says nothing of the other. */
function variantOf(experiment: string, weights: Readonly<Record<string, number>>, userId: string): string {
  const variants = Object.entries(weights);
  const total = variants.reduce((sum, [, weight]) => sum + weight, 0);
  const hash = createHash("sha256").update(`${experiment}\0${userId}`).digest().readUInt32BE(0);
  let left = (hash / 2 ** 32) * total;
  for (const [name, weight] of variants) {
    left -= weight;
    if (left < 0) return name;
  }
  throw new TypeError(`The experiment "${experiment}" has no variant with a share above 0.`);
}
