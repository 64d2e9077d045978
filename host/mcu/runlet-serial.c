/*
 * Frames and requests of the serial line (runlet-serial.h).  Layout: docs/serial.md; client:
 * host/flash/serial.
 *
 * In: bytes.  Out: answers.  A repeated request is carried out again, with the same result (runlet-flash.h).
 */
#include "runlet-serial.h"

#include <string.h>

#include "runlet-image.h"

enum { END = 0xc0, ESCAPE = 0xdb, HEADER = 5, CRC = 4, ANSWER = 0x80, DIGEST = 32, SLOT_BYTES = 76, STATUS_BYTES = 184 };

/** Bytes that a frame must not contain, each with the byte that follows ESCAPE in its place. */
static const uint8_t escapes[6][2] = {{END, 0xdc}, {ESCAPE, 0xdd}, {0x11, 0xde}, {0x13, 0xdf}, {'\n', 0xe0}, {'\r', 0xe1}};

static uint32_t word(const uint8_t* at) {
  return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* ---- answers ---- */

static void add(struct runlet_serial* s, uint8_t byte) {
  for (int i = 0; i < 6; i++)
    if (byte == escapes[i][0]) {
      s->answer[s->answer_count++] = ESCAPE;
      s->answer[s->answer_count++] = escapes[i][1];
      return;
    }
  s->answer[s->answer_count++] = byte;
}

static void send(struct runlet_serial* s, uint8_t type, const uint8_t* sequence, const uint8_t* payload, uint32_t count) {
  uint8_t header[HEADER] = {(uint8_t)(type | ANSWER), sequence[0], sequence[1], (uint8_t)count, (uint8_t)(count >> 8)};
  uint32_t crc = runlet_crc32(runlet_crc32(0, header, HEADER), payload, count);
  s->answer_count = 0;
  s->answer[s->answer_count++] = END;
  for (uint32_t i = 0; i < HEADER; i++) add(s, header[i]);
  for (uint32_t i = 0; i < count; i++) add(s, payload[i]);
  for (int i = 0; i < CRC; i++) add(s, (uint8_t)(crc >> 8 * i));
  s->answer[s->answer_count++] = END;
  s->send(s->context, s->answer, s->answer_count);
}

static void put(uint8_t** at, uint32_t value) {
  for (int i = 0; i < 4; i++) *(*at)++ = (uint8_t)(value >> 8 * i);
}

static uint32_t data_bytes(const struct runlet_serial* s) { return s->data_bytes ? s->data_bytes : RUNLET_SERIAL_DATA; }

static uint32_t put_status(const struct runlet_serial* s, uint8_t* to) {
  const struct runlet_flash* f = s->flash;
  uint8_t* at = to;
  put(&at, RUNLET_SERIAL_VERSION | data_bytes(s) << 16);
  put(&at, f->device->slot_bytes);
  put(&at, f->record.floor);
  put(&at, (uint32_t)f->running);
  for (int i = 0; i < RUNLET_FLASH_SLOTS; i++) {
    const struct runlet_flash_slot* slot = &f->record.slots[i];
    put(&at, slot->state);
    put(&at, slot->sequence);
    put(&at, slot->bytes);
    memcpy(at, slot->digest, DIGEST);
    memcpy(at + DIGEST, slot->name, RUNLET_FLASH_NAME);
    at += DIGEST + RUNLET_FLASH_NAME;
  }
  return (uint32_t)(at - to);
}

/* ---- requests ---- */

/** Carries a request out. @return a code of runlet-flash.h */
static int carry_out(struct runlet_serial* s, uint8_t type, const uint8_t* at, uint32_t count, uint32_t* received) {
  struct runlet_flash* f = s->flash;
  f->detail = 0;
  int code = RUNLET_FLASH_USE;
  switch (type) {
    case RUNLET_SERIAL_HELLO: return count == 4 && word(at) == RUNLET_SERIAL_VERSION ? RUNLET_FLASH_OK : RUNLET_FLASH_USE;
    case RUNLET_SERIAL_STATUS: return count == 0 ? RUNLET_FLASH_OK : RUNLET_FLASH_USE;
    case RUNLET_SERIAL_BYE:
      s->left = count == 0;
      return count == 0 ? RUNLET_FLASH_OK : RUNLET_FLASH_USE;
    case RUNLET_SERIAL_BEGIN:
      if (count != 8 + DIGEST + RUNLET_FLASH_NAME || at[count - 1]) return RUNLET_FLASH_USE;
      code = runlet_flash_begin(f, word(at), at + 8, word(at + 4), (const char*)(at + 8 + DIGEST));
      *received = runlet_flash_received(f, at + 8, DIGEST);
      return code;
    case RUNLET_SERIAL_PIECE:
      if (count <= 8) return RUNLET_FLASH_USE;
      code = runlet_flash_data(f, at, word(at + 4), at + 8, count - 8);
      *received = runlet_flash_received(f, at, 4);
      return code;
    default: break;
  }
  if (count != DIGEST) return RUNLET_FLASH_USE;
  if (type == RUNLET_SERIAL_END) code = runlet_flash_end(f, at);
  if (type == RUNLET_SERIAL_TRY) code = runlet_flash_try(f, at);
  if (type == RUNLET_SERIAL_CONFIRM) code = runlet_flash_confirm(f, at);
  if (type == RUNLET_SERIAL_REVERT) code = runlet_flash_revert(f, at);
  *received = runlet_flash_received(f, at, DIGEST);
  return code;
}

/** Handles the bytes between two delimiters. */
static void take_frame(struct runlet_serial* s) {
  static const uint8_t none[2];
  uint32_t payload = s->count < HEADER + CRC ? 0 : s->count - HEADER - CRC;
  /* a line of text is ignored, for example the repeated command of the console */
  if (s->text) return;
  bool good = !s->bad && s->count >= HEADER + CRC && !(s->frame[0] & ANSWER) && ((uint32_t)s->frame[3] | (uint32_t)s->frame[4] << 8) == payload &&
              runlet_crc32(0, s->frame, s->count - CRC) == word(s->frame + s->count - CRC);
  if (!good) {
    send(s, RUNLET_SERIAL_BROKEN, none, NULL, 0);
    return;
  }
  s->frames++;
  uint8_t answer[STATUS_BYTES], type = s->frame[0], *at = answer;
  uint32_t received = 0;
  int code = carry_out(s, type, s->frame + HEADER, payload, &received);
  put(&at, (uint32_t)code);
  put(&at, (uint32_t)s->flash->detail);
  put(&at, received);
  put(&at, (s->flash->proven ? 1u : 0u) | (s->flash->restart ? 2u : 0u));
  uint32_t count = (uint32_t)(at - answer);
  if (type == RUNLET_SERIAL_HELLO || type == RUNLET_SERIAL_STATUS) count += put_status(s, at);
  send(s, type, s->frame + 1, answer, count);
}

static void take_byte(struct runlet_serial* s, uint8_t byte) {
  if (byte == END) {
    if (s->count || s->bad) take_frame(s);
    s->count = 0;
    s->escaped = s->bad = s->text = false;
    return;
  }
  if (byte == '\n' || byte == '\r') s->text = true;
  if (byte == ESCAPE && !s->escaped) {
    s->escaped = true;
    return;
  }
  if (s->escaped) {
    int i = 0;
    while (i < 6 && escapes[i][1] != byte) i++;
    if (i == 6) s->bad = true;
    else byte = escapes[i][0];
    s->escaped = false;
  }
  if (s->count == sizeof s->frame) s->bad = true;
  if (!s->bad) s->frame[s->count++] = byte;
}

void runlet_serial_take(struct runlet_serial* s, const uint8_t* bytes, uint32_t count) {
  while (count--) take_byte(s, *bytes++);
}
