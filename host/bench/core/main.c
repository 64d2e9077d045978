/*
 * Counts the instructions of one hop of a module in C (wasm2c), without an operating system.
 *
 * In: a linear congruential sequence.  Out: minimum, mean and maximum, and the digest of the outputs
 * (FNV-1a), which host/bench/count.ts compares.  RV32: the counter minstret. Cortex-M4 in QEMU with -icount:
 * SysTick, one tick per 40 instructions.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "module.h"
#include "weights.h"

u8 rn_mem[RN_BYTES] __attribute__((aligned(16)));

/* Separate weights. linear: copied once. tile: the module's import copies the next tile by words, because the
 * memcpy of a small libc copies bytes. */
#if RN_HOME == 2
void Z_runletZ_weights(struct Z_runlet_instance_t* host, u32 dst, u32 src, u32 n) {
  (void)host;
  u32* to = (u32*)(rn_mem + dst);
  const u32* from = (const u32*)(rn_weights + src);
  for (; n >= 32; n -= 32, to += 8, from += 8) {
    u32 a = from[0], b = from[1], c = from[2], d = from[3];
    u32 e = from[4], f = from[5], g = from[6], h = from[7];
    to[0] = a, to[1] = b, to[2] = c, to[3] = d;
    to[4] = e, to[5] = f, to[6] = g, to[7] = h;
  }
  for (; n > 0; n -= 4) *to++ = *from++;
}
#define INSTANTIATE(m) Z_module_instantiate(m, NULL)
#else
#define INSTANTIATE(m) Z_module_instantiate(m)
#endif

void wasm_rt_trap(wasm_rt_trap_t code) {
  printf("trap %d\n", (int)code);
  exit(1);
}
void wasm_rt_allocate_memory(wasm_rt_memory_t* memory, uint32_t initial, uint32_t max) {
  memory->data = rn_mem;
  memory->pages = initial;
  memory->max_pages = max;
  memory->size = initial * 65536;
}
void wasm_rt_free_memory(wasm_rt_memory_t* memory) { (void)memory; }
uint32_t wasm_rt_register_func_type(uint32_t params, uint32_t results, ...) { return params + results; }
bool wasm_rt_is_initialized(void) { return true; }
uint32_t wasm_rt_call_stack_depth;

#ifdef __riscv
enum { INSTRUCTIONS_A_TICK = 1 };
static const u32 mask = 0xffffffff;
static void start(void) {}
static inline u32 ticks(void) {
  u32 n;
  __asm__ volatile("csrr %0, minstret" : "=r"(n));
  return n;
}
#else
enum { INSTRUCTIONS_A_TICK = 40, LAST = 0xffffff };
static const u32 mask = LAST;
static volatile u32* const systick = (volatile u32*)0xE000E010;
static void start(void) {
  systick[1] = LAST;
  systick[2] = 0;
  systick[0] = 5;
}
static inline u32 ticks(void) { return LAST - (systick[2] & LAST); }
#endif

static u32 seed = 1, digest = 2166136261u;

static void fill(Z_module_instance_t* m) {
  u32 hop = Z_moduleZ_rn_info(m, 0);
  for (u32 i = 0; i < Z_moduleZ_rn_info(m, 9); i++) {
    u32 rate = i ? Z_moduleZ_rn_info(m, 20 + 8 * i) : 1;
    u32 bytes = hop * rate * Z_moduleZ_rn_info(m, 17 + 8 * i) * (Z_moduleZ_rn_info(m, 16 + 8 * i) == 2 ? 2 : 1);
    u8* x = rn_mem + Z_moduleZ_rn_input(m, i);
    for (u32 k = 0; k < bytes; k++) {
      seed = seed * 1664525u + 1013904223u;
      x[k] = seed >> 24;
    }
  }
}

static void take(Z_module_instance_t* m) {
  for (u32 i = 0; i < Z_moduleZ_rn_info(m, 10); i++) {
    u8* y = rn_mem + Z_moduleZ_rn_output(m, i);
    u32 bytes = Z_moduleZ_rn_info(m, 65 + 8 * i);
    for (u32 k = 0; k < bytes; k++) digest = (digest ^ y[k]) * 16777619u;
  }
}

int main(void) {
  static Z_module_instance_t m;
  start();
  Z_module_init_module();
  INSTANTIATE(&m);
#if RN_HOME == 1
  memcpy(rn_mem + Z_moduleZ_rn_info(&m, 6), rn_weights, sizeof rn_weights);
#endif
  Z_moduleZ_rn_reset(&m);
  u32 hop = Z_moduleZ_rn_info(&m, 0), least = -1, most = 0;
  uint64_t all = 0;
  for (int hops = 0, due = 0; due < RN_OUTPUTS; hops++) {
    fill(&m);
    u32 before = ticks();
    int fell = Z_moduleZ_rn_push(&m, hop);
    u32 took = (ticks() - before) & mask;
    if (!fell) continue;
    take(&m);
    if (++due == 1) continue;
    if (took < least) least = took;
    if (took > most) most = took;
    all += took;
  }
  unsigned long mean = all * INSTRUCTIONS_A_TICK / (RN_OUTPUTS - 1);
  printf("least %lu mean %lu most %lu digest %lu\n", (unsigned long)least * INSTRUCTIONS_A_TICK, mean,
         (unsigned long)most * INSTRUCTIONS_A_TICK, (unsigned long)digest);
  exit(0);
}
