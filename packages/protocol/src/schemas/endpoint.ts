import Type from "typebox";
import { Id } from "./envelope.js";

const HealthState = Type.Union([
  Type.Literal("unknown"),
  Type.Literal("loading"),
  Type.Literal("healthy"),
  Type.Literal("degraded"),
  Type.Literal("unreachable"),
]);

export const EndpointHealth = Type.Object({
  endpoint_id: Id,
  state: HealthState,
  latency_ms: Type.Union([Type.Number(), Type.Null()]),
  checked_at: Type.Union([Type.String(), Type.Null()], { description: "ISO 8601." }),
  message: Type.Optional(Type.String()),
});

/** Asked by a client: the endpoints that there are, or one of them. */
export const EndpointStatusRequest = Type.Object({ endpoint_id: Type.Optional(Id) });

export const EndpointStatus = Type.Object({
  endpoints: Type.Array(
    Type.Object({
      endpoint_id: Id,
      title: Type.String(),
      description: Type.Optional(Type.String()),
      kind: Type.Union([Type.Literal("embedded"), Type.Literal("remote")]),
      url: Type.Optional(Type.String()),
      health: EndpointHealth,
    }),
  ),
});
