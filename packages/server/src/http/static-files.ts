import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { FastifyInstance } from "fastify";

/** The same place from `src/http/` and from `dist/http/`. */
const PUBLIC = new URL("../../public/", import.meta.url);

const FILES = [
  { path: "/", file: "index.html", type: "text/html; charset=utf-8" },
  { path: "/app.js", file: "app.js", type: "text/javascript; charset=utf-8" },
  { path: "/rows.js", file: "rows.js", type: "text/javascript; charset=utf-8" },
  { path: "/connection.js", file: "connection.js", type: "text/javascript; charset=utf-8" },
  { path: "/style.css", file: "style.css", type: "text/css; charset=utf-8" },
  { path: "/favicon.svg", file: "favicon.svg", type: "image/svg+xml; charset=utf-8" },
] as const;

/** The page at `/`: a closed list of files, read once. */
export async function mountStaticFiles(app: FastifyInstance): Promise<void> {
  for (const { path, file, type } of FILES) {
    const body = await readFile(new URL(file, PUBLIC));
    const etag = `"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"`;
    app.get(path, async (request, reply) => {
      reply.headers({ "cache-control": "no-cache", etag });
      if (request.headers["if-none-match"] === etag) return reply.code(304).send();
      return reply.type(type).send(body);
    });
  }
}
