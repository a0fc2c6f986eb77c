import type { EndpointEntry } from "../endpoint.js";
import { EngineFailure } from "../failure.js";

const ID = /^[A-Za-z0-9_-]{1,64}$/;

/** Throws `bad_request` that names the member at fault. */
export function assertEntry(entry: EndpointEntry): void {
  if (!ID.test(entry.id)) {
    throw wrong(entry, `its id may have letters, digits, "_" and "-", 1 to 64 of them`);
  }
  if ((entry.url === undefined) === (entry.data === undefined)) {
    throw wrong(entry, "it needs either `url` or `data`");
  }
  if (entry.url !== undefined) assertHttpUrl(entry, entry.url);
  if (entry.data !== undefined && entry.data.length === 0) throw wrong(entry, "`data` names no file");
}

function assertHttpUrl(entry: EndpointEntry, address: string): void {
  if (!URL.canParse(address)) throw wrong(entry, `"${address}" is not an address`);
  const url = new URL(address);
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw wrong(entry, `its address must begin with http:// or https://, not ${url.protocol}//`);
  }
  if (url.username !== "" || url.password !== "") {
    throw wrong(entry, "its address must not hold a password; give an Authorization header in `headers`");
  }
}

function wrong(entry: EndpointEntry, what: string): EngineFailure {
  return new EngineFailure("bad_request", `Endpoint "${entry.id}": ${what}.`);
}

/** An id for an endpoint that was given by its address alone: its host, made fit. */
export function idOfUrl(address: string): string {
  const host = URL.canParse(address) ? new URL(address).host : address;
  return host.replaceAll(/[^A-Za-z0-9_-]+/g, "-").slice(0, 64) || "endpoint";
}
