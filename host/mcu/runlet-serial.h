/*
 * Model images over a serial line that a console and its log share: frames in, calls of runlet-flash.h, answers out.  C99, static memory.
 *
 * In: bytes as they come, whatever they are.  Out: answers, each by one call of `send`.  docs/serial.md has the protocol.
 * Frames are SLIP's, whose delimiter 0xc0 is no byte of UTF-8, with CR, LF, XON and XOFF escaped too; a CRC-32 is over each.
 * Cost: struct runlet_serial is 1.5 KB.
 */
#ifndef RUNLET_SERIAL_H
#define RUNLET_SERIAL_H

#include "runlet-flash.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Version of the protocol; bytes of an image in one frame at most; what stands around them. */
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
  RUNLET_SERIAL_BROKEN = 0x7f /* answer alone: something came that was no frame */
};

struct runlet_serial {
  /* set by the caller */
  struct runlet_flash* flash;
  void (*send)(void* context, const uint8_t* bytes, uint32_t count);
  void* context;
  uint32_t data_bytes; /* of an image in one frame: what the port can take at once; 0: RUNLET_SERIAL_DATA */

  /* read by the caller */
  uint32_t frames; /* good ones so far */
  bool left;       /* `bye` came */

  /* private */
  uint8_t frame[RUNLET_SERIAL_FRAME], answer[2 * RUNLET_SERIAL_ANSWER + 2];
  uint32_t count, answer_count;
  bool escaped, bad, text;
};

/** Takes bytes, and answers the frames that they complete. */
void runlet_serial_take(struct runlet_serial* s, const uint8_t* bytes, uint32_t count);

#ifdef __cplusplus
}
#endif
#endif
