/*
 * Counts the instructions of a module's hop in one of WAMR's interpreters, on a core without an OS.
 *
 * Frames are a linear congruential sequence, as in host/bench/core/main.c. The digest of the outputs (FNV-1a)
 * is compared with Node's. Instructions are counted by minstret on RV32, and on a Cortex-M4 by SysTick in
 * QEMU with -icount, one tick in 40.
 */
#include <stdio.h>
#include <stdlib.h>
#include "bh_platform.h"
#include "wasm_export.h"

/* The file is in RAM, since the loader writes into it. */
__asm__(".section .data\n.balign 16\n.global module_file\nmodule_file: .incbin \"module.wasm\"\n.global module_end\nmodule_end:\n.text\n");
#if RN_HOME
/* Separate weights are constants, as in flash. */
__asm__(".section .rodata\n.balign 16\n.global weights_file\nweights_file: .incbin \"weights.bin\"\n.global weights_end\nweights_end:\n.text\n");
extern const uint8_t weights_file[], weights_end[];
#endif
extern uint8_t module_file[], module_end[];

uint8_t linear_memory[RN_ROOM] __attribute__((aligned(16)));
const uint32_t linear_memory_room = RN_ROOM;
extern uint32_t linear_memory_bytes;
static uint8_t pool[512 * 1024] __attribute__((aligned(16)));

#ifdef __riscv
enum { INSTRUCTIONS_A_TICK = 1, LAST = -1 };
static void start_ticks(void) {}
static uint32_t ticks(void) {
  uint32_t n;
  __asm__ volatile("csrr %0, minstret" : "=r"(n));
  return n;
}
#else
enum { INSTRUCTIONS_A_TICK = 40, LAST = 0xffffff };
static volatile uint32_t* const systick = (volatile uint32_t*)0xE000E010;
static void start_ticks(void) {
  systick[1] = LAST;
  systick[2] = 0;
  systick[0] = 5;
}
static uint32_t ticks(void) { return LAST - (systick[2] & LAST); }
#endif

static wasm_module_inst_t instance;
static wasm_exec_env_t env;

static void stop(const char* what) {
  printf("stopped: %s\n", what);
  exit(1);
}

static uint32_t call(wasm_function_inst_t fn, uint32_t params, uint32_t argument) {
  uint32_t cells[2] = {argument};
  if (!wasm_runtime_call_wasm(env, fn, params, cells)) stop(wasm_runtime_get_exception(instance));
  return cells[0];
}
static wasm_function_inst_t find(const char* name) {
  wasm_function_inst_t fn = wasm_runtime_lookup_function(instance, name);
  if (!fn) stop(name);
  return fn;
}
static uint32_t info(uint32_t what) { return call(find("rn_info"), 1, what); }

#if RN_HOME == 2
#ifdef __riscv
/* Copies whole words, four at a time, since picolibc's memcpy for rv32 copies bytes. */
static void copy_words(uint32_t* to, const uint32_t* from, uint32_t words) {
  for (; words >= 4; words -= 4, to += 4, from += 4) {
    uint32_t a = from[0], b = from[1], c = from[2], d = from[3];
    to[0] = a, to[1] = b, to[2] = c, to[3] = d;
  }
  while (words--) *to++ = *from++;
}
#else
/* newlib's memcpy copies words if both sides are aligned. */
static void copy_words(uint32_t* to, const uint32_t* from, uint32_t words) { memcpy(to, from, 4 * words); }
#endif

/* The import runlet.weights of docs/abi.md. */
static void weights(wasm_exec_env_t of, uint32_t dst, uint32_t src, uint32_t n) {
  wasm_module_inst_t module = wasm_runtime_get_module_inst(of);
  uint32_t bytes = weights_end - weights_file;
  if (n > bytes || src > bytes - n || !wasm_runtime_validate_app_addr(module, dst, n)) {
    wasm_runtime_set_exception(module, "weights out of range");
    return;
  }
  copy_words(wasm_runtime_addr_app_to_native(module, dst), (const uint32_t*)(weights_file + src), n / 4);
}
static NativeSymbol symbols[] = {{"weights", weights, "(iii)", NULL}};
#endif

static uint8_t* address(const char* name, uint32_t which) {
  return wasm_runtime_addr_app_to_native(instance, call(find(name), 1, which));
}

static uint32_t seed = 1, digest = 2166136261u;

static void fill(uint32_t hop) {
  uint32_t inputs = info(9);
  for (uint32_t i = 0; i < inputs; i++) {
    uint32_t rate = i ? info(20 + 8 * i) : 1;
    uint32_t bytes = hop * rate * info(17 + 8 * i) * (info(16 + 8 * i) == 2 ? 2 : 1);
    uint8_t* x = address("rn_input", i);
    for (uint32_t k = 0; k < bytes; k++) {
      seed = seed * 1664525u + 1013904223u;
      x[k] = seed >> 24;
    }
  }
}

static void take(void) {
  uint32_t outputs = info(10);
  for (uint32_t i = 0; i < outputs; i++) {
    uint32_t bytes = info(65 + 8 * i);
    uint8_t* y = address("rn_output", i);
    for (uint32_t k = 0; k < bytes; k++) digest = (digest ^ y[k]) * 16777619u;
  }
}

int main(void) {
  static char error[128];
  RuntimeInitArgs args = {.mem_alloc_type = Alloc_With_Pool};
  args.mem_alloc_option.pool.heap_buf = pool;
  args.mem_alloc_option.pool.heap_size = sizeof pool;
  if (!wasm_runtime_full_init(&args)) stop("init");
#if RN_HOME == 2
  if (!wasm_runtime_register_natives("runlet", symbols, 1)) stop("no import");
#endif
  wasm_module_t module = wasm_runtime_load(module_file, module_end - module_file, error, sizeof error);
  if (!module) stop(error);
  if (!(instance = wasm_runtime_instantiate(module, RN_STACK, 0, error, sizeof error))) stop(error);
  if (!(env = wasm_runtime_create_exec_env(instance, RN_STACK))) stop("no environment");
#if RN_HOME == 1
  uint32_t bytes = weights_end - weights_file;
  if (!wasm_runtime_validate_app_addr(instance, info(6), bytes)) stop("weights out of range");
  memcpy(wasm_runtime_addr_app_to_native(instance, info(6)), weights_file, bytes);
#endif
  call(find("rn_reset"), 0, 0);
  wasm_function_inst_t push = find("rn_push");
  uint32_t hop = info(0), least = -1, most = 0;
  start_ticks();
  for (int due = 0; due < RN_OUTPUTS;) {
    fill(hop);
    uint32_t before = ticks(), fell = call(push, 1, hop), took = (ticks() - before) & LAST;
    if ((int32_t)fell < 0) stop("rn_push");
    if (!fell) continue;
    take();
    if (++due == 1) continue;
    if (took < least) least = took;
    if (took > most) most = took;
  }
  mem_alloc_info_t memory = {0};
  wasm_runtime_get_mem_alloc_info(&memory);
  printf("least %lu most %lu digest %lu linear %lu pool %lu\n", (unsigned long)least * INSTRUCTIONS_A_TICK,
         (unsigned long)most * INSTRUCTIONS_A_TICK, (unsigned long)digest, (unsigned long)linear_memory_bytes,
         (unsigned long)memory.highmark_size);
  exit(0);
}
