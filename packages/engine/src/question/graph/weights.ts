/** All weights of the search and the ranking in one place; tuned on our own development questions. */
export const WEIGHTS = {
  /** Worth of a named word that was placed, times its link's score. */
  understood: 2,
  /** Beyond the first word of a name. */
  furtherWord: 1.2,
  /** Cost of a mention or a word that was left out. */
  dropped: 2.4,
  unknownWord: 1.2,
  /** Times the cost of a way between classes. */
  way: 0.55,
  /** Attaching to something else than what was said last, per node between. */
  distance: 0.12,
  /** A property read against its direction. */
  against: 0.25,
  /** A property that is the way between two things that were named anyway. */
  sharedEdge: 0.35,
  /** Unifying with a node that was already there. */
  unified: 0.2,
  /** A node that only leads to another and that nothing else is said of. */
  dangling: 0.6,
  /** "paintings" for all that is of the kind painting. */
  kindAsClass: 0.25,
  /** Some property, nobody knows which. */
  anyProperty: 3,
  /** A quality that the question did not name. */
  unnamedMeasure: 0.6,
  /** Order of words: "X of Y" and verbs with subject and object. */
  wordOrder: 0.3,
  /** Ranking by execution. */
  empty: -2.5,
  failed: -4,
  tooMany: -0.4,
  singularFits: 0.3,
  /** A denial of what holds of nothing at all. */
  vacuous: -1.6,
  falseAsk: -0.15,
} as const;

export const BEAM_WIDTH = 28;
export const CANDIDATES = 12;
