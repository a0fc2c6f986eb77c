import fc from "fast-check";
import { client, clientOf, command, isConnected, USER_IDS } from "./command.js";
import type { ModelPosition } from "./model.js";
import * as rules from "./rules.js";
import type { World } from "./world.js";

export const connect = command("connect", fc.record({ client }), {
  isPossible: (model, given) => !isConnected(model, given),
  take(model, world, given) {
    rules.connect(model, clientOf(model, given.client));
    world.connect(given.client);
  },
});

export const lose = command("lose", fc.record({ client }), {
  isPossible: isConnected,
  take(model, world, given) {
    rules.lose(model, clientOf(model, given.client));
    world.close(given.client, 1006);
  },
});

export const close = command("close", fc.record({ client }), {
  isPossible: isConnected,
  take(model, world, given) {
    rules.close(model, clientOf(model, given.client));
    world.close(given.client, 1000);
  },
});

interface ResumeArgs {
  readonly client: number;
  readonly token: "good" | "used" | "stolen" | "forged";
  /** So many entries were seen fewer than there were: what came last was lost on its way. */
  readonly lostCount: number;
  readonly belief: "right" | "elsewhere" | "ahead" | "none";
}

export const resume = command<ResumeArgs>(
  "resume",
  fc.record({
    client,
    token: fc.oneof(
      { weight: 6, arbitrary: fc.constant("good" as const) },
      fc.constantFrom("used", "stolen", "forged"),
    ),
    lostCount: fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, fc.nat(14)),
    belief: fc.oneof(
      { weight: 6, arbitrary: fc.constant("right" as const) },
      fc.constantFrom("elsewhere", "ahead", "none"),
    ),
  }),
  {
    isPossible(model, given) {
      const { session, connection, tokensCount } = clientOf(model, given.client);
      if (session === null || (given.token === "used" && tokensCount < 2)) return false;
      return given.token === "good" || connection === null;
    },
    take(model, world, given) {
      const returning = clientOf(model, given.client);
      const positions = new Map<string, ModelPosition>();
      for (const [id, { epoch, seq }] of rules.positionsOf(model, returning)) {
        if (given.belief === "none") continue;
        positions.set(id, {
          epoch: given.belief === "elsewhere" ? "elsewhere" : epoch,
          seq: given.belief === "ahead" ? seq + 100 : Math.max(0, seq - given.lostCount),
        });
      }
      rules.resume(model, returning, { isTokenGood: given.token === "good", positions });
      world.resume(given.client, tokenFor(world, given), positions);
    },
  },
);

function tokenFor(world: World, { client: index, token }: ResumeArgs): string {
  const own = world.clients[index]?.tokens ?? [];
  const newest = own.at(-1) ?? "";
  if (token === "good") return newest;
  if (token === "used") return own.at(-2) ?? "";
  // Somebody else's connection, with a code that is good for another; or a code that nobody made.
  const other = world.clients[(index + 1) % USER_IDS.length]?.tokens.at(-1);
  const [connectionId, code] = newest.split(".");
  return token === "stolen" && other !== undefined
    ? `${other.split(".")[0]}.${code}`
    : `${connectionId}.${"A".repeat(24)}`;
}

/** Ten seconds at a time, so that no two deadlines of a client fall into one. */
export const pass = command("pass", fc.record({ steps: fc.constantFrom(1, 1, 2, 2, 13, 25) }), {
  isPossible: () => true,
  async take(model, world, { steps }) {
    for (let step = 0; step < steps; step++) {
      rules.pass(model, 10_000);
      world.passTime(10_000);
      await world.settle();
    }
  },
});
