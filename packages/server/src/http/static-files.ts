import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { FastifyInstance } from "fastify";
import { UNDOCUMENTED } from "./operation.js";

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

interface StaticFile {
  readonly path: string;
  /** In `public/`. */
  readonly file: string;
  readonly type: string;
}

/** The page at `/`. */
export function mountStaticFiles(app: FastifyInstance): Promise<void> {
  return mountFiles(app, FILES);
}

/** A closed list of files, read once. */
export async function mountFiles(app: FastifyInstance, files: readonly StaticFile[]): Promise<void> {
  for (const { path, file, type } of files) {
    const body = await readFile(new URL(file, PUBLIC));
    const etag = `"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"`;
    app.get(path, UNDOCUMENTED, async (request, reply) => {
      const [asked = ""] = request.url.split("?");
      // Under a prefix without a slash behind it, the page's relative addresses would lead beside it.
      if (path === "/" && !asked.endsWith("/")) return reply.redirect(`${asked.split("/").at(-1)}/`, 308);
      reply.headers({ "cache-control": "no-cache", etag });
      if (request.headers["if-none-match"] === etag) return reply.code(304).send();
      return reply.type(type).send(body);
    });
  }
}
