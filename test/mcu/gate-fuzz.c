/*
 * The gate and the gated stream without an engine.
 *
 *     gate-fuzz rule VALUES             prints a digit per value, 1 if the gate is open
 *     gate-fuzz streams COUNT SEED      streams with any constants, arguments and failures
 *
 * VALUES are rows of four float64: the value, the frame of its output, the frame that is asked, and whether
 * the gate is reset first. The first row has the rule: threshold, or_equal, hold_frames, 0.
 * Every frame of `streams` is its number, so the made-up model sees whether frames follow one another. Kept
 * frames lie in memory of exactly the bytes that are needed. Exits with 5 if a code or a frame is wrong.
 * Prints JSON: how often each code came up, streams that ran, outputs.
 */
#include "common.h"
#include "runlet-gate.h"

static uint32_t seed;
static uint32_t below(uint32_t n) { return next_random(&seed) % n; }

static void check(bool good, const char* what) {
  if (good) return;
  fprintf(stderr, "%s\n", what);
  exit(5);
}

/* ---- the rule ---- */

static void rule(const char* path) {
  struct file f = read_file(path);
  const double* at = (const double*)(const void*)f.at;
  struct runlet_gate gate = {.threshold = at[0], .or_equal = at[1] > 0, .hold_frames = (uint64_t)at[2]};
  printf("{\"open\":\"");
  for (uint32_t i = 4; i + 3 < f.bytes / sizeof *at; i += 4) {
    if (at[i + 3] > 0) runlet_gate_reset(&gate);
    runlet_gate_judge(&gate, at[i], (uint64_t)at[i + 1]);
    putchar(runlet_gate_is_open(&gate, (uint64_t)at[i + 2]) ? '1' : '0');
  }
  printf("\"}\n");
  free(f.at);
}

/* ---- streams ---- */

enum { MAX_FRAMES = 4096 };

/** The made-up model: it takes numbered frames on the clock of docs/abi.md. */
static struct {
  const struct runlet_model* model;
  uint64_t first, taken; /* number of its first frame since the reset, and frames since then */
  uint64_t output_end;   /* number of the frame after its latest output */
  int fails_with;        /* code of the next call, if it is not 0 */
} made;

static uint64_t needed(const struct runlet_model* m) { return (uint64_t)m->warm_up * m->hop + m->window + m->delay; }

static int push(void* context, const void* const* frames, uint32_t count) {
  const struct runlet_model* m = made.model;
  check(context == &made && count >= 1 && count <= m->hop, "the model gets 1 frame to a hop");
  if (made.fails_with) return made.fails_with;
  int code = RUNLET_OK;
  for (uint32_t n = 0; n < count; n++) {
    uint64_t number = 0;
    for (uint32_t i = 0; i < m->input_count; i++) {
      uint32_t one;
      memcpy(&one, (const uint8_t*)frames[i] + (size_t)n * m->frame_bytes[i], sizeof one);
      check(!i || one == number, "the inputs get the same frames");
      number = one;
    }
    if (!made.taken) made.first = number;
    check(number == made.first + made.taken, "frames follow one another");
    made.taken++;
    if (made.taken < needed(m) || (made.taken - needed(m)) % m->hop) continue;
    code = RUNLET_DUE;
    made.output_end = made.first + made.taken;
  }
  return code;
}

static int reset(void* context) {
  check(context == &made, "the model's own context");
  made.taken = 0;
  return RUNLET_OK;
}

/** Returns a constant: usually small, sometimes any number. */
static uint32_t constant(uint32_t small) {
  switch (below(48)) {
    case 0: return 0;
    case 1: return UINT32_MAX - below(3);
    case 2: return next_random(&seed);
    default: return 1 + below(small);
  }
}

static uint32_t codes[1 - RUNLET_LAST], ran, outputs, earlies, latest_hops;

static void early(void* context, uint32_t hops) {
  struct runlet_gated* g = context;
  check(hops > 0 && made.output_end + (uint64_t)hops * g->model->hop == g->pushed, "an early output is that many hops early");
  check(!latest_hops || hops == latest_hops - 1, "early outputs are in order");
  latest_hops = hops;
  earlies++;
}

static int noted(int code) {
  check(code <= RUNLET_DUE && code >= RUNLET_LAST, "a code of runlet.h");
  if (code <= 0) codes[-code]++;
  return code;
}

/** Returns the frames that this model keeps, without the limits of 32 bits. */
static double kept_of(const struct runlet_model* m, uint32_t pre_roll) {
  uint64_t least = m->hop;
  while (least % m->micro_hop) least += m->hop;
  return (double)m->window + m->delay + ((double)m->warm_up + pre_roll) * m->hop + (double)least - m->hop;
}

/** Pushes random pieces of numbered frames, with wrong calls between. */
static void stream(struct runlet_gated* g) {
  static uint8_t frames[RUNLET_INPUTS][1 << 16];
  const struct runlet_model* m = g->model;
  const void* parts[RUNLET_INPUTS] = {0};
  uint64_t pushed = 0, total = 2 * (uint64_t)g->kept_frames + 20 * (uint64_t)m->hop, due = needed(m);
  bool wanted = below(2), broken = false;
  while (pushed < total) {
    uint32_t count = 1 + below(m->hop);
    for (uint32_t i = 0; i < m->input_count; i++) {
      parts[i] = frames[i];
      for (uint32_t n = 0; n < count; n++) {
        uint32_t number = (uint32_t)(pushed + n);
        memcpy(frames[i] + (size_t)n * m->frame_bytes[i], &number, sizeof number);
      }
    }
    if (!below(8)) {
      uint32_t wrong = below(4);
      const void* missing[RUNLET_INPUTS];
      memcpy(missing, parts, sizeof parts);
      missing[below(m->input_count)] = NULL;
      int code = wrong == 0   ? runlet_gated_push(g, parts, m->hop + 1 + below(100), wanted)
                 : wrong == 1 ? runlet_gated_push(g, parts, 0, wanted)
                 : wrong == 2 ? runlet_gated_push(g, missing, count, wanted)
                              : runlet_gated_push(g, NULL, count, wanted);
      check(noted(code) == (wrong == 3 ? RUNLET_USE : broken ? RUNLET_TRAP : wrong == 2 ? RUNLET_USE : RUNLET_FRAMES), "a wrong call");
    }
    if (!below(6)) wanted = !wanted;
    bool falls_due = pushed + count >= due;
    made.fails_with = below(400) ? 0 : RUNLET_TRAP;
    bool runs = falls_due && wanted;
    latest_hops = 0;
    int code = noted(runlet_gated_push(g, parts, count, wanted));
    if (broken || (runs && made.fails_with)) {
      check(code == RUNLET_TRAP, "a failure stays");
      broken = true;
      if (below(4)) continue;
      check(noted(runlet_gated_reset(g)) == RUNLET_OK, "a reset");
      pushed = 0, due = needed(m), broken = false;
      continue;
    }
    check(code == (runs ? RUNLET_DUE : RUNLET_OK), "an output is due if it is wanted");
    if (runs) check(made.output_end == due, "the output that is due"), outputs++;
    if (falls_due) due += m->hop;
    pushed += count;
  }
}

static void one(void) {
  struct runlet_model m = {.hop = constant(12), .window = constant(40), .micro_hop = constant(12), .push = push, .reset = reset};
  m.warm_up = constant(4) - 1;
  m.delay = constant(6) - 1;
  m.input_count = below(24) ? 1 + below(3) : constant(9);
  m.may_sleep = below(40) != 0;
  m.context = &made;
  for (uint32_t i = 0; i < RUNLET_INPUTS; i++) m.frame_bytes[i] = below(24) ? 4 + below(9) : constant(9);
  uint32_t pre_roll = below(2) ? 0 : constant(4), frames = runlet_gated_frames(&m, pre_roll), bytes = runlet_gated_bytes(&m, pre_roll);
  bool sound = m.hop && m.micro_hop && m.window && m.input_count >= 1 && m.input_count <= RUNLET_INPUTS;
  if (sound && m.hop < 1000 && m.micro_hop < 1000) {
    double kept = kept_of(&m, pre_roll);
    check(kept > UINT32_MAX ? !frames : (double)frames == kept, "kept frames");
  } else check(sound || !frames, "no kept frames without a hop, a micro-hop, a window or inputs");
  uint32_t room = frames < MAX_FRAMES && bytes < 1 << 20 ? bytes : 64, given = below(16) ? room : room ? room - 1 : 0;
  uint8_t* memory = malloc(given ? given : 1);
  struct runlet_gated g;
  made.model = &m;
  made.taken = 0;
  made.fails_with = 0;
  int code = noted(runlet_gated_init(&g, &m, pre_roll, memory, given));
  int expected = !m.may_sleep ? RUNLET_CARRIES_STATE : !bytes ? RUNLET_LAYOUT : given < bytes ? RUNLET_USE : RUNLET_OK;
  check(code == expected, "the code of runlet_gated_init");
  if (code == RUNLET_OK) {
    bool fits = true;
    for (uint32_t i = 0; i < m.input_count; i++) fits = fits && (uint64_t)m.hop * m.frame_bytes[i] <= 1 << 16 && m.frame_bytes[i] >= 4;
    g.early = early;
    g.context = &g;
    if (fits) stream(&g), ran++;
  } else check(noted(runlet_gated_push(&g, NULL, 1, true)) == RUNLET_USE && noted(runlet_gated_reset(&g)) == RUNLET_USE, "a stream that has not begun");
  free(memory);
}

int main(int argc, char** argv) {
  if (argc == 3 && !strcmp(argv[1], "rule")) rule(argv[2]);
  if (argc < 4) return argc == 3 ? 0 : 2;
  seed = (uint32_t)atol(argv[3]);
  struct runlet_gated g;
  check(noted(runlet_gated_init(NULL, NULL, 0, NULL, 0)) == RUNLET_USE && noted(runlet_gated_init(&g, NULL, 0, &g, 9)) == RUNLET_USE, "no model");
  check(!runlet_gated_bytes(NULL, 0) && noted(runlet_gated_push(NULL, NULL, 1, true)) == RUNLET_USE && noted(runlet_gated_reset(NULL)) == RUNLET_USE, "no stream");
  /* the frames of warm-up, pre-roll and restart are 2^64 together */
  struct runlet_model huge = {.hop = 1u << 31, .window = 2, .micro_hop = (1u << 31) + 1, .warm_up = 3u << 30, .input_count = 1, .frame_bytes = {1}};
  check(!runlet_gated_frames(&huge, 3u << 30), "kept frames beyond 64 bits");
  for (int i = atoi(argv[2]); i > 0; i--) one();
  printf("{\"ran\":%u,\"outputs\":%u,\"early\":%u,\"codes\":{\"0\":%u", ran, outputs, earlies, codes[0]);
  for (int i = 1; i <= -RUNLET_LAST; i++)
    if (codes[i]) printf(",\"%d\":%u", -i, codes[i]);
  printf("}}\n");
  return 0;
}
