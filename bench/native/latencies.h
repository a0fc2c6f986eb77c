/* Latencies in 32 steps per power of two, so that a figure is off by 3 % at most. */
#ifndef LATENCIES_H
#define LATENCIES_H

#include "clients.h"

enum { STEP_BITS = 5, STEPS = 1 << STEP_BITS, BUCKETS = 64 * STEPS };

struct latencies {
  uint64_t count;
  uint64_t buckets[BUCKETS];
};

static void add_latency(struct latencies *latencies, uint64_t ns) {
  int shift = ns < STEPS ? 0 : 63 - __builtin_clzll(ns) - STEP_BITS;
  latencies->buckets[(uint64_t)shift * STEPS + (ns >> shift)]++;
  latencies->count++;
}

static double latency_ms(const struct latencies *latencies, double share) {
  uint64_t wanted = (uint64_t)((double)latencies->count * share), seen = 0;
  for (int i = 0; i < BUCKETS; i++) {
    seen += latencies->buckets[i];
    if (seen <= wanted) continue;
    int shift = i < 2 * STEPS ? 0 : i / STEPS - 1;
    return (double)((uint64_t)(i - shift * STEPS) << shift) / (double)NS_PER_MS;
  }
  return 0;
}

#endif
