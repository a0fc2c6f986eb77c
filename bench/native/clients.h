/* Many WebSocket clients in one thread: they connect, join and answer signs of life; load.c says what they do. */
#ifndef CLIENTS_H
#define CLIENTS_H

#include "frames.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS = 1024, READ_BYTES = 262144, TOKEN_BYTES = 512, MAX_FRAME_BYTES = 8192 };
#define NS_PER_MS 1000000ull
#define NS_PER_S 1000000000ull

/* Before every id stands this, and after it; nothing else in a message may contain it. */
#define MARKER '~'
#define MARKED_ID "~%08u~"
#define MAX_ID 99999999u

static const uint8_t MASK[4] = {0x37, 0xfa, 0x21, 0x3d};

/* What is spoken: the live protocol, or Socket.IO (packets of Engine.IO 4 over its WebSocket transport). */
enum dialect { LIVE, SOCKET_IO };

/* How far a client goes: the greeting, a room of all, a room of its own, or back into the room of all. */
enum aim { TO_GREETING, TO_SHARED_ROOM, TO_OWN_ROOM, TO_RESUME };

enum stage { GONE, CONNECTING, UPGRADING, GREETING, JOINING, RESUMING, READY };

struct client {
  int fd;
  int index;
  enum stage stage;
  enum aim aim;
  struct frame_reader reader;
  char resume_token[TOKEN_BYTES];
  /* Marked frames since load.c set it to 0. */
  uint32_t received;
  /* When it tries again, or 0. */
  uint64_t due_ns;
  uint64_t ready_ns;
  int attempts;
  /* Whether a return was answered with a gap. */
  int unrecovered;
};

static enum dialect dialect = LIVE;
static int server_port;
static int source_count = 1;
static struct client *clients;
static int client_count;
static int ready_count = 0;
static int poll_fd;
/* Read once per round of the loop and after each read. */
static uint64_t now_ns;
/* Time of rounds in which nothing had come: what the generator has to spare. */
static uint64_t idle_ns = 0;
/* Of the room of all, as its messages told them. */
static char room_epoch[64];
static uint64_t room_seq = 0;

/* What load.c does with a marked frame, with one who is refused or lost (the words say why), and with one resumed. */
static void (*on_marked)(struct client *, uint32_t id);
static void (*on_lost)(struct client *, const char *why, double retry_after_s);
static void (*on_resumed)(struct client *, int recovered);

static void die(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vfprintf(stderr, format, arguments);
  va_end(arguments);
  fputc('\n', stderr);
  exit(1);
}

static uint64_t clock_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * NS_PER_S + (uint64_t)time.tv_nsec;
}

static const char *room_of(const struct client *client) {
  static char own[32];
  if (client->aim != TO_OWN_ROOM) return "shared";
  snprintf(own, sizeof own, "own%d", client->index);
  return own;
}

/* ---- out ---- */

static void send_bytes(struct client *client, const void *bytes, size_t length) {
  /* Far less is under way than a socket holds: one that takes no more belongs to a server that does not read. */
  ssize_t sent = send(client->fd, bytes, length, MSG_NOSIGNAL);
  if (sent == (ssize_t)length || (sent < 0 && (errno == EPIPE || errno == ECONNRESET))) return;
  die("The server does not read what client %d sends.", client->index);
}

static void send_frame(struct client *client, uint8_t opcode, const char *payload, size_t length) {
  uint8_t frame[MAX_FRAME_BYTES + MAX_HEADER_BYTES];
  send_bytes(client, frame, write_frame(frame, opcode, payload, length, MASK));
}

static void send_text(struct client *client, const char *format, ...) {
  char text[MAX_FRAME_BYTES];
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  if (length >= (int)sizeof text) die("A message of %d bytes is more than the generator sends.", length);
  send_frame(client, OP_TEXT, text, (size_t)length);
}

/* ---- life ---- */

static void open_client(struct client *client, enum aim aim) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (fd < 0) die("No socket for client %d: %s (see ulimit -n).", client->index, strerror(errno));
  int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  /* The kernel chooses the port when it knows both ends, so that each source address has a range of its own. */
  setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
  struct sockaddr_in from = {.sin_family = AF_INET};
  from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + (uint32_t)(client->index % source_count));
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)server_port)};
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(fd, (struct sockaddr *)&from, sizeof from) < 0) die("bind: %s", strerror(errno));
  if (connect(fd, (struct sockaddr *)&to, sizeof to) < 0 && errno != EINPROGRESS)
    die("Client %d cannot connect: %s.", client->index, strerror(errno));
  client->fd = fd;
  client->aim = aim;
  client->stage = CONNECTING;
  client->due_ns = 0;
  memset(&client->reader, 0, offsetof(struct frame_reader, head));
  struct epoll_event event = {.events = EPOLLOUT, .data.ptr = client};
  if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &event) < 0) die("epoll_ctl: %s", strerror(errno));
}

/* As a lost network does it: no close frame, no end of the stream, nothing left behind. */
static void drop_client(struct client *client) {
  if (client->stage == GONE) return;
  if (client->stage == READY) ready_count--;
  setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1}, sizeof(struct linger));
  close(client->fd);
  client->stage = GONE;
}

static void lose_client(struct client *client, const char *why, double retry_after_s) {
  drop_client(client);
  on_lost(client, why, retry_after_s);
}

static void become_ready(struct client *client) {
  client->stage = READY;
  client->ready_ns = now_ns;
  ready_count++;
}

static void send_request(struct client *client) {
  char path[128];
  if (dialect == SOCKET_IO) snprintf(path, sizeof path, "/socket.io/?EIO=4&transport=websocket");
  else if (client->aim == TO_SHARED_ROOM || client->aim == TO_OWN_ROOM)
    snprintf(path, sizeof path, "/api/ws/room/%s?user_id=u%d", room_of(client), client->index);
  else snprintf(path, sizeof path, "/api/ws/query?user_id=u%d", client->index);
  char request[512];
  int length = snprintf(request, sizeof request,
                        "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " NONCE "\r\n\r\n",
                        path, server_port);
  send_bytes(client, request, (size_t)length);
  client->stage = UPGRADING;
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};
  epoll_ctl(poll_fd, EPOLL_CTL_MOD, client->fd, &event);
}

/* ---- in ---- */

static int contains(const struct client *client, const char *words) {
  return memmem(client->reader.head, client->reader.head_length, words, strlen(words)) != NULL;
}

/* Copies the text that follows `name` up to its closing quote. */
static void copy_text(const struct client *client, const char *name, char *out, size_t size) {
  const char *at = strstr(client->reader.head, name);
  if (at == NULL) return;
  at += strlen(name);
  size_t length = strcspn(at, "\"");
  if (length < size) snprintf(out, size, "%.*s", (int)length, at);
}

static void on_greeted(struct client *client) {
  /* Who returns has been given a new token, and asks for what stands behind the old one. */
  if (client->aim != TO_RESUME) copy_text(client, "\"resume_token\":\"", client->resume_token, TOKEN_BYTES);
  switch (client->aim) {
    case TO_GREETING:
      become_ready(client);
      break;
    case TO_RESUME:
      send_text(client,
                "{\"type\":\"resume\",\"payload\":{\"resume_token\":\"%s\",\"positions\":{\"rooms\":{\"shared\":"
                "{\"epoch\":\"%s\",\"seq\":%llu}}}}}",
                client->resume_token, room_epoch, (unsigned long long)room_seq);
      client->stage = RESUMING;
      break;
    case TO_SHARED_ROOM:
    case TO_OWN_ROOM:
      if (dialect == SOCKET_IO) send_text(client, "42[\"join_room\",{\"room_id\":\"%s\"}]", room_of(client));
      client->stage = JOINING;
      break;
  }
}

/* Returns 1 where the packet was one of Engine.IO's or Socket.IO's own. */
static int took_socket_io_packet(struct client *client) {
  const char *packet = client->reader.head;
  if (packet[0] == '2') send_text(client, "3");
  else if (packet[0] == '0') send_text(client, "40");
  else if (strncmp(packet, "40", 2) == 0) on_greeted(client);
  else return 0;
  return 1;
}

static void take_marked(struct client *client) {
  const char *head = client->reader.head;
  const char *at = memchr(head, MARKER, client->reader.head_length);
  if (at == NULL) {
    if (contains(client, "\"heartbeat\"")) send_text(client, "{\"type\":\"pong\"}");
    return;
  }
  uint32_t id = 0;
  for (int i = 1; i <= 8; i++) id = id * 10 + (uint32_t)(at[i] - '0');
  client->received++;
  on_marked(client, id);
}

static void take_message(struct client *client) {
  if (dialect == SOCKET_IO && took_socket_io_packet(client)) return;
  if (client->stage == READY) {
    take_marked(client);
    return;
  }
  if (contains(client, "error_message\"") || contains(client, "validation_error\""))
    lose_client(client, client->reader.head, -1);
  else if (client->stage == GREETING && contains(client, "\"connection_ack\"")) on_greeted(client);
  else if (client->stage == JOINING && contains(client, "\"join_room\"")) become_ready(client);
  else if (client->stage == RESUMING && contains(client, "\"resumed\"")) {
    copy_text(client, "\"resume_token\":\"", client->resume_token, TOKEN_BYTES);
    become_ready(client);
    on_resumed(client, contains(client, "\"recovered\":true"));
  }
}

static void take_close(struct client *client) {
  struct frame_reader *reader = &client->reader;
  char why[256] = "closed without a code";
  if (reader->head_length >= 2) {
    int code = (uint8_t)reader->head[0] << 8 | (uint8_t)reader->head[1];
    snprintf(why, sizeof why, "closed with %d %.120s", code, reader->head + 2);
  }
  const char *hint = reader->head_length < 2 ? NULL : strstr(reader->head + 2, "\"retry_after_ms\":");
  lose_client(client, why, hint == NULL ? -1 : atof(hint + strlen("\"retry_after_ms\":")) / 1000);
}

static void take_frame(struct client *client) {
  struct frame_reader *reader = &client->reader;
  if (reader->opcode == OP_TEXT) take_message(client);
  else if (reader->opcode == OP_PING) send_frame(client, OP_PONG, reader->head, reader->head_length);
  else if (reader->opcode == OP_CLOSE) take_close(client);
  /* Of a message in fragments the first tells all that matters here. */
  else if (reader->opcode != OP_CONTINUATION && reader->opcode != OP_PONG)
    die("Client %d got a frame of the kind %d.", client->index, reader->opcode);
}

/* The answer to the upgrade, gathered where frames are gathered later. Returns the bytes taken. */
static size_t take_answer(struct client *client, const uint8_t *bytes, size_t count) {
  struct frame_reader *reader = &client->reader;
  for (size_t at = 0; at < count; at++) {
    if (reader->head_length == HEAD_BYTES) die("The answer to the upgrade has no end.");
    reader->head[reader->head_length++] = (char)bytes[at];
    reader->head[reader->head_length] = '\0';
    if (bytes[at] != '\n' || strstr(reader->head, "\r\n\r\n") == NULL) continue;
    if (strncmp(reader->head, "HTTP/1.1 101", 12) != 0) {
      const char *hint = strcasestr(reader->head, "\r\nretry-after:");
      char status[128];
      snprintf(status, sizeof status, "refused with %.*s", (int)strcspn(reader->head, "\r"), reader->head);
      lose_client(client, status, hint == NULL ? -1 : atof(hint + strlen("\r\nretry-after:")));
      return count;
    }
    if (strstr(reader->head, NONCE_ACCEPTED) == NULL) die("The upgrade was answered for another nonce.");
    client->stage = GREETING;
    reader->head_length = 0;
    return at + 1;
  }
  return count;
}

static void read_client(struct client *client) {
  static uint8_t bytes[READ_BYTES];
  ssize_t came = recv(client->fd, bytes, sizeof bytes, 0);
  if (came < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (came <= 0) {
    lose_client(client, came == 0 ? "ended without a close frame" : strerror(errno), -1);
    return;
  }
  now_ns = clock_ns();
  size_t at = 0;
  size_t count = (size_t)came;
  if (client->stage == UPGRADING) at = take_answer(client, bytes, count);
  while (at < count && client->stage != GONE) {
    size_t used;
    int complete = read_frame(&client->reader, bytes + at, count - at, &used);
    at += used;
    if (complete) take_frame(client);
  }
}

/* One round of the loop, which never sleeps: waking up would be billed to the server. */
static void turn(void) {
  static struct epoll_event events[EVENTS];
  uint64_t before_ns = now_ns;
  int count = epoll_wait(poll_fd, events, EVENTS, 0);
  now_ns = clock_ns();
  if (count == 0) idle_ns += now_ns - before_ns;
  for (int i = 0; i < count; i++) {
    struct client *client = events[i].data.ptr;
    if (client->stage == GONE) continue;
    if (client->stage != CONNECTING) read_client(client);
    else if (events[i].events & (EPOLLERR | EPOLLHUP)) lose_client(client, "could not connect", -1);
    else send_request(client);
  }
}

static void turn_for(uint64_t duration_ns) {
  for (uint64_t end_ns = clock_ns() + duration_ns; now_ns < end_ns;) turn();
}

/* Opens all, with so many on their way at a time, and waits until each has come where it should. */
static void open_all(enum aim aim, int at_a_time) {
  int opened = 0;
  while (ready_count < client_count) {
    while (opened < client_count && opened - ready_count < at_a_time) open_client(&clients[opened++], aim);
    turn();
  }
}

#endif
