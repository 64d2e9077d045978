/* Reset and vectors of a Cortex-M4 without an operating system, for QEMU's mps2-an386. */
extern unsigned __stack, __data_start, __data_end_, __data_load;
extern void _start(void);

void Reset_Handler(void) {
  unsigned *from = &__data_load, *to = &__data_start;
  while (to < &__data_end_) *to++ = *from++;
  _start();
}

static void hang(void) {
  for (;;) {
  }
}

__attribute__((section(".vectors"), used)) void* const vectors[16] = {
    &__stack, Reset_Handler, hang, hang, hang, hang, hang, 0, 0, 0, 0, hang, hang, 0, hang, hang};
