/*
 * Two slots and their record (runlet-flash.h).  Layout of the record: docs/serial.md.
 *
 * In: calls.  Out: writes to the flash, in an order that allows a power cut after each.  A new record is
 * written into the sector without the valid record and read back; from then on it is the valid one.  After
 * the record, one byte is cleared for each sector received, so that a transfer resumes there after a restart.
 */
#include "runlet-flash.h"

#include <string.h>

#include "runlet-image.h"
#include "runlet-sha256.h"

/* records of version 1 are ignored: their floor came from the sender, and nobody had signed it */
enum { AREA_RECORDS = RUNLET_FLASH_SLOTS, VERSION = 2, SLOT_BYTES = 76, AT_SLOTS = 16, AT_CRC = AT_SLOTS + 2 * SLOT_BYTES };
enum { RECORD_BYTES = AT_CRC + 8, AT_PROGRESS = 256, DIGEST = 32 };

/* ---- record ---- */

static uint32_t word(const uint8_t* at) {
  return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static void put_word(uint8_t* at, uint32_t value) {
  for (int i = 0; i < 4; i++) at[i] = (uint8_t)(value >> 8 * i);
}

static void pack(uint8_t* to, const struct runlet_flash_record* r) {
  memset(to, 0, RECORD_BYTES);
  memcpy(to, "RNLF", 4);
  put_word(to + 4, VERSION);
  put_word(to + 8, r->count);
  put_word(to + 12, r->floor);
  for (int i = 0; i < RUNLET_FLASH_SLOTS; i++) {
    uint8_t* at = to + AT_SLOTS + i * SLOT_BYTES;
    const struct runlet_flash_slot* s = &r->slots[i];
    put_word(at, s->state);
    put_word(at + 4, s->sequence);
    put_word(at + 8, s->bytes);
    memcpy(at + 12, s->digest, DIGEST);
    memcpy(at + 12 + DIGEST, s->name, RUNLET_FLASH_NAME);
  }
  put_word(to + AT_CRC, runlet_crc32(0, to, AT_CRC));
}

static bool unpack(struct runlet_flash_record* r, const uint8_t* from) {
  if (memcmp(from, "RNLF", 4) || word(from + 4) != VERSION || word(from + AT_CRC) != runlet_crc32(0, from, AT_CRC)) return false;
  r->count = word(from + 8);
  r->floor = word(from + 12);
  for (int i = 0; i < RUNLET_FLASH_SLOTS; i++) {
    const uint8_t* at = from + AT_SLOTS + i * SLOT_BYTES;
    struct runlet_flash_slot* s = &r->slots[i];
    s->state = word(at);
    s->sequence = word(at + 4);
    s->bytes = word(at + 8);
    memcpy(s->digest, at + 12, DIGEST);
    memcpy(s->name, at + 12 + DIGEST, RUNLET_FLASH_NAME);
    if (s->state > RUNLET_FLASH_REJECTED || s->name[RUNLET_FLASH_NAME - 1]) return false;
  }
  return true;
}

/** Writes a record to the other sector. It becomes the valid one if it reads back unchanged. */
static int keep(struct runlet_flash* f, struct runlet_flash_record* next) {
  const struct runlet_flash_device* d = f->device;
  uint8_t bytes[RECORD_BYTES], back[RECORD_BYTES];
  uint32_t at = (1 - f->sector) * d->sector_bytes;
  next->count = f->record.count + 1;
  pack(bytes, next);
  if (d->erase(d->context, AREA_RECORDS, at) || d->write(d->context, AREA_RECORDS, at, bytes, sizeof bytes)) return RUNLET_FLASH_IO;
  if (d->read(d->context, AREA_RECORDS, at, back, sizeof back) || memcmp(bytes, back, sizeof back)) return RUNLET_FLASH_IO;
  f->record = *next;
  f->sector = 1 - f->sector;
  return RUNLET_FLASH_OK;
}

/** Number of sectors whose progress the record can hold. */
static uint32_t progress_room(const struct runlet_flash_device* d) {
  uint32_t sectors = d->slot_bytes / d->sector_bytes, room = d->sector_bytes - AT_PROGRESS;
  return sectors < room ? sectors : room;
}

/** Reads how many bytes were received before a restart, in whole sectors. */
static int read_progress(struct runlet_flash* f, uint32_t bytes) {
  const struct runlet_flash_device* d = f->device;
  uint32_t sectors = 0, max_sectors = progress_room(d);
  for (uint8_t mark = 0; sectors < max_sectors && !mark; sectors += !mark)
    if (d->read(d->context, AREA_RECORDS, f->sector * d->sector_bytes + AT_PROGRESS + sectors, &mark, 1)) return RUNLET_FLASH_IO;
  f->received = sectors * d->sector_bytes;
  if (f->received > bytes) f->received = bytes / d->sector_bytes * d->sector_bytes;
  return RUNLET_FLASH_OK;
}

static int read_records(struct runlet_flash* f) {
  const struct runlet_flash_device* d = f->device;
  bool any = false;
  for (uint32_t sector = 0; sector < RUNLET_FLASH_RECORDS; sector++) {
    uint8_t bytes[RECORD_BYTES];
    struct runlet_flash_record r;
    if (d->read(d->context, AREA_RECORDS, sector * d->sector_bytes, bytes, sizeof bytes)) return RUNLET_FLASH_IO;
    if (!unpack(&r, bytes) || (any && (int32_t)(r.count - f->record.count) <= 0)) continue;
    any = true;
    f->record = r;
    f->sector = sector;
  }
  return RUNLET_FLASH_OK;
}

/* ---- slots ---- */

static int find(const struct runlet_flash* f, uint32_t states) {
  for (int slot = 0; slot < RUNLET_FLASH_SLOTS; slot++)
    if (states >> f->record.slots[slot].state & 1) return slot;
  return -1;
}
#define IN(state) (1u << RUNLET_FLASH_##state)

/** Slot of the image with this digest in one of these states; -1: none. */
static int slot_of(const struct runlet_flash* f, const uint8_t* digest, uint32_t count, uint32_t states) {
  for (int slot = 0; slot < RUNLET_FLASH_SLOTS; slot++) {
    const struct runlet_flash_slot* s = &f->record.slots[slot];
    if (states >> s->state & 1 && !memcmp(s->digest, digest, count)) return slot;
  }
  return -1;
}

/** Content of a slot. */
struct found {
  struct runlet_image image;
  uint32_t sequence; /* sequence number of the bundle; 0: none */
};

/** Checks whether there is a floor: only with keys, which sign the sequence numbers. */
static bool has_floor(const struct runlet_flash* f) { return f->trust->verify != NULL; }

/** Checks the image in a slot, except its digest. */
static int check(struct runlet_flash* f, int slot, struct found* found) {
  struct runlet_image* image = &found->image;
  const uint8_t* at = f->device->mapped[slot];
  struct runlet_golden golden;
  if (!at) return RUNLET_FLASH_IMAGE;
  f->detail = runlet_image_read(image, at, f->device->slot_bytes);
  if (f->detail) return RUNLET_FLASH_IMAGE;
  f->detail = runlet_check(image->module, image->module_bytes, image->weights, image->weight_bytes, f->limits, f->trust);
  if (!f->detail) f->detail = runlet_golden_read(&golden, image->module, image->module_bytes);
  if (f->detail) return RUNLET_FLASH_MODULE;
  if (!runlet_sequence_read(&found->sequence, image->module, image->module_bytes)) found->sequence = 0;
  return RUNLET_FLASH_OK;
}

/** Runs all checks, and compares the image with the record of its slot. */
static int verify(struct runlet_flash* f, int slot) {
  const struct runlet_flash_slot* s = &f->record.slots[slot];
  struct found found;
  uint8_t digest[DIGEST];
  f->detail = 0;
  if (!f->device->mapped[slot] || s->bytes > f->device->slot_bytes) return RUNLET_FLASH_SIZE;
  runlet_sha256_of(NULL, f->device->mapped[slot], s->bytes, digest);
  if (memcmp(digest, s->digest, DIGEST)) return RUNLET_FLASH_DIGEST;
  int code = check(f, slot, &found);
  if (code) return code;
  if (found.image.bytes != s->bytes) return RUNLET_FLASH_SIZE;
  if (found.sequence != s->sequence) return RUNLET_FLASH_SEQUENCE;
  return has_floor(f) && found.sequence <= f->record.floor ? RUNLET_FLASH_FLOOR : RUNLET_FLASH_OK;
}

static int set_state(struct runlet_flash* f, int slot, enum runlet_flash_state state) {
  struct runlet_flash_record next = f->record;
  next.slots[slot].state = state;
  return keep(f, &next);
}

/* ---- start ---- */

/** Chooses the slot that runs if none is on trial. */
static void choose(struct runlet_flash* f) {
  static const uint32_t order[] = {IN(CONFIRMED), IN(PREVIOUS), IN(UNKNOWN)};
  struct found found;
  for (int i = 0; i < 3; i++)
    for (int slot = 0; slot < RUNLET_FLASH_SLOTS; slot++) {
      if (!(order[i] >> f->record.slots[slot].state & 1) || check(f, slot, &found) != RUNLET_FLASH_OK) continue;
      f->running = slot;
      /* an image of another tool was never confirmed here, but no older one may follow it either */
      if (has_floor(f) && found.sequence > f->record.floor) f->record.floor = found.sequence;
      return;
    }
}

int runlet_flash_start(struct runlet_flash* f, const struct runlet_flash_device* device, const struct runlet_limits* limits,
                       const struct runlet_trust* trust) {
  static const struct runlet_trust digests = {.sha256 = runlet_sha256_of};
  memset(f, 0, sizeof *f);
  f->device = device;
  f->limits = limits;
  f->trust = trust ? trust : &digests;
  f->running = -1;
  int code = read_records(f);
  if (code) return code;
  int tried = find(f, IN(TRYING)), trial = find(f, IN(TRIAL)), receiving = find(f, IN(RECEIVING));
  if (receiving >= 0) code = read_progress(f, f->record.slots[receiving].bytes);
  if (code) return code;
  /* if the record cannot be written, the state stays, and neither of these images runs */
  if (tried >= 0) set_state(f, tried, RUNLET_FLASH_REJECTED);
  if (trial >= 0) {
    bool good = verify(f, trial) == RUNLET_FLASH_OK;
    if (set_state(f, trial, good ? RUNLET_FLASH_TRYING : RUNLET_FLASH_REJECTED) == RUNLET_FLASH_OK && good) f->running = trial;
  }
  if (f->running < 0) choose(f);
  return RUNLET_FLASH_OK;
}

int runlet_flash_prove(struct runlet_flash* f, bool good) {
  if (f->running < 0) return RUNLET_FLASH_ORDER;
  f->proven = good;
  if (good || f->record.slots[f->running].state != RUNLET_FLASH_TRYING) return RUNLET_FLASH_OK;
  f->restart = true;
  return set_state(f, f->running, RUNLET_FLASH_REJECTED);
}

/* ---- receiving ---- */

/** Slot to write: not the running one; if none runs, not the confirmed one. */
static int target(const struct runlet_flash* f) {
  return f->running >= 0 ? 1 - f->running : f->record.slots[0].state == RUNLET_FLASH_CONFIRMED;
}

enum { WHOLE = IN(STAGED) | IN(TRIAL) | IN(TRYING) | IN(CONFIRMED) };

/** Slot that holds or receives the image, -1: none. A confirmed image that does not run failed its checks. */
static int begun(const struct runlet_flash* f, uint32_t bytes, const uint8_t* digest, uint32_t sequence) {
  int slot = slot_of(f, digest, DIGEST, WHOLE | IN(RECEIVING));
  if (slot < 0 || f->record.slots[slot].bytes != bytes) return -1;
  if (f->record.slots[slot].state == RUNLET_FLASH_CONFIRMED) return slot == f->running ? slot : -1;
  return f->record.slots[slot].sequence == sequence ? slot : -1;
}

uint32_t runlet_flash_received(const struct runlet_flash* f, const uint8_t* digest, uint32_t count) {
  if (slot_of(f, digest, count, IN(RECEIVING)) >= 0) return f->received;
  int slot = slot_of(f, digest, count, WHOLE);
  return slot < 0 ? 0 : f->record.slots[slot].bytes;
}

int runlet_flash_begin(struct runlet_flash* f, uint32_t bytes, const uint8_t digest[DIGEST], uint32_t sequence, const char* name) {
  if (!bytes || bytes > f->device->slot_bytes) return RUNLET_FLASH_SIZE;
  if (begun(f, bytes, digest, sequence) >= 0) return RUNLET_FLASH_OK;
  uint32_t running = f->running < 0 ? RUNLET_FLASH_UNKNOWN : f->record.slots[f->running].state;
  if (f->restart || find(f, IN(TRIAL) | IN(TRYING)) >= 0 || running == RUNLET_FLASH_REJECTED) return RUNLET_FLASH_BUSY;
  if (has_floor(f) && sequence <= f->record.floor) return RUNLET_FLASH_FLOOR;
  int slot = target(f);
  if (!f->device->mapped[slot]) return RUNLET_FLASH_IO;
  struct runlet_flash_record next = f->record;
  struct runlet_flash_slot* s = &next.slots[slot];
  memset(s, 0, sizeof *s);
  s->state = RUNLET_FLASH_RECEIVING;
  s->sequence = sequence;
  s->bytes = bytes;
  memcpy(s->digest, digest, DIGEST);
  for (int i = 0; i + 1 < RUNLET_FLASH_NAME && name[i]; i++) s->name[i] = name[i];
  int code = keep(f, &next);
  if (code == RUNLET_FLASH_OK) f->received = 0;
  return code;
}

/** Appends bytes to a slot, within one sector. */
static int store(struct runlet_flash* f, uint32_t slot, const uint8_t* bytes, uint32_t count) {
  const struct runlet_flash_device* d = f->device;
  uint32_t at = f->received;
  if (at % d->sector_bytes == 0 && d->erase(d->context, slot, at)) return RUNLET_FLASH_IO;
  if (d->write(d->context, slot, at, bytes, count) || memcmp(d->mapped[slot] + at, bytes, count)) return RUNLET_FLASH_IO;
  at += count;
  static const uint8_t mark = 0;
  uint32_t sector = at / d->sector_bytes - 1;
  if (at % d->sector_bytes == 0 && sector < progress_room(d) &&
      d->write(d->context, AREA_RECORDS, f->sector * d->sector_bytes + AT_PROGRESS + sector, &mark, 1))
    return RUNLET_FLASH_IO;
  f->received = at;
  return RUNLET_FLASH_OK;
}

int runlet_flash_data(struct runlet_flash* f, const uint8_t id[4], uint32_t offset, const uint8_t* bytes, uint32_t count) {
  int slot = slot_of(f, id, 4, IN(RECEIVING)), whole = slot < 0 ? slot_of(f, id, 4, WHOLE) : -1;
  if (slot < 0 && whole < 0) return RUNLET_FLASH_OTHER;
  uint32_t all = f->record.slots[slot < 0 ? whole : slot].bytes;
  if (offset > all || count > all - offset) return RUNLET_FLASH_SIZE;
  /* repeated after `end` */
  if (slot < 0) return RUNLET_FLASH_OK;
  if (offset > f->received) return RUNLET_FLASH_OFFSET;
  if (offset + count <= f->received) return RUNLET_FLASH_OK;
  uint32_t known = f->received - offset;
  /* flash is written in words; only the last piece may be no multiple of 4 */
  if ((count % 4 && offset + count != all) || known % 4) return RUNLET_FLASH_USE;
  bytes += known;
  count -= known;
  while (count) {
    uint32_t room = f->device->sector_bytes - f->received % f->device->sector_bytes, part = count < room ? count : room;
    int code = store(f, (uint32_t)slot, bytes, part);
    if (code) return code;
    bytes += part;
    count -= part;
  }
  return RUNLET_FLASH_OK;
}

/* ---- verify, try, confirm, revert ---- */

int runlet_flash_end(struct runlet_flash* f, const uint8_t digest[DIGEST]) {
  if (slot_of(f, digest, DIGEST, WHOLE) >= 0) return RUNLET_FLASH_OK;
  int slot = slot_of(f, digest, DIGEST, IN(RECEIVING)), rejected = slot_of(f, digest, DIGEST, IN(REJECTED));
  if (slot < 0 && rejected < 0) return RUNLET_FLASH_OTHER;
  if (slot < 0) {
    /* repeated because the answer was lost */
    int why = verify(f, rejected);
    return why ? why : RUNLET_FLASH_ORDER;
  }
  if (f->received != f->record.slots[slot].bytes) return RUNLET_FLASH_SHORT;
  int code = verify(f, slot), detail = f->detail;
  int kept = set_state(f, slot, code ? RUNLET_FLASH_REJECTED : RUNLET_FLASH_STAGED);
  f->detail = kept ? 0 : detail;
  return kept ? kept : code;
}

int runlet_flash_try(struct runlet_flash* f, const uint8_t digest[DIGEST]) {
  if (slot_of(f, digest, DIGEST, IN(TRYING) | IN(CONFIRMED)) >= 0) return RUNLET_FLASH_OK;
  int slot = slot_of(f, digest, DIGEST, IN(STAGED)), code = RUNLET_FLASH_OK;
  if (slot >= 0) code = set_state(f, slot, RUNLET_FLASH_TRIAL);
  else if (slot_of(f, digest, DIGEST, IN(TRIAL)) < 0) code = RUNLET_FLASH_ORDER;
  if (code == RUNLET_FLASH_OK) f->restart = true;
  return code;
}

int runlet_flash_confirm(struct runlet_flash* f, const uint8_t digest[DIGEST]) {
  if (slot_of(f, digest, DIGEST, IN(CONFIRMED)) >= 0) return RUNLET_FLASH_OK;
  int slot = slot_of(f, digest, DIGEST, IN(TRYING));
  if (slot < 0 || slot != f->running) return RUNLET_FLASH_ORDER;
  if (!f->proven) return RUNLET_FLASH_UNPROVEN;
  struct runlet_flash_record next = f->record;
  next.slots[slot].state = RUNLET_FLASH_CONFIRMED;
  uint32_t* other = &next.slots[1 - slot].state;
  if (*other == RUNLET_FLASH_CONFIRMED || *other == RUNLET_FLASH_UNKNOWN) *other = RUNLET_FLASH_PREVIOUS;
  if (has_floor(f) && next.slots[slot].sequence > next.floor) next.floor = next.slots[slot].sequence;
  return keep(f, &next);
}

int runlet_flash_revert(struct runlet_flash* f, const uint8_t digest[DIGEST]) {
  int slot = slot_of(f, digest, DIGEST, IN(RECEIVING) | IN(STAGED) | IN(TRIAL) | IN(TRYING));
  if (slot < 0) return slot_of(f, digest, DIGEST, IN(REJECTED)) < 0 ? RUNLET_FLASH_ORDER : RUNLET_FLASH_OK;
  int code = set_state(f, slot, RUNLET_FLASH_REJECTED);
  if (code == RUNLET_FLASH_OK) f->restart = slot == f->running;
  return code;
}

int runlet_flash_use(struct runlet_flash* f, int slot) {
  struct found found;
  if (slot < 0 || slot >= RUNLET_FLASH_SLOTS) return RUNLET_FLASH_USE;
  f->detail = 0;
  int code = check(f, slot, &found);
  if (code) return code;
  struct runlet_flash_record next = f->record;
  struct runlet_flash_slot *s = &next.slots[slot], *other = &next.slots[1 - slot];
  uint8_t digest[DIGEST];
  runlet_sha256_of(NULL, f->device->mapped[slot], found.image.bytes, digest);
  /* an image that was confirmed earlier may run again; an old one that was received and refused may not */
  bool known = (s->state == RUNLET_FLASH_CONFIRMED || s->state == RUNLET_FLASH_PREVIOUS) && !memcmp(digest, s->digest, DIGEST);
  if (has_floor(f) && !known && slot != f->running && found.sequence <= next.floor) return RUNLET_FLASH_FLOOR;
  if (has_floor(f) && found.sequence > next.floor) next.floor = found.sequence;
  memcpy(s->digest, digest, DIGEST);
  s->sequence = found.sequence;
  s->bytes = found.image.bytes;
  memset(s->name, 0, sizeof s->name);
  for (int i = 0; i + 1 < RUNLET_FLASH_NAME && found.image.name[i]; i++) s->name[i] = found.image.name[i];
  s->state = RUNLET_FLASH_CONFIRMED;
  if (other->state == RUNLET_FLASH_CONFIRMED) other->state = RUNLET_FLASH_PREVIOUS;
  else if (other->state != RUNLET_FLASH_UNKNOWN && other->state != RUNLET_FLASH_PREVIOUS) other->state = RUNLET_FLASH_REJECTED;
  f->restart = true;
  return keep(f, &next);
}
