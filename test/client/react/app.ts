import {
  SPARQLProvider,
  useCollaborationRoom,
  useEndpointHealth,
  useOntologySearch,
  useSharedRun,
  useSPARQLQuery,
  useWebSocket,
} from "@sparql-live/client/react";
import { useRoomDocument } from "@sparql-live/client/react-yjs";
import { createElement as h, type ReactNode, StrictMode, startTransition, useEffect, useState } from "react";
import { flushSync } from "react-dom";
import { createRoot } from "react-dom/client";

/** What the tests look at and reach into, by names that do not change. */
interface Probe {
  /** Of each rendering of a component, in order. */
  readonly renderings: Record<string, unknown[]>;
  readonly handles: Record<string, unknown>;
  /** How the components that are shown are changed. */
  show(what: readonly string[], more?: Readonly<Record<string, unknown>>): void;
  /** The same in a transition, which React does in slices and lets other work in between. */
  showLater(what: readonly string[], more?: Readonly<Record<string, unknown>>): void;
  unmount(): void;
}

declare global {
  var probe: Probe;
}

const renderings: Record<string, unknown[]> = {};
const handles: Record<string, unknown> = {};

function note(name: string, value: unknown): void {
  renderings[name] ??= [];
  renderings[name].push(value);
}

function Socket(): ReactNode {
  const socket = useWebSocket();
  handles.socket = socket;
  note("socket", socket.state.kind);
  return h("p", { id: "state" }, socket.state.kind);
}

function Query(): ReactNode {
  const query = useSPARQLQuery();
  handles.query = query;
  note("query", { rows: query.rows.length, isLoading: query.isLoading });
  return h("p", { id: "rows" }, `${query.rows.length} rows`);
}

function Room({ name }: { readonly name: string }): ReactNode {
  const room = useCollaborationRoom("lab");
  handles[name] = room;
  const seen = room.messages.map(({ message }) => String(message)).join();
  // Both of a rendering must have seen the same.
  note(name, seen);
  return h("p", { id: name }, seen);
}

function Sealed({ roomId, secret }: { readonly roomId: string; readonly secret?: string }): ReactNode {
  const { messages } = useCollaborationRoom(roomId, { secret });
  return h("p", { id: "sealed" }, messages.map(({ message }) => String(message)).join());
}

/** Takes its time to be mounted, so that messages come while many of these are. */
function Slow({ index }: { readonly index: number }): ReactNode {
  const { messages } = useCollaborationRoom("lab");
  useState(() => {
    const endMs = performance.now() + 2;
    while (performance.now() < endMs);
    note("slow", { index, count: messages.length });
  });
  return h("i", null, `${messages.length} `);
}

function Shared({ name, queryId }: { readonly name: string; readonly queryId: string | null }): ReactNode {
  const run = useSharedRun("lab", queryId);
  handles[name] = run;
  note(name, run.rows.length);
  return h("p", { id: name }, `${run.rows.length} rows`);
}

function Document({ name }: { readonly name: string }): ReactNode {
  const { provider, status, canEdit } = useRoomDocument("lab");
  handles[name] = { provider, text: provider?.doc.getText("query") };
  return h("p", { id: name }, `${status}, ${canEdit ? "editable" : "fixed"}`);
}

function Search({ text }: { readonly text: string }): ReactNode {
  const search = useOntologySearch(text, { debounceMs: 20 });
  handles.search = search;
  note("search", search.suggestions.map(({ label }) => label).join());
  return null;
}

function Health(): ReactNode {
  handles.health = useEndpointHealth();
  return null;
}

function App({ url }: { readonly url: string }): ReactNode {
  const [shown, setShown] = useState<{ what: readonly string[]; more: Readonly<Record<string, unknown>> }>({
    what: [],
    more: {},
  });
  useEffect(() => {
    probe.show = (what, more = {}) => flushSync(() => setShown({ what, more }));
    probe.showLater = (what, more = {}) => startTransition(() => setShown({ what, more }));
  }, []);
  const has = (name: string) => shown.what.includes(name);
  return h(
    SPARQLProvider,
    { url, options: { userId: String(shown.more.userId ?? "ada") } },
    has("socket") ? h(Socket, { key: "socket" }) : null,
    has("query") ? h(Query, { key: "query" }) : null,
    has("room") ? h(Room, { key: "room", name: "room" }) : null,
    has("twin") ? h(Room, { key: "twin", name: "twin" }) : null,
    ...["shared", "sharedTwin"].map((name) =>
      has(name) ? h(Shared, { key: name, name, queryId: (shown.more.queryId as string) ?? null }) : null,
    ),
    ...["document", "documentTwin"].map((name) => (has(name) ? h(Document, { key: name, name }) : null)),
    ...(has("slow") ? Array.from({ length: 40 }, (_, index) => h(Slow, { key: `slow${index}`, index })) : []),
    has("search") ? h(Search, { key: "search", text: String(shown.more.text ?? "") }) : null,
    has("sealed") ? h(Sealed, { key: "sealed", ...(shown.more as { roomId: string }) }) : null,
    has("health") ? h(Health, { key: "health" }) : null,
  );
}

const url = new URLSearchParams(location.search).get("server") ?? "";
const root = createRoot(document.body.appendChild(document.createElement("main")));
globalThis.probe = {
  renderings,
  handles,
  show: () => undefined,
  showLater: () => undefined,
  unmount: () => root.unmount(),
};
root.render(h(StrictMode, null, h(App, { url })));
