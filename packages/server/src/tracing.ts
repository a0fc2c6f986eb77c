import {
  type Attributes,
  type Context,
  isSpanContextValid,
  ROOT_CONTEXT,
  type SpanContext,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";

/** A piece of work as OpenTelemetry sees it. Without an SDK, which the application registers, nothing is recorded. */
export interface Work {
  /** W3C Trace Context, to be handed on; absent where nobody began a trace. */
  readonly traceparent: string | undefined;
  /** Once. `error`: what it failed with; only its code is told, because its words may hold a query. */
  end(error?: { readonly code: string }): void;
}

/** `traceparent`: of whoever asked. What does not fit is passed over, as the specification says (section 3.2). */
export function beginWork(name: string, traceparent: string | undefined, attributes: Attributes = {}): Work {
  const span = trace.getTracer("sparql-live").startSpan(name, { attributes }, contextOf(traceparent));
  return {
    traceparent: traceparentOf(span.spanContext()),
    end(error) {
      if (error !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: error.code });
      span.end();
    },
  };
}

function contextOf(traceparent: string | undefined): Context {
  const parsed = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(traceparent ?? "");
  if (parsed === null) return ROOT_CONTEXT;
  const [, traceId = "", spanId = "", flags = ""] = parsed;
  const parent = { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 1, isRemote: true };
  return isSpanContextValid(parent) ? trace.setSpanContext(ROOT_CONTEXT, parent) : ROOT_CONTEXT;
}

function traceparentOf(span: SpanContext): string | undefined {
  if (!isSpanContextValid(span)) return undefined;
  return `00-${span.traceId}-${span.spanId}-${(span.traceFlags & 1).toString(16).padStart(2, "0")}`;
}
