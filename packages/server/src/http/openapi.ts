import { STATUS_CODES } from "node:http";
import swagger, { type FastifyDynamicSwaggerOptions } from "@fastify/swagger";
import swaggerUi from "@fastify/swagger-ui";
import type { FastifyInstance, FastifySchema } from "fastify";
import { readVersion } from "../version.js";
import { type DocumentedResponse, type Operation, TAGS } from "./operation.js";
import { PROBLEM_TYPE, ProblemDocument } from "./problem.js";
import { CONTENT_SECURITY_POLICY } from "./security-headers.js";

const PROBLEM = { $ref: "#/components/schemas/Problem" } as const;

/**
 * Gathers the routes that are registered after it, for `/docs`. In the scope of the plugin, where it stands in front
 * of what the application around it may have of the same kind: either sees its own routes only.
 */
export async function gatherOperations(app: FastifyInstance, wantsTokens: boolean): Promise<void> {
  const { prefix } = app;
  const withOptionalBody = new Set<string>();
  const options: FastifyDynamicSwaggerOptions = {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "sparql-live",
        version: readVersion(),
        description:
          "Ask a knowledge graph in plain language or SPARQL. Errors are problem documents (RFC 9457). " +
          "What goes over WebSockets is described by the AsyncAPI document at `/asyncapi`.",
        license: { name: "MIT", identifier: "MIT" },
      },
      servers: [{ url: prefix === "" ? "/" : prefix }],
      components: {
        schemas: { Problem: ProblemDocument },
        securitySchemes: {
          adminKey: { type: "http", scheme: "bearer", description: "The setting `adminKey`." },
          ...(wantsTokens ? { token: TOKEN_SCHEME } : {}),
        },
      },
    },
    // OpenAPI 3.1 has `const`.
    convertConstToEnum: false,
    transform({ url, route }) {
      const operation = route.config?.sparqlLive;
      if (operation === undefined) return { schema: { hide: true }, url };
      if (operation.isBodyOptional === true) withOptionalBody.add(operation.operationId);
      const path = operation.path === undefined ? url : prefix + operation.path;
      const isGuarded = wantsTokens && route.config?.sparqlLiveIsPublic !== true;
      const told = isGuarded ? withToken(operation) : operation;
      return { schema: schemaOf(told, route.schema ?? {}), url: path };
    },
    transformObject(document) {
      if (!("openapiObject" in document)) throw new TypeError("an OpenAPI document was expected");
      const { openapiObject } = document;
      // The generator takes every body for required.
      for (const { post } of Object.values(openapiObject.paths ?? {}).flatMap((item) => item ?? [])) {
        const body = post?.requestBody;
        if (body === undefined || "$ref" in body) continue;
        body.required = !withOptionalBody.has(post?.operationId ?? "");
      }
      return openapiObject;
    },
  };
  await app.register(swagger, options);
}

const TOKEN_SCHEME = { type: "http", scheme: "bearer", description: "Proves a user." } as const;

interface Told extends Operation {
  readonly needsToken?: boolean;
}

function withToken(operation: Operation): Told {
  const problems = [...new Set([...operation.problems, 401, 503])].sort((a, b) => a - b);
  return { ...operation, problems, needsToken: true };
}

/** Each of these will do. */
function securityOf({ needsAdminKey = false, needsToken = false }: Told): Record<string, string[]>[] {
  if (needsAdminKey) return [{ adminKey: [] }];
  return needsToken ? [{ token: [] }, { adminKey: [] }] : [];
}

/** As the generator wants it. */
function schemaOf(operation: Told, checked: FastifySchema): FastifySchema {
  const { operationId, summary, description, tag, params, headers, body, responses, problems } = operation;
  const querystring = operation.querystring ?? checked.querystring;
  const security = securityOf(operation);
  const response = new Map<string, unknown>();
  for (const [status, told] of Object.entries(responses)) response.set(status, responseOf(told));
  for (const status of problems) {
    response.set(String(status), {
      description: STATUS_CODES[status],
      content: { [PROBLEM_TYPE]: { schema: PROBLEM } },
    });
  }
  return {
    operationId,
    summary,
    ...(description === undefined ? {} : { description }),
    tags: [TAGS[tag]],
    ...(querystring === undefined ? {} : { querystring }),
    ...(params === undefined ? {} : { params }),
    ...(headers === undefined ? {} : { headers }),
    ...(body === undefined ? {} : { body: { content: contentOf(body) } }),
    ...(security.length === 0 ? {} : { security }),
    response: Object.fromEntries(response),
  };
}

function responseOf({ description, content, headers }: DocumentedResponse): unknown {
  const body = content === undefined ? { type: "null" } : { content: contentOf(content) };
  return { description, ...body, ...(headers === undefined ? {} : { headers }) };
}

function contentOf(byMediaType: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(byMediaType).map(([mediaType, schema]) => [mediaType, { schema }]),
  );
}

/** The page at `/docs`, and the document at `/docs/json` and `/docs/yaml`. */
export async function mountDocs(app: FastifyInstance): Promise<void> {
  await app.register(swaggerUi, {
    routePrefix: "/docs",
    ...(app.prefix === "" ? {} : { indexPrefix: app.prefix }),
    // Its style sheet holds pictures as data: URLs. It needs nothing else beyond our own policy.
    staticCSP: `${CONTENT_SECURITY_POLICY}; img-src 'self' data:`,
    theme: { title: "sparql-live: HTTP" },
    // Without the bar at the top, in which one types the address of another document.
    uiConfig: { layout: "BaseLayout" },
  });
}
