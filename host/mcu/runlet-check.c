/*
 * Checks a bundle's bytes before WAMR loads them: one walk over the sections, no allocation, no writes.
 *
 * In: the bytes of a .wasm, its weights, limits, trusted keys.  Out: RUNLET_OK, or the first fault's code.
 * Source: WebAssembly core specification, section 5.5; wasmsign2 for the section `signature` (docs/c-host.md,
 * "Signatures").  It checks the rules of docs/abi.md. It does not validate code and data: WAMR's loader does.
 */
#include <string.h>

#include "runlet.h"

/* ---- reading ---- */

/**
 * Bytes that are still to be read. A fault empties the range and sets `bad` permanently.
 * A count in a file may be any 32-bit number; a loop over one ends at the first fault or the last byte.
 */
struct reader {
  const uint8_t *at, *end;
  bool bad;
};

static uint8_t byte(struct reader* r) {
  if (r->at < r->end) return *r->at++;
  r->bad = true;
  return 0;
}

/** Reads an unsigned LEB128 number of 32 bits. */
static uint32_t u32(struct reader* r) {
  uint32_t value = 0;
  for (uint32_t shift = 0; shift < 35; shift += 7) {
    uint8_t b = byte(r);
    if (shift == 28 && b > 0x0f) break;
    value |= (uint32_t)(b & 0x7f) << shift;
    if (b < 0x80) return value;
  }
  r->bad = true;
  r->at = r->end;
  return 0;
}

/** Takes the next `count` bytes as a separate reader. */
static struct reader part(struct reader* r, uint32_t count) {
  struct reader inside = {r->at, r->at, false};
  if (count > (size_t)(r->end - r->at)) {
    r->bad = true;
    r->at = r->end;
    return inside;
  }
  inside.end = r->at += count;
  return inside;
}
static struct reader counted(struct reader* r) { return part(r, u32(r)); }

static size_t left(const struct reader* r) { return (size_t)(r->end - r->at); }
static bool is(struct reader text, const char* word) { return left(&text) == strlen(word) && !memcmp(text.at, word, left(&text)); }

/* ---- sections ---- */

enum { CUSTOM, TYPE, IMPORT, FUNCTION, TABLE, MEMORY, GLOBAL, EXPORT, START, ELEMENT, CODE, DATA, DATA_COUNT, KINDS };
enum { I32 = 0x7f, FUNCTION_TYPE = 0x60, I32_CONST = 0x41, END = 0x0b };
enum { KIND_FUNCTION = 0, KIND_MEMORY = 2, KIND_GLOBAL = 3 };

struct module {
  struct reader sections[KINDS]; /* `at` is NULL if the section is absent */
  struct reader manifest, signature;
  const uint8_t* signed_from; /* the first byte after the section `signature` */
  const uint8_t* end;
  uint32_t imported;
};

static int read_sections(struct module* m, const uint8_t* file, uint32_t bytes) {
  static const uint8_t order[KINDS] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 10}; /* data count before code */
  struct reader r = {file + 8, file + bytes, false};
  memset(m, 0, sizeof *m);
  m->end = r.end;
  uint8_t last = 0;
  while (r.at < r.end) {
    bool first = r.at == file + 8;
    uint8_t kind = byte(&r);
    struct reader body = counted(&r);
    if (r.bad || kind >= KINDS) return RUNLET_MALFORMED;
    if (kind != CUSTOM) {
      if (order[kind] <= last) return RUNLET_MALFORMED;
      last = order[kind];
      m->sections[kind] = body;
      continue;
    }
    struct reader name = counted(&body);
    if (body.bad || (is(name, "runlet") && m->manifest.at)) return RUNLET_MALFORMED;
    if (is(name, "runlet")) m->manifest = body;
    if (is(name, "signature") && first) {
      m->signature = body;
      m->signed_from = r.at;
    }
  }
  return RUNLET_OK;
}

/** Checks whether type `index` has `params` parameters and `results` results (0 or 1), all i32. */
static bool type_is(const struct module* m, uint32_t index, uint32_t params, uint32_t results) {
  struct reader r = m->sections[TYPE];
  uint32_t count = u32(&r);
  for (uint32_t i = 0; i < count && !r.bad; i++) {
    if (byte(&r) != FUNCTION_TYPE) return false;
    struct reader p = counted(&r), q = counted(&r);
    if (r.bad || i < index) continue;
    if (left(&p) != params || left(&q) != results) return false;
    while (p.at < p.end)
      if (byte(&p) != I32) return false;
    return q.at == q.end || byte(&q) == I32;
  }
  return false;
}

static int check_import(struct module* m) {
  struct reader r = m->sections[IMPORT];
  if (!r.at || !(m->imported = u32(&r))) return r.bad ? RUNLET_MALFORMED : RUNLET_OK;
  struct reader module = counted(&r), name = counted(&r);
  bool allowed = is(module, "runlet") && is(name, "weights") && byte(&r) == KIND_FUNCTION && type_is(m, u32(&r), 3, 0);
  if (r.bad) return RUNLET_MALFORMED;
  return allowed && m->imported == 1 && r.at == r.end ? RUNLET_OK : RUNLET_IMPORT;
}

/** Checks whether function `index` is not imported and has these numbers of i32 parameters and results. */
static bool function_is(const struct module* m, uint32_t index, uint32_t params, uint32_t results) {
  struct reader r = m->sections[FUNCTION];
  uint32_t count = u32(&r);
  if (index < m->imported || index - m->imported >= count) return false;
  for (index -= m->imported; index > 0 && !r.bad; index--) u32(&r);
  uint32_t type = u32(&r);
  return !r.bad && type_is(m, type, params, results);
}

/** Reads the value of a constant i32 global. @return false if the global is not one */
static bool global_value(const struct module* m, uint32_t index, uint32_t* value) {
  struct reader r = m->sections[GLOBAL];
  uint32_t count = u32(&r);
  for (uint32_t i = 0; i < count && !r.bad; i++) {
    bool constant = byte(&r) == I32;
    constant = byte(&r) == 0 && constant;
    uint8_t opcode = byte(&r), b;
    /* i32.const, i64.const or global.get, with one LEB128 of at most 10 bytes; bundles use no others */
    if (opcode != I32_CONST && opcode != 0x42 && opcode != 0x23) return false;
    uint64_t bits = 0;
    uint32_t shift = 0;
    do {
      b = byte(&r);
      if (shift < 32) bits |= (uint64_t)(b & 0x7f) << shift;
      shift += 7;
    } while (b >= 0x80 && shift < 70);
    if (byte(&r) != END) return false;
    if (i < index) continue;
    if (b & 0x40 && shift < 32) bits |= ~(uint64_t)0 << shift;
    *value = (uint32_t)bits;
    return constant && opcode == I32_CONST && !r.bad;
  }
  return false;
}

/* ---- memory and exports ---- */

struct required {
  const char* name;
  uint8_t kind, params, results;
};
static const struct required abi[] = {
    {"memory", KIND_MEMORY, 0, 0},    {"__heap_base", KIND_GLOBAL, 0, 0}, {"__data_end", KIND_GLOBAL, 0, 0},
    {"rn_abi", KIND_FUNCTION, 0, 1},  {"rn_input", KIND_FUNCTION, 1, 1},  {"rn_output", KIND_FUNCTION, 1, 1},
    {"rn_push", KIND_FUNCTION, 1, 1}, {"rn_reset", KIND_FUNCTION, 0, 0},  {"rn_state", KIND_FUNCTION, 0, 1},
    {"rn_info", KIND_FUNCTION, 1, 1}};
enum { REQUIRED = sizeof abi / sizeof *abi, HEAP_BASE = 1, DATA_END = 2 };

/** Checks the exports: all of the ABI, each once, and none that WAMR calls on its own. Reads the globals. */
static int check_exports(const struct module* m, uint32_t globals[REQUIRED]) {
  struct reader r = m->sections[EXPORT];
  uint32_t count = r.at ? u32(&r) : 0, found = 0;
  for (uint32_t i = 0; i < count; i++) {
    struct reader name = counted(&r);
    uint8_t kind = byte(&r);
    uint32_t index = u32(&r), k = 0;
    if (r.bad) return RUNLET_MALFORMED;
    while (k < REQUIRED && !is(name, abi[k].name)) k++;
    if (k == REQUIRED) {
      /* WAMR calls __post_instantiate, __wasm_call_ctors, _initialize, malloc and others if exported */
      if (kind == KIND_FUNCTION && (left(&name) < 3 || memcmp(name.at, "rn_", 3))) return RUNLET_START;
      continue;
    }
    bool good = kind == abi[k].kind && !(found & 1u << k);
    if (good && kind == KIND_FUNCTION) good = function_is(m, index, abi[k].params, abi[k].results);
    if (good && kind == KIND_GLOBAL) good = global_value(m, index, &globals[k]);
    if (good && kind == KIND_MEMORY) good = index == 0;
    if (!good) return RUNLET_EXPORT;
    found |= 1u << k;
  }
  return found == (1u << REQUIRED) - 1 ? RUNLET_OK : RUNLET_EXPORT;
}

/** Checks for one 32-bit memory of fixed size, not shared; after WAMR shrinks it, at most `max_bytes`. */
static int check_memory(const struct module* m, const uint32_t globals[REQUIRED], uint32_t max_bytes) {
  enum { HAS_MAXIMUM = 1, PAGE = 65536, MAX_PAGES = 65536 };
  struct reader r = m->sections[MEMORY];
  if (!r.at || u32(&r) != 1 || byte(&r) != HAS_MAXIMUM) return RUNLET_MEMORY;
  uint32_t minimum = u32(&r), maximum = u32(&r);
  if (r.bad || r.at != r.end) return RUNLET_MALFORMED;
  if (minimum != maximum || minimum < 1 || minimum > MAX_PAGES) return RUNLET_MEMORY;
  uint64_t bytes = (uint64_t)minimum * PAGE, data_end = ((uint64_t)globals[DATA_END] + 15) / 16 * 16;
  if (data_end <= globals[HEAP_BASE] && globals[HEAP_BASE] <= bytes) bytes = globals[HEAP_BASE];
  return max_bytes && bytes > max_bytes ? RUNLET_MEMORY_LIMIT : RUNLET_OK;
}

/* ---- manifest ---- */

/**
 * Finds the byte after the first `words` in a part of the manifest; NULL if absent. JSON.stringify writes the
 * manifest without spaces and escapes quotes in strings. `words` has quotes, so no string contains it.
 */
static const uint8_t* after(const struct reader* part, const char* words) {
  size_t count = strlen(words);
  for (const uint8_t* at = part->at; at && (size_t)(part->end - at) >= count; at++)
    if (!memcmp(at, words, count)) return at + count;
  return NULL;
}

/** Finds the byte after `words`, which begins with a field's name, outside nested objects; NULL if absent. */
static const uint8_t* field(const struct reader* manifest, const char* words) {
  size_t count = strlen(words);
  uint32_t depth = 0;
  bool text = false;
  for (const uint8_t* at = manifest->at; at && (size_t)(manifest->end - at) >= count; at++) {
    if (!text && depth == 1 && !memcmp(at, words, count)) return at + count;
    if (text && *at == '\\') at++;
    else if (*at == '"') text = !text;
    else if (!text && (*at == '{' || *at == '[')) depth++;
    else if (!text && (*at == '}' || *at == ']')) depth--;
  }
  return NULL;
}

static uint8_t hex(uint8_t c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : 0xff; }

/** Checks whether weights were given as the manifest says, and their digest if there is a SHA-256. */
static int check_weights(const struct module* m, const uint8_t* weights, uint32_t bytes, const struct runlet_trust* trust) {
  struct reader separate = {field(&m->manifest, "\"weights\":{\"home\":\""), m->manifest.end, false};
  if (!weights && separate.at) return RUNLET_WEIGHTS_MISSING;
  if (!trust || !trust->sha256 || !weights) return RUNLET_OK;
  if (!separate.at) return m->manifest.at ? RUNLET_WEIGHTS_EXTRA : RUNLET_WEIGHTS_DIGEST;
  const uint8_t* text = after(&separate, "\"digest\":\"");
  uint8_t digest[32];
  int differing = 0;
  if (!text || separate.end - text < 64 || !trust->sha256(trust->context, weights, bytes, digest)) return RUNLET_WEIGHTS_DIGEST;
  for (int i = 0; i < 32; i++) differing |= digest[i] ^ (uint8_t)(hex(text[2 * i]) << 4 | hex(text[2 * i + 1]));
  return differing ? RUNLET_WEIGHTS_DIGEST : RUNLET_OK;
}

/** Reads the number at `at`. @return false if `at` is NULL, or the number is not a whole one of 32 bits */
static bool number(const uint8_t* at, const uint8_t* end, uint32_t* value) {
  uint64_t sum = 0;
  if (!at || at == end || *at < '0' || *at > '9') return false;
  for (; at < end && *at >= '0' && *at <= '9' && sum <= UINT32_MAX; at++) sum = 10 * sum + (uint64_t)(*at - '0');
  *value = (uint32_t)sum;
  return sum <= UINT32_MAX && at < end && (*at == ',' || *at == '}');
}
static bool number_after(const struct reader* r, const char* words, uint32_t* value) { return number(after(r, words), r->end, value); }

int runlet_golden_read(struct runlet_golden* golden, const uint8_t* file, uint32_t bytes) {
  struct module m;
  static const struct runlet_golden none;
  *golden = none;
  int code = read_sections(&m, file, bytes);
  if (code != RUNLET_OK) return code;
  struct reader r = {field(&m.manifest, "\"golden\":{"), m.manifest.end, false};
  const uint8_t* end = after(&r, "}");
  if (!end) return RUNLET_GOLDEN;
  r.end = end;
  const uint8_t* text = after(&r, "\"digest\":\"");
  struct runlet_golden found = none;
  bool good = text && end - text >= 64 && number_after(&r, "\"seed\":", &found.seed) && number_after(&r, "\"hops\":", &found.hops);
  good = good && number_after(&r, "\"outputs\":", &found.outputs) && found.seed && found.outputs && found.hops <= RUNLET_GOLDEN_HOPS;
  for (int i = 0; good && i < 64; i++) {
    uint8_t digit = hex(text[i]);
    good = digit < 16;
    found.digest[i / 2] = (uint8_t)(found.digest[i / 2] << 4 | digit);
  }
  if (!good) return RUNLET_GOLDEN;
  *golden = found;
  return RUNLET_OK;
}

bool runlet_sequence_read(uint32_t* sequence, const uint8_t* file, uint32_t bytes) {
  struct module m;
  return read_sections(&m, file, bytes) == RUNLET_OK && number(field(&m.manifest, "\"sequence\":"), m.manifest.end, sequence);
}

bool runlet_may_sleep(const uint8_t* file, uint32_t bytes) {
  struct module m;
  return read_sections(&m, file, bytes) == RUNLET_OK && m.manifest.at && !field(&m.manifest, "\"carriesState\":true");
}

/* ---- signature ---- */

enum { ED25519 = 1, DIGEST = 32, SIGNATURE = 64, MAX_SETS = 4, MAX_HASHES = 4, MAX_SIGNATURES = 8 };
/** The domain "wasmsig", then version 1, content type 1 (a module), hash function 1 (SHA-256). */
static const uint8_t domain[10] = {'w', 'a', 's', 'm', 's', 'i', 'g', 1, 1, 1};

/** Checks whether the set has a trusted key's signature of the message. Reads all of it, to find faults. */
static bool any_signature(struct reader* set, const uint8_t* message, size_t bytes, const struct runlet_trust* trust) {
  bool found = false;
  uint32_t count = u32(set);
  if (count > MAX_SIGNATURES) set->bad = true;
  for (uint32_t i = 0; i < count && !set->bad; i++) {
    struct reader one = counted(set);
    counted(&one); /* skips the key's id, which is a hint; all keys are tried */
    uint8_t algorithm = byte(&one);
    struct reader signature = counted(&one);
    set->bad |= one.bad;
    bool known = !set->bad && algorithm == ED25519 && left(&signature) == SIGNATURE;
    for (uint32_t k = 0; known && !found && k < trust->key_count; k++)
      found = trust->verify(trust->context, trust->keys[k], message, bytes, signature.at);
  }
  return found;
}

/** Checks that a trusted key has signed all bytes after the section `signature`. */
static int check_signature(const struct module* m, const struct runlet_trust* trust) {
  if (!trust || !trust->verify) return RUNLET_OK;
  struct reader r = m->signature;
  if (!trust->sha256 || (!trust->keys && trust->key_count)) return RUNLET_USE;
  if (!r.at || left(&r) < 4 || memcmp(r.at, domain + 7, 3)) return RUNLET_UNSIGNED;
  r.at += 3;
  uint8_t digest[DIGEST], message[sizeof domain + MAX_HASHES * DIGEST];
  if (!trust->sha256(trust->context, m->signed_from, (size_t)(m->end - m->signed_from), digest)) return RUNLET_SIGNATURE;
  memcpy(message, domain, sizeof domain);
  bool found = false;
  uint32_t sets = u32(&r);
  if (sets < 1 || sets > MAX_SETS) return RUNLET_UNSIGNED;
  for (uint32_t i = 0; i < sets && !r.bad; i++) {
    struct reader set = counted(&r);
    uint32_t hashes = u32(&set);
    if (hashes > MAX_HASHES) continue; /* wasmsign2 allows hashes of parts of a module; Runlet has none */
    struct reader listed = part(&set, hashes * DIGEST);
    bool whole = false;
    for (uint32_t h = 0; !set.bad && h < hashes; h++) whole |= !memcmp(listed.at + h * DIGEST, digest, DIGEST);
    if (whole) {
      memcpy(message + sizeof domain, listed.at, hashes * DIGEST);
      found |= any_signature(&set, message, sizeof domain + hashes * DIGEST, trust);
    }
    r.bad |= set.bad;
  }
  if (r.bad || r.at != r.end) return RUNLET_UNSIGNED;
  return found ? RUNLET_OK : RUNLET_SIGNATURE;
}

int runlet_check(const uint8_t* file, uint32_t bytes, const void* weights, uint32_t weight_bytes, const struct runlet_limits* limits,
                 const struct runlet_trust* trust) {
  static const uint8_t magic[8] = {0, 'a', 's', 'm', 1, 0, 0, 0};
  static const struct runlet_limits none;
  const struct runlet_limits* l = limits ? limits : &none;
  if (!file || !weights != !weight_bytes) return RUNLET_USE;
  if (bytes < sizeof magic || memcmp(file, magic, sizeof magic)) return RUNLET_NOT_WASM;
  if (l->file_bytes && bytes > l->file_bytes) return RUNLET_FILE_LIMIT;
  struct module m;
  uint32_t globals[REQUIRED] = {0};
  int code = read_sections(&m, file, bytes);
  if (code == RUNLET_OK) code = check_signature(&m, trust);
  if (code == RUNLET_OK) code = check_import(&m);
  if (code == RUNLET_OK && m.sections[START].at) code = RUNLET_START;
  if (code == RUNLET_OK) code = check_exports(&m, globals);
  if (code == RUNLET_OK) code = check_memory(&m, globals, l->memory_bytes);
  bool simd = field(&m.manifest, "\"target\":\"simd\""), relaxed = field(&m.manifest, "\"target\":\"relaxed\"");
  if (code == RUNLET_OK && (relaxed || (simd && !l->simd))) code = RUNLET_FEATURE;
  return code == RUNLET_OK ? check_weights(&m, weights, weight_bytes, trust) : code;
}
