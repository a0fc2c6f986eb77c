import Type from "typebox";
import { Epoch } from "./rooms.js";

/** From the server to everybody or to one user. */
export const SystemMessage = Type.Object({
  message: Type.String(),
  level: Type.Union([Type.Literal("info"), Type.Literal("warning"), Type.Literal("error")]),
  /** For programs: `messages_dropped` says that queued messages went unseen, `dropped_count` how many. */
  code: Type.Optional(Type.String()),
  dropped_count: Type.Optional(Type.Integer()),
  /** Where it stands among the messages to everybody. */
  epoch: Type.Optional(Epoch),
  seq: Type.Optional(Type.Integer()),
});

/** The server shuts down: queries are refused from now on, and the connection is closed soon. */
export const ServerDraining = Type.Object({
  retry_after_ms: Type.Integer({ minimum: 0, description: "When to return, counted from the close." }),
  closes_in_ms: Type.Integer({ minimum: 0, description: "For so long, at most, running queries may go on." }),
});

/** To a user, queued while the user is away. */
export const Notification = Type.Object({
  message: Type.String(),
  title: Type.Optional(Type.String()),
  data: Type.Optional(Type.Unknown({ description: "Whatever the application agrees on." })),
});
