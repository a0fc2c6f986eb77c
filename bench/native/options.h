/* What is to be measured, read from `--name value` pairs. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include "clients.h"

enum { MAX_WINDOWS = 8 };

static struct {
  const char *measure;
  const char *dialect;
  const char *request;
  const char *room;
  long port, pid, connections, sources, at_a_time;
  /* drive: who publishes, how many messages are in flight (a list), for how long, of which size. */
  long publishers, bytes;
  long windows[MAX_WINDOWS];
  int window_count;
  double warm_up_s, seconds;
  /* storm: over which time they return, to how many missed messages. */
  double return_s;
  long missed;
  double deadline_s;
} options = {.dialect = "live", .request = "publish", .room = "shared", .sources = 1, .at_a_time = 64,
             .publishers = 1, .bytes = 200, .windows = {1}, .window_count = 1, .warm_up_s = 0.5, .seconds = 3,
             .return_s = 1, .missed = 10, .deadline_s = 120};

static void read_windows(const char *text) {
  options.window_count = 0;
  char *rest = (char *)text;
  do {
    if (options.window_count == MAX_WINDOWS) die("At most %d windows.", MAX_WINDOWS);
    options.windows[options.window_count++] = strtol(rest, &rest, 10);
  } while (*rest++ == ',');
}

static void read_option(const char *name, const char *value) {
  const struct { const char *name; long *number; } numbers[] = {
      {"port", &options.port}, {"pid", &options.pid}, {"connections", &options.connections},
      {"sources", &options.sources}, {"at-a-time", &options.at_a_time}, {"publishers", &options.publishers},
      {"bytes", &options.bytes}, {"missed", &options.missed}};
  const struct { const char *name; double *seconds; } times[] = {
      {"warm-up", &options.warm_up_s}, {"seconds", &options.seconds}, {"return", &options.return_s},
      {"deadline", &options.deadline_s}};
  const struct { const char *name; const char **text; } texts[] = {
      {"dialect", &options.dialect}, {"request", &options.request}, {"room", &options.room}};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
    if (strcmp(name, numbers[i].name) == 0) { *numbers[i].number = atol(value); return; }
  for (size_t i = 0; i < sizeof times / sizeof *times; i++)
    if (strcmp(name, times[i].name) == 0) { *times[i].seconds = atof(value); return; }
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    if (strcmp(name, texts[i].name) == 0) { *texts[i].text = value; return; }
  if (strcmp(name, "windows") != 0) die("There is no option --%s.", name);
  read_windows(value);
}

#endif
