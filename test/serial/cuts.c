/*
 * Cuts the power at every operation of the flash. Afterwards the old or the new image runs, whole, and an
 * update can be made again. Also tests a write that silently leaves a bit unchanged: the call returns
 * RUNLET_FLASH_IO, and the same holds.
 *
 *     cuts VARIANTS DOUBLES SEED OLD NEW      prints JSON: operations, cuts, lies, images that ran, errors
 *
 * OLD and NEW are signed (any signature is accepted here) and have the sequence numbers 7 and 9. OLD is
 * confirmed; the update to NEW is begin, pieces, end, try, start and confirm. A second update ends during its
 * trial (revert, start). Every operation of both is cut VARIANTS times, each with another torn write or
 * erase. Then DOUBLES times two random cuts follow, the second one after the restart.
 */
#include "nor.h"
#include "runlet-image.h"
#include "runlet-sha256.h"

enum { SECTOR = 1024, PIECE = 512, OLD_SEQUENCE = 7, NEW_SEQUENCE = 9 };

static struct file old_image, new_image;
static uint8_t old_digest[32], new_digest[32];
static uint8_t *memory, *before;
static uint32_t slot_bytes, wrong, ran_old, ran_new;
static struct nor nor;
static struct runlet_flash flash;

static void expect(bool good, const char* what) {
  if (good) return;
  if (wrong++ < 5) fprintf(stderr, "%s: operation %u of %u, running %d, floor %u\n", what, nor.operations, nor.cut, flash.running, flash.record.floor);
}

static bool believes(void* context, const uint8_t key[32], const uint8_t* message, size_t count, const uint8_t signature[64]) {
  (void)context, (void)key, (void)message, (void)count, (void)signature;
  return true;
}
static const uint8_t keys[1][32];
static const struct runlet_trust trust = {runlet_sha256_of, believes, keys, 1, NULL};

static int start(void) { return runlet_flash_start(&flash, &nor.device, NULL, &trust); }

static int transfer(const struct file* image, const uint8_t* digest, uint32_t sequence) {
  int code = runlet_flash_begin(&flash, image->bytes, digest, sequence, "model");
  for (uint32_t at = runlet_flash_received(&flash, digest, 32); !code && at < image->bytes; at += PIECE)
    code = runlet_flash_data(&flash, digest, at, image->at + at, image->bytes - at < PIECE ? image->bytes - at : PIECE);
  return code ? code : runlet_flash_end(&flash, digest);
}

/** Runs an update up to the start of the trial. */
static int try_image(const struct file* image, const uint8_t* digest, uint32_t sequence) {
  int code = start();
  if (!code && flash.running >= 0) runlet_flash_prove(&flash, true);
  if (!code) code = transfer(image, digest, sequence);
  if (!code) code = runlet_flash_try(&flash, digest);
  if (!code && flash.restart) code = start();
  return code;
}

/** Runs the whole update, or the one that ends during its trial. @return 0 if it ended without an error */
static int update(bool gives_up) {
  int code = try_image(&new_image, new_digest, NEW_SEQUENCE);
  if (code) return code;
  if (!gives_up) {
    runlet_flash_prove(&flash, true);
    return runlet_flash_confirm(&flash, new_digest);
  }
  code = runlet_flash_revert(&flash, new_digest);
  return code ? code : start();
}

/** Checks whether the running slot holds exactly this image. */
static bool runs(const struct file* image) {
  return flash.running >= 0 && !memcmp(nor.device.mapped[flash.running], image->at, image->bytes);
}

/** Checks the first start after a cut: which image runs, and whether it is allowed to. */
static void look(bool gives_up) {
  expect(start() == RUNLET_FLASH_OK, "does not start");
  bool old = runs(&old_image), new = runs(&new_image);
  expect(old || new, "neither image runs");
  expect(flash.record.floor == OLD_SEQUENCE || (flash.record.floor == NEW_SEQUENCE && !gives_up), "the floor");
  if (old) expect(flash.record.floor == OLD_SEQUENCE, "the old image above its floor");
  ran_old += old;
  ran_new += new;
  if (flash.running < 0) return;
  const struct runlet_flash_slot* slot = &flash.record.slots[flash.running];
  bool known = !memcmp(slot->digest, old ? old_digest : new_digest, 32) && slot->sequence == (old ? OLD_SEQUENCE : NEW_SEQUENCE);
  expect(known && slot->bytes == (old ? &old_image : &new_image)->bytes && !strcmp(slot->name, "model"), "the record of what runs");
  if (!new || slot->state == RUNLET_FLASH_CONFIRMED) {
    expect(slot->state == RUNLET_FLASH_CONFIRMED && (old || flash.record.floor == NEW_SEQUENCE), "the state of what runs");
    return;
  }
  /* on trial: a second start must return to the old image */
  expect(slot->state == RUNLET_FLASH_TRYING && start() == RUNLET_FLASH_OK && runs(&old_image), "a trial that is started twice");
}

static void fresh(uint32_t seed) {
  memcpy(memory, before, nor_bytes(slot_bytes, SECTOR));
  nor_init(&nor, memory, slot_bytes, SECTOR);
  nor.seed = seed | 1;
}

/**
 * Repeats the update after cuts, without a fault, until the new image is confirmed. An image that was
 * reverted or already started must be sent again.
 */
static void recover(void) {
  nor.cut = 0;
  int code = update(false);
  if (code == RUNLET_FLASH_BUSY) code = update(false);
  expect(code == RUNLET_FLASH_OK, "the update does not come through afterwards");
  expect(start() == RUNLET_FLASH_OK && runs(&new_image) && flash.record.floor == NEW_SEQUENCE, "the new image does not run in the end");
  expect(nor.misuse == 0, "flash outside of an area");
}

/** Runs the update with one wrong bit at each write. @return number of wrong bits */
static uint32_t lies(uint32_t operations, uint32_t* seed) {
  uint32_t count = 0;
  for (uint32_t i = 1; i <= operations; i++) {
    fresh(next_random(seed));
    nor.lie = i;
    int code = update(false);
    nor.lie = 0;
    if (!nor.lied) continue;
    count++;
    /* the record of a trial's start is written outside of a call: then there is no trial to confirm */
    expect(code == RUNLET_FLASH_IO || code == RUNLET_FLASH_ORDER, "a write that did not take is taken for one that did");
    expect(start() == RUNLET_FLASH_OK && (runs(&old_image) || runs(&new_image)), "after a write that did not take neither image runs");
    recover();
  }
  return count;
}

/** Returns the number of operations of the whole update. */
static uint32_t operations(bool gives_up) {
  fresh(1);
  expect(update(gives_up) == RUNLET_FLASH_OK, "without a cut");
  expect(runs(gives_up ? &old_image : &new_image), "without a cut: what runs");
  return nor.operations;
}

int main(int argc, char** argv) {
  if (argc != 6) return 2;
  uint32_t variants = (uint32_t)atol(argv[1]), doubles = (uint32_t)atol(argv[2]), seed = (uint32_t)atol(argv[3]) * 2654435761u | 1, cuts = 0;
  old_image = read_file(argv[4]);
  new_image = read_file(argv[5]);
  runlet_sha256_of(NULL, old_image.at, old_image.bytes, old_digest);
  runlet_sha256_of(NULL, new_image.at, new_image.bytes, new_digest);
  slot_bytes = ((old_image.bytes > new_image.bytes ? old_image.bytes : new_image.bytes) / SECTOR + 3) * SECTOR;
  uint32_t all = nor_bytes(slot_bytes, SECTOR);
  memory = aligned_alloc(16, all);
  before = malloc(all);
  /* neither erased nor empty: both slots hold the remains of another model */
  for (uint32_t i = 0; i < all; i++) before[i] = (uint8_t)(i * 2654435761u >> 13);
  memcpy(memory, before, all);
  nor_init(&nor, memory, slot_bytes, SECTOR);
  expect(start() == RUNLET_FLASH_OK && flash.running < 0, "a flash with nothing of use in it");
  expect(try_image(&old_image, old_digest, OLD_SEQUENCE) == RUNLET_FLASH_OK, "the first image");
  runlet_flash_prove(&flash, true);
  expect(runlet_flash_confirm(&flash, old_digest) == RUNLET_FLASH_OK && flash.record.floor == OLD_SEQUENCE, "the first image is confirmed");
  memcpy(before, memory, all);

  uint32_t counts[2];
  for (int gives_up = 0; gives_up < 2; gives_up++) {
    counts[gives_up] = operations(gives_up);
    for (uint32_t i = 1; i <= counts[gives_up]; i++)
      for (uint32_t v = 0; v < variants; v++, cuts++) {
        fresh(next_random(&seed));
        nor.cut = i;
        expect(update(gives_up) != RUNLET_FLASH_OK || i >= nor.operations, "goes on without power");
        nor.cut = 0;
        look(gives_up);
        recover();
      }
  }
  uint32_t lied = lies(counts[0], &seed);
  for (uint32_t n = 0; n < doubles; n++) {
    bool gives_up = next_random(&seed) % 4 == 0;
    fresh(next_random(&seed));
    nor.cut = 1 + next_random(&seed) % counts[gives_up];
    update(gives_up);
    nor.operations = 0;
    nor.cut = 1 + next_random(&seed) % (next_random(&seed) % 2 ? counts[0] : 6);
    update(false);
    nor.cut = 0;
    look(false);
    recover();
  }
  printf("{\"operations\":[%u,%u],\"cuts\":%u,\"doubles\":%u,\"lies\":%u,\"ranOld\":%u,\"ranNew\":%u,\"wrong\":%u}\n", counts[0], counts[1], cuts, doubles,
         lied, ran_old, ran_new, wrong);
  free(memory);
  free(before);
  return 0;
}
