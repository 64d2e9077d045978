/* The platform functions that WAMR's core calls, for a core without an operating system
   (platform_internal.h). */
#include "bh_platform.h"

extern uint8_t linear_memory[];
extern const uint32_t linear_memory_room;

/** Size of the one linear memory, in bytes. */
uint32_t linear_memory_bytes;

int bh_platform_init(void) { return 0; }
void bh_platform_destroy(void) {}
int os_vprintf(const char* format, va_list ap) { return vprintf(format, ap); }
int os_printf(const char* format, ...) {
  va_list ap;
  va_start(ap, format);
  int printed = vprintf(format, ap);
  va_end(ap);
  return printed;
}

/* WAMR allocates from its pool. It calls these only for Alloc_With_System_Allocator. */
void* os_malloc(unsigned size) { return (void)size, NULL; }
void* os_realloc(void* at, unsigned size) { return (void)at, (void)size, NULL; }
void os_free(void* at) { (void)at; }

/* Only linear memory is mapped. */
void* os_mmap(void* hint, size_t size, int prot, int flags, os_file_handle file) {
  (void)hint, (void)prot, (void)flags, (void)file;
  if (linear_memory_bytes || size > linear_memory_room) return NULL;
  linear_memory_bytes = size;
  return linear_memory;
}
void os_munmap(void* at, size_t size) { (void)at, (void)size; }
int os_mprotect(void* at, size_t size, int prot) { return (void)at, (void)size, (void)prot, 0; }
void* os_mremap(void* at, size_t before, size_t size) { return (void)at, (void)before, (void)size, NULL; }

uint64 os_time_get_boot_us(void) { return 0; }
uint64 os_time_thread_cputime_us(void) { return 0; }
korp_tid os_self_thread(void) { return 1; }
uint8* os_thread_get_stack_boundary(void) { return NULL; }
void os_thread_jit_write_protect_np(bool enabled) { (void)enabled; }
int os_mutex_init(korp_mutex* mutex) { return *mutex = 0; }
int os_mutex_destroy(korp_mutex* mutex) { return (void)mutex, 0; }
int os_mutex_lock(korp_mutex* mutex) { return (void)mutex, 0; }
int os_mutex_unlock(korp_mutex* mutex) { return (void)mutex, 0; }
void os_dcache_flush(void) {}
void os_icache_flush(void* start, size_t length) { (void)start, (void)length; }
