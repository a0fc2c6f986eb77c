import type { FastifySchema } from "fastify";
import type { TSchema } from "typebox";

export const TAGS = {
  signIn: "Signing in",
  questions: "Questions and SPARQL",
  rooms: "Rooms",
  operation: "Operation",
  documents: "Documents",
} as const;

/** An answer that is no problem. */
export interface DocumentedResponse {
  readonly description: string;
  /** By media type. Absent: no body. */
  readonly content?: Readonly<Record<string, TSchema>>;
  readonly headers?: Readonly<Record<string, TSchema>>;
}

/** What the OpenAPI document says of a route beyond what the route checks by itself. */
export interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  readonly tag: keyof typeof TAGS;
  /** As documents write it, below the prefix, where the path of the route is a pattern. */
  readonly path?: string;
  /** For routes that read their parameters themselves. */
  readonly querystring?: TSchema;
  readonly params?: TSchema;
  readonly headers?: TSchema;
  /** By media type. */
  readonly body?: Readonly<Record<string, TSchema>>;
  /** Whether the request may have no body. Default `false`. */
  readonly isBodyOptional?: boolean;
  readonly responses: Readonly<Record<number, DocumentedResponse>>;
  /** Statuses under which a problem may be answered. */
  readonly problems: readonly number[];
  /** Wants the admin's key. Default `false`. */
  readonly needsAdminKey?: boolean;
}

declare module "fastify" {
  interface FastifyContextConfig {
    /** Set on the routes of sparql-live that its OpenAPI document shows. */
    sparqlLive?: Operation;
    /** Set on those of its routes that want no token, where the others do. */
    sparqlLiveIsPublic?: boolean;
  }
}

/**
 * The options of a route that our OpenAPI document shows. Others do not show it: an application around us that has
 * a document of its own keeps it as it is.
 */
export function documented<const S extends FastifySchema>(operation: Operation, checked: S) {
  return { schema: { ...checked, hide: true }, config: { sparqlLive: operation } };
}

/** Of routes that no document shows. */
export const UNDOCUMENTED = { schema: { hide: true } } as const;
