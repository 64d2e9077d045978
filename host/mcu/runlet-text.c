/*
 * One sentence for each code of runlet.h.
 *
 * In: a code.  Out: a text in flash.  docs/c-host.md says what to do; a test holds the two lists against each other.
 */
#include "runlet.h"

const char* runlet_text(int code) {
  switch (code) {
    case RUNLET_DUE: return "an output fell due";
    case RUNLET_OK: return "no error";
    case RUNLET_USE: return "an argument is missing or out of range, or calls came in the wrong order";
    case RUNLET_POOL: return "WAMR does not start in this pool";
    case RUNLET_NOT_WASM: return "not a WebAssembly module of version 1";
    case RUNLET_MALFORMED: return "a section of the module is cut short, out of order or of no known kind";
    case RUNLET_FILE_LIMIT: return "the module's file is above the limit";
    case RUNLET_IMPORT: return "the module imports something other than the function runlet.weights";
    case RUNLET_MEMORY: return "the module has not exactly one memory of fixed size";
    case RUNLET_MEMORY_LIMIT: return "the module's memory is above the limit";
    case RUNLET_START: return "the module has a function that would run by itself";
    case RUNLET_EXPORT: return "an export of the ABI is missing, twice there or of another type";
    case RUNLET_FEATURE: return "the module was built for SIMD, which this runtime does not run";
    case RUNLET_UNSIGNED: return "the module has no signature of a known form, and one is required";
    case RUNLET_SIGNATURE: return "no trusted key has signed this module as it is";
    case RUNLET_WEIGHTS_MISSING: return "the module's weights are apart, and were not given";
    case RUNLET_WEIGHTS_EXTRA: return "weights were given, and the module has its own";
    case RUNLET_WEIGHTS_BYTES: return "the weights have another length, or do not lie at an address of a word";
    case RUNLET_WEIGHTS_DIGEST: return "the weights are not those that the manifest names";
    case RUNLET_LOAD: return "WAMR does not load the module";
    case RUNLET_INSTANTIATE: return "WAMR does not instantiate the module, mostly for want of memory";
    case RUNLET_ABI: return "the module's ABI is not version 1";
    case RUNLET_LAYOUT: return "the module's constants contradict themselves or its memory";
    case RUNLET_FRAMES: return "a push takes from 1 frame to a hop";
    case RUNLET_TRAP: return "the module trapped, and waits for a reset";
    case RUNLET_INSTRUCTIONS: return "the call took more instructions than it may, and the module waits for a reset";
    case RUNLET_ANSWER: return "the module gave a value that the ABI does not have";
    case RUNLET_STATE: return "a saved state of another length";
    case RUNLET_GOLDEN: return "the module has no self-test, or gives other outputs than it must";
    default: return "no code of Runlet's";
  }
}
