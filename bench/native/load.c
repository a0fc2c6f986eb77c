/*
 * The load generator. `load MEASURE --port N …` does one measure against a server on loopback and prints one line of
 * JSON. It spins on its core, and is the same for every server: only the dialect differs.
 */
#define _GNU_SOURCE
#include "drive.h"
#include "server-process.h"
#include "storm.h"

#include <sys/resource.h>

/* Fan-out (one room for all) or requests and their answers (a room for each). */
static void measure_drive(void) {
  enum aim aim = strcmp(options.room, "own") == 0 ? TO_OWN_ROOM : TO_SHARED_ROOM;
  frames_per_message = aim == TO_OWN_ROOM ? 1 : (uint32_t)client_count;
  open_all(aim, (int)options.at_a_time);
  printf("{\"phases\":[");
  for (int i = 0; i < options.window_count; i++) {
    long window = options.windows[i];
    drive(window, options.warm_up_s);
    double cpu_s = server_cpu_s(), waited_s = server_waited_s(), own_s = own_cpu_s();
    double elapsed_s = drive(window, options.seconds);
    cpu_s = server_cpu_s() - cpu_s;
    waited_s = server_waited_s() - waited_s;
    own_s = own_cpu_s() - own_s;
    check_receivers();
    double frames = (double)completed_count * frames_per_message;
    printf("%s{\"window\":%ld,\"messages\":%llu,\"deliveries\":%.0f,\"elapsedS\":%.6f,\"cpuS\":%.2f,"
           "\"idleShare\":%.3f,\"serverLostShare\":%.3f,\"generatorLostShare\":%.3f,\"lastMs\":{\"p50\":%.4f,\"p99\":%.4f},\"eachMs\":{\"p50\":%.4f,\"p99\":%.4f}}",
           i > 0 ? "," : "", window, (unsigned long long)completed_count, frames, elapsed_s, cpu_s,
           (double)idle_ns / (double)NS_PER_S / elapsed_s, waited_s / elapsed_s, 1 - own_s / elapsed_s, latency_ms(&last_deliveries, 0.5),
           latency_ms(&last_deliveries, 0.99), latency_ms(&deliveries, 0.5), latency_ms(&deliveries, 0.99));
  }
  printf("]}\n");
}

/* What a connection costs that does nothing. */
static void measure_idle(void) {
  double before_kb = collected_rss_kb();
  open_all(TO_SHARED_ROOM, (int)options.at_a_time);
  turn_for((uint64_t)(options.seconds * (double)NS_PER_S));
  double settled_kb = server_rss_kb();
  double collected_kb = collected_rss_kb();
  if (ready_count < client_count) die("Only %d of %d connections were left.", ready_count, client_count);
  printf("{\"beforeKb\":%.0f,\"settledKb\":%.0f,\"collectedKb\":%.0f}\n", before_kb, settled_kb, collected_kb);
}

/* From nothing to the greeting. */
static void measure_connect(void) {
  double cpu_s = server_cpu_s();
  uint64_t began_ns = clock_ns();
  open_all(TO_GREETING, (int)options.at_a_time);
  double elapsed_s = (double)(clock_ns() - began_ns) / (double)NS_PER_S;
  printf("{\"elapsedS\":%.6f,\"cpuS\":%.2f}\n", elapsed_s, server_cpu_s() - cpu_s);
}

static void end_late(int signal) {
  (void)signal;
  static const char words[] = "The measure did not end by its deadline.\n";
  if (write(STDERR_FILENO, words, sizeof words - 1) < 0) _exit(2);
  _exit(1);
}

static void prepare(void) {
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur < (rlim_t)options.connections + 16)
    die("%ld connections need as many open files; ulimit -Hn says %lu.", options.connections,
        (unsigned long)limit.rlim_max);
  signal(SIGALRM, end_late);
  alarm((unsigned)options.deadline_s + 1);
  if (options.bytes < 10 || options.bytes > HEAD_BYTES / 2) die("A message has 10 to %d bytes.", HEAD_BYTES / 2);
  if (options.missed < 1) die("A storm needs a message that is missed.");
  if (options.publishers < 1 || options.publishers > options.connections) die("There are too many publishers.");
  dialect = strcmp(options.dialect, "socket.io") == 0 ? SOCKET_IO : LIVE;
  server_port = (int)options.port;
  source_count = (int)options.sources;
  client_count = (int)options.connections;
  clients = calloc((size_t)client_count, sizeof *clients);
  poll_fd = epoll_create1(0);
  if (clients == NULL || poll_fd < 0) die("There is no memory for %d connections.", client_count);
  for (int i = 0; i < client_count; i++) clients[i].index = i;
  on_marked = on_delivered;
  on_lost = die_of_loss;
  on_resumed = on_back;
  now_ns = clock_ns();
}

int main(int count, char **arguments) {
  if (count < 2 || count % 2 != 0) die("load MEASURE [--name value]…");
  options.measure = arguments[1];
  for (int i = 2; i < count; i += 2) read_option(arguments[i] + 2, arguments[i + 1]);
  prepare();
  const struct { const char *name; void (*run)(void); } measures[] = {
      {"drive", measure_drive}, {"idle", measure_idle}, {"connect", measure_connect}, {"storm", measure_storm}};
  for (size_t i = 0; i < sizeof measures / sizeof *measures; i++) {
    if (strcmp(options.measure, measures[i].name) != 0) continue;
    measures[i].run();
    return 0;
  }
  die("There is no measure %s.", options.measure);
}
