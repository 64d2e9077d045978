/*
 * Fuzz test: randomly changed bundles, and calls in any order with any arguments.
 *
 *     fuzz bundles COUNT SEED MODULE WEIGHTS      changes, checks, opens and runs bundles
 *     fuzz calls COUNT SEED MODULE WEIGHTS        makes random calls on one bundle and checks their codes
 *
 * Prints JSON: for bundles, how often each code came up, and the faults.
 * Bundles run in a child process, so that a fault ends only the child. The number of the bundle and the
 * signal are kept, and the next child continues after it. WAMR gets 100,000 instructions per call, since a
 * changed loop may have no end.
 */
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common.h"
#include "wasm_export.h"

/** WAMR's pool, static memory of the caller. */
enum { POOL = 4 << 20 };
static uint64_t pool[POOL / 8];

enum { INSTRUCTIONS = 100000, MEMORY = 1 << 20, MOST_FAULTS = 64 };

struct shared {
  uint32_t next, faults, leaks, ran, disagreed;
  struct { uint32_t number; int ended; } fault[MOST_FAULTS];
  uint32_t codes[1 - RUNLET_LAST], calls[1 - RUNLET_LAST];
};

static struct file original, weights;
static uint32_t seed;

/** Returns the number of bytes before the data section. Changes there matter most. */
static uint32_t code_end(const struct file* f) {
  uint32_t at = 8;
  while (at + 6 < f->bytes) {
    uint32_t kind = f->at[at++], bytes = 0, shift = 0, b;
    do b = f->at[at++], bytes |= (b & 0x7f) << shift, shift += 7;
    while (b >= 0x80);
    if (kind == 11) return at;
    at += bytes;
  }
  return f->bytes;
}

/** Returns a changed copy, in memory of exactly its length. */
static struct file change(uint32_t number) {
  uint32_t s = (seed * 2654435761u) ^ (number * 40503u + 1), end = code_end(&original);
  s = s ? s : 1;
  for (int i = 0; i < 8; i++) next_random(&s);
  struct file f = {malloc(original.bytes + 64), original.bytes};
  memcpy(f.at, original.at, f.bytes);
  for (uint32_t changes = 1 + next_random(&s) % 4; changes > 0; changes--) {
    uint32_t at = next_random(&s) % (next_random(&s) % 4 ? end < f.bytes ? end : f.bytes : f.bytes), with = next_random(&s);
    switch (next_random(&s) % 16) {
      case 0: f.at[at] ^= (uint8_t)(1u << with % 8); break;
      case 1: f.at[at] = (uint8_t)with; break;
      case 2: f.at[at] = (uint8_t)(f.at[at] + (with & 1 ? 1 : -1)); break;
      case 3: f.at[at] = (uint8_t)(with & 1 ? 0x7f : 0xff); break;
      case 4: f.at[at] = 0; break;
      case 5: /* a few bytes removed */
        if (f.bytes > at + with % 8) memmove(f.at + at, f.at + at + with % 8, f.bytes - at - with % 8), f.bytes -= with % 8;
        break;
      case 6: /* a few bytes repeated */
        memmove(f.at + at + with % 8, f.at + at, f.bytes - at), f.bytes += with % 8;
        break;
      case 7: /* bytes from another place */
        if (at + 16 < f.bytes) memmove(f.at + at, f.at + with % (f.bytes - 16), with % 16);
        break;
      case 8:
        if (with % 2) f.bytes = at;
        break;
      default: f.at[at] = f.at[with % end % f.bytes]; /* a byte from elsewhere in the code */
    }
    if (f.bytes > original.bytes + 32 || !f.bytes) break;
  }
  uint8_t* exact = malloc(f.bytes ? f.bytes : 1);
  memcpy(exact, f.at, f.bytes);
  free(f.at);
  f.at = exact;
  return f;
}

/** Checks whether a push may return this code. */
static bool is_answer(int code) {
  return code == RUNLET_OK || code == RUNLET_DUE || code == RUNLET_TRAP || code == RUNLET_INSTRUCTIONS || code == RUNLET_ANSWER;
}

/**
 * Checks whether `bytes` bytes of the pool are free in one piece. WAMR's count of free bytes is unsuitable,
 * since it does not include a block that grows in place.
 */
static bool is_free(uint32_t bytes) {
  void* at = wasm_runtime_malloc(bytes);
  if (at) wasm_runtime_free(at);
  return at != NULL;
}
static uint32_t whole_pool;
static void measure_pool(void) {
  for (whole_pool = sizeof pool; !is_free(whole_pool);) whole_pool -= 8;
}

static void one_bundle(struct shared* totals, uint32_t number) {
  static struct runlet r;
  static uint8_t* hop;
  static char words[64];
  struct file f = change(number);
  struct runlet_options options = {.instructions = INSTRUCTIONS, .limits = {0, MEMORY, false}, .words = words, .words_bytes = sizeof words};
  if (!hop) hop = calloc(1, MEMORY);
  int check = runlet_check(f.at, f.bytes, weights.at, weights.bytes, &options.limits, NULL);
  int code = runlet_open(&r, f.at, f.bytes, weights.at, weights.bytes, &options);
  totals->codes[-code]++;
  /* what runlet_check refuses, runlet_open refuses with the same code */
  totals->disagreed += check < 0 ? check != code : code < 0 && code > RUNLET_LOAD && code != RUNLET_MEMORY_LIMIT && code > RUNLET_WEIGHTS_MISSING;
  if (code == RUNLET_OK) {
    totals->ran++;
    const void* frames[RUNLET_INPUTS];
    for (int i = 0; i < RUNLET_INPUTS; i++) frames[i] = hop;
    uint32_t s = number + 1;
    for (int i = 0; i < 4; i++) {
      int pushed = runlet_push(&r, frames, 1 + next_random(&s) % r.hop);
      totals->disagreed += !is_answer(pushed);
      if (pushed <= 0) totals->calls[-pushed]++;
      if (pushed < 0) totals->disagreed += runlet_reset(&r) > 0;
      if (runlet_save(&r, hop, r.state_bytes) == RUNLET_OK) {
        if (r.state_bytes) hop[next_random(&s) % r.state_bytes] ^= (uint8_t)next_random(&s);
        runlet_restore(&r, hop, r.state_bytes);
      }
    }
    digest_outputs(&r, 1);
  }
  runlet_close(&r);
  totals->leaks += !is_free(whole_pool);
  free(f.at);
}

static void child(struct shared* totals, uint32_t count) {
  must(runlet_start(pool, sizeof pool), "runlet_start", "");
  measure_pool();
  while (totals->next < count) {
    one_bundle(totals, totals->next);
    totals->next++;
  }
  runlet_stop();
}

static void bundles(uint32_t count) {
  struct shared* totals = mmap(NULL, sizeof *totals, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  while (totals->next < count) {
    pid_t pid = fork();
    if (!pid) {
      child(totals, count);
      exit(0);
    }
    int ended;
    waitpid(pid, &ended, 0);
    if (ended && totals->faults < MOST_FAULTS) {
      totals->fault[totals->faults].number = totals->next;
      totals->fault[totals->faults].ended = ended;
    }
    if (ended) totals->faults++, totals->next++;
  }
  printf("{\"count\":%u,\"ran\":%u,\"disagreed\":%u,\"leaks\":%u,\"faultCount\":%u,\"codes\":{", count, totals->ran, totals->disagreed, totals->leaks, totals->faults);
  for (int i = 0, first = 1; i <= -RUNLET_LAST; i++)
    if (totals->codes[i]) printf("%s\"%d\":%u", first ? "" : ",", -i, totals->codes[i]), first = 0;
  printf("},\"calls\":{");
  for (int i = 0, first = 1; i <= -RUNLET_LAST; i++)
    if (totals->calls[i]) printf("%s\"%d\":%u", first ? "" : ",", -i, totals->calls[i]), first = 0;
  printf("},\"faults\":[");
  for (uint32_t i = 0; i < totals->faults && i < MOST_FAULTS; i++)
    printf("%s{\"number\":%u,\"ended\":%d}", i ? "," : "", totals->fault[i].number, totals->fault[i].ended);
  printf("]}\n");
}

/* ---- calls ---- */

enum { BUNDLES = 3 };
static struct runlet r[BUNDLES];
static uint8_t* copies[BUNDLES];
static bool is_open[BUNDLES], is_whole[BUNDLES];
static uint32_t wrong, made[16], expected_digest;
static uint8_t* signal_bytes;

static void expect(bool good, uint32_t which) {
  made[which]++;
  if (!good && wrong++ < 5) fprintf(stderr, "call %u gave another code than it must\n", which);
}

static int open_one(uint32_t i) {
  free(copies[i]);
  copies[i] = malloc(original.bytes);
  memcpy(copies[i], original.at, original.bytes);
  return runlet_open(&r[i], copies[i], original.bytes, weights.at, weights.bytes, NULL);
}

/** Returns the digest of a few hops after a reset. No earlier call may change it. */
static uint32_t digest_after_reset(struct runlet* one) {
  uint32_t digest = 2166136261u;
  if (runlet_reset(one) != RUNLET_OK) return 0;
  for (uint32_t i = 0; i < 8; i++) {
    int code = push_hop(one, signal_bytes + i * hop_bytes(one));
    if (code < 0) return 0;
    if (code == RUNLET_DUE) digest = digest_outputs(one, digest);
  }
  return digest;
}

static void one_call(uint32_t* s, uint8_t* state) {
  uint32_t i = next_random(s) % BUNDLES, which = next_random(s) % 16;
  struct runlet* one = &r[i];
  const void* frames[RUNLET_INPUTS];
  for (uint32_t k = 0; k < RUNLET_INPUTS; k++) frames[k] = signal_bytes + next_random(s) % 64;
  bool open = is_open[i];
  uint32_t hop = open ? one->hop : 8, any = next_random(s);
  switch (which) {
    case 0: /* rare, since it is slow */
      if (any % 64) break;
      expect(!open || (runlet_close(one), true), which);
      expect(open_one(i) == RUNLET_OK, which);
      is_open[i] = is_whole[i] = true;
      break;
    case 1:
      if (any % 64) break;
      runlet_close(one);
      is_open[i] = false;
      expect(runlet_push(one, frames, 1) == RUNLET_USE && runlet_reset(one) == RUNLET_USE, which);
      break;
    case 2: expect(runlet_push(one, frames, 0) == (!open ? RUNLET_USE : one->stopped ? RUNLET_TRAP : RUNLET_FRAMES), which); break;
    case 3: expect(runlet_push(one, frames, hop + 1 + any % 1000) == (!open ? RUNLET_USE : one->stopped ? RUNLET_TRAP : RUNLET_FRAMES), which); break;
    case 4:
      frames[any % (open ? one->input_count : 1)] = NULL;
      expect(runlet_push(one, frames, 1 + any % hop) == (open && one->stopped ? RUNLET_TRAP : RUNLET_USE), which);
      break;
    case 5: expect(runlet_push(NULL, frames, 1) == RUNLET_USE && runlet_save(NULL, state, 1) == RUNLET_USE && runlet_reset(NULL) == RUNLET_USE, which); break;
    case 6: expect(runlet_save(one, state, any % 8) == (open ? RUNLET_STATE : RUNLET_USE), which); break;
    case 7: expect(runlet_save(one, NULL, open ? one->state_bytes : 0) == RUNLET_USE && runlet_restore(one, NULL, 0) == RUNLET_USE, which); break;
    case 8: /* a random state: the module may do anything with it, but only in its own memory */
      if (!open || any % 16) break;
      for (uint32_t k = 0; k < one->state_bytes; k++) state[k] = (uint8_t)next_random(s);
      expect(runlet_restore(one, state, one->state_bytes) == (one->stopped ? RUNLET_USE : RUNLET_OK), which);
      is_whole[i] = false;
      break;
    case 9:
      if (!open) break;
      expect(runlet_save(one, state, one->state_bytes) == RUNLET_OK, which);
      expect(runlet_restore(one, state, one->state_bytes) == (one->stopped ? RUNLET_USE : RUNLET_OK), which);
      break;
    case 10:
      if (any % 64) break;
      runlet_close(one);
      is_open[i] = false;
      expect(runlet_open(one, NULL, 8, NULL, 0, NULL) == RUNLET_USE && runlet_open(NULL, signal_bytes, 8, NULL, 0, NULL) == RUNLET_USE &&
                 runlet_open(one, signal_bytes, 8, NULL, 4, NULL) == RUNLET_USE && runlet_open(one, signal_bytes, 8, NULL, 0, NULL) == RUNLET_NOT_WASM,
             which);
      break;
    case 11:
      if (!open || any % 16) break;
      expect(digest_after_reset(one) == expected_digest, which);
      is_whole[i] = true;
      break;
    case 12: expect(runlet_start(pool, sizeof pool) == RUNLET_USE, which); break;
    case 13: expect(runlet_text((int)any) && runlet_text(-(int)(any % 40)), which); break;
    default: {
      int code = runlet_push(one, any & 1 ? frames : NULL, 1 + any % hop);
      bool good = code == RUNLET_OK || code == RUNLET_DUE || (!is_whole[i] && (code == RUNLET_TRAP || code == RUNLET_ANSWER));
      expect(open ? good : code == RUNLET_USE, which);
    }
  }
}

static void calls(uint32_t count) {
  must(runlet_start(pool, sizeof pool), "runlet_start", "");
  measure_pool();
  must(open_one(0), "runlet_open", "");
  signal_bytes = malloc(8 * hop_bytes(&r[0]) + RUNLET_INPUTS * hop_bytes(&r[0]) + 64);
  uint8_t* state = malloc(r[0].state_bytes + 8);
  uint32_t s = seed;
  for (uint32_t i = 0; i < 8 * hop_bytes(&r[0]) + 64; i++) signal_bytes[i] = (uint8_t)next_random(&s);
  expected_digest = digest_after_reset(&r[0]);
  is_open[0] = is_whole[0] = true;
  for (uint32_t i = 0; i < count; i++) one_call(&s, state);
  for (uint32_t i = 0; i < BUNDLES; i++) runlet_close(&r[i]), free(copies[i]);
  free(state);
  free(signal_bytes);
  printf("{\"count\":%u,\"wrong\":%u,\"digest\":%u,\"made\":[", count, wrong, expected_digest);
  for (int i = 0; i < 16; i++) printf("%s%u", i ? "," : "", made[i]);
  printf("],\"leaked\":%s}\n", is_free(whole_pool) ? "false" : "true");
  runlet_stop();
}

int main(int argc, char** argv) {
  if (argc != 6) return 2;
  seed = (uint32_t)atol(argv[3]);
  original = read_file(argv[4]);
  weights = read_file(argv[5]);
  if (!strcmp(argv[1], "bundles")) bundles((uint32_t)atol(argv[2]));
  else calls((uint32_t)atol(argv[2]));
  free(original.at);
  free(weights.at);
  return 0;
}
