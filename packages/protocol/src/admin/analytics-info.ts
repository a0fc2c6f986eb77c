import Type, { type Static } from "typebox";

const Count = Type.Integer({ minimum: 0 });

/** One day of one endpoint. */
export const AnalyticsInfo = Type.Object({
  day: Type.String({ description: "UTC." }),
  endpoint_id: Type.String(),
  questions: Count,
  queries: Type.Integer({ minimum: 0, description: "That came as SPARQL." }),
  completed: Count,
  failed: Count,
  cancelled: Count,
  rows: Count,
  latency_ms: Type.Object(
    {
      count: Count,
      sum: Type.Number(),
      max: Type.Number(),
      buckets: Type.Array(
        Type.Object({
          le: Type.Union([Type.Number(), Type.Null()], { description: "`null`: longer than all before." }),
          count: Count,
        }),
      ),
    },
    { description: "Of those that completed." },
  ),
  texts: Type.Array(Type.String(), { description: "The first of the day, where the setting keeps them." }),
});

export type AnalyticsInfo = Static<typeof AnalyticsInfo>;
