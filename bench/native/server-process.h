/* The server's process, as /proc tells of it. */
#ifndef SERVER_PROCESS_H
#define SERVER_PROCESS_H

#include "options.h"

#include <signal.h>

static double server_cpu_s(void) {
  char path[64], line[1024];
  snprintf(path, sizeof path, "/proc/%ld/stat", options.pid);
  FILE *file = fopen(path, "r");
  if (file == NULL || fgets(line, sizeof line, file) == NULL) die("The server (process %ld) is gone.", options.pid);
  fclose(file);
  unsigned long user, system;
  /* The name may contain blanks; the fields are counted from its closing bracket. */
  const char *rest = strrchr(line, ')');
  if (rest == NULL || sscanf(rest + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2)
    die("%s cannot be read.", path);
  return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

/* Time in which its main thread could have run and other processes had its core. 0 where the kernel does not tell. */
static double server_waited_s(void) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%ld/schedstat", options.pid);
  FILE *file = fopen(path, "r");
  if (file == NULL) return 0;
  unsigned long long waited_ns = 0;
  int read = fscanf(file, "%*u %llu", &waited_ns);
  fclose(file);
  return read == 1 ? (double)waited_ns / (double)NS_PER_S : 0;
}

/* What this process has had of its core: all of it, as it spins, but for what others took. */
static double own_cpu_s(void) {
  struct timespec time;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / (double)NS_PER_S;
}

static double server_rss_kb(void) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%ld/statm", options.pid);
  FILE *file = fopen(path, "r");
  long pages;
  if (file == NULL || fscanf(file, "%*d %ld", &pages) != 1) die("The server (process %ld) is gone.", options.pid);
  fclose(file);
  return (double)pages * (double)sysconf(_SC_PAGESIZE) / 1024;
}

/* Every server of this benchmark collects its garbage on this signal, where it has any. */
static double collected_rss_kb(void) {
  kill((pid_t)options.pid, SIGUSR2);
  turn_for(2 * NS_PER_S);
  return server_rss_kb();
}

#endif
