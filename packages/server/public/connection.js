/**
 * A connection to the server that comes back by itself. `onMessage` gets each message, `onState` the state
 * ("connecting", "online", or the seconds until the next attempt).
 */
export function connect({ url, onMessage, onState }) {
  let socket = null;
  let failures = 0;
  let timer = 0;

  const open = () => {
    clearTimeout(timer);
    onState({ state: "connecting" });
    socket = new WebSocket(url, "sparql-live.v1.json");
    socket.addEventListener("message", ({ data }) => {
      const message = JSON.parse(data);
      if (message.type === "connection_ack") {
        failures = 0;
        onState({ state: "online" });
      }
      if (message.type === "heartbeat") send("pong", { timestamp: Date.now() / 1000 });
      onMessage(message);
    });
    socket.addEventListener("close", ({ reason }) => {
      failures++;
      const delayMs = hintOf(reason) ?? Math.random() * Math.min(20_000, 500 * 2 ** failures);
      onState({ state: "offline", retryMs: delayMs });
      timer = setTimeout(open, delayMs);
    });
  };

  /** Returns the id of the message, or null while there is no connection. */
  const send = (type, payload) => {
    if (socket?.readyState !== WebSocket.OPEN) return null;
    const id = newId();
    socket.send(JSON.stringify({ type, message_id: id, timestamp: Date.now() / 1000, payload }));
    return id;
  };

  addEventListener("online", () => {
    if (socket?.readyState === WebSocket.CLOSED) open();
  });
  open();
  return { send };
}

/** `crypto.randomUUID` is missing where the page came over plain HTTP from another machine. */
function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function hintOf(reason) {
  try {
    const { retry_after_ms: hint } = JSON.parse(reason);
    return typeof hint === "number" ? hint : null;
  } catch {
    return null;
  }
}
