/* Frames of RFC 6455: a reader that takes bytes as they come, and a writer. Shared by load.c and floor.c. */
#ifndef FRAMES_H
#define FRAMES_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OP_CONTINUATION = 0x0, OP_TEXT = 0x1, OP_CLOSE = 0x8, OP_PING = 0x9, OP_PONG = 0xA };

/* Bytes of a payload that are kept for a look at them; the rest is passed over. */
enum { HEAD_BYTES = 4096, MAX_HEADER_BYTES = 14 };

/* The nonce of RFC 6455, section 1.3, and the answer to it: nobody here has to compute SHA-1. */
#define NONCE "dGhlIHNhbXBsZSBub25jZQ=="
#define NONCE_ACCEPTED "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

struct frame_reader {
  enum { AT_OPCODE, AT_LENGTH, IN_EXTENDED_LENGTH, IN_MASK, IN_PAYLOAD } state;
  uint8_t opcode;
  uint8_t masked;
  uint8_t mask[4];
  /* Bytes of the extended length or of the mask that are still to come. */
  uint8_t missing;
  uint64_t length;
  uint64_t taken;
  size_t head_length;
  /* One more for the end of a string. */
  char head[HEAD_BYTES + 1];
};

static inline void begin_payload(struct frame_reader *reader) {
  reader->taken = 0;
  reader->head_length = 0;
  reader->state = IN_PAYLOAD;
}

static inline void after_length(struct frame_reader *reader) {
  if (!reader->masked) {
    begin_payload(reader);
    return;
  }
  reader->missing = 4;
  reader->state = IN_MASK;
}

/*
 * Takes bytes up to the end of a frame, and says how many in `used`. Returns 1 where a frame is complete: then
 * `opcode` and `head` hold it until the next call. Returns 0 where more bytes are needed.
 */
static inline int read_frame(struct frame_reader *reader, const uint8_t *bytes, size_t count, size_t *used) {
  size_t at = 0;
  for (;;) {
    /* An empty payload is complete without a further byte. */
    if (reader->state == IN_PAYLOAD && reader->taken == reader->length) {
      if (reader->masked)
        for (size_t i = 0; i < reader->head_length; i++) reader->head[i] ^= (char)reader->mask[i & 3];
      reader->head[reader->head_length] = '\0';
      reader->state = AT_OPCODE;
      *used = at;
      return 1;
    }
    if (at == count) {
      *used = at;
      return 0;
    }
    switch (reader->state) {
      case AT_OPCODE:
        reader->opcode = bytes[at++] & 0x0F;
        reader->state = AT_LENGTH;
        break;
      case AT_LENGTH: {
        uint8_t length = bytes[at] & 0x7F;
        reader->masked = bytes[at++] >> 7;
        reader->length = length < 126 ? length : 0;
        reader->missing = length < 126 ? 0 : length == 126 ? 2 : 8;
        if (reader->missing > 0) reader->state = IN_EXTENDED_LENGTH;
        else after_length(reader);
        break;
      }
      case IN_EXTENDED_LENGTH:
        reader->length = reader->length << 8 | bytes[at++];
        if (--reader->missing == 0) after_length(reader);
        break;
      case IN_MASK:
        reader->mask[4 - reader->missing] = bytes[at++];
        if (--reader->missing == 0) begin_payload(reader);
        break;
      case IN_PAYLOAD: {
        uint64_t wanted = reader->length - reader->taken;
        size_t here = count - at < wanted ? count - at : (size_t)wanted;
        size_t kept = HEAD_BYTES - reader->head_length;
        if (kept > here) kept = here;
        memcpy(reader->head + reader->head_length, bytes + at, kept);
        reader->head_length += kept;
        reader->taken += here;
        at += here;
        break;
      }
    }
  }
}

/* Writes a final frame of at most 65,535 bytes to `out`, masked where `mask` is given. Returns its bytes. */
static inline size_t write_frame(uint8_t *out, uint8_t opcode, const void *payload, size_t length,
                                 const uint8_t *mask) {
  size_t at = 0;
  uint8_t mask_bit = mask == NULL ? 0 : 0x80;
  out[at++] = 0x80 | opcode;
  if (length < 126) {
    out[at++] = mask_bit | (uint8_t)length;
  } else {
    out[at++] = mask_bit | 126;
    out[at++] = (uint8_t)(length >> 8);
    out[at++] = (uint8_t)length;
  }
  if (mask != NULL) {
    memcpy(out + at, mask, 4);
    at += 4;
  }
  const uint8_t *bytes = payload;
  for (size_t i = 0; i < length; i++) out[at + i] = mask == NULL ? bytes[i] : bytes[i] ^ mask[i & 3];
  return at + length;
}

#endif
