/*
 * Makes WAMR's memory visible to a sanitizer. Linked into every program over a WAMR that is built with
 * sanitizers (RUNLET_WAMR_SANITIZE, tools.ts).
 *
 * In: WAMR's calls, redirected by the linker's --wrap.  Out: each block of the pool comes from malloc, so
 * that an access beyond it, a use after free and a leak are seen. Linear memory too: in whole pages as on
 * Linux, or, with RUNLET_EXACT_MEMORY in the environment, of exactly the requested bytes as on ESP-IDF. The
 * total is limited to the size of the pool, so that a changed bundle cannot take all memory.
 */
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "wasm_export.h"

bool __real_wasm_runtime_full_init(RuntimeInitArgs* args);
bool __wrap_wasm_runtime_full_init(RuntimeInitArgs* args);
void* __wrap_os_mmap(void* hint, size_t bytes, int protection, int flags, int file);
void __wrap_os_munmap(void* at, size_t bytes);
int __wrap_os_mprotect(void* at, size_t bytes, int protection);

enum { PAGE = 4096 };
static size_t room, held;

static void give(void* at) {
  if (at) held -= malloc_usable_size(at);
  free(at);
}
static void* take(unsigned bytes) {
  if (bytes > room - held) return NULL;
  void* at = malloc(bytes);
  if (at) held += malloc_usable_size(at);
  return at;
}
static void* take_again(void* old, unsigned bytes) {
  void* at = take(bytes);
  if (!at || !old) return at;
  size_t had = malloc_usable_size(old);
  memcpy(at, old, had < bytes ? had : bytes);
  give(old);
  return at;
}

bool __wrap_wasm_runtime_full_init(RuntimeInitArgs* args) {
  RuntimeInitArgs with = *args;
  room = args->mem_alloc_option.pool.heap_size;
  held = 0;
  with.mem_alloc_type = Alloc_With_Allocator;
  with.mem_alloc_option.allocator.malloc_func = (void*)(uintptr_t)take;
  with.mem_alloc_option.allocator.realloc_func = (void*)(uintptr_t)take_again;
  with.mem_alloc_option.allocator.free_func = (void*)(uintptr_t)give;
  return __real_wasm_runtime_full_init(&with);
}

void* __wrap_os_mmap(void* hint, size_t bytes, int protection, int flags, int file) {
  (void)hint, (void)protection, (void)flags, (void)file;
  return calloc(1, getenv("RUNLET_EXACT_MEMORY") ? bytes : (bytes + PAGE - 1) / PAGE * PAGE);
}
void __wrap_os_munmap(void* at, size_t bytes) {
  (void)bytes;
  free(at);
}
int __wrap_os_mprotect(void* at, size_t bytes, int protection) {
  (void)at, (void)bytes, (void)protection;
  return 0;
}
