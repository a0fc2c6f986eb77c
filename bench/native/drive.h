/* So many messages in flight, for so long. */
#ifndef DRIVE_H
#define DRIVE_H

#include "latencies.h"
#include "options.h"

#include <stdlib.h>

/* Messages under way at most, and how long the last of them may take. */
enum { MAX_WINDOW = 65536, DRAIN_S = 20 };

struct message {
  uint64_t sent_ns;
  /* Frames that are still to come: one for each other member of the room, and the answer to the sender. */
  uint32_t missing;
  uint32_t id;
  struct client *sender;
};

static struct message messages[MAX_WINDOW];
static uint32_t last_id = 0;
static uint32_t in_flight = 0;
static uint32_t frames_per_message;
static uint64_t completed_count;
static uint64_t publish_until_ns;
static struct latencies last_deliveries, deliveries;

static void publish(struct client *client) {
  static char padding[MAX_FRAME_BYTES];
  if (padding[0] == '\0') memset(padding, 'x', (size_t)options.bytes - strlen("~00000000~"));
  if (last_id == MAX_ID) die("The ids are used up.");
  uint32_t id = ++last_id;
  struct message *message = &messages[id % MAX_WINDOW];
  if (message->missing > 0) die("Message %u is still under way after %d others.", message->id, MAX_WINDOW);
  *message = (struct message){.sent_ns = clock_ns(), .missing = frames_per_message, .id = id, .sender = client};
  in_flight++;
  int pings = strcmp(options.request, "ping") == 0;
  if (dialect == SOCKET_IO && pings) send_text(client, "42%u[\"ping\",{\"message_id\":\"" MARKED_ID "\"}]", id, id);
  else if (dialect == SOCKET_IO)
    send_text(client,
              "42%u[\"room_message\",{\"message_id\":\"" MARKED_ID "\",\"room_id\":\"%s\",\"message\":\"" MARKED_ID
              "%s\"}]",
              id, id, room_of(client), id, padding);
  else if (pings) send_text(client, "{\"type\":\"ping\",\"message_id\":\"" MARKED_ID "\"}", id);
  else
    send_text(client,
              "{\"type\":\"room_message\",\"message_id\":\"" MARKED_ID
              "\",\"payload\":{\"room_id\":\"%s\",\"message\":\"" MARKED_ID "%s\"}}",
              id, room_of(client), id, padding);
}

static void note_position(const struct client *client) {
  copy_text(client, "\"epoch\":\"", room_epoch, sizeof room_epoch);
  const char *seq = strstr(client->reader.head, "\"seq\":");
  if (seq != NULL) room_seq = strtoull(seq + strlen("\"seq\":"), NULL, 10);
}

static void on_delivered(struct client *client, uint32_t id) {
  struct message *message = &messages[id % MAX_WINDOW];
  if (message->id != id || message->missing == 0) die("Client %d got message %u once too often.", client->index, id);
  if (client == message->sender) {
    /* A refusal names the message too. */
    if (contains(client, "error\"")) die("%s", client->reader.head);
    note_position(client);
  }
  uint64_t latency_ns = now_ns - message->sent_ns;
  add_latency(&deliveries, latency_ns);
  if (--message->missing > 0) return;
  add_latency(&last_deliveries, latency_ns);
  completed_count++;
  in_flight--;
  if (now_ns < publish_until_ns) publish(message->sender);
}

static void die_of_loss(struct client *client, const char *why, double retry_after_s) {
  (void)retry_after_s;
  die("Client %d was lost: %s", client->index, why);
}

/* Keeps `window` messages in flight for so long, then waits for the last of them. Returns the time that it took. */
static double drive(long window, double seconds) {
  memset(&last_deliveries, 0, sizeof last_deliveries);
  memset(&deliveries, 0, sizeof deliveries);
  completed_count = 0;
  for (int i = 0; i < client_count; i++) clients[i].received = 0;
  idle_ns = 0;
  now_ns = clock_ns();
  uint64_t began_ns = now_ns;
  publish_until_ns = began_ns + (uint64_t)(seconds * (double)NS_PER_S);
  for (long i = 0; i < window; i++) publish(&clients[i % options.publishers]);
  while (in_flight > 0) {
    turn();
    if (now_ns > publish_until_ns + DRAIN_S * NS_PER_S)
      die("%u messages were not delivered to everybody within %d s.", in_flight, DRAIN_S);
  }
  return (double)(now_ns - began_ns) / (double)NS_PER_S;
}

static void check_receivers(void) {
  uint64_t expected = frames_per_message > 1 ? completed_count : 0;
  for (int i = 0; i < client_count && expected > 0; i++)
    if (clients[i].received != expected)
      die("Client %d got %u of %llu messages.", i, clients[i].received, (unsigned long long)expected);
}

#endif
