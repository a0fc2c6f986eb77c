import { Socket } from "node:net";
import { EngineFailure } from "../failure.js";

/**
 * Takes the network away from the thread that calls it, for good: `fetch`, `node:http`, TLS and WebSockets all open
 * their connections here. For threads that work on what users send and have no business elsewhere.
 */
export function forbidNetwork(): void {
  Socket.prototype.connect = (): never => {
    throw new EngineFailure("address_forbidden", "This thread opens no connections.");
  };
}
