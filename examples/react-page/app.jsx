// Ask, and watch together: in a clone of this repository, beside `npm start`, run `npx vite examples/react-page`.
// Then open http://127.0.0.1:5173/?user=ada and ?user=bob beside each other.
import { SPARQLProvider, useCollaborationRoom, useSPARQLQuery } from "@sparql-live/client/react";
import { termLabel } from "@sparql-live/client/terms";
import { useState } from "react";
import { createRoot } from "react-dom/client";

function Ask() {
  const [text, setText] = useState("How many proteins are there in yeast?");
  const { executeQuery, cancel, isLoading, progress, variables, rows, error } = useSPARQLQuery();
  const { sendTyping } = useCollaborationRoom("lab");
  const cells = (row) => variables.map((name) => row[name] && termLabel(row[name]));
  const type = (value) => {
    setText(value);
    sendTyping(true);
  };
  const ask = (event) => {
    event.preventDefault();
    sendTyping(false);
    executeQuery(text, { room_id: "lab" });
  };
  return (
    <form onSubmit={ask}>
      <input aria-label="Question" size={50} value={text} onChange={({ target }) => type(target.value)} />
      <button type="submit">Ask</button>
      <button type="button" onClick={cancel} disabled={!isLoading}>
        Cancel
      </button>
      <progress value={progress?.progress ?? 0} /> {progress?.message}
      <p role="alert">{error?.message}</p>
      <pre>{[variables, ...rows.map(cells)].map((line) => line.join("\t")).join("\n")}</pre>
    </form>
  );
}

function Together() {
  const { members, typingUsers, runs } = useCollaborationRoom("lab");
  return (
    <aside>
      <p>Here: {members.map(({ user_name }) => user_name).join(", ")}</p>
      <p>{typingUsers.map(({ user_name }) => `${user_name} is typing…`).join(" ")}</p>
      <ol>
        {runs.map(({ queryId, userName, text, outcome }) => (
          <li key={queryId}>
            {userName}: {text} ({outcome})
          </li>
        ))}
      </ol>
    </aside>
  );
}

const userId = new URLSearchParams(location.search).get("user") ?? "ada";
createRoot(document.getElementById("app")).render(
  <SPARQLProvider url="/api/ws/room/lab" options={{ userId }}>
    <Ask />
    <Together />
  </SPARQLProvider>,
);
