/**
 * What a segment of code looks like to a compiler: names under which its machine instructions are kept, and
 * features for one that is not known.
 *
 * In: a function and its segments.  Out: per segment a key of its own instructions, a key of it within its
 * function, and counts of classes of instructions. Kernels are the same functions in every module but for
 * constants and what wasm-opt inlined, so a compiler makes the same instructions of them. Locals' numbers and
 * large constants (addresses) are not part of a key. Cost: one pass.
 */
import { type Instruction, op, type WasmFunction } from './wasm/decode.ts';
import type { Segment } from './wasm/segments.ts';

export interface SegmentKeys {
  /**
   * Its place in each loop around it, the widest first, and last its own instructions and how many loops are
   * around it.
   */
  contexts: string[];
  features: Features;
}

/** Of 32 bits unless they say otherwise. */
export const featureNames = [
  'entry', 'head', 'move', 'constant', 'load', 'loadConstant', 'load64', 'store', 'store64', 'add', 'addConstant', 'multiply', 'shift',
  'compare', 'select', 'divide', 'add64', 'multiply64', 'shift64', 'compare64', 'select64', 'divide64', 'convert', 'branch', 'call', 'argument', 'global', 'float', 'bulk',
] as const; // biome-ignore format: a list of words
export type Features = Partial<Record<(typeof featureNames)[number], number>>;

/** Counts of features as digits to the base 36, one each: 35 stands for that many or more. */
export const shapeOf = (counts: readonly number[]): string => counts.map((n) => Math.min(35, n).toString(36)).join('');

/** FNV-1a in two words, of which 46 bits: 9 digits to the base 36. */
function hash(text: string): string {
  let low = 2166136261;
  let high = 0x9747b28c;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    low = Math.imul(low ^ code, 16777619);
    high = Math.imul(high ^ code, 0x5bd1e995) ^ (high >>> 13);
  }
  const bits = (low >>> 0) + 2 ** 32 * ((high >>> 12) & 0x3fff);
  return bits.toString(36).padStart(9, '0');
}

const text = ({ op: code, value }: Instruction): string =>
  code === op.i32Const || code === op.i64Const ? `${code}=${Math.abs(value) < 256 ? value : '?'}` : code.toString();

/**
 * The same for constants that a compiler treats alike: shapes of layers, but for 0, 1, powers of two and
 * whether an instruction can hold it.
 */
function looseText({ op: code, value }: Instruction): string {
  if (code !== op.i32Const && code !== op.i64Const) return code.toString();
  const size = Math.abs(value);
  const power = size > 0 && (size & (size - 1)) === 0;
  return `${code}=${size < 3 ? value : `${power ? 'p' : ''}${value < 0 ? '-' : ''}${size < 128 ? 'b' : size < 2048 ? 'm' : '?'}`}`;
}

function featureOf(code: number, before: number): keyof Features | undefined {
  if (code === op.localSet || code === op.localTee) return 'move';
  if (code === op.i32Const || code === op.i64Const || code === op.f32Const || code === op.f64Const) return 'constant';
  if (code === op.globalGet || code === op.globalSet) return 'global';
  if (code === op.call || code === op.callIndirect) return 'call';
  if (code === op.select) return 'select';
  if (code === op.if || code === op.brIf || code === op.br || code === op.brTable || code === op.return) return 'branch';
  if (code === 0x28 || (code >= 0x2c && code <= 0x2f)) return before === op.i32Const ? 'loadConstant' : 'load';
  if (code === 0x29 || (code >= 0x30 && code <= 0x35)) return 'load64';
  if (code === 0x36 || code === 0x3a || code === 0x3b) return 'store';
  if (code === 0x37 || (code >= 0x3c && code <= 0x3e)) return 'store64';
  if (code >= 0x45 && code <= 0x4f) return 'compare';
  if (code >= 0x50 && code <= 0x5a) return 'compare64';
  if (code === 0x6a || code === 0x6b || (code >= 0x71 && code <= 0x73)) return before === op.i32Const ? 'addConstant' : 'add';
  if (code === 0x6c) return 'multiply';
  if (code >= 0x6d && code <= 0x70) return 'divide';
  if (code >= 0x67 && code <= 0x78) return 'shift';
  if (code === 0x7c || code === 0x7d || (code >= 0x83 && code <= 0x85)) return 'add64';
  if (code === 0x7e) return 'multiply64';
  if (code >= 0x7f && code <= 0x82) return 'divide64';
  if (code >= 0x79 && code <= 0x8a) return 'shift64';
  if (code === 0xa7 || code === 0xac || code === 0xad || (code >= 0xc0 && code <= 0xc4)) return 'convert';
  if (code === 0xfc0a || code === 0xfc0b) return 'bulk';
  if (code >= 0x5b) return 'float';
  return undefined;
}

function featuresOf(code: readonly Instruction[], { from, to }: Segment): Features {
  const found: Features = {};
  const add = (name: keyof Features) => {
    found[name] = (found[name] ?? 0) + 1;
  };
  if (from === 0) add('entry');
  // a compiler tests at a loop's end, so that its head is part of what is before and of its body
  const head = code[from - 1]?.op === op.loop && (code[to - 1]?.op === op.if || code[to - 1]?.op === op.brIf);
  if (head) add('head');
  for (let i = from; i < to; i++) {
    const feature = featureOf((code[i] as Instruction).op, code[i - 1]?.op ?? 0);
    if (feature && !(head && (feature === 'compare' || feature === 'branch'))) add(feature);
  }
  return found;
}

/** Loops as [from, to): from the first instruction inside to behind its `end`. */
function loopsOf(code: readonly Instruction[]): { from: number; to: number }[] {
  const open: { kind: number; from: number }[] = [];
  const loops: { from: number; to: number }[] = [];
  for (const [i, { op: code_ }] of code.entries()) {
    if (code_ >= op.block && code_ <= op.if) open.push({ kind: code_, from: i + 1 });
    else if (code_ === op.end) {
      const block = open.pop();
      if (block?.kind === op.loop) loops.push({ from: block.from, to: i + 1 });
    }
  }
  return loops.sort((a, b) => a.from - b.from);
}

/** A function's key, and its segments'. */
export function functionKeys(
  { code, type }: WasmFunction,
  segments: readonly Segment[],
): { whole: string; segments: SegmentKeys[] } {
  const texts = code.map(text);
  const loose = code.map(looseText);
  const loops = loopsOf(code).map(({ from, to }) => ({
    from,
    to,
    key: hash(texts.slice(from, to).join(' ')),
    loose: hash(loose.slice(from, to).join(' ')),
  }));
  /** Of a loop, in classes: as many values compete for registers. */
  const locals = (loop?: { from: number; to: number }): number => {
    const used = new Set(
      code.slice(loop?.from ?? 0, loop?.to ?? 0).flatMap((i) => (i.op >= op.localGet && i.op <= op.localTee ? [i.value] : [])),
    );
    return Math.round(3 * Math.log2(used.size + 1));
  };
  const alike = hash(`~${type.params.length} ${loose.join(' ')}`);
  return {
    whole: hash(`${type.params.length} ${texts.join(' ')}`),
    segments: segments.map((segment) => {
      const around = loops.filter(({ from, to }) => from <= segment.from && segment.to <= to);
      const mark = segment.first ? 'first ' : '';
      const own = segment.first ? around.at(-1)?.key : texts.slice(segment.from, segment.to).join(' ');
      const pressure = `${around.length} ${locals(around[0])}`;
      const before = segment.first ? undefined : loops.find(({ from }) => from === segment.to);
      return {
        contexts: [
          hash(`${mark}${alike} ${segment.from}`),
          ...around.flatMap(({ from, key, loose }) => [
            `~${hash(`${mark}^${loose} ${segment.from - from} ${pressure}`)}`,
            hash(`${mark}${key} ${segment.from - from}`),
            `~${hash(`${mark}~${loose} ${segment.from - from}`)}`,
          ]),
          // what gcc moves out of a loop stands before it
          ...(before ? [hash(`${segment.depth} ${own} ${before.key}`)] : []),
          hash(`${mark}${segment.depth} ${own}`),
        ],
        features: featuresOf(code, segment),
      };
    }),
  };
}
