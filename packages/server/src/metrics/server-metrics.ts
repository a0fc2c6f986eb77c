import type { EndpointRegistry } from "@sparql-live/engine";
import { Gauge, Histogram, Registry } from "prom-client";
import type { Live } from "../live.js";
import { readVersion } from "../version.js";
import { createEventLoopMonitor } from "./event-loop.js";
import { registerFamilies } from "./families.js";
import { registerProcessMetrics } from "./process.js";
import { metricsOf } from "./snapshot.js";

/** The metrics of one server in the text format of Prometheus. */
export interface ServerMetrics {
  readonly contentType: string;
  text(): Promise<string>;
  close(): void;
}

const ENDPOINT_STATES = ["unknown", "loading", "healthy", "degraded", "unreachable"] as const;

/** From the write of a lone message to a room of thousands in a burst. */
const FAN_OUT_BUCKETS_SECONDS = [0.000_1, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1];

/** A registry of its own, so that servers and applications in one process do not get in each other's way. */
export function openMetrics(live: Live, endpoints: EndpointRegistry | null): ServerMetrics {
  const registry = new Registry();
  const updateFamilies = registerFamilies(registry);
  const updateProcess = registerProcessMetrics(registry);
  const updateEndpoints = registerEndpoints(registry, endpoints);
  const eventLoop = registerEventLoop(registry);
  new Gauge({
    name: "sparql_live_build_info",
    help: "Always 1; the label tells the version.",
    labelNames: ["version"],
    registers: [registry],
  }).set({ version: readVersion() }, 1);
  const fanOut = new Histogram({
    name: "sparql_live_fan_out_duration_seconds",
    help: "Time to hand the messages of one turn of the event loop to all members of a room.",
    buckets: FAN_OUT_BUCKETS_SECONDS,
    registers: [registry],
  });
  live.counters.observeFanOut = (durationMs) => fanOut.observe(durationMs / 1_000);

  return {
    contentType: registry.contentType,
    text() {
      updateFamilies(metricsOf(live));
      updateProcess();
      updateEndpoints();
      eventLoop.update();
      return registry.metrics();
    },
    close() {
      live.counters.observeFanOut = () => undefined;
      eventLoop.close();
    },
  };
}

/** By the ids of the registry, which its owner chose. */
function registerEndpoints(registry: Registry, endpoints: EndpointRegistry | null): () => void {
  if (endpoints === null) return () => undefined;
  const state = new Gauge({
    name: "sparql_live_endpoint_state",
    help: "1 for the state that the endpoint is in.",
    labelNames: ["endpoint", "state"],
    registers: [registry],
  });
  const latency = new Gauge({
    name: "sparql_live_endpoint_latency_seconds",
    help: "How long the endpoint took to answer the last probe that it answered.",
    labelNames: ["endpoint"],
    registers: [registry],
  });
  return () => {
    state.reset();
    latency.reset();
    for (const endpoint of endpoints.list()) {
      const { id } = endpoint.entry;
      const health = endpoint.health();
      for (const name of ENDPOINT_STATES) {
        state.set({ endpoint: id, state: name }, name === health.state ? 1 : 0);
      }
      if (health.latencyMs !== null) latency.set({ endpoint: id }, health.latencyMs / 1_000);
    }
  };
}

function registerEventLoop(registry: Registry): { update(): void; close(): void } {
  const monitor = createEventLoopMonitor();
  const delay = new Gauge({
    name: "sparql_live_event_loop_delay_seconds",
    help: "How late the event loop came: each quantile is the worst of the ten-second windows of the last minute.",
    labelNames: ["quantile"],
    registers: [registry],
  });
  return {
    update() {
      const read = monitor.read();
      if (read === null) return;
      delay.set({ quantile: "0.5" }, read.p50);
      delay.set({ quantile: "0.9" }, read.p90);
      delay.set({ quantile: "0.99" }, read.p99);
      delay.set({ quantile: "1" }, read.max);
    },
    close: () => monitor.close(),
  };
}
