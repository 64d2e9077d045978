/*
 * Two slots for model images that survive a power cut at any write: receive, verify, try, confirm, or go back.  C99, no memory but the caller's.
 *
 * In: a flash of sectors, by three functions and mapped slots; what runlet-serial.c (or anything else) receives.  Out: the slot that runs.
 * State: a record with a checksum, in two sectors by turns, so that the older one stands until the newer is whole (docs/serial.md, "The record").
 * Never written: the slot that runs, and while it passes its checks the one that is confirmed.  Never run: an image that was not held against its size,
 * its SHA-256, the checks of runlet-image.h and runlet.h and, where keys are given, its signature.  With keys the device goes only forward: by the
 * sequence in the bundle's manifest, which is signed with it, not by the sender's word.  Calls come from one task at a time.
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
  RUNLET_FLASH_USE = -1,       /* an argument of no use */
  RUNLET_FLASH_IO = -2,        /* the flash did not take or give bytes */
  RUNLET_FLASH_SIZE = -3,      /* no bytes, or more than a slot has */
  RUNLET_FLASH_FLOOR = -4,     /* with keys: the sequence is not above that of a confirmed image */
  RUNLET_FLASH_BUSY = -5,      /* an image is on trial, or a restart is due */
  RUNLET_FLASH_OFFSET = -6,    /* bytes that do not follow those that are there */
  RUNLET_FLASH_OTHER = -7,     /* of an image that was not begun */
  RUNLET_FLASH_SHORT = -8,     /* not all bytes are there */
  RUNLET_FLASH_DIGEST = -9,    /* the bytes have another SHA-256 */
  RUNLET_FLASH_IMAGE = -10,    /* no model image; detail: a code of runlet-image.h */
  RUNLET_FLASH_MODULE = -11,   /* refused by runlet_check or runlet_golden_read; detail: a code of runlet.h */
  RUNLET_FLASH_ORDER = -12,    /* not in the state that the call needs */
  RUNLET_FLASH_UNPROVEN = -13, /* to be confirmed before it opened and passed its self-test */
  RUNLET_FLASH_SEQUENCE = -14, /* the bundle's own sequence is another one than that of `begin` */
  RUNLET_FLASH_LAST = -14
};

/** What a slot holds. The numbers stand in flash and are never changed. */
enum runlet_flash_state {
  RUNLET_FLASH_UNKNOWN = 0,   /* written by another tool, or nothing */
  RUNLET_FLASH_RECEIVING = 1, /* not whole */
  RUNLET_FLASH_STAGED = 2,    /* verified, waits for `try` */
  RUNLET_FLASH_TRIAL = 3,     /* runs from the next start */
  RUNLET_FLASH_TRYING = 4,    /* was started once, is not confirmed; at the next start it is rejected */
  RUNLET_FLASH_CONFIRMED = 5, /* runs */
  RUNLET_FLASH_PREVIOUS = 6,  /* was confirmed before */
  RUNLET_FLASH_REJECTED = 7   /* failed a check or its trial, or was given up */
};

/** The flash. All functions give 0, or anything else where it failed; `at` and `count` lie within the area. */
struct runlet_flash_device {
  /** Area 0 and 1: the slots; 2: two sectors for records. Erasing makes 0xff of a sector; writing only clears bits. */
  int (*erase)(void* context, uint32_t area, uint32_t at);
  int (*write)(void* context, uint32_t area, uint32_t at, const void* bytes, uint32_t count);
  int (*read)(void* context, uint32_t area, uint32_t at, void* bytes, uint32_t count);
  const uint8_t* mapped[RUNLET_FLASH_SLOTS]; /* the slots in memory, at multiples of 16 bytes, for good; NULL where there is none */
  uint32_t slot_bytes;                       /* a multiple of sector_bytes */
  uint32_t sector_bytes;                     /* 512 at least */
  void* context;
};

struct runlet_flash_slot {
  uint32_t state; /* enum runlet_flash_state */
  uint32_t sequence; /* the sender's word until the image is STAGED, then the bundle's own; 0: it has none */
  uint32_t bytes;
  uint8_t digest[32];
  char name[RUNLET_FLASH_NAME]; /* ended by a zero byte */
};

struct runlet_flash_record {
  uint32_t count; /* of records so far */
  uint32_t floor; /* with keys: the highest sequence that was ever confirmed; without them it stays as it is, and holds nobody */
  struct runlet_flash_slot slots[RUNLET_FLASH_SLOTS];
};

/** Read what you like, write nothing. */
struct runlet_flash {
  struct runlet_flash_record record;
  int running;       /* slot, -1: none */
  uint32_t received; /* bytes of the slot that is RECEIVING */
  bool proven;       /* what runs has opened and passed its self-test */
  bool restart;      /* `try` or `revert` waits for a start */
  int detail;        /* beside the latest code: of runlet-image.h or runlet.h */

  /* private */
  const struct runlet_flash_device* device;
  const struct runlet_limits* limits;
  const struct runlet_trust* trust;
  uint32_t sector; /* of the record that counts */
};

/**
 * Reads the records and says what runs: an image on trial for its one start, else the confirmed one, else one that another tool wrote. A trial that was
 * started before is rejected here. Call it once, before anything is opened; device, limits and trust must stay.
 * @param limits, trust as for runlet_open; may be NULL. Without trust->verify images need not be signed and there is no floor: for development alone
 * @return RUNLET_FLASH_OK; `running` is -1 where no slot has an image of use. RUNLET_FLASH_IO where the flash cannot be read
 */
int runlet_flash_start(struct runlet_flash* f, const struct runlet_flash_device* device, const struct runlet_limits* limits,
                       const struct runlet_trust* trust);

/** What runs has opened in WAMR and passed its self-test, or not; then a trial is over: RUNLET_FLASH_OK, and `restart` is set. */
int runlet_flash_prove(struct runlet_flash* f, bool good);

/**
 * Chooses the slot for an image, or finds the image: bytes go on from runlet_flash_received. No slot is erased yet.
 * @param sequence the bundle's own, 0 for none: what is too old is refused here, before its bytes; what it has in truth `runlet_flash_end` reads
 */
int runlet_flash_begin(struct runlet_flash* f, uint32_t bytes, const uint8_t digest[32], uint32_t sequence, const char* name);

/** Bytes at an offset; those that are there already are left out. `id`: the first four bytes of the digest. */
int runlet_flash_data(struct runlet_flash* f, const uint8_t id[4], uint32_t offset, const uint8_t* bytes, uint32_t count);

/** Bytes that are there of the image whose digest begins with digest[0, count); all of them once it is staged, 0 where it was not begun. */
uint32_t runlet_flash_received(const struct runlet_flash* f, const uint8_t* digest, uint32_t count);

/** Verifies what was received. @return RUNLET_FLASH_OK: staged. _SIZE, _DIGEST, _IMAGE, _MODULE, _SEQUENCE, _FLOOR: rejected */
int runlet_flash_end(struct runlet_flash* f, const uint8_t digest[32]);

/** The staged image runs at the next start, once. */
int runlet_flash_try(struct runlet_flash* f, const uint8_t digest[32]);

/** The image on trial stays; with keys the floor is its sequence. */
int runlet_flash_confirm(struct runlet_flash* f, const uint8_t digest[32]);

/** Gives up an image that is not confirmed; where it runs, `restart` is set. */
int runlet_flash_revert(struct runlet_flash* f, const uint8_t digest[32]);

/**
 * Confirms what a slot holds, whoever wrote it: for a person at the device, not for a protocol. With keys it takes what runs, what was confirmed here
 * before, and what is above the floor. Counts from the next start.
 */
int runlet_flash_use(struct runlet_flash* f, int slot);

/** One sentence for a code; never NULL. */
const char* runlet_flash_text(int code);

/** One word for a state; never NULL. */
const char* runlet_flash_state_text(uint32_t state);

#ifdef __cplusplus
}
#endif
#endif
