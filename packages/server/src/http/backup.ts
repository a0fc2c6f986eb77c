import { createReadStream } from "node:fs";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ProtocolFailure } from "@sparql-live/protocol";
import type { FastifyInstance } from "fastify";
import Type from "typebox";
import type { Storage } from "../storage.js";
import { type AdminGate, adminOnly } from "./admin-gate.js";
import { onAnswerOver } from "./disconnect.js";
import { documented } from "./operation.js";

/** `GET /api/ws/backup`: for the admin; to everybody else there is nothing at this path. One at a time. */
export function mountBackup(app: FastifyInstance, storage: Pick<Storage, "backUp">, gate: AdminGate): void {
  const options = documented(
    {
      operationId: "backUp",
      summary: "A backup of everything that is stored",
      description:
        "As of one moment, for `sparql-live restore`. Without the admin's key, and where none is set, the answer is 404.",
      tag: "operation",
      needsAdminKey: true,
      responses: {
        200: {
          description: "The backup, a database of SQLite.",
          content: { "application/vnd.sqlite3": Type.String() },
        },
      },
      problems: [404, 501, 503, 507],
    },
    {},
  );
  let isUnderWay = false;
  app.get("/api/ws/backup", { ...options, onRequest: adminOnly(gate) }, async (_request, reply) => {
    if (isUnderWay) {
      throw new ProtocolFailure("unavailable", "Another backup is being made. Try again when it is done.");
    }
    isUnderWay = true;
    // In a folder that only this user can enter.
    const folder = await mkdtemp(join(tmpdir(), "sparql-live-backup-"));
    const end = async () => {
      isUnderWay = false;
      await rm(folder, { recursive: true, force: true });
    };
    try {
      const path = join(folder, "backup.db");
      await storage.backUp(path);
      const { size } = await stat(path);
      const file = createReadStream(path);
      // Whether it was read to its end, or the client hung up.
      file.once("close", () => void end());
      onAnswerOver(reply, () => file.destroy());
      return reply
        .headers({
          "content-type": "application/vnd.sqlite3",
          "content-length": size,
          "content-disposition": 'attachment; filename="sparql-live-backup.db"',
          "cache-control": "no-store",
        })
        .send(file);
    } catch (error) {
      await end();
      throw error;
    }
  });
}
