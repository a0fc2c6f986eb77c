/** What each server of these benchmarks does for the one that started it: it tells its port and goes when asked to. */
export function serveBenchmark(port: number): void {
  process.on("SIGUSR2", () => globalThis.gc?.());
  process.stdin.resume();
  // The benchmark has gone, in whatever way.
  process.stdin.on("end", () => process.exit(0));
  console.log(port);
}
