import type { FastifyInstance } from "fastify";
import Type from "typebox";
import { readVersion } from "../../version.js";
import { negotiate, type Representation } from "../accept.js";
import { baseOf } from "../base.js";
import { documented, UNDOCUMENTED } from "../operation.js";
import { mountFiles } from "../static-files.js";
import { asyncApiDocument } from "./document.js";
import { describeMessages } from "./messages.js";
import { asyncApiPage } from "./page.js";

const REPRESENTATIONS: readonly Representation<"json" | "page">[] = [
  { format: "json", mediaTypes: ["application/json"], parameters: "charset=utf-8" },
  { format: "page", mediaTypes: ["text/html"], parameters: "charset=utf-8" },
];

const FILES = [
  { path: "/asyncapi/page.css", file: "asyncapi.css", type: "text/css; charset=utf-8" },
] as const;

/** `/asyncapi`: the messages of the WebSockets, as an AsyncAPI 3.0 document or, for who prefers HTML, as a page. */
export async function mountAsyncApi(app: FastifyInstance): Promise<void> {
  const described = describeMessages();
  const version = readVersion();
  const page = asyncApiPage(described, version);
  const documentFor = (base: URL) =>
    asyncApiDocument(described, version, {
      host: base.host,
      isSecure: base.protocol === "https:",
      prefix: app.prefix.replace(/\/$/, ""),
    });

  const options = documented(
    {
      operationId: "getAsyncApi",
      summary: "The messages of the WebSockets",
      description: "An AsyncAPI 3.0 document, or a page where HTML is preferred.",
      tag: "documents",
      responses: {
        200: {
          description: "The document.",
          content: {
            "application/json": Type.Object({ asyncapi: Type.Literal("3.0.0") }),
            "text/html": Type.String(),
          },
        },
      },
      problems: [400, 406],
    },
    {},
  );
  app.get("/asyncapi", options, async (request, reply) => {
    const { format, contentType } = negotiate(request, REPRESENTATIONS);
    reply.headers({ vary: "accept", "content-type": contentType });
    return reply.send(format === "page" ? page : documentFor(baseOf(request)));
  });
  app.get("/asyncapi/json", UNDOCUMENTED, async (request, reply) =>
    reply.type("application/json; charset=utf-8").send(documentFor(baseOf(request))),
  );
  await mountFiles(app, FILES);
}
