import { type IntervalHistogram, monitorEventLoopDelay } from "node:perf_hooks";

/** How late the event loop came, in seconds. */
interface EventLoopDelay {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

export interface EventLoopMonitor {
  /** `null` at the first look, with which the watch begins. */
  read(): EventLoopDelay | null;
  close(): void;
}

/** The finest; at Node's default of 10 the monitor would idle at a "delay" of 10 ms. */
const RESOLUTION_MS = 1;
const WINDOW_MS = 10_000;
const WINDOWS_COUNT = 6;

/**
 * Watches the event loop in windows of ten seconds. Told is, of each quantile, the worst of the last six full windows
 * and the one under way: every stall can be seen for a minute, however often and by however many it is asked for, and
 * nobody's question resets what another sees.
 *
 * At this resolution the watch costs a few per cent of a core; it begins with the first look, so that a server that
 * nobody watches does not pay for it.
 */
export function createEventLoopMonitor({
  windowMs = WINDOW_MS,
}: {
  readonly windowMs?: number;
} = {}): EventLoopMonitor {
  let watch: { readonly histogram: IntervalHistogram; readonly timer: NodeJS.Timeout } | null = null;
  let full: EventLoopDelay[] = [];

  const begin = () => {
    const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    histogram.enable();
    const timer = setInterval(() => {
      full = [...full, delayOf(histogram)].slice(-WINDOWS_COUNT);
      histogram.reset();
    }, windowMs);
    timer.unref();
    return { histogram, timer };
  };

  return {
    read() {
      if (watch === null) {
        watch = begin();
        return null;
      }
      return [...full, delayOf(watch.histogram)].reduce(worse);
    },
    close() {
      if (watch === null) return;
      clearInterval(watch.timer);
      watch.histogram.disable();
    },
  };
}

/** The histogram holds times between two looks at the clock, in nanoseconds; what is over the interval is delay. */
function delayOf(histogram: IntervalHistogram): EventLoopDelay {
  const seconds = (nanoseconds: number) => Math.max(0, nanoseconds / 1e9 - RESOLUTION_MS / 1e3);
  return {
    p50: seconds(histogram.percentile(50)),
    p90: seconds(histogram.percentile(90)),
    p99: seconds(histogram.percentile(99)),
    max: seconds(histogram.max),
  };
}

function worse(one: EventLoopDelay, other: EventLoopDelay): EventLoopDelay {
  return {
    p50: Math.max(one.p50, other.p50),
    p90: Math.max(one.p90, other.p90),
    p99: Math.max(one.p99, other.p99),
    max: Math.max(one.max, other.max),
  };
}
