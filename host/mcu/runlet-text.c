/*
 * Descriptions of the codes of runlet.h.
 *
 * In: a code.  Out: a text in flash.  docs/c-host.md says what to do; a test compares the two lists.
 */
#include "runlet.h"

const char* runlet_text(int code) {
  switch (code) {
    case RUNLET_DUE: return "a new output is ready";
    case RUNLET_OK: return "no error";
    case RUNLET_USE: return "an argument is missing or out of range, or the order of calls is wrong";
    case RUNLET_POOL: return "WAMR cannot start in this pool";
    case RUNLET_NOT_WASM: return "not a WebAssembly module of version 1";
    case RUNLET_MALFORMED: return "a section of the module is cut short, out of order or of an unknown kind";
    case RUNLET_FILE_LIMIT: return "the module's file is larger than the limit";
    case RUNLET_IMPORT: return "the module imports something other than the function runlet.weights";
    case RUNLET_MEMORY: return "the module does not have exactly one memory of fixed size";
    case RUNLET_MEMORY_LIMIT: return "the module's memory is larger than the limit";
    case RUNLET_START: return "the module has a function that WAMR would call on its own";
    case RUNLET_EXPORT: return "an export of the ABI is missing, duplicated or of the wrong type";
    case RUNLET_FEATURE: return "the module was built for SIMD, which this runtime does not support";
    case RUNLET_UNSIGNED: return "a signature is required, but the module has none of a known form";
    case RUNLET_SIGNATURE: return "no trusted key has signed this module as it is";
    case RUNLET_WEIGHTS_MISSING: return "the module needs a separate file of weights, and none was given";
    case RUNLET_WEIGHTS_EXTRA: return "weights were given, but the module contains its weights";
    case RUNLET_WEIGHTS_BYTES: return "the weights' length is wrong, or their address is not a multiple of 4";
    case RUNLET_WEIGHTS_DIGEST: return "the SHA-256 of the weights is not the one in the manifest";
    case RUNLET_LOAD: return "WAMR cannot load the module";
    case RUNLET_INSTANTIATE: return "WAMR cannot instantiate the module, usually for lack of memory";
    case RUNLET_ABI: return "the module's ABI is not version 1";
    case RUNLET_LAYOUT: return "the module's constants contradict each other or its memory";
    case RUNLET_FRAMES: return "a push must have at least 1 frame and at most a hop";
    case RUNLET_TRAP: return "the module trapped and needs a reset";
    case RUNLET_INSTRUCTIONS: return "the call exceeded its instruction limit; the module needs a reset";
    case RUNLET_ANSWER: return "the module returned a value that the ABI does not define";
    case RUNLET_STATE: return "the saved state has the wrong length";
    case RUNLET_GOLDEN: return "the module has no self-test, or its outputs differ from the self-test's";
    case RUNLET_CARRIES_STATE: return "the model carries a state and cannot sleep behind a gate";
    default: return "unknown code";
  }
}
