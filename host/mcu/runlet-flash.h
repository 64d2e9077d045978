/*
 * Two slots for model images, safe against power cuts: receive, verify, try, confirm or revert.  C99.
 *
 * In: a flash of sectors (three functions, mapped slots); bytes from runlet-serial.c or another receiver.
 * Out: the slot that runs.  All memory is the caller's.  One task calls at a time.
 * State: a record with a checksum, alternately in two sectors (docs/serial.md, "The record").
 * Never written: the running slot, and the confirmed one while it passes its checks.
 * Never run: an image that fails its size, its SHA-256, the checks of runlet-image.h and runlet.h, or with
 * keys its signature.  With keys the signed sequence number of the manifest must rise; the sender's does not
 * count.
 */
#ifndef RUNLET_FLASH_H
#define RUNLET_FLASH_H

#include <stdbool.h>
#include <stdint.h>

#include "runlet.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { RUNLET_FLASH_SLOTS = 2, RUNLET_FLASH_RECORDS = 2, RUNLET_FLASH_NAME = 32 };

enum runlet_flash_code {
  RUNLET_FLASH_OK = 0,
  RUNLET_FLASH_USE = -1,       /* an argument is invalid */
  RUNLET_FLASH_IO = -2,        /* reading, erasing or writing the flash failed */
  RUNLET_FLASH_SIZE = -3,      /* the image is empty or larger than a slot */
  RUNLET_FLASH_FLOOR = -4,     /* with keys: the sequence number is not above the highest confirmed one */
  RUNLET_FLASH_BUSY = -5,      /* an image is on trial, or a restart is due */
  RUNLET_FLASH_OFFSET = -6,    /* the bytes do not follow those received so far */
  RUNLET_FLASH_OTHER = -7,     /* the bytes belong to an image that was not begun */
  RUNLET_FLASH_SHORT = -8,     /* the image is not complete */
  RUNLET_FLASH_DIGEST = -9,    /* the image's SHA-256 is wrong */
  RUNLET_FLASH_IMAGE = -10,    /* not a model image; detail: a code of runlet-image.h */
  RUNLET_FLASH_MODULE = -11,   /* refused by runlet_check or runlet_golden_read; detail: a code of runlet.h */
  RUNLET_FLASH_ORDER = -12,    /* the image is not in the state that the call needs */
  RUNLET_FLASH_UNPROVEN = -13, /* `confirm` before the image has opened and passed its self-test */
  RUNLET_FLASH_SEQUENCE = -14, /* the sequence number in the bundle is not the one given to `begin` */
  RUNLET_FLASH_LAST = -14
};

/** State of a slot. The numbers are stored in flash and never change. */
enum runlet_flash_state {
  RUNLET_FLASH_UNKNOWN = 0,   /* empty, or written by another tool */
  RUNLET_FLASH_RECEIVING = 1, /* incomplete */
  RUNLET_FLASH_STAGED = 2,    /* verified, waits for `try` */
  RUNLET_FLASH_TRIAL = 3,     /* runs at the next start, once */
  RUNLET_FLASH_TRYING = 4,    /* started but not confirmed; the next start rejects it */
  RUNLET_FLASH_CONFIRMED = 5, /* runs at every start */
  RUNLET_FLASH_PREVIOUS = 6,  /* was confirmed earlier */
  RUNLET_FLASH_REJECTED = 7   /* failed a check or its trial, or was reverted */
};

/** The flash. Its functions return 0, or another value if they fail. `at` and `count` lie within the area. */
struct runlet_flash_device {
  /** Areas 0 and 1: slots; 2: two sectors of records. Erasing sets a sector to 0xff; writing clears bits. */
  int (*erase)(void* context, uint32_t area, uint32_t at);
  int (*write)(void* context, uint32_t area, uint32_t at, const void* bytes, uint32_t count);
  int (*read)(void* context, uint32_t area, uint32_t at, void* bytes, uint32_t count);
  const uint8_t* mapped[RUNLET_FLASH_SLOTS]; /* mapped slots, at multiples of 16 bytes; NULL: not mapped */
  uint32_t slot_bytes;                       /* size of a slot, a multiple of sector_bytes */
  uint32_t sector_bytes;                     /* size of a sector, at least 512 */
  void* context;
};

struct runlet_flash_slot {
  uint32_t state; /* enum runlet_flash_state */
  uint32_t sequence; /* until STAGED the number in `begin`, then the bundle's number; 0: none */
  uint32_t bytes;
  uint8_t digest[32];
  char name[RUNLET_FLASH_NAME]; /* zero-terminated */
};

struct runlet_flash_record {
  uint32_t count; /* number of records written so far */
  uint32_t floor; /* with keys: highest sequence number ever confirmed; without keys unchanged and ignored */
  struct runlet_flash_slot slots[RUNLET_FLASH_SLOTS];
};

/** State of the slots. Callers read its public fields, but do not write them. */
struct runlet_flash {
  struct runlet_flash_record record;
  int running;       /* index of the running slot; -1: none */
  uint32_t received; /* bytes in the slot that is RECEIVING */
  bool proven;       /* true: the running image has opened and passed its self-test */
  bool restart;      /* true: the device must restart to finish a call */
  int detail;        /* more about the latest code: a code of runlet-image.h or runlet.h */

  /* private */
  const struct runlet_flash_device* device;
  const struct runlet_limits* limits;
  const struct runlet_trust* trust;
  uint32_t sector; /* index of the sector with the valid record */
};

/**
 * Chooses the slot that runs: an image on trial for its one start, else the confirmed or previous one, else
 * one of another tool. Rejects a trial that was started before. Call it once, first; its arguments must stay.
 * @param limits, trust as for runlet_open, or NULL. For development only: no trust->verify, no signature, no
 *   floor
 * @return RUNLET_FLASH_OK (`running` is -1 without a valid image), RUNLET_FLASH_IO if the flash cannot be
 *   read
 */
int runlet_flash_start(struct runlet_flash* f, const struct runlet_flash_device* device, const struct runlet_limits* limits,
                       const struct runlet_trust* trust);

/** Records whether the running image opened and passed its self-test. If not, ends a trial by `restart`. */
int runlet_flash_prove(struct runlet_flash* f, bool good);

/**
 * Chooses a slot for an image without erasing it, or resumes its transfer at runlet_flash_received.
 * @param sequence the bundle's number, 0: none; refuses an old image early. runlet_flash_end checks the
 *   number
 */
int runlet_flash_begin(struct runlet_flash* f, uint32_t bytes, const uint8_t digest[32], uint32_t sequence, const char* name);

/** Stores bytes at an offset; skips those already stored. @param id the first four bytes of the digest */
int runlet_flash_data(struct runlet_flash* f, const uint8_t id[4], uint32_t offset, const uint8_t* bytes, uint32_t count);

/** Bytes received of the image whose digest begins with digest[0, count); 0 if that image was not begun. */
uint32_t runlet_flash_received(const struct runlet_flash* f, const uint8_t* digest, uint32_t count);

/** Verifies the image. @return _OK: staged; _SIZE, _DIGEST, _IMAGE, _MODULE, _SEQUENCE, _FLOOR: rejected */
int runlet_flash_end(struct runlet_flash* f, const uint8_t digest[32]);

/** Puts the staged image on trial: it runs at the next start, once. Sets `restart`. */
int runlet_flash_try(struct runlet_flash* f, const uint8_t digest[32]);

/** Confirms the image on trial. With keys, raises the floor to its sequence number. */
int runlet_flash_confirm(struct runlet_flash* f, const uint8_t digest[32]);

/** Rejects an image that is not confirmed. Sets `restart` if it is running. */
int runlet_flash_revert(struct runlet_flash* f, const uint8_t digest[32]);

/**
 * Confirms the image in a slot, from the next start: for a person at the device, not for a protocol. With
 * keys the image must be running, must have been confirmed earlier, or needs a sequence number above the
 * floor.
 */
int runlet_flash_use(struct runlet_flash* f, int slot);

/** Describes a code in one sentence; never NULL. */
const char* runlet_flash_text(int code);

/** Names a state in one word; never NULL. */
const char* runlet_flash_state_text(uint32_t state);

#ifdef __cplusplus
}
#endif
#endif
