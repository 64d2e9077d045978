/*
 * The C host: opens bundles in WAMR and pushes frames through them.  C99 over WAMR's wasm_export.h.
 *
 * In: a bundle's bytes (docs/abi.md), its weights if they are in a separate file, frames.  Out: outputs, or a
 * negative code with a text.  docs/c-host.md has a complete example.
 * Memory: WAMR allocates from the caller's pool, and linear memory from its platform (on ESP-IDF the heap).
 * The host itself allocates nothing.
 * Threads: one thread makes all calls (on ESP-IDF a pthread, as WAMR requires). Frames from an interrupt or
 * another task pass through runlet-queue.h.
 */
#ifndef RUNLET_H
#define RUNLET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Maximum number of inputs in ABI 1, and of outputs that struct runlet has room for. */
enum { RUNLET_INPUTS = 6, RUNLET_OUTPUTS = 6 };

/** Return codes. A number is never reused. runlet_text describes them; docs/c-host.md says what to do. */
enum runlet_code {
  RUNLET_DUE = 1, /* runlet_push: a new output is ready */
  RUNLET_OK = 0,
  RUNLET_USE = -1,              /* an argument is missing or out of range, or calls are in the wrong order */
  RUNLET_POOL = -2,             /* WAMR cannot start in this pool */
  RUNLET_NOT_WASM = -3,         /* not a WebAssembly module of version 1 (AOT files cannot be checked) */
  RUNLET_MALFORMED = -4,        /* a section, count or name is cut short, out of order or of unknown kind */
  RUNLET_FILE_LIMIT = -5,       /* the file is larger than limits.file_bytes */
  RUNLET_IMPORT = -6,           /* an import other than the function runlet.weights (i32, i32, i32) */
  RUNLET_MEMORY = -7,           /* not exactly one memory, or one that can grow or is shared */
  RUNLET_MEMORY_LIMIT = -8,     /* linear memory is larger than limits.memory_bytes */
  RUNLET_START = -9,            /* a start function, or an export that WAMR would call on its own */
  RUNLET_EXPORT = -10,          /* an export of the ABI is missing, duplicated or of the wrong type */
  RUNLET_FEATURE = -11,         /* built for a target that this runtime does not support (simd, relaxed) */
  RUNLET_UNSIGNED = -12,        /* a signature is required, but the module has none of a known form */
  RUNLET_SIGNATURE = -13,       /* no trusted key has signed these bytes */
  RUNLET_WEIGHTS_MISSING = -14, /* the bundle needs a separate file of weights, and none was given */
  RUNLET_WEIGHTS_EXTRA = -15,   /* weights were given, but the bundle contains its weights */
  RUNLET_WEIGHTS_BYTES = -16,   /* the weights' length is wrong, or their address is not a multiple of 4 */
  RUNLET_WEIGHTS_DIGEST = -17,  /* the weights' SHA-256 is not the one in the manifest */
  RUNLET_LOAD = -18,            /* WAMR cannot load the module */
  RUNLET_INSTANTIATE = -19,     /* WAMR cannot instantiate the module, usually for lack of memory */
  RUNLET_ABI = -20,             /* rn_abi is not 1 */
  RUNLET_LAYOUT = -21,          /* the values of rn_info contradict each other or the memory */
  RUNLET_FRAMES = -22,          /* a push has fewer than 1 frame or more than a hop */
  RUNLET_TRAP = -23,            /* the module trapped; runlet_reset makes it usable again */
  RUNLET_INSTRUCTIONS = -24,    /* the call exceeded options.instructions; the module needs runlet_reset */
  RUNLET_ANSWER = -25,          /* rn_push returned a value that the ABI does not define */
  RUNLET_STATE = -26,           /* a saved state has the wrong length */
  RUNLET_GOLDEN = -27,          /* the manifest has no self-test, or the outputs differ from it */
  RUNLET_CARRIES_STATE = -28,   /* the model cannot sleep behind a gate: it carries a state */
  RUNLET_LAST = -28
};

/** Limits of a bundle, checked in its bytes before WAMR sees them. 0 means no limit. */
struct runlet_limits {
  uint32_t file_bytes;
  uint32_t memory_bytes; /* linear memory after WAMR has shrunk it to the value of __heap_base */
  bool simd;             /* true: this WAMR runs SIMD opcodes; commonly built interpreters do not */
};

/**
 * Trusted keys. The firmware supplies both functions, such as mbedtls_sha256 and libsodium's
 * crypto_sign_verify_detached (docs/c-host.md). With `sha256`, a separate file of weights is checked against
 * the digest in the manifest. So a signature of the module covers the weights too.
 */
struct runlet_trust {
  /** Writes the SHA-256 of bytes[0, count) to `digest`. @return true if it worked */
  bool (*sha256)(void* context, const uint8_t* bytes, size_t count, uint8_t digest[32]);
  /** Checks the Ed25519 signature of message[0, count) by `key`. NULL: bundles need not be signed. */
  bool (*verify)(void* context, const uint8_t key[32], const uint8_t* message, size_t count, const uint8_t signature[64]);
  const uint8_t (*keys)[32]; /* public keys, as `runlet keygen --json` prints them */
  uint32_t key_count;
  void* context;
};

struct runlet_options {
  uint32_t stack_bytes;  /* size of WAMR's operand stack; 0: 2048 (4096 on 64-bit cores), enough for Runlet */
  uint32_t instructions; /* limit per call, 0: none. Host and WAMR: WASM_ENABLE_INSTRUCTION_METERING */
  struct runlet_limits limits;
  const struct runlet_trust* trust; /* read by runlet_open only; NULL: no digest or signature is checked */
  char* words;                      /* buffer for WAMR's error message, or NULL; it must outlive the bundle */
  uint32_t words_bytes;             /* size of that buffer, terminating zero included; 128 is enough */
};

enum runlet_type { RUNLET_INT8 = 1, RUNLET_INT16 = 2, RUNLET_UINT8 = 3 };

/** An input or an output. A real value is scale * (q - zero_point). For uint8 the model file has q + 128. */
struct runlet_port {
  uint8_t* at;       /* address in linear memory; never changes */
  uint32_t bytes;    /* input: size of one hop; output: size of one output */
  uint32_t elements; /* elements of one frame, or of one output */
  uint32_t rate;     /* input: frames per tick; 1 if there is only one input */
  int32_t zero_point;
  float scale;
  uint8_t type; /* enum runlet_type */
};

/** An open bundle. Read its fields, but do not write them. Do not move it: WAMR holds its address. */
struct runlet {
  uint32_t hop;       /* frames; ticks if there are several inputs */
  uint32_t window;    /* frames */
  uint32_t micro_hop; /* frames */
  uint32_t warm_up;   /* number of first outputs that are not reported */
  uint32_t delay;     /* frames */
  uint32_t home;      /* home of the weights: 0 embed, 1 linear, 2 tile */
  uint32_t input_count, output_count;
  struct runlet_port inputs[RUNLET_INPUTS], outputs[RUNLET_OUTPUTS];
  uint8_t* state; /* the complete state, in linear memory */
  uint32_t state_bytes;
  uint32_t memory_bytes; /* size of linear memory in WAMR */
  bool may_sleep; /* true: an output depends only on its window and context (docs/manifest.md, carriesState) */

  /* private */
  void *module, *instance, *env, *push, *reset;
  uint8_t* memory;
  const uint32_t* weights;
  uint32_t weight_bytes;
  uint32_t instructions;
  char* words;
  uint32_t words_bytes;
  bool stopped; /* true after a trap, until runlet_reset */
};

/**
 * Starts WAMR in `pool`, once for all bundles. The pool holds modules, instances and stacks, not linear
 * memory: per bundle 3.8 KB on 32-bit cores, and 2.8 bytes per byte of code in the fast interpreter.
 * @return RUNLET_OK, RUNLET_USE (already started, or NULL), RUNLET_POOL (below 1024 bytes, or too small)
 */
int runlet_start(void* pool, uint32_t bytes);

/** Stops WAMR. All bundles must be closed. The caller may then reuse the pool. */
void runlet_stop(void);

/** Reads the pool's used bytes and their peak; 0 if not started. WAMR does not count growth in place. */
void runlet_pool(uint32_t* used, uint32_t* peak);

/**
 * Checks a bundle's sections, imports, memory, exports, limits, digest of weights and signature. Writes
 * nothing and needs no WAMR. runlet_open calls it first; a receiver may call it before it stores a bundle.
 * @return RUNLET_OK, RUNLET_USE, or RUNLET_NOT_WASM to RUNLET_WEIGHTS_DIGEST
 */
int runlet_check(const uint8_t* file, uint32_t bytes, const void* weights, uint32_t weight_bytes, const struct runlet_limits* limits,
                 const struct runlet_trust* trust);

/**
 * Checks, loads and resets a bundle. runlet_push may follow. `r` must not be open.
 * @param file the module, in RAM that stays valid until runlet_close; WAMR's loader writes into it
 * @param weights separate weights, at a multiple of 4 bytes, or NULL. Home linear: they are copied, and may
 *   be unmapped afterwards. Home tile: every push reads them, for example in mapped flash
 * @param options may be NULL
 * @return RUNLET_OK, or a negative code; then no memory is held
 */
int runlet_open(struct runlet* r, uint8_t* file, uint32_t bytes, const void* weights, uint32_t weight_bytes,
                const struct runlet_options* options);

/** Frees the memory that WAMR holds for the bundle. Does nothing if it is closed, or all zero. */
void runlet_close(struct runlet* r);

/**
 * Consumes `count` frames, 1 to hop: `count * rate` frames of each input i, from frames[i]. If `frames` is
 * NULL, the caller has written them to inputs[i].at since the last push.
 * @return RUNLET_DUE (read outputs[i].at before the next push), RUNLET_OK, or RUNLET_USE, _FRAMES (nothing
 *   consumed), _TRAP, _INSTRUCTIONS, _ANSWER
 */
int runlet_push(struct runlet* r, const void* const* frames, uint32_t count);

/** Resets the module to its first frame. @return RUNLET_OK, RUNLET_USE, RUNLET_TRAP, RUNLET_INSTRUCTIONS */
int runlet_reset(struct runlet* r);

/** Saves the state to `to`; `bytes` must be state_bytes. @return RUNLET_OK, RUNLET_USE, RUNLET_STATE */
int runlet_save(const struct runlet* r, void* to, uint32_t bytes);

/**
 * Restores a saved state. The caller makes sure that it is from a bundle with the same stateDigest.
 * @return RUNLET_OK, RUNLET_USE, RUNLET_STATE
 */
int runlet_restore(struct runlet* r, const void* from, uint32_t bytes);

/**
 * Reads the signed sequence number (`runlet build --sequence`) of a module that has passed runlet_check.
 * @return true if the module has one of 32 bits
 */
bool runlet_sequence_read(uint32_t* sequence, const uint8_t* file, uint32_t bytes);

/**
 * Reads from the manifest of a module that has passed runlet_check whether the model may sleep behind a gate.
 * @return false if it carries a state, or if there is no manifest
 */
bool runlet_may_sleep(const uint8_t* file, uint32_t bytes);

/** A model in either engine, for runlet-gate.h, whose RUNLET_PLAIN_MODEL defines one of plain C. */
struct runlet_model {
  uint32_t hop, window, micro_hop; /* frames */
  uint32_t warm_up;                /* number of first outputs that are not reported */
  uint32_t delay;                  /* frames */
  bool may_sleep;
  uint32_t input_count;
  uint32_t frame_bytes[RUNLET_INPUTS]; /* bytes of one frame of each input; of one tick if there are several */
  int (*push)(void* context, const void* const* frames, uint32_t count); /* as runlet_push */
  int (*reset)(void* context);                                           /* as runlet_reset */
  void* context;
};

/** Writes the model of a bundle, which must stay open. @return RUNLET_OK, RUNLET_USE if it is not open */
int runlet_model_of(struct runlet_model* model, struct runlet* r);

/** Upper bound of a self-test's hops, the same as for readers of manifests (docs/abi.md, "Golden"). */
enum { RUNLET_GOLDEN_HOPS = 1 << 20 };

/** The self-test of a bundle (docs/abi.md, "Golden"). */
struct runlet_golden {
  uint32_t seed, hops, outputs;
  uint8_t digest[32];
};

/** Reads the self-test of a module that passed runlet_check. @return RUNLET_OK or _MALFORMED, _GOLDEN */
int runlet_golden_read(struct runlet_golden* golden, const uint8_t* file, uint32_t bytes);

/**
 * Runs the self-test, golden->hops pushes, and resets the bundle. Link runlet-golden.c and runlet-sha256.c.
 * @return RUNLET_OK, RUNLET_GOLDEN if the outputs differ, or an error of runlet_push or runlet_reset
 */
int runlet_golden_run(struct runlet* r, const struct runlet_golden* golden);

/** Describes a code in one English sentence; never NULL. */
const char* runlet_text(int code);

#ifdef __cplusplus
}
#endif
#endif
