import { Counter, Gauge, type Registry } from "prom-client";

/**
 * The process under the names that every dashboard knows. (The library's own collection cannot be stopped, and would
 * watch the event loop and the garbage collector once more for each server.)
 */
export function registerProcessMetrics(registry: Registry): () => void {
  const registers = [registry];
  const cpu = new Counter({
    name: "process_cpu_seconds_total",
    help: "User and system time of the process.",
    registers,
  });
  new Gauge({
    name: "process_start_time_seconds",
    help: "When the process began, in seconds since 1970.",
    registers,
  }).set(performance.timeOrigin / 1_000);
  new Gauge({
    name: "nodejs_version_info",
    help: "Always 1; the label tells the version.",
    labelNames: ["version"],
    registers,
  }).set({ version: process.version }, 1);
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers });
  const resident = gauge("process_resident_memory_bytes", "Memory of the process that is in RAM.");
  const heapTotal = gauge("nodejs_heap_size_total_bytes", "Size of the heap of the main thread.");
  const heapUsed = gauge("nodejs_heap_size_used_bytes", "Used bytes of that heap.");
  const external = gauge(
    "nodejs_external_memory_bytes",
    "Bytes outside the heap that belong to its objects.",
  );

  return () => {
    const { user, system } = process.cpuUsage();
    cpu.reset();
    cpu.inc((user + system) / 1e6);
    const memory = process.memoryUsage();
    resident.set(memory.rss);
    heapTotal.set(memory.heapTotal);
    heapUsed.set(memory.heapUsed);
    external.set(memory.external);
  };
}
