/*
 * The C host (runlet.h) over WAMR's embedding API, wasm_export.h.
 *
 * In: a checked bundle (runlet-check.c), its weights, frames.  Out: outputs in linear memory, or a code.
 * A module's memory never grows, so addresses become pointers once, when the bundle is opened.
 * Cost of a push: one call of the module, and a copy of the frames unless they are already in place.
 */
#include "runlet.h"

#include <string.h>

#include "wasm_export.h"

#if defined(WASM_ENABLE_INSTRUCTION_METERING) && WASM_ENABLE_INSTRUCTION_METERING
#define METERED 1
#else
#define METERED 0
#endif

/* Indices of rn_info (docs/abi.md). */
enum {
  INFO_HOP = 0,
  INFO_WINDOW = 1,
  INFO_MICRO_HOP = 2,
  INFO_WARM_UP = 3,
  INFO_DELAY = 4,
  INFO_STATE_BYTES = 5,
  INFO_WEIGHTS = 6,
  INFO_WEIGHT_BYTES = 7,
  INFO_USED_BYTES = 8,
  INFO_INPUTS = 9,
  INFO_OUTPUTS = 10,
  INFO_HOME = 11,
  INFO_INPUT = 16,
  INFO_OUTPUT = 64
};
enum { MIN_POOL = 1024, STACK = sizeof(void*) == 4 ? 2048 : 4096 };
enum { EMBED = 0, LINEAR = 1, TILE = 2 };

static bool started;

/* ---- weights ---- */

/** Checks whether [at, at + count) lies within [0, bytes). */
static bool within(uint64_t at, uint64_t count, uint64_t bytes) { return at <= bytes && count <= bytes - at; }

/** Copies weights to address `dst` by words. @return false if out of range or not a multiple of 4 */
static bool copy_weights(const struct runlet* r, uint32_t dst, uint32_t src, uint32_t count) {
  if ((dst | src | count) & 3 || !within(src, count, r->weight_bytes) || !within(dst, count, r->memory_bytes)) return false;
  uint32_t* to = (uint32_t*)(void*)(r->memory + dst);
  const uint32_t* from = r->weights + src / 4;
  const uint32_t* end = from + count / 4;
  while (from < end) {
    *to++ = *from++;
    /* prevents a call of memcpy, which copies byte by byte in the smallest C libraries */
    __asm__ volatile("" ::: "memory");
  }
  return true;
}

/** The import runlet.weights. The custom data of the instance is its struct runlet. */
static void fetch(wasm_exec_env_t env, uint32_t dst, uint32_t src, uint32_t count) {
  wasm_module_inst_t instance = wasm_runtime_get_module_inst(env);
  const struct runlet* r = wasm_runtime_get_custom_data(instance);
  if (!r || r->home != TILE || !copy_weights(r, dst, src, count))
    wasm_runtime_set_exception(instance, "runlet.weights: out of range, or not a multiple of 4 bytes");
}

/* ---- WAMR ---- */

int runlet_start(void* pool, uint32_t bytes) {
  /* WAMR sorts this list in place and keeps its address */
  static NativeSymbol imports[] = {{"weights", (void*)(uintptr_t)fetch, "(iii)", NULL}};
  if (started || !pool) return RUNLET_USE;
  if (bytes < MIN_POOL) return RUNLET_POOL; /* WAMR's size computation would underflow */
  RuntimeInitArgs args;
  memset(&args, 0, sizeof args);
  args.mem_alloc_type = Alloc_With_Pool;
  args.mem_alloc_option.pool.heap_buf = pool;
  args.mem_alloc_option.pool.heap_size = bytes;
  if (!wasm_runtime_full_init(&args)) return RUNLET_POOL;
  wasm_runtime_set_log_level(WASM_LOG_LEVEL_FATAL); /* errors are returned, not printed to the console */
  if (!wasm_runtime_register_natives("runlet", imports, 1)) {
    wasm_runtime_destroy();
    return RUNLET_POOL;
  }
  started = true;
  return RUNLET_OK;
}

void runlet_stop(void) {
  if (started) wasm_runtime_destroy();
  started = false;
}

void runlet_pool(uint32_t* used, uint32_t* peak) {
  mem_alloc_info_t info;
  memset(&info, 0, sizeof info);
  if (started && !wasm_runtime_get_mem_alloc_info(&info)) memset(&info, 0, sizeof info);
  *used = info.total_free_size < info.total_size ? info.total_size - info.total_free_size : 0;
  *peak = info.highmark_size;
}

/** Copies WAMR's message to r->words, cut to its size. @return `code` */
static int keep(const struct runlet* r, const char* words, int code) {
  if (!r->words || !r->words_bytes) return code;
  size_t count = words ? strlen(words) : 0;
  if (count > r->words_bytes - 1) count = r->words_bytes - 1;
  if (count) memcpy(r->words, words, count);
  r->words[count] = 0;
  return code;
}

/** Calls an export. `value` is the argument, if any, and then the result. @return RUNLET_OK or an error */
static int call(struct runlet* r, void* function, uint32_t arguments, uint32_t* value) {
  uint32_t cells[2] = {*value, 0};
#if METERED
  wasm_runtime_set_instruction_count_limit((wasm_exec_env_t)r->env, r->instructions ? (int)r->instructions : -1);
#endif
  if (wasm_runtime_call_wasm((wasm_exec_env_t)r->env, function, arguments, cells)) {
    *value = cells[0];
    return RUNLET_OK;
  }
  const char* words = wasm_runtime_get_exception((wasm_module_inst_t)r->instance);
  r->stopped = true;
  return keep(r, words, words && strstr(words, "instruction limit") ? RUNLET_INSTRUCTIONS : RUNLET_TRAP);
}

/* ---- opening ---- */

static void* find(const struct runlet* r, const char* name) {
  return wasm_runtime_lookup_function((wasm_module_inst_t)r->instance, name);
}

/** A series of calls while a module is opened. It ends at the first failure, which `code` keeps. */
struct asked {
  struct runlet* r;
  void* info;
  int code;
};

static uint32_t ask(struct asked* a, void* function, uint32_t which) {
  uint32_t value = which;
  if (a->code == RUNLET_OK) a->code = call(a->r, function, 1, &value);
  return a->code == RUNLET_OK ? value : 0;
}
static uint32_t info(struct asked* a, uint32_t index) { return ask(a, a->info, index); }

static void refuse(struct asked* a, int code) {
  if (a->code == RUNLET_OK) a->code = code;
}

/** Reads the inputs or outputs; all must lie within the `used` bytes of memory. @return number of ports */
static uint32_t ports(struct asked* a, struct runlet_port* port, uint32_t max_ports, uint32_t first, uint32_t frames, uint32_t used) {
  bool in = first == INFO_INPUT;
  void* address = find(a->r, in ? "rn_input" : "rn_output");
  uint32_t count = info(a, in ? INFO_INPUTS : INFO_OUTPUTS);
  if (count < 1 || count > max_ports) refuse(a, RUNLET_LAYOUT);
  for (uint32_t i = 0; i < count && a->code == RUNLET_OK; i++, port++, first += 8) {
    uint32_t type = info(a, first), rate = in ? info(a, first + 4) : 1, scale = info(a, first + 3), at = ask(a, address, i);
    uint32_t width = type == RUNLET_INT16 ? 2 : 1;
    port->type = (uint8_t)type;
    port->elements = info(a, first + 1);
    port->zero_point = (int32_t)info(a, first + 2);
    port->rate = rate == UINT32_MAX ? 1 : rate;
    memcpy(&port->scale, &scale, sizeof scale);
    /* bounds each factor first, so that the products cannot overflow */
    bool fits = within(port->elements, 0, used) && within(port->rate, 0, used) && within(frames, 0, used);
    uint64_t frame = (uint64_t)port->elements * width, bytes = fits && frame <= used ? frame * port->rate : 0;
    fits = fits && bytes && bytes <= used && within(at, bytes * frames, used) && at && at % width == 0;
    if (type < RUNLET_INT8 || type > RUNLET_UINT8 || !fits) {
      refuse(a, RUNLET_LAYOUT);
      break;
    }
    port->bytes = (uint32_t)(bytes * frames);
    port->at = a->r->memory + at;
  }
  return count;
}

/** Reads rn_info and checks it against the memory. */
static void read_layout(struct asked* a) {
  struct runlet* r = a->r;
  uint32_t abi = 0;
  a->code = call(r, find(r, "rn_abi"), 0, &abi);
  if (abi != 1) refuse(a, RUNLET_ABI);
  uint32_t used = info(a, INFO_USED_BYTES), at = 0;
  r->hop = info(a, INFO_HOP);
  r->window = info(a, INFO_WINDOW);
  r->micro_hop = info(a, INFO_MICRO_HOP);
  r->warm_up = info(a, INFO_WARM_UP);
  r->delay = info(a, INFO_DELAY);
  r->state_bytes = info(a, INFO_STATE_BYTES);
  if (!used || used > r->memory_bytes || !r->hop || !r->window) refuse(a, RUNLET_LAYOUT);
  r->input_count = ports(a, r->inputs, RUNLET_INPUTS, INFO_INPUT, r->hop, used);
  r->output_count = ports(a, r->outputs, RUNLET_OUTPUTS, INFO_OUTPUT, 1, used);
  if (a->code == RUNLET_OK) a->code = call(r, find(r, "rn_state"), 0, &at);
  if (!within(at, r->state_bytes, used)) refuse(a, RUNLET_LAYOUT);
  r->state = r->memory + at;
}

/** Checks whether weights were given as the module needs them, and copies those of home linear. */
static void take_weights(struct asked* a) {
  struct runlet* r = a->r;
  uint32_t home = info(a, INFO_HOME), bytes = info(a, INFO_WEIGHT_BYTES), at = info(a, INFO_WEIGHTS);
  r->home = home == UINT32_MAX ? EMBED : home;
  if (r->home > TILE) refuse(a, RUNLET_LAYOUT);
  else if (r->home == EMBED) refuse(a, r->weights ? RUNLET_WEIGHTS_EXTRA : RUNLET_OK);
  else if (!r->weights) refuse(a, RUNLET_WEIGHTS_MISSING);
  else if (bytes != r->weight_bytes || bytes & 3 || (uintptr_t)r->weights & 3) refuse(a, RUNLET_WEIGHTS_BYTES);
  else if (r->home == LINEAR && a->code == RUNLET_OK && !copy_weights(r, at, 0, bytes)) refuse(a, RUNLET_LAYOUT);
  if (r->home != TILE) r->weights = NULL;
}

/** Loads, instantiates and resets a module. Options and weights are set in `r`; all other fields are 0. */
static int load(struct runlet* r, uint8_t* file, uint32_t bytes, uint32_t stack, uint32_t max_memory) {
  char words[128] = "";
  r->module = wasm_runtime_load(file, bytes, words, sizeof words);
  if (!r->module) return keep(r, words, RUNLET_LOAD);
  r->instance = wasm_runtime_instantiate(r->module, stack, 0, words, sizeof words);
  if (!r->instance) return keep(r, words, RUNLET_INSTANTIATE);
  r->env = wasm_runtime_create_exec_env(r->instance, stack);
  if (!r->env) return keep(r, "no room for the stack", RUNLET_INSTANTIATE);
  wasm_runtime_set_custom_data(r->instance, r);
  wasm_memory_inst_t memory = wasm_runtime_get_default_memory(r->instance);
  uint64_t held = wasm_memory_get_cur_page_count(memory) * wasm_memory_get_bytes_per_page(memory);
  if (held > UINT32_MAX || (max_memory && held > max_memory)) return RUNLET_MEMORY_LIMIT;
  r->memory = wasm_memory_get_base_address(memory);
  r->memory_bytes = (uint32_t)held;
  r->push = find(r, "rn_push");
  r->reset = find(r, "rn_reset");
  struct asked a = {r, find(r, "rn_info"), RUNLET_OK};
  read_layout(&a);
  take_weights(&a);
  return a.code == RUNLET_OK ? runlet_reset(r) : a.code;
}

int runlet_open(struct runlet* r, uint8_t* file, uint32_t bytes, const void* weights, uint32_t weight_bytes,
                const struct runlet_options* options) {
  static const struct runlet_options none;
  const struct runlet_options* o = options ? options : &none;
  if (!r) return RUNLET_USE;
  memset(r, 0, sizeof *r);
  if (!started || !file || !weights != !weight_bytes) return RUNLET_USE;
  if (o->instructions > (METERED ? INT32_MAX : 0)) return RUNLET_USE;
  r->words = o->words;
  r->words_bytes = o->words_bytes;
  keep(r, "", RUNLET_OK);
  int code = runlet_check(file, bytes, weights, weight_bytes, &o->limits, o->trust);
  if (code != RUNLET_OK) return code;
  r->weights = weights;
  r->weight_bytes = weight_bytes;
  r->instructions = o->instructions;
  r->may_sleep = runlet_may_sleep(file, bytes); /* before WAMR's loader writes into the file */
  code = load(r, file, bytes, o->stack_bytes ? o->stack_bytes : STACK, o->limits.memory_bytes);
  if (code != RUNLET_OK) runlet_close(r);
  return code;
}

void runlet_close(struct runlet* r) {
  if (!r) return;
  if (r->env) wasm_runtime_destroy_exec_env(r->env);
  if (r->instance) wasm_runtime_deinstantiate(r->instance);
  if (r->module) wasm_runtime_unload(r->module);
  memset(r, 0, sizeof *r);
}

/* ---- running ---- */

int runlet_push(struct runlet* r, const void* const* frames, uint32_t count) {
  if (!r || !r->env) return RUNLET_USE;
  if (r->stopped) return RUNLET_TRAP;
  if (count < 1 || count > r->hop) return RUNLET_FRAMES;
  for (uint32_t i = 0; frames && i < r->input_count; i++)
    if (!frames[i]) return RUNLET_USE;
  for (uint32_t i = 0; frames && i < r->input_count; i++) {
    const struct runlet_port* port = &r->inputs[i];
    memcpy(port->at, frames[i], port->bytes / r->hop * count);
  }
  uint32_t value = count;
  int code = call(r, r->push, 1, &value);
  if (code != RUNLET_OK) return code;
  return value > 1 ? RUNLET_ANSWER : (int)value;
}

int runlet_reset(struct runlet* r) {
  uint32_t none = 0;
  if (!r || !r->env) return RUNLET_USE;
  wasm_runtime_clear_exception(r->instance);
  r->stopped = false;
  return call(r, r->reset, 0, &none);
}

static int push_bundle(void* context, const void* const* frames, uint32_t count) { return runlet_push((struct runlet*)context, frames, count); }
static int reset_bundle(void* context) { return runlet_reset((struct runlet*)context); }

int runlet_model_of(struct runlet_model* model, struct runlet* r) {
  if (!model || !r || !r->env) return RUNLET_USE;
  struct runlet_model made = {.hop = r->hop, .window = r->window, .micro_hop = r->micro_hop, .warm_up = r->warm_up, .delay = r->delay};
  made.may_sleep = r->may_sleep;
  made.input_count = r->input_count;
  for (uint32_t i = 0; i < r->input_count; i++) made.frame_bytes[i] = r->inputs[i].bytes / r->hop;
  made.push = push_bundle;
  made.reset = reset_bundle;
  made.context = r;
  *model = made;
  return RUNLET_OK;
}

int runlet_save(const struct runlet* r, void* to, uint32_t bytes) {
  if (!r || !r->env || !to) return RUNLET_USE;
  if (bytes != r->state_bytes) return RUNLET_STATE;
  memcpy(to, r->state, bytes);
  return RUNLET_OK;
}

int runlet_restore(struct runlet* r, const void* from, uint32_t bytes) {
  if (!r || !r->env || !from || r->stopped) return RUNLET_USE;
  if (bytes != r->state_bytes) return RUNLET_STATE;
  memcpy(r->state, from, bytes);
  return RUNLET_OK;
}
