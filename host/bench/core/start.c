/* Reset handler and vectors of a Cortex-M4 without an operating system, for QEMU's mps2-an386. */
extern unsigned __stack, __data_start, __data_end_, __data_load;
extern void _start(void);

void Reset_Handler(void) {
  unsigned *from = &__data_load, *to = &__data_start;
  while (to < &__data_end_) *to++ = *from++;
  _start();
}

/* Ends QEMU with an error after a fault: semihosting's SYS_EXIT, "run time error, unknown". */
static void fault(void) {
  __asm__ volatile("mov r0, #0x18\n ldr r1, =0x20023\n bkpt 0xAB" ::: "r0", "r1");
  for (;;) {
  }
}

__attribute__((section(".vectors"), used)) void* const vectors[16] = {
    &__stack, Reset_Handler, fault, fault, fault, fault, fault, 0, 0, 0, 0, fault, fault, 0, fault, fault};
