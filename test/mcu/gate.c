/*
 * Runs a model behind a gate, over WAMR or as plain C, with random pieces of frames.
 *
 *     gate SEED PRE_ROLL SIGNAL WANTED OUT MODULE WEIGHTS      over WAMR
 *     gate SEED PRE_ROLL SIGNAL WANTED OUT                     compiled with PLAIN, and the C of a model
 *                                                              named `model`; PLAIN is {bytes of each output}
 *
 * SIGNAL has all frames of input 0, then all of input 1, and so on. WANTED has a byte for each output that is
 * due, 1 if it is wanted. OUT receives, for each output that is computed, a byte with the hops to the wanted
 * one, and the output. The signal is pushed a second time after a reset. Prints JSON: code of
 * runlet_gated_init, kept frames and bytes, and counts. The kept frames lie in memory of exactly their size.
 */
#include "common.h"
#include "runlet-gate.h"

#ifdef PLAIN
#include "model.h"
RUNLET_PLAIN_MODEL(model, MODEL);
static const uint32_t output_bytes[] = PLAIN;

static const struct runlet_model* open_model(char** args) {
  (void)args;
  return &model_model;
}
static void close_model(void) {}

static void write_output(FILE* to) {
  for (int i = 0; i < MODEL_OUTPUTS; i++) fwrite(model_output(i), 1, output_bytes[i], to);
}
#else
static uint64_t pool[(4 << 20) / 8];
static struct runlet bundle;
static struct runlet_model model;
static struct file module, weights;

static const struct runlet_model* open_model(char** args) {
  module = read_file(args[0]);
  weights = read_file(args[1]);
  must(runlet_start(pool, sizeof pool), "runlet_start", "");
  must(runlet_open(&bundle, module.at, module.bytes, weights.at, weights.bytes, NULL), args[0], "");
  must(runlet_model_of(&model, &bundle), "runlet_model_of", "");
  return &model;
}
static void close_model(void) {
  runlet_close(&bundle);
  runlet_stop();
  free(module.at);
  free(weights.at);
}

static void write_output(FILE* to) {
  for (uint32_t i = 0; i < bundle.output_count; i++) fwrite(bundle.outputs[i].at, 1, bundle.outputs[i].bytes, to);
}
#endif

static FILE* out;
static void write_record(void* context, uint32_t hops) {
  (void)context;
  fputc((int)hops, out);
  write_output(out);
}

/** Pushes the signal in random pieces. */
static void push_all(struct runlet_gated* g, const struct file* signal, const struct file* wanted, uint32_t* seed) {
  const struct runlet_model* m = g->model;
  uint32_t bytes = 0, due = 0;
  for (uint32_t i = 0; i < m->input_count; i++) bytes += m->frame_bytes[i];
  uint32_t frames = signal->bytes / bytes;
  for (uint32_t at = 0, take; at < frames; at += take) {
    take = 1 + next_random(seed) % m->hop;
    if (take > frames - at) take = frames - at;
    const void* parts[RUNLET_INPUTS];
    const uint8_t* input = signal->at;
    for (uint32_t i = 0; i < m->input_count; input += (size_t)frames * m->frame_bytes[i++]) parts[i] = input + (size_t)at * m->frame_bytes[i];
    uint64_t before = g->count.wanted + g->count.unwanted;
    int code = runlet_gated_push(g, parts, take, due < wanted->bytes && wanted->at[due]);
    must(code, "runlet_gated_push", "");
    due += (uint32_t)(g->count.wanted + g->count.unwanted - before);
    if (code == RUNLET_DUE) write_record(NULL, 0);
  }
}

int main(int argc, char** argv) {
  if (argc != 8 && argc != 6) return 2;
  uint32_t seed = (uint32_t)atol(argv[1]), pre_roll = (uint32_t)atol(argv[2]);
  struct file signal = read_file(argv[3]), wanted = read_file(argv[4]);
  out = fopen(argv[5], "wb");
  const struct runlet_model* m = open_model(argv + 6);
  uint32_t frames = runlet_gated_frames(m, pre_roll), bytes = runlet_gated_bytes(m, pre_roll);
  uint8_t* kept = malloc(bytes ? bytes : 1);
  struct runlet_gated g;
  int code = runlet_gated_init(&g, m, pre_roll, kept, bytes);
  g.early = write_record;
  for (int round = 0; code == RUNLET_OK && round < 2; round++) {
    push_all(&g, &signal, &wanted, &seed);
    must(runlet_gated_reset(&g), "runlet_gated_reset", "");
  }
  printf("{\"code\":%d,\"keptFrames\":%u,\"keptBytes\":%u,\"count\":{\"wanted\":%u,\"unwanted\":%u,\"framesRun\":%u,\"wakeUps\":%u,", code, frames, bytes,
         (uint32_t)g.count.wanted, (uint32_t)g.count.unwanted, (uint32_t)g.count.frames_run, (uint32_t)g.count.wake_ups);
  printf("\"catchUpFrames\":%u,\"longestCatchUp\":%u}}\n", (uint32_t)g.count.catch_up_frames, (uint32_t)g.count.longest_catch_up);
  fclose(out);
  close_model();
  free(kept);
  free(signal.at);
  free(wanted.at);
  return 0;
}
