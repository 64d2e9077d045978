/*
 * Runs a model's C over its golden frames and prints the number of different bytes, the instructions of a
 * push that gives an output, and the stack of a push.
 *
 * HEADER is the model's header, P(x) a name of it, M(x) a macro of it. golden.h has the frames and the
 * expected outputs. First whole hops are pushed and counted; then, after a reset, pieces of other sizes
 * (PIECES). Instructions are counted by minstret on RV32, and by SysTick in QEMU with -icount on Cortex-M4,
 * one tick in 40 instructions.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include HEADER
#include "golden.h"

#if defined(__riscv)
enum { INSTRUCTIONS_A_TICK = 1, LAST = -1 };
static void start(void) {}
static uint32_t ticks(void) {
  uint32_t n;
  __asm__ volatile("csrr %0, minstret" : "=r"(n));
  return n;
}
#define STACK_POINTER "mv %0, sp"
#elif defined(__arm__)
enum { INSTRUCTIONS_A_TICK = 40, LAST = 0xffffff };
static volatile uint32_t *const systick = (volatile uint32_t *)0xE000E010;
static void start(void) {
  systick[1] = LAST;
  systick[2] = 0;
  systick[0] = 5;
}
static uint32_t ticks(void) { return LAST - (systick[2] & LAST); }
#define STACK_POINTER "mov %0, sp"
#else
enum { INSTRUCTIONS_A_TICK = 0, LAST = -1 };
static void start(void) {}
static uint32_t ticks(void) { return 0; }
#endif

static uint32_t took, deepest;

/* Not inlined, so that the stack of a push lies below the frame of its caller. */
__attribute__((noinline)) static int push(int frames) {
  uint32_t before = ticks();
  int due = P(push)(frames);
  took = (ticks() - before) & LAST;
  return due;
}

#ifdef STACK_POINTER
enum { PAINTED = 4096, PAINT = 0xA5 };
__attribute__((noinline)) static int painted_push(int frames) {
  uintptr_t sp;
  __asm__ volatile(STACK_POINTER : "=r"(sp));
  volatile uint8_t *end = (volatile uint8_t *)sp;
  for (int i = 1; i <= PAINTED; i++) end[-i] = PAINT;
  int due = push(frames);
  uint32_t n = PAINTED;
  while (n > 0 && end[-(int)n] == PAINT) n--;
  if (n > deepest) deepest = n;
  return due;
}
#else
static int painted_push(int frames) { return push(frames); }
#endif

static uint32_t differing, out;

static void take(void) {
  for (int i = 0; i < M(OUTPUTS); i++) {
    const uint8_t *y = (const uint8_t *)P(output)(i);
    for (uint32_t k = 0; k < output_bytes[i]; k++, out++) differing += out >= sizeof expected || y[k] != expected[out];
  }
}

/* Writes frames [from, from + n) of the hop at `hop` to the inputs. */
static void write_frames(const unsigned char *hop, uint32_t from, uint32_t n) {
  for (int i = 0; i < M(INPUTS); i++) {
    uint32_t frame = input_bytes[i] / M(HOP);
    uint8_t *x = (uint8_t *)P(input)(i);
    for (uint32_t k = 0; k < n * frame; k++) x[k] = hop[from * frame + k];
    hop += input_bytes[i];
  }
}

static void count_missing(void) {
  if (out < sizeof expected) differing += (uint32_t)sizeof expected - out;
  out = 0;
}

int main(void) {
  uint32_t least = 0xffffffffu, most = 0, outputs = 0, hop_bytes = 0, piece = 0;
  start();
  if (P(push)(1) != -1) return puts("a push before reset is taken"), 1;
  P(reset)();
  if (P(push)(0) != -2 || P(push)(M(HOP) + 1) != -2) return puts("frames out of range are taken"), 1;
  if (P(input)(M(INPUTS)) || P(output)(M(OUTPUTS)) || P(input)(-1)) return puts("there is a port too many"), 1;
  for (int i = 0; i < M(INPUTS); i++) hop_bytes += input_bytes[i];
  for (uint32_t at = 0; at < sizeof frames; at += hop_bytes) {
    write_frames(frames + at, 0, M(HOP));
    if (painted_push(M(HOP)) != 1) continue;
    take();
    outputs++;
    if (outputs == 1) continue;
    if (took < least) least = took;
    if (took > most) most = took;
  }
  uint32_t bytes = out;
  count_missing();
#ifdef PIECES
  P(reset)();
  for (uint32_t at = 0; at < sizeof frames; at += hop_bytes)
    for (uint32_t from = 0; from < M(HOP);) {
      uint32_t n = 1 + piece++ * 7 % M(HOP);
      if (n > M(HOP) - from) n = M(HOP) - from;
      write_frames(frames + at, from, n);
      if (P(push)((int)n) == 1) take();
      from += n;
    }
  count_missing();
#else
  (void)piece;
#endif
  printf("differing %lu outputs %lu bytes %lu least %lu most %lu stack %lu\n", (unsigned long)differing, (unsigned long)outputs,
         (unsigned long)bytes, (unsigned long)least * INSTRUCTIONS_A_TICK, (unsigned long)most * INSTRUCTIONS_A_TICK, (unsigned long)deepest);
  exit(0);
}
