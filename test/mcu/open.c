/*
 * Opens one bundle with the given options and prints the resulting codes.
 *
 *     open NAME=VALUE...      prints JSON: codes of runlet_start, runlet_open and the calls; WAMR's message
 *
 * module, weights: paths.
 * pool, stack, instructions, file_limit, memory_limit, words: bytes or numbers. simd=1.
 * key: a public key in hex, once for each key. sha256=1, verify=1: pass that function. trust=1: pass neither.
 * odd=1: weights one byte off a word. twice=1: runlet_start twice. unstarted=1: no runlet_start.
 * calls: one letter per call. p: a hop; 0: no frames; +: a hop and a frame; n: a NULL among the frames; r:
 * reset; s: save; S: save with a byte too few; R: restore; T: restore with a byte too few; g: self-test; G:
 * the code of reading the self-test; b: put behind a gate; B: the same with a byte too few; c: close.
 */
#include "common.h"
#include "crypto.h"
#include "runlet-gate.h"

/** WAMR's pool, static memory of the caller. */
enum { POOL = 4 << 20 };
static uint64_t pool[POOL / 8];

static uint8_t keys[8][32];
static uint32_t key_count;

static const char* value_of(int argc, char** argv, const char* name) {
  size_t count = strlen(name);
  for (int i = 1; i < argc; i++)
    if (!strncmp(argv[i], name, count) && argv[i][count] == '=') return argv[i] + count + 1;
  return NULL;
}
static uint32_t number(int argc, char** argv, const char* name) {
  const char* text = value_of(argc, argv, name);
  return text ? (uint32_t)strtoul(text, NULL, 10) : 0;
}

static struct runlet_golden golden;
static int golden_code; /* code of runlet_golden_read, called before WAMR writes into the file */

/** Puts the bundle behind a gate, with `missing` bytes less than it keeps. */
static int behind_gate(struct runlet* r, uint32_t missing) {
  static uint8_t kept[1 << 20];
  struct runlet_gated gated;
  struct runlet_model model;
  int code = runlet_model_of(&model, r);
  return code ? code : runlet_gated_init(&gated, &model, 0, kept, runlet_gated_bytes(&model, 0) - missing);
}

static int one_call(struct runlet* r, char which, uint8_t* hop, uint8_t* state) {
  const void* frames[RUNLET_INPUTS];
  for (uint32_t i = 0; i < RUNLET_INPUTS; i++) frames[i] = hop;
  switch (which) {
    case 'p': return runlet_push(r, frames, r->hop);
    case '0': return runlet_push(r, frames, 0);
    case '+': return runlet_push(r, NULL, r->hop + 1);
    case 'n': return frames[r->input_count - 1] = NULL, runlet_push(r, frames, 1);
    case 'r': return runlet_reset(r);
    case 's': return runlet_save(r, state, r->state_bytes);
    case 'S': return runlet_save(r, state, r->state_bytes - 1);
    case 'R': return runlet_restore(r, state, r->state_bytes);
    case 'T': return runlet_restore(r, state, r->state_bytes - 1);
    case 'G': return golden_code;
    case 'b': return behind_gate(r, 0);
    case 'B': return behind_gate(r, 1);
    case 'g': return golden_code ? golden_code : runlet_golden_run(r, &golden);
    default: return runlet_close(r), 0;
  }
}

int main(int argc, char** argv) {
  static struct runlet r;
  static char words[128];
  static uint8_t hop[1 << 20], state[1 << 20];
  for (int i = 1; i < argc; i++)
    for (int k = 0; k < 32 && !strncmp(argv[i], "key=", 4); k++) {
      unsigned byte = 0;
      sscanf(argv[i] + 4 + 2 * k, "%2x", &byte);
      keys[key_count][k] = (uint8_t)byte;
      if (k == 31) key_count++;
    }
  const char *module = value_of(argc, argv, "module"), *apart = value_of(argc, argv, "weights"), *calls = value_of(argc, argv, "calls");
  struct file file = read_file(module ? module : "-"), weights = read_file(apart ? apart : "-");
  uint8_t* moved = NULL;
  if (number(argc, argv, "odd")) {
    moved = malloc(weights.bytes + 1);
    memcpy(moved + 1, weights.at, weights.bytes);
    weights.at = moved + 1;
  }
  bool sha256 = number(argc, argv, "sha256"), verify = number(argc, argv, "verify"), trusts = sha256 || verify || number(argc, argv, "trust");
  struct runlet_trust trust = {sha256 ? crypto_sha256 : NULL, verify ? crypto_verify : NULL, (const uint8_t(*)[32])keys, key_count, NULL};
  uint32_t pool_bytes = value_of(argc, argv, "pool") ? number(argc, argv, "pool") : POOL;
  struct runlet_options options = {
      .stack_bytes = number(argc, argv, "stack"),
      .instructions = number(argc, argv, "instructions"),
      .limits = {number(argc, argv, "file_limit"), number(argc, argv, "memory_limit"), number(argc, argv, "simd") != 0},
      .trust = trusts ? &trust : NULL,
      .words = words,
      .words_bytes = value_of(argc, argv, "words") ? number(argc, argv, "words") : sizeof words,
  };
  int code = number(argc, argv, "unstarted") ? 0 : runlet_start(pool, pool_bytes);
  if (number(argc, argv, "twice")) code = runlet_start(pool, pool_bytes);
  printf("{\"start\":%d,", code);
  uint32_t before, after, most;
  runlet_pool(&before, &most);
  int check = runlet_check(file.at, file.bytes, weights.at, weights.bytes, &options.limits, options.trust);
  golden_code = file.bytes > 8 ? runlet_golden_read(&golden, file.at, file.bytes) : RUNLET_GOLDEN;
  code = runlet_open(&r, file.at, file.bytes, weights.at, weights.bytes, &options);
  printf("\"check\":%d,\"open\":%d,\"calls\":[", check, code);
  for (const char* c = calls; c && *c; c++) printf("%s%d", c == calls ? "" : ",", one_call(&r, *c, hop, state));
  printf("],\"words\":\"%s\",\"held\":", words);
  runlet_close(&r);
  runlet_pool(&after, &most);
  printf("%d}\n", (int)(after - before));
  runlet_stop();
  free(moved);
  return 0;
}
