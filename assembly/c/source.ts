/**
 * The C source of a model: constants, memory, the kernels and the program.
 *
 * In: functions with their regions, placed constants.  Out: the text of NAME.c, C99 without a library.
 * docs/bare-metal.md explains the layout of memory and the names.
 */
import { sectionNames } from '../emit/instruction.ts';
import { FunctionPrinter } from './function.ts';
import type { Ir } from './ir.ts';
import { movedWord, movesInC } from './moves.ts';
import { flashBase, type Placed, ramBase } from './place.ts';
import { type Instance, Regions } from './regions.ts';

/** Bytes of padding: kernels read up to three bytes past a layer's input or weights, without effect. */
const readPast = 4;

const helpers: Record<string, string> = {
  L8S: '#define L8S(at) ((uint32_t)*(const int8_t *)(at))',
  L8U: '#define L8U(at) ((uint32_t)*(const uint8_t *)(at))',
  L16S: '#define L16S(at) ((uint32_t)(int32_t)*(const signed16 *)(const void *)(at))',
  L16U: '#define L16U(at) ((uint32_t)*(const word16 *)(const void *)(at))',
  L32: '#define L32(at) (*(const word32 *)(const void *)(at))',
  S8: '#define S8(at, value) (*(uint8_t *)(at) = (uint8_t)(value))',
  S16: '#define S16(at, value) (*(word16 *)(void *)(at) = (uint16_t)(value))',
  S32: '#define S32(at, value) (*(word32 *)(void *)(at) = (value))',
  L64: `static inline uint64_t L64(const uint8_t *at) { return L32(at) | (uint64_t)L32(at + 4) << 32; }`,
  S64: `static inline void S64(uint8_t *at, uint64_t value) {
  S32(at, (uint32_t)value);
  S32(at + 4, (uint32_t)(value >> 32));
}`,
  L64U: `static inline uint64_t L64U(const uint8_t *at) {
  uint64_t value = 0;
  for (int i = 7; i >= 0; i--) value = value << 8 | at[i];
  return value;
}`,
  S64U: `static inline void S64U(uint8_t *at, uint64_t value) {
  for (int i = 0; i < 8; i++) at[i] = (uint8_t)(value >> 8 * i);
}`,
  trailing_zeros: `static inline uint32_t trailing_zeros(uint32_t x) {
  uint32_t n = 0;
  if (x == 0) return 32;
  for (; (x & 1) == 0; x >>= 1) n++;
  return n;
}`,
  leading_zeros: `static inline uint32_t leading_zeros(uint32_t x) {
  uint32_t n = 32;
  for (uint32_t half = 16; half > 0; half >>= 1)
    if (x >> half != 0) x >>= half, n -= half;
  return n - (x != 0);
}`,
  leading_zeros64: `static inline uint64_t leading_zeros64(uint64_t x) {
  const uint32_t high = (uint32_t)(x >> 32);
  return high != 0 ? leading_zeros(high) : 32 + leading_zeros((uint32_t)x);
}`,
};

/** Prints bytes as words of C, eight per line. */
function words(data: Uint8Array): string[] {
  const all = [...new Uint32Array(data.buffer, data.byteOffset, data.length >> 2)].map(
    (w) => `0x${w.toString(16).padStart(8, '0')}`,
  );
  return Array.from({ length: Math.ceil(all.length / 8) }, (_, i) => `  ${all.slice(8 * i, 8 * i + 8).join(', ')},`);
}

/** Returns the constants, with addresses relative to the start of their array. */
function constants({ flash, pointers }: Placed): Uint8Array {
  const out = new Uint8Array(flash.length + readPast);
  out.set(flash);
  const view = new DataView(out.buffer);
  for (const [word, region] of pointers)
    view.setUint32(4 * word, view.getUint32(4 * word, true) - (region === 'flash' ? flashBase : ramBase), true);
  return out;
}

/** Returns the helpers that a text uses, and those that they use, in order. */
function helpersOf(text: string): [name: string, lines: string][] {
  const uses = (lines: string, name: string) => new RegExp(`\\b${name}\\(`).test(lines);
  const all = Object.entries(helpers);
  const used = all.filter(([name]) => uses(text, name));
  return all.filter(([name]) => used.some(([other, lines]) => other === name || uses(lines, name)));
}

/** Returns a description of the layer, by the address of its parameter block. */
function remarksOf({ program }: Placed): Map<number, string> {
  const found = new Map<number, string>();
  for (const name of sectionNames) {
    let text = '';
    for (const i of program[name])
      if (i.do === 'remark') text = i.text;
      else if (i.do === 'call' && !found.has(i.block)) found.set(i.block, text);
  }
  return found;
}

export interface CSource {
  text: string;
  flashBytes: number;
  ramBytes: number;
}

/** Prints the source. `head`: lines before the first one. `name`: the name of the model in C. */
export function cSource(ir: Ir, placed: Placed, name: string, head: string[], doors: string[]): CSource {
  const regions = new Regions(ir, placed);
  const instances = [...regions.instances.values()];
  const remarks = remarksOf(placed);
  const printers = new Map<Instance, FunctionPrinter>();
  for (const of of instances) if (of.fn.body) printers.set(of, new FunctionPrinter(of, regions, remarks));
  const bodies = [...printers.values()].flatMap((printer) => ['', ...printer.print()]);
  const moves = Object.entries(movesInC).filter(([fn]) => instances.some((of) => of.name === fn));
  const code = [...moves.map(([, text]) => text), ...bodies].join('\n');
  const needed = helpersOf(code);
  const data = constants(placed);
  const ramBytes = placed.memory.end - ramBase + readPast;
  const macro = name.toUpperCase();
  const text = [
    ...head,
    `#include "${name}.h"`,
    '#include <stddef.h>',
    '',
    '/* Where the model lies: attributes of a section, such as -DRUNLET_FLASH=\'__attribute__((section(".model")))\'. */',
    ...['FLASH', 'RAM', 'CODE'].flatMap((place) => [`#ifndef RUNLET_${place}`, `#define RUNLET_${place}`, '#endif']),
    '',
    '#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__',
    '#error "weights and memory are little-endian"',
    '#endif',
    '#if defined(__GNUC__)',
    'typedef uint32_t __attribute__((__may_alias__)) word32;',
    ...(needed.some(([m]) => /16/.test(m))
      ? ['typedef uint16_t __attribute__((__may_alias__)) word16;', 'typedef int16_t __attribute__((__may_alias__)) signed16;']
      : []),
    '#else /* a compiler that keeps to declared types: switch that off (such as -fno-strict-aliasing) */',
    'typedef uint32_t word32;',
    ...(needed.some(([m]) => /16/.test(m)) ? ['typedef uint16_t word16;', 'typedef int16_t signed16;'] : []),
    '#endif',
    '#if defined(__clang__)',
    '#define NO_CALLS __attribute__((noinline, no_builtin("memcpy", "memmove", "memset")))',
    '#elif defined(__GNUC__)',
    '#define NO_CALLS __attribute__((optimize("no-tree-loop-distribute-patterns")))',
    '#else',
    '#define NO_CALLS',
    '#endif',
    ...movedWord,
    ...needed.map(([, line]) => line),
    '',
    '/* Parameter blocks, weights, tables. Addresses in it count from the start of flash_words or ram_words. */',
    `static RUNLET_FLASH const uint32_t flash_words[${data.length / 4}] = {`,
    ...words(data),
    '};',
    '',
    '/* State, frames of a hop, outputs, scratch. */',
    `static RUNLET_RAM uint32_t ram_words[${ramBytes / 4}];`,
    '',
    '#define flash ((const uint8_t *)flash_words)',
    '#define ram ((uint8_t *)ram_words)',
    '',
    ...[...printers.values()].map((printer) => `${printer.signature()};`),
    '',
    code,
    '',
    ...doors,
    '',
  ];
  return { text: text.join('\n').replaceAll('@NAME@', macro), flashBytes: data.length, ramBytes };
}
