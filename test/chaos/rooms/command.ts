import fc from "fast-check";
import { compare } from "./comparison.js";
import type { ModelClient, ModelConnection, RoomModel } from "./model.js";
import type { Request } from "./rules.js";
import type { World } from "./world.js";

export type RoomCommand = fc.AsyncCommand<RoomModel, World>;

export const ROOM_IDS = ["red", "den"] as const;
/** One of them has two clients. */
export const USER_IDS = ["ada", "bob", "bob", "eve", "kim"] as const;

export const client = fc.nat(USER_IDS.length - 1);
export const roomId = fc.constantFrom(...ROOM_IDS);
export const userId = fc.constantFrom(...USER_IDS);

interface Step<A> {
  isPossible(model: Readonly<RoomModel>, args: A): boolean;
  /** Says what the model expects and has the server do it; then both are compared. */
  take(model: RoomModel, world: World, args: A): void | Promise<void>;
}

export function command<A>(
  name: string,
  args: fc.Arbitrary<A>,
  step: Step<NoInfer<A>>,
): fc.Arbitrary<RoomCommand> {
  return args.map((given) => ({
    check: (model) => step.isPossible(model, given),
    async run(model, world) {
      model.commandsCount++;
      await step.take(model, world, given);
      await world.settle();
      await compare(model, world);
    },
    toString: () => `${name}(${JSON.stringify(given)})`,
  }));
}

export function clientOf(model: RoomModel, index: number): ModelClient {
  const found = model.clients[index];
  if (found === undefined) throw new RangeError(`There is no client ${index}`);
  return found;
}

export function connectionOf(model: RoomModel, index: number): ModelConnection {
  const { connection } = clientOf(model, index);
  if (connection === null) throw new Error(`Client ${index} is not connected`);
  return connection;
}

/** Asked by a client that is connected; `payload` is what is sent. */
export function request<A extends { readonly client: number; readonly roomId: string }>(
  type: string,
  args: fc.Arbitrary<A>,
  {
    payload,
    predict,
    idOf = (model) => `request ${++model.requestsCount}`,
  }: {
    payload: (args: A, world: World, id: string) => object;
    predict: (model: RoomModel, asked: Request, args: A) => void;
    idOf?: (model: RoomModel, args: A) => string;
  },
): fc.Arbitrary<RoomCommand> {
  return command(type, args, {
    isPossible: isConnected,
    take(model, world, given) {
      const id = idOf(model, given);
      predict(model, { by: connectionOf(model, given.client), roomId: given.roomId, id }, given);
      world.send(given.client, type, { room_id: given.roomId, ...payload(given, world, id) }, id);
    },
  });
}

export const isConnected = (model: Readonly<RoomModel>, given: { readonly client: number }) =>
  clientOf(model, given.client).connection !== null;
