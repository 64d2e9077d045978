/*
 * Receives model images over a serial line that carries a console and its log too.  C99, static memory.
 *
 * In: any bytes from the line.  Out: calls of runlet-flash.h; answers, each in one call of `send`.
 * Protocol: docs/serial.md. Frames follow SLIP, whose delimiter 0xc0 never occurs in UTF-8. CR, LF, XON and
 * XOFF are escaped too. Each frame has a CRC-32.  Cost: struct runlet_serial takes 1.5 KB.
 */
#ifndef RUNLET_SERIAL_H
#define RUNLET_SERIAL_H

#include "runlet-flash.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Version of the protocol; maximum image bytes in one frame; maximum sizes of a request and of an answer. */
enum { RUNLET_SERIAL_VERSION = 2, RUNLET_SERIAL_DATA = 1024, RUNLET_SERIAL_FRAME = 5 + 8 + RUNLET_SERIAL_DATA + 4, RUNLET_SERIAL_ANSWER = 5 + 184 + 4 };

enum runlet_serial_type {
  RUNLET_SERIAL_HELLO = 1,
  RUNLET_SERIAL_BEGIN = 2,
  RUNLET_SERIAL_PIECE = 3,
  RUNLET_SERIAL_END = 4,
  RUNLET_SERIAL_TRY = 5,
  RUNLET_SERIAL_CONFIRM = 6,
  RUNLET_SERIAL_REVERT = 7,
  RUNLET_SERIAL_STATUS = 8,
  RUNLET_SERIAL_BYE = 9,
  RUNLET_SERIAL_BROKEN = 0x7f /* only in answers: the received bytes were no valid frame */
};

struct runlet_serial {
  /* set by the caller */
  struct runlet_flash* flash;
  void (*send)(void* context, const uint8_t* bytes, uint32_t count);
  void* context;
  uint32_t data_bytes; /* image bytes that the port can take in one frame; 0: RUNLET_SERIAL_DATA */

  /* read by the caller */
  uint32_t frames; /* number of valid frames so far */
  bool left;       /* true: `bye` was received */

  /* private */
  uint8_t frame[RUNLET_SERIAL_FRAME], answer[2 * RUNLET_SERIAL_ANSWER + 2];
  uint32_t count, answer_count;
  bool escaped, bad, text;
};

/** Consumes bytes and answers the frames that they complete. */
void runlet_serial_take(struct runlet_serial* s, const uint8_t* bytes, uint32_t count);

#ifdef __cplusplus
}
#endif
#endif
