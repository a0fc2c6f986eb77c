/* All clients but one are lost, and return at once. */
#ifndef STORM_H
#define STORM_H

#include "drive.h"

/* One who is refused without a hint comes again after a random part of this, doubled each time up to the second. */
enum { MIN_BACKOFF_MS = 500, MAX_BACKOFF_MS = 20000 };

static uint32_t first_missed_id;
static uint64_t storm_began_ns;
static int back_count, unrecovered_count, refused_count;

static double random_share(void) { return (double)rand() / ((double)RAND_MAX + 1); }

static void on_missed(struct client *client, uint32_t id) {
  if (id < first_missed_id) die("Client %d got message %u again, which it had.", client->index, id);
  if (id != first_missed_id + client->received - 1)
    die("Client %d got message %u as its missed message number %u.", client->index, id, client->received);
  if (client->received == (uint32_t)options.missed) {
    client->ready_ns = now_ns;
    back_count++;
  }
}

static void on_back(struct client *client, int recovered) {
  if (recovered || client->unrecovered) return;
  client->unrecovered = 1;
  unrecovered_count++;
}

/* Comes again when it was told to, spread over as much again (half a second at least), or after a random while. */
static void come_again(struct client *client, const char *why, double retry_after_s) {
  (void)why;
  refused_count++;
  if (client->received == (uint32_t)options.missed) back_count--;
  client->received = 0;
  double backoff_ms = MIN_BACKOFF_MS;
  for (int i = 0; i < client->attempts && backoff_ms < MAX_BACKOFF_MS; i++) backoff_ms *= 2;
  double spread_s = retry_after_s < 0.5 ? 0.5 : retry_after_s;
  double wait_s = retry_after_s < 0 ? backoff_ms / 1000 * random_share() : retry_after_s + spread_s * random_share();
  client->attempts++;
  client->due_ns = now_ns + (uint64_t)(wait_s * (double)NS_PER_S) + 1;
}

static void open_due(void) {
  static uint64_t looked_ns = 0;
  if (now_ns - looked_ns < NS_PER_MS) return;
  looked_ns = now_ns;
  for (int i = 1; i < client_count; i++)
    if (clients[i].stage == GONE && clients[i].due_ns != 0 && clients[i].due_ns <= now_ns)
      open_client(&clients[i], TO_RESUME);
}

static int by_value(const void *a, const void *b) {
  double left = *(const double *)a, right = *(const double *)b;
  return (left > right) - (left < right);
}

static void print_storm(void) {
  double *back_s = calloc((size_t)client_count, sizeof *back_s);
  int count = 0, within = 0;
  for (int i = 1; i < client_count; i++) {
    struct client *client = &clients[i];
    if (client->stage != READY || client->received < (uint32_t)options.missed) continue;
    back_s[count] = (double)(client->ready_ns - storm_began_ns) / (double)NS_PER_S;
    if (back_s[count++] <= 20) within++;
  }
  qsort(back_s, (size_t)count, sizeof *back_s, by_value);
  int wanted = client_count - 1;
  int at_99 = (wanted * 99 + 99) / 100 - 1;
  printf("{\"clients\":%d,\"back\":%d,\"backWithin20S\":%d,\"unrecovered\":%d,\"refusals\":%d,\"medianS\":%.3f,"
         "\"p99S\":%.3f}\n",
         wanted, count, within, unrecovered_count, refused_count, count > 0 ? back_s[count / 2] : -1,
         count > at_99 ? back_s[at_99] : -1);
  free(back_s);
}

/* Whoever is back is a member like before: what is published now reaches everybody once. */
static void check_room(void) {
  on_marked = on_delivered;
  on_lost = die_of_loss;
  frames_per_message = (uint32_t)client_count;
  drive(1, 0);
}

static void measure_storm(void) {
  open_all(TO_SHARED_ROOM, (int)options.at_a_time);
  options.publishers = 1;
  frames_per_message = (uint32_t)client_count;
  drive(1, 0);
  /* Where everybody stands, before the one who stays writes on. */
  char epoch[sizeof room_epoch];
  uint64_t seq = room_seq;
  memcpy(epoch, room_epoch, sizeof epoch);
  for (int i = 1; i < client_count; i++) drop_client(&clients[i]);
  frames_per_message = 1;
  first_missed_id = last_id + 1;
  for (long i = 0; i < options.missed; i++) drive(1, 0);
  memcpy(room_epoch, epoch, sizeof epoch);
  room_seq = seq;

  on_marked = on_missed;
  on_lost = come_again;
  storm_began_ns = now_ns = clock_ns();
  for (int i = 1; i < client_count; i++) {
    clients[i].received = 0;
    clients[i].due_ns = now_ns + (uint64_t)(options.return_s * random_share() * (double)NS_PER_S) + 1;
  }
  uint64_t end_ns = now_ns + (uint64_t)(options.seconds * (double)NS_PER_S);
  while (back_count + unrecovered_count < client_count - 1 && now_ns < end_ns) {
    open_due();
    turn();
  }
  print_storm();
  if (back_count == client_count - 1) check_room();
}

#endif
