/**
 * Replaces the dot product of relaxed SIMD by plain SIMD128. Any engine runs such a module, with the
 * semantics that a test selects.
 *
 * In: a module.  Out: the module with each such instruction as a call.  Source: WebAssembly 3.0: a byte of
 * the second operand above 127 is read as unsigned or as signed. Products are added exactly, or in pairs of
 * 16 bits that saturate or wrap.
 */
import { createHash } from 'node:crypto';
import binaryen from 'binaryen';
import { moduleOf, type Section, sectionsOf } from '../../assembly/emit/patch.ts';

const instruction = 'i32x4.relaxed_dot_i8x16_i7x16_add_s';

/** Ways in which an engine may read the second operand's bytes, and add pairs of products. */
export const readings = ['unsigned', 'signed'] as const;
export const pairings = ['exact', 'saturating', 'wrapping'] as const;
type Reading = (typeof readings)[number];
type Pairing = (typeof pairings)[number];
export type Meaning = `${Reading} ${Pairing}`;
/** Semantics of Node 20 until it has optimised a function: twice the sum. */
export const doubled = 'doubled';

/** All semantics that the specification allows. */
export const meanings = readings.flatMap((reading) => pairings.map((pairing): Meaning => `${reading} ${pairing}`));

/** Text that adds eight sums of two products, held in 16 bits as `pairing` says, in groups of four. */
const sums: Record<Pairing, (low: string, high: string) => string> = {
  exact: (low, high) => `(i32x4.add
    (i8x16.shuffle 0 1 2 3 8 9 10 11 16 17 18 19 24 25 26 27 ${low} ${high})
    (i8x16.shuffle 4 5 6 7 12 13 14 15 20 21 22 23 28 29 30 31 ${low} ${high}))`,
  saturating: (low, high) => `(i32x4.extadd_pairwise_i16x8_s (i16x8.narrow_i32x4_s ${low} ${high}))`,
  wrapping: (low, high) =>
    `(i32x4.extadd_pairwise_i16x8_s (i8x16.shuffle 0 1 4 5 8 9 12 13 16 17 20 21 24 25 28 29 ${low} ${high}))`,
};

function dotText(meaning: Meaning | typeof doubled): string {
  const [reading, pairing] = (meaning === doubled ? 'unsigned exact' : meaning).split(' ') as [Reading, Pairing];
  const end = reading === 'signed' ? 's' : 'u';
  const half = (which: 'low' | 'high') =>
    `(i32x4.dot_i16x8_s (i16x8.extend_${which}_i8x16_s (local.get $a)) (i16x8.extend_${which}_i8x16_${end} (local.get $b)))`;
  const sum = sums[pairing](half('low'), half('high'));
  return `(func $relaxed_dot (param $a v128) (param $b v128) (param $c v128) (result v128)
    (i32x4.add (local.get $c) ${meaning === doubled ? `(i32x4.shl ${sum} (i32.const 1))` : sum}))`;
}

const [custom, data] = [0, 11];

const known = new Map<string, Section[]>();

/** Returns the code with the instruction replaced, from a cache: interpreters of tables share their code. */
function replaced(code: Uint8Array, meaning: Meaning | typeof doubled): Section[] {
  const key = `${meaning} ${createHash('sha256').update(code).digest('hex')}`;
  const found = known.get(key);
  if (found) return found;
  const before = binaryen.readBinary(code);
  before.setFeatures(binaryen.Features.All);
  const text = before.emitText().replaceAll(`(${instruction}`, '(call $relaxed_dot');
  before.dispose();
  const after = binaryen.parseText(`${text.slice(0, text.lastIndexOf(')'))}${dotText(meaning)})`);
  after.setFeatures(binaryen.Features.SIMD128 | binaryen.Features.MutableGlobals | binaryen.Features.SignExt);
  const sections = sectionsOf(after.emitBinary());
  after.dispose();
  if (known.size === 32) known.clear();
  known.set(key, sections);
  return sections;
}

/** Returns the module with this semantics, including its data and custom sections. */
export function withMeaning(wasm: Uint8Array, meaning: Meaning | typeof doubled): Uint8Array<ArrayBuffer> {
  const sections = sectionsOf(wasm);
  const kept = sections.filter(({ id }) => id === custom || id === data);
  const code = moduleOf(sections.filter((section) => !kept.includes(section)));
  return Uint8Array.from(moduleOf([...replaced(code, meaning), ...kept]));
}

/** Returns the module for a test: target relaxed with one of the exact semantics, other targets unchanged. */
export function runnable(wasm: Uint8Array): Uint8Array {
  // tests also run modules with an invalid manifest
  const isRelaxed = sectionsOf(wasm).some(({ id, body }) => id === custom && Buffer.from(body).includes('"target":"relaxed"'));
  if (!isRelaxed) return wasm;
  return withMeaning(wasm, wasm.length % 2 === 0 ? 'unsigned exact' : 'signed exact');
}
