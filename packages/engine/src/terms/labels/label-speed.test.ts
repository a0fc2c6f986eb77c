import { expect, test } from "vitest";
import type { Executor } from "../../executor.js";
import type { SchemaProfile } from "../../profile.js";
import { createLabelIndex } from "./label-index.js";

const NAMES = 100_000;
const SYLLABLES = "ba ko ri tu me la no si va du pe xi go ha ju ster in ol ase gen prot lip".split(" ");

/** The same names on every run: a linear congruential generator (Numerical Recipes' constants). */
function generateNames(): { names: string[]; random: () => number } {
  let seed = 7;
  const random = () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return seed / 2 ** 32;
  };
  const pick = <T>(list: readonly T[], at: number): T => list[Math.floor(at * list.length)] as T;
  const word = () =>
    Array.from({ length: 1 + Math.floor(random() * 4) }, () => pick(SYLLABLES, random())).join("");
  const vocabulary = Array.from({ length: 12_000 }, word);
  const names = Array.from({ length: NAMES }, (_, at) => {
    const words = Array.from({ length: 1 + Math.floor(random() * 4) }, () => pick(vocabulary, random() ** 2));
    return random() < 0.3 ? `${words.join(" ")} ${at}` : words.join(" ");
  });
  return { names, random };
}

const LABEL = "urn:label";

/** Gives the generated names as rows; there is no data behind them to query. */
function namesExecutor(names: readonly string[]): Executor {
  return {
    async *execute(query) {
      yield { kind: "started" };
      for (let at = 0; query.text.includes(LABEL) && at < names.length; at += 1_000) {
        const rows = names.slice(at, at + 1_000).map((value, offset) => ({
          s: { type: "uri", value: `urn:e:E${at + offset}` } as const,
          o: { type: "literal", value } as const,
        }));
        yield { kind: "rows", rows };
      }
      yield { kind: "end", completeness: { status: "complete" } };
    },
    close: async () => undefined,
  };
}

const PROFILE: SchemaProfile = {
  version: 1,
  endpointId: "names",
  fingerprint: "f",
  madeAt: "2000-01-01T00:00:00.000Z",
  complete: true,
  tripleCount: NAMES,
  prefixes: {},
  classes: [],
  properties: [],
  links: [],
  labelPredicates: [LABEL],
  alternativePredicates: [],
  labelPaths: [],
  valueNodes: [],
  languages: [],
};

function percentile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length * share)] ?? 0;
}

// The goals are 5 s, 10 ms and 50 ms on a quiet machine; the bounds here are what a search through all names would break.
test("100 000 names are indexed, searched while typing and searched with spelling errors in no time", async () => {
  const { names, random } = generateNames();
  const { signal } = new AbortController();
  const startedAt = performance.now();
  const index = await createLabelIndex({
    executor: namesExecutor(names),
    profile: PROFILE,
    kind: "embedded",
    signal,
  });
  try {
    expect(performance.now() - startedAt).toBeLessThan(25_000);
    expect(index.size).toBeGreaterThanOrEqual(NAMES);
    const anyName = () => names[Math.floor(random() * names.length)] ?? "";
    const timed = async (makeText: () => string) => {
      const times: number[] = [];
      for (let round = 0; round < 200; round += 1) {
        const text = makeText();
        const askedAt = performance.now();
        const hits = await index.search(text, { mode: "autocomplete", signal });
        times.push(performance.now() - askedAt);
        expect(hits.length).toBeGreaterThan(0);
      }
      return percentile(times, 0.95);
    };
    const typing = await timed(() => {
      const name = anyName();
      return name.slice(0, 1 + Math.floor(random() * name.length));
    });
    const misspelt = await timed(() => {
      const word =
        anyName()
          .split(" ")
          .find((part) => part.length > 4) ?? "sterinol";
      return `${word.slice(0, 2)}${word[3]}${word[2]}${word.slice(4)}`;
    });
    expect(typing).toBeLessThan(50);
    expect(misspelt).toBeLessThan(100);
  } finally {
    await index.close();
  }
});
