/*
 * Chooses windows of a signal and writes them as a gateway reads them from a serial line.
 *
 *     collect choose WINDOWS SPAN HOP MARGINS       a made-up model: MARGINS are float64, one for each output
 *     collect messages SEED WINDOWS SPAN SIGNAL OUT     compiled with PLAIN, and the C of a model named `model`
 *
 * `choose` prints the indices of the chosen outputs as JSON. `messages` pushes SIGNAL (whole ticks, input after
 * input) in random pieces; after half of it, model and window are reset. OUT receives the messages, with text
 * between them. PLAIN is a list of {elements, bytes, type, zero point, scale} of each output.
 * Memory of windows and messages has exactly the bytes that are needed.
 */
#include "common.h"
#include "runlet-collect.h"
#include "runlet-gate.h"

static void choose(char** args) {
  struct file f = read_file(args[3]);
  uint32_t hop = (uint32_t)atol(args[2]);
  struct runlet_model model = {.hop = hop, .window = hop, .micro_hop = 1, .input_count = 1, .frame_bytes = {1}};
  static struct runlet_collect c;
  uint8_t *kept = malloc(runlet_collect_bytes(&model)), *frames = calloc(hop, 1);
  const void* parts[] = {frames};
  must(runlet_collect_init(&c, &model, (uint32_t)atol(args[0]), (uint64_t)atoll(args[1]), kept, runlet_collect_bytes(&model)), "init", "");
  printf("[");
  const char* comma = "";
  for (uint32_t n = 0; n < f.bytes / sizeof(double); n++) {
    double margin;
    memcpy(&margin, f.at + n * sizeof margin, sizeof margin);
    runlet_collect_frames(&c, parts, hop);
    if (!runlet_collect_judge(&c, margin)) continue;
    printf("%s%u", comma, n);
    comma = ",";
  }
  printf("]\n");
  free(kept);
  free(frames);
  free(f.at);
}

#ifdef PLAIN
#include "model.h"
RUNLET_PLAIN_MODEL(model, MODEL);
static struct {
  uint32_t elements, bytes;
  uint8_t type;
  int32_t zero_point;
  float scale;
} const facts[] = {PLAIN};

static FILE* out;
static void send(void* context, const uint8_t* bytes, uint32_t count) { fwrite(bytes, 1, count, context); }

/** Writes the latest window, into memory of exactly its length. */
static void write_window(const struct runlet_collect* c, const struct runlet_port* ports) {
  static const uint8_t digest[32] = {0xab, 0xcd, 0xef, 0x01};
  struct runlet_collect_about about = {"device-1", digest, ports, MODEL_OUTPUTS, 1764600000000000u};
  uint32_t length = runlet_collect_message(c, &about, NULL, 0);
  uint8_t* message = malloc(length);
  if (!length || runlet_collect_message(c, &about, message, length) != length) exit(5);
  fprintf(out, "I (%u) a line of the log\n", length);
  runlet_collect_line(message, length, send, out);
  free(message);
}

static void messages(char** args) {
  uint32_t seed = (uint32_t)atol(args[0]), tick = 0;
  struct file f = read_file(args[3]);
  out = fopen(args[4], "wb");
  const struct runlet_model* m = &model_model;
  struct runlet_port ports[MODEL_OUTPUTS];
  for (int i = 0; i < MODEL_OUTPUTS; i++)
    ports[i] = (struct runlet_port){(uint8_t*)(uintptr_t)model_output(i), facts[i].bytes, facts[i].elements, 1, facts[i].zero_point,
                                    facts[i].scale,                       facts[i].type};
  for (uint32_t i = 0; i < m->input_count; i++) tick += m->frame_bytes[i];
  static struct runlet_collect c;
  uint8_t* kept = malloc(runlet_collect_bytes(m));
  must(runlet_collect_init(&c, m, (uint32_t)atol(args[1]), (uint64_t)atoll(args[2]), kept, runlet_collect_bytes(m)), "init", "");
  must(m->reset(m->context), "reset", "");
  uint32_t frames = f.bytes / tick, half = frames / 2;
  for (uint32_t at = 0, take; at < frames; at += take) {
    uint32_t end = at < half ? half : frames;
    if (at == half) {
      must(m->reset(m->context), "reset", "");
      runlet_collect_reset(&c);
    }
    take = 1 + next_random(&seed) % m->hop;
    if (take > end - at) take = end - at;
    const void* parts[RUNLET_INPUTS];
    const uint8_t* input = f.at;
    for (uint32_t i = 0; i < m->input_count; input += (size_t)frames * m->frame_bytes[i++]) parts[i] = input + (size_t)at * m->frame_bytes[i];
    runlet_collect_frames(&c, parts, take);
    int code = m->push(m->context, parts, take);
    must(code, "push", "");
    if (code != RUNLET_DUE) continue;
    double margin = runlet_margin(&ports[0], 0.25);
    for (int i = 1; i < MODEL_OUTPUTS; i++) {
      double other = runlet_margin(&ports[i], 0.25);
      if (other < margin) margin = other;
    }
    if (runlet_collect_judge(&c, margin)) write_window(&c, ports);
  }
  printf("{\"outputs\":%u,\"chosen\":%u}\n", (uint32_t)c.outputs, (uint32_t)c.chosen);
  fclose(out);
  free(kept);
  free(f.at);
}
#endif

int main(int argc, char** argv) {
  if (argc == 6 && !strcmp(argv[1], "choose")) choose(argv + 2);
#ifdef PLAIN
  else if (argc == 7 && !strcmp(argv[1], "messages")) messages(argv + 2);
#endif
  else return 2;
  return 0;
}
