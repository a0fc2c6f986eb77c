import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** A server that is measured. */
export interface Contender {
  readonly id: ContenderId;
  /** Names lane and store where it is ours. */
  readonly title: string;
  readonly dialect: "live" | "socket.io";
  /** Program and arguments. What it stores goes into `folder`, which is new and empty. */
  readonly command: (folder: string) => readonly [string, ...(readonly string[])];
  /** What to install where it is missing, in words; `null` where it is there. */
  readonly missing: () => string | null;
  /** Whether a room for many has to be made before they join it. */
  readonly boundsRooms: boolean;
  /** Whether who was lost can return with a `resume`. */
  readonly resumes: boolean;
}

export type ContenderId = (typeof CONTENDER_IDS)[number];

export const CONTENDER_IDS = [
  "ours",
  "ours-file",
  "ws",
  "ws-shared",
  "socket.io",
  "fastapi",
  "floor",
] as const;

const PYTHON = "/usr/bin/python3";
const PYTHON_PACKAGES = "python3-fastapi python3-uvicorn python3-uvloop python3-websockets";

/** `floor` is the compiled program. */
export function allContenders(floor: string): readonly Contender[] {
  const live = { dialect: "live", missing: () => null, boundsRooms: false, resumes: false } as const;
  const ours = { ...live, boundsRooms: true, resumes: true };
  return [
    {
      ...ours,
      id: "ours",
      title: "sparql-live, ordered lane, store memory",
      command: () => node("sparql-live-server.js", "memory"),
    },
    {
      ...ours,
      id: "ours-file",
      title: "sparql-live, ordered lane, store file",
      command: (folder) => node("sparql-live-server.js", join(folder, "store.db")),
    },
    {
      ...live,
      id: "ws",
      title: "ws, send(string) to each",
      command: () => node("ws-server.js", "each"),
      resumes: true,
    },
    { ...live, id: "ws-shared", title: "ws, frame once", command: () => node("ws-server.js", "shared") },
    {
      ...live,
      id: "socket.io",
      title: "Socket.IO 4.8, WebSocket only",
      dialect: "socket.io",
      command: () => node("socket-io-server.js"),
    },
    {
      ...live,
      id: "fastapi",
      title: "FastAPI + uvicorn + uvloop, send_json",
      command: () => [PYTHON, fileURLToPath(new URL("../../peers/fastapi-server.py", import.meta.url))],
      missing: missingPython,
    },
    { ...live, id: "floor", title: "floor: one write(2) per socket, C", command: () => [floor] },
  ];
}

function node(script: string, ...args: readonly string[]): [string, ...string[]] {
  const path = fileURLToPath(new URL(`../peers/${script}`, import.meta.url));
  return [process.execPath, "--expose-gc", path, ...args];
}

function missingPython(): string | null {
  const { status } = spawnSync(PYTHON, ["-c", "import fastapi, uvicorn, uvloop, websockets"]);
  return status === 0 ? null : `apt-get install ${PYTHON_PACKAGES}`;
}
