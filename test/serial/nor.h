/*
 * NOR flash in memory: an erase sets a sector to ones, a write clears bits, a power cut interrupts either.
 *
 * In: memory for two slots and two sectors of records.  Out: a struct runlet_flash_device over it. From the
 * cut on all operations fail and change nothing, as if the program had stopped.
 */
#ifndef NOR_H
#define NOR_H

#include <string.h>

#include "common.h"
#include "runlet-flash.h"

struct nor {
  struct runlet_flash_device device;
  uint8_t* memory; /* slot 0, slot 1, records */
  uint32_t seed;   /* of the random remains of a cut operation */
  uint32_t operations, cut; /* the operation, from 1, at which the power is cut; 0: none */
  uint32_t lie;    /* the operation, from 1, that reports success and leaves a bit unchanged; 0: none */
  bool lied;       /* it happened, in bytes of a slot or a record, which are read back */
  uint32_t misuse; /* accesses outside the area, or off a sector */
};

static inline uint32_t nor_bytes(uint32_t slot, uint32_t sector) { return 2 * slot + 2 * sector; }

static inline uint8_t* nor_at(struct nor* n, uint32_t area, uint32_t at, uint32_t count) {
  uint32_t room = area < 2 ? n->device.slot_bytes : 2 * n->device.sector_bytes;
  if (area > 2 || at > room || count > room - at) {
    n->misuse++;
    return NULL;
  }
  return n->memory + area * n->device.slot_bytes + at;
}

static inline bool nor_dead(const struct nor* n) { return n->cut && n->operations >= n->cut; }

/** Counts an operation. Returns -1 if the power was cut before, 0 if it is on, 1 if it is cut now. */
static inline int nor_step(struct nor* n) {
  if (nor_dead(n)) return -1;
  n->operations++;
  return nor_dead(n);
}

static inline int nor_erase(void* context, uint32_t area, uint32_t at) {
  struct nor* n = context;
  uint32_t bytes = n->device.sector_bytes;
  uint8_t* to = nor_at(n, area, at, bytes);
  if (at % bytes) n->misuse++;
  int step = nor_step(n);
  if (!to || step < 0) return 1;
  if (!step) memset(to, 0xff, bytes);
  else {
    /* erased completely, not at all, or in part */
    uint32_t kind = next_random(&n->seed) % 4, share = next_random(&n->seed) % 256;
    for (uint32_t i = 0; i < bytes && kind; i++)
      for (int bit = 0; bit < 8; bit++)
        if (kind == 1 || (kind == 2 ? next_random(&n->seed) % 256 < share : i * 256 < share * bytes)) to[i] |= (uint8_t)(1u << bit);
  }
  return step;
}

static inline int nor_write(void* context, uint32_t area, uint32_t at, const void* bytes, uint32_t count) {
  struct nor* n = context;
  uint8_t* to = nor_at(n, area, at, count);
  const uint8_t* from = bytes;
  int step = nor_step(n);
  if (!to || step < 0) return 1;
  /* cut: either all bits before a place are written and none after it, or any bits of the page */
  uint32_t place = step && next_random(&n->seed) % 2 ? next_random(&n->seed) % (8 * count + 1) : 8 * count;
  uint32_t share = step && place == 8 * count ? 1 + next_random(&n->seed) % 255 : 256;
  for (uint32_t i = 0; i < count; i++)
    for (uint32_t bit = 0; bit < 8; bit++)
      if (!(from[i] >> bit & 1) && 8 * i + bit < place && next_random(&n->seed) % 256 < share) to[i] &= (uint8_t)~(1u << bit);
  /* a worn cell: one bit is not cleared; marks of progress (one byte) are not read back */
  for (uint32_t bit = next_random(&n->seed) % (8 * count), tried = 0; n->operations == n->lie && count > 1 && tried < 8 * count; tried++) {
    bit = (bit + 1) % (8 * count);
    if (from[bit / 8] >> bit % 8 & 1) continue;
    to[bit / 8] |= (uint8_t)(1u << bit % 8);
    n->lied = true;
    break;
  }
  return step;
}

static inline int nor_read(void* context, uint32_t area, uint32_t at, void* bytes, uint32_t count) {
  struct nor* n = context;
  uint8_t* from = nor_at(n, area, at, count);
  if (!from || nor_dead(n)) return 1;
  memcpy(bytes, from, count);
  return 0;
}

/** Makes a flash over `memory`: nor_bytes bytes, aligned to 16. */
static inline void nor_init(struct nor* n, uint8_t* memory, uint32_t slot, uint32_t sector) {
  memset(n, 0, sizeof *n);
  n->memory = memory;
  n->seed = 1;
  n->device = (struct runlet_flash_device){nor_erase, nor_write, nor_read, {memory, memory + slot}, slot, sector, n};
}

#endif
