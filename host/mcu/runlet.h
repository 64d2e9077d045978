/*
 * Runlet on a microcontroller: opens bundles in WAMR and pushes frames through them.  C99 over WAMR's wasm_export.h; no allocation of its own.
 *
 * In: a bundle's bytes (docs/abi.md), its weights where they are apart, frames.  Out: outputs, or a code below 0 with a text.
 * Memory: the caller's pool, from which WAMR allocates; linear memory, which WAMR maps beside the pool through its platform (heap on ESP-IDF);
 * struct runlet, the caller's.  All calls come from one thread (on ESP-IDF a pthread, as WAMR asks); frames from an interrupt or another task
 * come through runlet-queue.h.  docs/c-host.md has a complete example.
 */
#ifndef RUNLET_H
#define RUNLET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Most inputs that ABI 1 has, and the most outputs that there is room for here. */
enum { RUNLET_INPUTS = 6, RUNLET_OUTPUTS = 6 };

/** What calls return. A number is never reused; runlet_text has a sentence for each, docs/c-host.md what to do about it. */
enum runlet_code {
  RUNLET_DUE = 1, /* runlet_push: an output fell due */
  RUNLET_OK = 0,
  RUNLET_USE = -1,              /* an argument is missing or out of range, or calls came in the wrong order */
  RUNLET_POOL = -2,             /* WAMR does not start in this pool */
  RUNLET_NOT_WASM = -3,         /* no WebAssembly module of version 1 (AOT files neither: they cannot be checked) */
  RUNLET_MALFORMED = -4,        /* a section, a count or a name reaches past its end, is out of order, or is of no known kind */
  RUNLET_FILE_LIMIT = -5,       /* more bytes than limits.file_bytes */
  RUNLET_IMPORT = -6,           /* an import other than the function runlet.weights (i32, i32, i32) */
  RUNLET_MEMORY = -7,           /* not exactly one memory, or one that could grow or be shared */
  RUNLET_MEMORY_LIMIT = -8,     /* more linear memory than limits.memory_bytes */
  RUNLET_START = -9,            /* a start function, or an export that WAMR would run by itself */
  RUNLET_EXPORT = -10,          /* an export of the ABI is missing, twice there or of another type */
  RUNLET_FEATURE = -11,         /* built for a target that this runtime does not run (simd, relaxed) */
  RUNLET_UNSIGNED = -12,        /* a signature is required, and there is none of a known form */
  RUNLET_SIGNATURE = -13,       /* no signature by a trusted key over these bytes */
  RUNLET_WEIGHTS_MISSING = -14, /* the bundle's weights are apart, and were not given */
  RUNLET_WEIGHTS_EXTRA = -15,   /* weights were given, and the bundle has its own */
  RUNLET_WEIGHTS_BYTES = -16,   /* weights of another length, or not at an address of a word */
  RUNLET_WEIGHTS_DIGEST = -17,  /* weights whose SHA-256 is not the manifest's */
  RUNLET_LOAD = -18,            /* WAMR does not load the module */
  RUNLET_INSTANTIATE = -19,     /* WAMR does not instantiate it: mostly too little memory */
  RUNLET_ABI = -20,             /* rn_abi is not 1 */
  RUNLET_LAYOUT = -21,          /* what rn_info says contradicts itself or the memory */
  RUNLET_FRAMES = -22,          /* fewer than 1 frame or more than a hop in one push */
  RUNLET_TRAP = -23,            /* the module trapped; runlet_reset makes it usable again */
  RUNLET_INSTRUCTIONS = -24,    /* the call took more instructions than options.instructions; then as after a trap */
  RUNLET_ANSWER = -25,          /* rn_push gave a value that the ABI does not have */
  RUNLET_STATE = -26,           /* a saved state of another length */
  RUNLET_GOLDEN = -27,          /* no self-test in the manifest, or its outputs do not come */
  RUNLET_LAST = -27
};

/** What a bundle has to keep to, checked in its bytes before WAMR sees them. 0 is no limit. */
struct runlet_limits {
  uint32_t file_bytes;
  uint32_t memory_bytes; /* linear memory as WAMR shrinks it: the value of __heap_base */
  bool simd;             /* this WAMR runs SIMD opcodes; interpreters as commonly built do not */
};

/**
 * Whom to believe. Both functions are the firmware's, such as mbedtls_sha256 and libsodium's crypto_sign_verify_detached (docs/c-host.md).
 * Weights apart are held against the SHA-256 in the manifest wherever `sha256` is given: a signature covers them through it.
 */
struct runlet_trust {
  /** SHA-256 of bytes[0, count); true if it worked. */
  bool (*sha256)(void* context, const uint8_t* bytes, size_t count, uint8_t digest[32]);
  /** Whether `signature` is the Ed25519 signature of message[0, count) by `key`. NULL: bundles need not be signed. */
  bool (*verify)(void* context, const uint8_t key[32], const uint8_t* message, size_t count, const uint8_t signature[64]);
  const uint8_t (*keys)[32]; /* public keys, as `runlet keygen --json` prints them */
  uint32_t key_count;
  void* context;
};

struct runlet_options {
  uint32_t stack_bytes;  /* of WAMR's operand stack; 0 is 2048 (4096 on 64-bit cores), enough for Runlet's bundles */
  uint32_t instructions; /* the most that a call may execute; 0 is no limit. Needs WAMR_BUILD_INSTRUCTION_METERING on both sides */
  struct runlet_limits limits;
  const struct runlet_trust* trust; /* read by runlet_open only; NULL: no digest, no signature */
  char* words;                      /* what WAMR says of an error, zero-terminated; may be NULL */
  uint32_t words_bytes;             /* room there; 128 is enough. Must outlive the bundle */
};

enum runlet_type { RUNLET_INT8 = 1, RUNLET_INT16 = 2, RUNLET_UINT8 = 3 };

/** An input or an output. A value is scale * (q - zero_point); uint8: q + 128 is what the model's file would have. */
struct runlet_port {
  uint8_t* at;       /* in linear memory; never changes */
  uint32_t bytes;    /* input: frames of one hop; output: one output */
  uint32_t elements; /* of one frame, or of one output */
  uint32_t rate;     /* input: frames a tick; 1 where there is one input */
  int32_t zero_point;
  float scale;
  uint8_t type; /* enum runlet_type */
};

/** An open bundle. Read what you like, write nothing, and leave it where it is until it is closed: WAMR holds its address. */
struct runlet {
  uint32_t hop;       /* frames (of several inputs: ticks) */
  uint32_t window;    /* frames */
  uint32_t micro_hop; /* frames */
  uint32_t warm_up;   /* outputs that are not reported */
  uint32_t delay;     /* frames */
  uint32_t home;      /* of weights: 0 embed, 1 linear, 2 tile */
  uint32_t input_count, output_count;
  struct runlet_port inputs[RUNLET_INPUTS], outputs[RUNLET_OUTPUTS];
  uint8_t* state; /* all that a restore needs */
  uint32_t state_bytes;
  uint32_t memory_bytes; /* linear memory, as WAMR holds it */

  /* private */
  void *module, *instance, *env, *push, *reset;
  uint8_t* memory;
  const uint32_t* weights;
  uint32_t weight_bytes;
  uint32_t instructions;
  char* words;
  uint32_t words_bytes;
  bool stopped; /* after a trap, until runlet_reset */
};

/**
 * Starts WAMR in `pool`, once for all bundles. The pool holds modules, instances and stacks, not linear memory: 3.8 KB a bundle on 32-bit cores and
 * 2.8 bytes a byte of code (fast interpreter); `runlet inspect` has the figure.
 * @return RUNLET_OK, RUNLET_USE (started before, NULL), RUNLET_POOL (below 1024 bytes, or WAMR needs more)
 */
int runlet_start(void* pool, uint32_t bytes);

/** Stops WAMR, after all bundles are closed; the pool is the caller's again. */
void runlet_stop(void);

/** Bytes of the pool: in use now, and the most that ever were, as WAMR counts (blocks that grow in place are not counted). Both 0 when not started. */
void runlet_pool(uint32_t* used, uint32_t* most);

/**
 * The checks of a bundle's bytes alone: sections, imports, memory, exports, limits, weights' digest, signature. Nothing is written, WAMR is not needed.
 * runlet_open does this first; a receiver of bundles may do it before it stores one.
 * @return RUNLET_OK, RUNLET_USE, or RUNLET_NOT_WASM to RUNLET_WEIGHTS_DIGEST
 */
int runlet_check(const uint8_t* file, uint32_t bytes, const void* weights, uint32_t weight_bytes, const struct runlet_limits* limits,
                 const struct runlet_trust* trust);

/**
 * Checks, loads and resets a bundle, so that runlet_push can follow. `r` must not be open.
 * @param file writable RAM (WAMR's loader writes into it), the caller's until runlet_close
 * @param weights where they are apart, at an address of a word, else NULL. Home linear: copied, may be unmapped afterwards; tile: read by every push,
 *   such as memory-mapped flash
 * @param options may be NULL
 * @return RUNLET_OK, or a code below 0, and then nothing is held
 */
int runlet_open(struct runlet* r, uint8_t* file, uint32_t bytes, const void* weights, uint32_t weight_bytes,
                const struct runlet_options* options);

/** Gives back what WAMR holds for the bundle. A bundle that is closed, or all zero, stays so. */
void runlet_close(struct runlet* r);

/**
 * Consumes `count` frames, 1 to hop, of every input: `count * rate` frames of input i from frames[i], or from inputs[i].at where `frames` is NULL, as the
 * caller wrote them there since the last push.
 * @return RUNLET_DUE (read outputs[i].at before the next push), RUNLET_OK, or RUNLET_USE, _FRAMES (nothing consumed), _TRAP, _INSTRUCTIONS, _ANSWER
 */
int runlet_push(struct runlet* r, const void* const* frames, uint32_t count);

/** Forgets all frames. @return RUNLET_OK, RUNLET_USE, RUNLET_TRAP, RUNLET_INSTRUCTIONS */
int runlet_reset(struct runlet* r);

/** Copies the state out; `bytes` is state_bytes. @return RUNLET_OK, RUNLET_USE, RUNLET_STATE */
int runlet_save(const struct runlet* r, void* to, uint32_t bytes);

/**
 * Copies a state back, of the same bundle or of one whose manifest has the same stateDigest: that is the caller's to know.
 * @return RUNLET_OK, RUNLET_USE, RUNLET_STATE
 */
int runlet_restore(struct runlet* r, const void* from, uint32_t bytes);

/**
 * Reads the bundle's sequence number (`runlet build --sequence`), signed with the module, from a module that runlet_check let pass.
 * @return whether it has one of 32 bits
 */
bool runlet_sequence_read(uint32_t* sequence, const uint8_t* file, uint32_t bytes);

/** Upper bound of a self-test's hops, as readers of manifests have it: the device pushes that many (docs/abi.md, "Golden"). */
enum { RUNLET_GOLDEN_HOPS = 1 << 20 };

/** The self-test of a bundle (docs/abi.md, "Golden"). */
struct runlet_golden {
  uint32_t seed, hops, outputs;
  uint8_t digest[32];
};

/** Reads the self-test from the manifest of a module that runlet_check let pass. @return RUNLET_OK, RUNLET_MALFORMED, RUNLET_GOLDEN */
int runlet_golden_read(struct runlet_golden* golden, const uint8_t* file, uint32_t bytes);

/**
 * Runs the self-test (runlet-golden.c, which takes runlet-sha256.c with it) and resets the bundle. For all of its hops inference stands still.
 * @return RUNLET_OK, RUNLET_GOLDEN where other outputs came, or what runlet_push gave
 */
int runlet_golden_run(struct runlet* r, const struct runlet_golden* golden);

/** One sentence for a code, in English; never NULL. */
const char* runlet_text(int code);

#ifdef __cplusplus
}
#endif
#endif
