import { ProtocolFailure, type Violation } from "@sparql-live/protocol";
import { ADMIN_ACTIONS, type AdminAction } from "@sparql-live/protocol/admin";
import type { ParsedMessage } from "@sparql-live/protocol/validate";
import { Compile } from "typebox/compile";
import { correlationOfValue } from "../realtime/refusals.js";

const validators = new Map(Object.entries(ADMIN_ACTIONS).map(([name, schema]) => [name, Compile(schema)]));

/** Signs of life, as everywhere. */
const SIGNS: ReadonlySet<unknown> = new Set(["ping", "pong", "heartbeat"]);

/**
 * `{"action": …, …}` as a message of that type, what stands beside it being its payload; `{"type": "pong"}` and the
 * like as they are. Throws `bad_message` where it is neither.
 */
export function parseAdminRequest(value: unknown): ParsedMessage {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw noAction();
  const { action, type, message_id: _, correlation_id: __, ...payload } = value as Record<string, unknown>;
  const correlationId = correlationOfValue(value);
  const framing = correlationId === undefined ? {} : { correlation_id: correlationId };
  if (typeof action === "string") return { ...framing, type: action, payload };
  if (typeof type === "string" && SIGNS.has(type)) return { ...framing, type, payload: {} };
  throw noAction();
}

/** Throws `unknown_type` and `invalid_message`. Members that are `null` count as absent. */
export function checkedAction({ type, payload }: ParsedMessage): {
  readonly action: AdminAction;
  readonly payload: object;
} {
  const validator = validators.get(type);
  if (validator === undefined) {
    const known = [...validators.keys()].join(", ");
    throw new ProtocolFailure("unknown_type", `Unknown action "${type.slice(0, 64)}"; there are ${known}.`);
  }
  const given = Object.fromEntries(Object.entries(payload ?? {}).filter(([, member]) => member !== null));
  if (!validator.Check(given)) {
    const violations: Violation[] = [];
    for (const { instancePath, message } of validator.Errors(given)) {
      violations.push({ path: instancePath, message });
    }
    const [first] = violations;
    throw new ProtocolFailure(
      "invalid_message",
      `${first?.path || "the action"} ${first?.message ?? "does not fit"}`,
      violations,
    );
  }
  // The validators are those of the actions.
  return { action: type as AdminAction, payload: given };
}

function noAction(): ProtocolFailure {
  return new ProtocolFailure("bad_message", 'A request is an object such as {"action": "get_metrics"}.');
}
