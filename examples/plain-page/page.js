import { SPARQLWebSocketClient } from "@sparql-live/client";
import { termLabel } from "@sparql-live/client/terms";

const [state, ask, cancel, progress, stage, head, rows, members, chat, say] = [
  "state",
  "ask",
  "cancel",
  "progress",
  "stage",
  "head",
  "rows",
  "members",
  "chat",
  "say",
].map((id) => document.getElementById(id));

/** What comes from elsewhere becomes text, never markup. */
function element(name, ...content) {
  const made = document.createElement(name);
  made.append(...content);
  return made;
}

const userId = new URLSearchParams(location.search).get("user") ?? "ada";
const client = new SPARQLWebSocketClient("/graph/api/ws/room/lab", { userId });

function showState() {
  const { kind, nextTryAtMs, reason } = client.state;
  const next = nextTryAtMs && `, next try at ${new Date(nextTryAtMs).toLocaleTimeString()}`;
  state.value = `${kind}${next ?? ""}${reason ? ` (${reason})` : ""}`;
}
client.stateStore.subscribe(showState);
showState();

let query = new AbortController();
cancel.addEventListener("click", () => query.abort());
ask.addEventListener("submit", async (event) => {
  event.preventDefault();
  query.abort();
  const own = new AbortController();
  query = own;
  cancel.disabled = false;
  progress.value = 0;
  head.replaceChildren();
  rows.replaceChildren();
  // What is left of a query whose place was taken is not shown.
  const show = (text) => {
    if (own === query) stage.value = text;
  };
  try {
    const { row_count: count } = await client.sendQuery(ask.elements.question.value, {
      room_id: "lab",
      signal: own.signal,
      onProgress(step) {
        if (own === query) progress.value = step.progress;
        show(step.message);
      },
      onRows(chunk, { variables }) {
        if (own.signal.aborted) return;
        head.replaceChildren(element("tr", ...variables.map((name) => element("th", name))));
        const cells = (row) => variables.map((name) => element("td", row[name] ? termLabel(row[name]) : ""));
        rows.append(...chunk.map((row) => element("tr", ...cells(row))));
      },
    });
    show(`${count} rows`);
  } catch (error) {
    show(own.signal.aborted ? "Cancelled" : error.message);
  }
  if (own === query) cancel.disabled = true;
});

const room = await client.joinRoom("lab", { timeoutMs: 0 });
const showMembers = () => {
  members.value = room.view
    .getSnapshot()
    .members.map(({ user_name: name }) => name)
    .join(", ");
};
room.view.subscribe(showMembers);
showMembers();
room.on("message", ({ userName, message }) => chat.append(element("li", `${userName}: ${message}`)));
say.addEventListener("submit", (event) => {
  event.preventDefault();
  room.send(say.elements.message.value).catch((error) => chat.append(element("li", error.message)));
  say.reset();
});
