/*
 * iwasm [--heap-size=BYTES] FILE.wasm: runs a WASI command on WAMR. A subset of WAMR's iwasm for test/wasi.
 *
 * Exit status: that of the command; 1 if it does not load or traps, with the reason on standard error.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "wasm_export.h"

enum { STACK_BYTES = 64 * 1024 };

static int fail(const char* what) {
  fprintf(stderr, "iwasm: %s\n", what);
  return 1;
}

static uint8_t* read_file(const char* path, uint32_t* bytes) {
  FILE* file = fopen(path, "rb");
  if (!file) return NULL;
  fseek(file, 0, SEEK_END);
  long size = ftell(file);
  rewind(file);
  uint8_t* content = size > 0 ? malloc(size) : NULL;
  if (content && fread(content, 1, size, file) != (size_t)size) {
    free(content);
    content = NULL;
  }
  fclose(file);
  *bytes = size;
  return content;
}

int main(int argc, char** argv) {
  uint32_t heap = 16 * 1024, bytes = 0;
  const char* path = NULL;
  for (int i = 1; i < argc; i++) {
    if (!strncmp(argv[i], "--heap-size=", 12)) heap = atoi(argv[i] + 12);
    else path = argv[i];
  }
  if (!path) return fail("a file is wanted");
  RuntimeInitArgs args = {.mem_alloc_type = Alloc_With_System_Allocator};
  if (!wasm_runtime_full_init(&args)) return fail("WAMR does not start");
  /* the loader keeps pointers into the file and writes into it */
  uint8_t* file = read_file(path, &bytes);
  if (!file) return fail("the file cannot be read");
  char why[128] = "";
  wasm_module_t module = wasm_runtime_load(file, bytes, why, sizeof why);
  if (!module) return fail(why);
  wasm_runtime_set_wasi_args(module, NULL, 0, NULL, 0, NULL, 0, argv, 0);
  wasm_module_inst_t instance = wasm_runtime_instantiate(module, STACK_BYTES, heap, why, sizeof why);
  if (!instance) return fail(why);
  if (!wasm_application_execute_main(instance, 0, NULL)) return fail(wasm_runtime_get_exception(instance));
  int status = wasm_runtime_get_wasi_exit_code(instance);
  wasm_runtime_deinstantiate(instance);
  wasm_runtime_unload(module);
  wasm_runtime_destroy();
  free(file);
  return status;
}
