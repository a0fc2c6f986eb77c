/*
 * The floor: what a server that writes once per socket and message cannot be faster than. A frame that comes in
 * goes out as it came, unmasked, by one write(2) to each member of the room; there is no JSON, no queue, no user.
 * Prints its port. Ends with its standard input.
 */
#include "frames.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_FILES = 65536, EVENTS = 256, READ_BYTES = 65536, REQUEST_BYTES = 4096 };

struct member {
  int fd;
  int upgraded;
  /* Whether it is in the room of all; else it is alone. */
  int shared;
  /* Its place among the shared ones. */
  int place;
  size_t request_length;
  char request[REQUEST_BYTES + 1];
  struct frame_reader reader;
};

static struct member *members[MAX_FILES];
static struct member *shared[MAX_FILES];
static int shared_count = 0;

static void fail(const char *what) {
  fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
  exit(1);
}

static void drop(struct member *member) {
  if (member->shared) {
    struct member *last = shared[--shared_count];
    shared[member->place] = last;
    last->place = member->place;
  }
  members[member->fd] = NULL;
  close(member->fd);
  free(member);
}

/* Sockets block on writing, as nothing may be left out; who has gone is noticed by reading. */
static void send_bytes(struct member *member, const void *bytes, size_t length) {
  const char *rest = bytes;
  while (length > 0) {
    ssize_t sent = write(member->fd, rest, length);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return;
    rest += sent;
    length -= (size_t)sent;
  }
}

static void send_text(struct member *member, const char *text) {
  uint8_t frame[REQUEST_BYTES];
  send_bytes(member, frame, write_frame(frame, OP_TEXT, text, strlen(text), NULL));
}

static void answer_request(struct member *member) {
  const char *answer =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Accept: " NONCE_ACCEPTED "\r\n\r\n";
  send_bytes(member, answer, strlen(answer));
  send_text(member, "{\"type\":\"connection_ack\",\"payload\":{}}");
  member->upgraded = 1;
  if (strstr(member->request, "/api/ws/room/") == NULL) return;
  member->shared = strstr(member->request, "/api/ws/room/shared?") != NULL;
  if (member->shared) {
    member->place = shared_count;
    shared[shared_count++] = member;
  }
  send_text(member, "{\"type\":\"join_room\",\"payload\":{}}");
}

static void fan_out(struct member *from) {
  uint8_t frame[HEAD_BYTES + MAX_HEADER_BYTES];
  struct frame_reader *reader = &from->reader;
  size_t length = write_frame(frame, OP_TEXT, reader->head, reader->head_length, NULL);
  if (!from->shared) send_bytes(from, frame, length);
  else for (int i = 0; i < shared_count; i++) send_bytes(shared[i], frame, length);
}

/* Returns 0 when the member has gone. */
static int take(struct member *member, const uint8_t *bytes, size_t count) {
  size_t at = 0;
  while (!member->upgraded && at < count) {
    if (member->request_length == REQUEST_BYTES) return 0;
    member->request[member->request_length++] = (char)bytes[at++];
    if (bytes[at - 1] == '\n' && strstr(member->request, "\r\n\r\n") != NULL) answer_request(member);
  }
  while (at < count) {
    size_t used;
    int complete = read_frame(&member->reader, bytes + at, count - at, &used);
    at += used;
    if (!complete) continue;
    if (member->reader.opcode == OP_CLOSE) return 0;
    if (member->reader.opcode == OP_TEXT) fan_out(member);
  }
  return 1;
}

static void read_member(struct member *member) {
  static uint8_t bytes[READ_BYTES];
  ssize_t count = recv(member->fd, bytes, sizeof bytes, MSG_DONTWAIT);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (count <= 0 || !take(member, bytes, (size_t)count)) drop(member);
}

static void accept_member(int poll, int listener) {
  int fd = accept(listener, NULL, NULL);
  if (fd < 0) return;
  if (fd >= MAX_FILES) {
    close(fd);
    return;
  }
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
  struct member *member = calloc(1, sizeof *member);
  if (member == NULL) fail("memory");
  member->fd = fd;
  members[fd] = member;
  if (epoll_ctl(poll, EPOLL_CTL_ADD, fd, &(struct epoll_event){.events = EPOLLIN, .data.fd = fd}) < 0)
    fail("epoll_ctl");
}

int main(void) {
  signal(SIGPIPE, SIG_IGN);
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);

  int listener = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  if (bind(listener, (struct sockaddr *)&address, size) < 0 || listen(listener, 4096) < 0) fail("listen");
  getsockname(listener, (struct sockaddr *)&address, &size);
  printf("%d\n", ntohs(address.sin_port));
  fflush(stdout);

  int poll = epoll_create1(0);
  int watched[] = {listener, STDIN_FILENO};
  for (int i = 0; i < 2; i++)
    if (epoll_ctl(poll, EPOLL_CTL_ADD, watched[i],
                  &(struct epoll_event){.events = EPOLLIN, .data.fd = watched[i]}) < 0)
      fail("epoll_ctl");
  struct epoll_event events[EVENTS];
  for (;;) {
    int count = epoll_wait(poll, events, EVENTS, -1);
    for (int i = 0; i < count; i++) {
      int fd = events[i].data.fd;
      if (fd == STDIN_FILENO) return 0;
      if (fd == listener) accept_member(poll, listener);
      else read_member(members[fd]);
    }
  }
}
