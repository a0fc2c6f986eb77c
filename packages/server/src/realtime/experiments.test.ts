import { expect, test } from "vitest";
import { createExperiments } from "./experiments.js";

test("[EXPERIMENT-2] a user is in the same variant everywhere, and users spread by the shares", () => {
  const settings = { ranking: { old: 3, new: 1 }, colour: { red: 1, blue: 1 } };
  const here = createExperiments(settings);
  const elsewhere = createExperiments(settings);
  const counts = new Map<string, number>();
  for (let user = 0; user < 4_000; user++) {
    const variants = here.variantsOf(`user-${user}`);
    expect(elsewhere.variantsOf(`user-${user}`)).toEqual(variants);
    const both = `${variants.ranking} ${variants.colour}`;
    counts.set(both, (counts.get(both) ?? 0) + 1);
  }
  // Hashes do not change: neither do these counts, of 1 500 and 500 expected.
  expect(counts.size).toBe(4);
  for (const [both, count] of counts) {
    const expected = both.startsWith("old") ? 1_500 : 500;
    expect(Math.abs(count - expected)).toBeLessThan(120);
  }
});

test("[EXPERIMENT-2] without experiments there are no variants; names are names like others", () => {
  expect(createExperiments({}).variantsOf("ada")).toEqual({});
  const odd = createExperiments({ constructor: { toString: 1 } });
  expect(odd.variantsOf("__proto__")).toEqual({ constructor: "toString" });
});
