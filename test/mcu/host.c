/*
 * Runs bundles in the C host, hop by hop, one or several at once.
 *
 *     host run STACK FRAMES OUT MODULE WEIGHTS         pushes FRAMES and writes the outputs to OUT
 *     host pieces SEED FRAMES OUT MODULE WEIGHTS       the same in pieces of 1 to hop frames, for modules
 *                                                      of one input, with saves and restores between
 *     host together FRAMES_OUT_MODULE_WEIGHTS...       several bundles at once, hop by hop
 *     host soak HOPS MODULE WEIGHTS                    made-up frames; prints pool and heap before and after
 *
 * Prints JSON with the memory that is held. WEIGHTS is - if they are inside the module. FRAMES are the bytes
 * of whole hops, input 0 first in each.
 */
#include <malloc.h>

#include "common.h"

/** WAMR's pool, static memory of the caller. */
enum { POOL = 4 << 20 };
static uint64_t pool[POOL / 8];

enum { MOST = 16 };

static char words[128];

static void open_bundle(struct runlet* r, const char* module, const char* weights, uint32_t stack) {
  struct file file = read_file(module), apart = read_file(weights);
  struct runlet_options options = {.stack_bytes = stack, .words = words, .words_bytes = sizeof words};
  must(runlet_open(r, file.at, file.bytes, apart.at, apart.bytes, &options), module, words);
  /* copied weights are not read again */
  if (r->home == 1) {
    memset(apart.at, 0x55, apart.bytes);
    free(apart.at);
  }
}

static void print(const struct runlet* r, uint32_t hops, uint32_t due) {
  uint32_t used, most;
  runlet_pool(&used, &most);
  printf("{\"hops\":%u,\"outputs\":%u,\"home\":%u,\"linearBytes\":%u,\"poolBytes\":%u,\"poolMostBytes\":%u}\n", hops, due, r->home, r->memory_bytes,
         used, most);
}

static void take(const struct runlet* r, FILE* to) {
  for (uint32_t i = 0; i < r->output_count; i++) fwrite(r->outputs[i].at, 1, r->outputs[i].bytes, to);
}

static void run(uint32_t stack, char** args) {
  static struct runlet r;
  struct file frames = read_file(args[0]);
  FILE* out = fopen(args[1], "wb");
  open_bundle(&r, args[2], args[3], stack);
  uint32_t hops = frames.bytes / hop_bytes(&r), due = 0;
  for (uint32_t i = 0; i < hops; i++) {
    int code = push_hop(&r, frames.at + i * hop_bytes(&r));
    must(code, "runlet_push", words);
    if (code == RUNLET_DUE) due++, take(&r, out);
  }
  print(&r, hops, due);
  fclose(out);
  runlet_close(&r);
}

static void pieces(uint32_t seed, char** args) {
  static struct runlet r;
  struct file frames = read_file(args[0]);
  FILE* out = fopen(args[1], "wb");
  open_bundle(&r, args[2], args[3], 0);
  uint32_t frame = r.inputs[0].bytes / r.hop, count = frames.bytes / frame, due = 0;
  uint8_t *state = malloc(r.state_bytes), *end = frames.at + (size_t)count * frame;
  for (const uint8_t* at = frames.at; at < end;) {
    uint32_t left = (uint32_t)(end - at) / frame, n = 1 + next_random(&seed) % r.hop;
    if (n > left) n = left;
    const void* one[RUNLET_INPUTS] = {at};
    if (seed & 1) memcpy(r.inputs[0].at, at, (size_t)n * frame);
    int code = runlet_push(&r, seed & 1 ? NULL : one, n);
    must(code, "runlet_push", words);
    if (code == RUNLET_DUE) due++, take(&r, out);
    at += n * frame;
    if (next_random(&seed) % 4) continue;
    must(runlet_save(&r, state, r.state_bytes), "runlet_save", words);
    must(runlet_reset(&r), "runlet_reset", words);
    must(runlet_restore(&r, state, r.state_bytes), "runlet_restore", words);
  }
  free(state);
  print(&r, count / r.hop, due);
  fclose(out);
  runlet_close(&r);
}

static void together(int count, char** args) {
  static struct runlet r[MOST];
  struct file frames[MOST];
  FILE* out[MOST];
  uint32_t hops = 0, due = 0;
  for (int i = 0; i < count; i++, args += 4) {
    frames[i] = read_file(args[0]);
    out[i] = fopen(args[1], "wb");
    open_bundle(&r[i], args[2], args[3], 0);
  }
  for (uint32_t h = 0, more = 1; more; h++) {
    more = 0;
    for (int i = 0; i < count; i++) {
      uint32_t bytes = hop_bytes(&r[i]);
      if ((h + 1) * bytes > frames[i].bytes) continue;
      int code = push_hop(&r[i], frames[i].at + h * bytes);
      must(code, "runlet_push", words);
      if (code == RUNLET_DUE) due++, take(&r[i], out[i]);
      hops += more = 1;
    }
  }
  print(&r[0], hops, due);
  for (int i = 0; i < count; i++) {
    fclose(out[i]);
    runlet_close(&r[count - 1 - i]);
  }
}

static void soak(uint32_t hops, char** args) {
  static struct runlet r;
  open_bundle(&r, args[0], args[1], 0);
  uint32_t used, most, later, peak, due = 0, seed = 1, digest = 2166136261u;
  uint32_t period = 64, bytes = hop_bytes(&r);
  uint8_t* frames = malloc((size_t)period * bytes);
  for (uint32_t i = 0; i < period * bytes; i++) frames[i] = (uint8_t)next_random(&seed);
  runlet_pool(&used, &most);
  size_t heap = mallinfo2().uordblks;
  for (uint32_t i = 0; i < hops; i++) {
    int code = push_hop(&r, frames + (size_t)(i % period) * bytes);
    must(code, "runlet_push", words);
    if (code == RUNLET_DUE) due++, digest = digest_outputs(&r, digest);
  }
  runlet_pool(&later, &peak);
  printf("{\"hops\":%u,\"outputs\":%u,\"digest\":%u,\"pool\":[%u,%u],\"poolMost\":[%u,%u],\"heap\":[%zu,%zu]}\n", hops, due, digest, used, later, most, peak,
         heap, mallinfo2().uordblks);
  runlet_close(&r);
  free(frames);
}

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  must(runlet_start(pool, sizeof pool), "runlet_start", "");
  uint32_t number = (uint32_t)atol(argv[2]);
  if (!strcmp(argv[1], "run") && argc == 7) run(number, argv + 3);
  else if (!strcmp(argv[1], "pieces") && argc == 7) pieces(number, argv + 3);
  else if (!strcmp(argv[1], "together") && (argc - 2) / 4 <= MOST) together((argc - 2) / 4, argv + 2);
  else if (!strcmp(argv[1], "soak") && argc == 5) soak(number, argv + 3);
  else return 2;
  runlet_stop();
  return 0;
}
