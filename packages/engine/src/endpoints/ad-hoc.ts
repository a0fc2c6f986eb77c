import type { Endpoint, EndpointEntry } from "../endpoint.js";
import { EngineFailure } from "../failure.js";
import { assertEntry, idOfUrl } from "./entry.js";

/** Ad-hoc endpoints that stay open, so that a second question needs no second profile. */
const MAX_OPEN = 16;

interface Held {
  readonly endpoint: Endpoint;
  leases: number;
}

export interface AdHocEndpoints extends AsyncDisposable {
  /** The endpoint at an address, opened when it is not open yet; released by the disposal. */
  lease(
    url: string,
    headers?: Readonly<Record<string, string>>,
  ): { readonly endpoint: Endpoint } & AsyncDisposable;
}

/** Endpoints that an asker named by address. The longest unused one closes when there are too many. */
export function createAdHocEndpoints(open: (entry: EndpointEntry) => Endpoint): AdHocEndpoints {
  // By address and headers, in the order of their last use: a Map keeps it.
  const held = new Map<string, Held>();

  /** Makes room for one more, before it is opened. */
  const makeRoom = () => {
    for (const [key, { endpoint, leases }] of held) {
      if (held.size < MAX_OPEN) return;
      if (leases > 0) continue;
      held.delete(key);
      // Nobody uses it any more: nobody waits for its end, and a failure to end it concerns nobody.
      endpoint.close().catch(() => {});
    }
    if (held.size >= MAX_OPEN) {
      throw new EngineFailure(
        "too_many_queries",
        `${MAX_OPEN} ad-hoc endpoints are being asked; try again later.`,
        {
          retryAfterMs: 5_000,
        },
      );
    }
  };
  return {
    lease(url, headers) {
      const own = headers === undefined ? {} : { headers };
      const entry: EndpointEntry = { id: idOfUrl(url), title: url, url, ...own, probe: false };
      assertEntry(entry);
      const key = JSON.stringify([url, headers ?? null]);
      const known = held.get(key);
      if (known === undefined) makeRoom();
      const item = known ?? { endpoint: open(entry), leases: 0 };
      item.leases += 1;
      held.delete(key);
      held.set(key, item);
      return {
        endpoint: item.endpoint,
        [Symbol.asyncDispose]: async () => {
          item.leases -= 1;
        },
      };
    },
    async [Symbol.asyncDispose]() {
      const all = [...held.values()];
      held.clear();
      await Promise.all(all.map(({ endpoint }) => endpoint.close()));
    },
  };
}
