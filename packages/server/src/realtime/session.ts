/** The life of a socket. */
export type Session =
  /** The transport is open; nothing was said yet. */
  | { readonly state: "connecting" }
  /** `connection_ack` was sent; messages are taken. The peer is a guest. */
  | { readonly state: "connected"; readonly badMessageCount: number }
  /** The same, and who the peer is is known. */
  | { readonly state: "authenticated"; readonly badMessageCount: number }
  /** We close: what is queued is still sent, nothing is taken any more. */
  | { readonly state: "disconnecting"; readonly code: number }
  | { readonly state: "disconnected"; readonly code: number };

export type SessionEvent =
  | { readonly kind: "acknowledged" }
  | { readonly kind: "identified" }
  | { readonly kind: "message_taken" }
  | { readonly kind: "message_refused" }
  | { readonly kind: "closing"; readonly code: number }
  | { readonly kind: "closed"; readonly code: number };

export const INITIAL_SESSION: Session = { state: "connecting" };

type OpenSession = Extract<Session, { readonly badMessageCount: number }>;

export function takesMessages(session: Session): session is OpenSession {
  return session.state === "connected" || session.state === "authenticated";
}

/** The next state; an event that means nothing in a state leaves it as it is. */
export function transition(session: Session, event: SessionEvent): Session {
  switch (event.kind) {
    case "acknowledged":
      return session.state === "connecting" ? { state: "connected", badMessageCount: 0 } : session;
    case "identified":
      return session.state === "connected" ? { ...session, state: "authenticated" } : session;
    case "message_taken":
      return takesMessages(session) && session.badMessageCount > 0
        ? { ...session, badMessageCount: 0 }
        : session;
    case "message_refused":
      return takesMessages(session) ? { ...session, badMessageCount: session.badMessageCount + 1 } : session;
    case "closing":
      return session.state === "connecting" || takesMessages(session)
        ? { state: "disconnecting", code: event.code }
        : session;
    case "closed":
      // The code with which we began to close tells more than the one that the network ended with.
      if (session.state === "disconnected") return session;
      return { state: "disconnected", code: session.state === "disconnecting" ? session.code : event.code };
  }
}
