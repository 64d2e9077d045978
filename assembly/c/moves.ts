/**
 * Moves and fills of the kernels in C. Instead of assembly/kernels/move.ts the kernels import two functions,
 * and C implements them with words where it can.
 *
 * In: nothing.  Out: AssemblyScript that declares the imports, and their C.  Moves go towards lower
 * addresses, or do not overlap. Cores that cannot load a word from any address use words only if both sides
 * are aligned. Compilers must not turn these loops into calls of a C library.
 */
export const movesKernel = `
// @ts-ignore: decorator
@external("runlet", "move_bytes")
export declare function move_s8(dst: usize, src: usize, bytes: i32): void;
// @ts-ignore: decorator
@external("runlet", "fill_bytes")
export declare function fill_s8(dst: usize, value: i32, bytes: i32): void;
export function gather_s8(dst: usize, src: usize, rows: i32, bytes: i32, pitch: i32): void {
  for (let r: i32 = 0; r < rows; r++) move_s8(dst + r * bytes, src + r * pitch, bytes);
}
`;

/**
 * The word type of moves. It has no alignment if the core can load words from any address. Pairs of words
 * need more: a Cortex-M cannot load a pair from an address that is not a multiple of 4.
 */
export const movedWord = [
  '#if defined(__GNUC__) && defined(__ARM_FEATURE_UNALIGNED)',
  'typedef uint32_t __attribute__((__may_alias__, __aligned__(1))) moved32;',
  '#define ANY_ADDRESS 1',
  '#else',
  'typedef word32 moved32;',
  '#define ANY_ADDRESS 0',
  '#endif',
];

export const movesInC: Record<string, string> = {
  move_bytes: `/* Towards lower addresses, or apart. */
static RUNLET_CODE NO_CALLS void move_bytes(uint8_t *to, const uint8_t *from, uint32_t n) {
  if (ANY_ADDRESS || (((uintptr_t)to | (uintptr_t)from) & 3) == 0) {
    for (; n >= 16; n -= 16, to += 16, from += 16) {
      const moved32 *const source = (const void *)from;
      moved32 *const target = (void *)to;
      const uint32_t a = source[0], b = source[1];
      target[0] = a, target[1] = b;
      const uint32_t c = source[2], d = source[3];
      target[2] = c, target[3] = d;
    }
    for (; n >= 4; n -= 4, to += 4, from += 4) *(moved32 *)(void *)to = *(const moved32 *)(const void *)from;
  }
  for (; n > 0; n--) *to++ = *from++;
}`,
  fill_bytes: `static RUNLET_CODE NO_CALLS void fill_bytes(uint8_t *to, uint32_t value, uint32_t n) {
  const uint32_t word = (value & 255) * 0x01010101u;
  for (; n > 0 && ((uintptr_t)to & 3) != 0; n--) *to++ = (uint8_t)value;
  for (; n >= 4; n -= 4, to += 4) S32(to, word);
  for (; n > 0; n--) *to++ = (uint8_t)value;
}`,
};
