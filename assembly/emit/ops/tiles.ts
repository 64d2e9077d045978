/**
 * Weights in the layout of a target's kernels, with what their sums start from. Holds no operator.
 *
 * In: MacParams and where each weight stands.  Out: bytes of the region `weights`, tables.  The layouts are those of assembly/kernels/conv-native.ts,
 * conv-interp.ts and mac-simd.ts; outputs and taps that fill up a tile are 0.
 */
import { exponentOf, isOnce, ONCE } from '../../../quant/fixed-point.ts';
import type { MacParams } from '../../../quant/ops/op.ts';
import { FEW_TAPS } from '../kernels.ts';
import type { Target } from '../target.ts';
import { scaleTable } from './requantise-interp.ts';
import { mayRequantise } from './requantise-simd.ts';

/** weights[at(o, tap)] multiplies tap `tap` for output o, -1 stands for 0; outputs of different groups share no tile. */
export interface TileShape {
  groups: number;
  outputs: number;
  taps: number;
  at(o: number, tap: number): number;
}

/** Outputs of a tile. */
export const tileOutputs: Record<Target, number> = { native: 4, interp: 6, simd: 8 };

/** Sums past a layer's last output that a block of channels or a tile may write. */
const pastEnd: Record<Target, number> = { native: 5, interp: 7, simd: 0 };
/** Bytes of the sums of a place, and of what fills up its last tile. */
export const sumBytes = (outputs: number, target: Target): number => 4 * (outputs + pastEnd[target]);

/** Where the weight of output o of a tile and tap i stands in the tile. */
const place: Record<Target, (o: number, i: number) => number> = {
  native: (o, i) => 4 * i + o,
  // bits 21 and 42 are no byte borders: handled apart
  interp: (o, i) => 6 * i + o,
  simd: (o, i) => 16 * (i >> 1) + 2 * o + (i & 1),
};

/** 0xff at bits 0, 21 and 42, in two words: kernels read it, for as a constant it takes nine bytes of code each time. */
export const lanes = { low: 0xff + (0xff << 21), high: 0xff << 10 };

/** Six weights as the word of conv-interp.ts. */
function word(weights: Int8Array): bigint {
  let bits = 0n;
  for (let o = 0; o < 6; o++) bits |= BigInt((weights[o] as number) + 128) << BigInt(21 * (o % 3) + (o < 3 ? 0 : 8));
  return bits;
}

/** Outputs that are left after whole tiles and are no tile of their own: one or two of many taps, which would fill it up with zeros. */
export const leftOver = ({ outputs, groups, taps }: TileShape, target: Target): number => {
  const rest = (outputs / groups) % tileOutputs[target];
  return target !== 'simd' && rest <= 2 && taps > FEW_TAPS ? rest : 0;
};

/** Taps as the kernels read them: filled up to whole fours. */
const wholeTaps = (taps: number): number => 4 * Math.ceil(taps / 4);

/** One tile: outputs first, first + 1, ... of `group`, as many as there are. */
function tile(weights: Int8Array, shape: TileShape, target: Target, group: number, first: number): Int8Array {
  const { taps, at } = shape;
  const perGroup = shape.outputs / shape.groups;
  const width = tileOutputs[target];
  const plain = new Int8Array(width * wholeTaps(taps));
  for (let o = 0; o < Math.min(width, perGroup - first); o++)
    for (let i = 0; i < taps; i++) plain[place[target](o, i)] = weights[at(group * perGroup + first + o, i)] ?? 0;
  if (target !== 'interp') return plain;
  const words = new BigInt64Array(wholeTaps(taps));
  for (let i = 0; i < taps; i++) words[i] = word(plain.subarray(6 * i, 6 * i + 6));
  return new Int8Array(words.buffer);
}

/** int8 weights in tiles, those of a group after those of another; before each tile its `starts`, where there are some: what its sums start from. */
export function tiles(weights: Int8Array, shape: TileShape, target: Target, starts?: Int32Array): Int8Array {
  const { groups, taps, at } = shape;
  const perGroup = shape.outputs / groups;
  const tiled = perGroup - leftOver(shape, target);
  const width = tileOutputs[target];
  const parts: Int8Array[] = [];
  for (let group = 0; group < groups; group++) {
    for (let first = 0; first < tiled; first += width) {
      if (starts) parts.push(startBytes(starts, group * perGroup + first, width));
      parts.push(tile(weights, shape, target, group, first));
    }
    for (let o = group * perGroup + tiled; o < (group + 1) * perGroup; o++) {
      if (starts) parts.push(startBytes(starts, o, 1));
      parts.push(Int8Array.from({ length: wholeTaps(taps) }, (_, i) => (i < taps ? (weights[at(o, i)] as number) : 0)));
    }
  }
  return joined(parts);
}

/** depthwise: blocks of four channels, the last one filled up with zeros; each is i32 [4], what sums start from, then weights s8 [taps][4]. */
export function channelBlocks(weights: Int8Array, { outputs, taps, at }: TileShape, starts: Int32Array): Int8Array {
  const parts: Int8Array[] = [];
  for (let first = 0; first < outputs; first += 4) {
    const weight = (o: number, i: number) => (o < outputs ? (weights[at(o, i)] as number) : 0);
    parts.push(startBytes(starts, first, 4));
    parts.push(Int8Array.from({ length: 4 * taps }, (_, k) => weight(first + (k % 4), k >> 2)));
  }
  return joined(parts);
}

/** Starts of `count` outputs, little-endian; 0 past the last. */
function startBytes(starts: Int32Array, first: number, count: number): Int8Array {
  const view = new DataView(new ArrayBuffer(4 * count));
  for (let o = 0; o < count; o++) view.setInt32(4 * o, starts[first + o] ?? 0, true);
  return new Int8Array(view.buffer);
}

function joined(parts: Int8Array[]): Int8Array {
  const out = new Int8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let end = 0;
  for (const part of parts) {
    out.set(part, end);
    end += part.length;
  }
  return out;
}

/** Weights of conv-place-simd.ts: [outputs / 8][taps / 2][4][2][2], the lower one of a word with 128 added. */
export function placeTiles(weights: Int8Array, { outputs, taps, at }: TileShape): Int8Array {
  const whole = 8 * Math.ceil(taps / 8);
  const out = new Int8Array(8 * whole * Math.ceil(outputs / 8));
  for (let place = 0; place < out.length; place++) {
    const upper = place & 1;
    const [tile, inside] = [Math.floor(place / (8 * whole)), place % (8 * whole)];
    const o = 8 * tile + 4 * upper + ((inside >> 2) & 3);
    const tap = 2 * (inside >> 4) + ((inside >> 1) & 1);
    const weight = o < outputs && tap < taps ? (weights[at(o, tap)] as number) : 0;
    out[place] = upper ? weight : weight + 128;
  }
  return out;
}

/** Weights of depthwise-row-simd.ts: s16 [outputs / 16][taps / 2][16][2]. */
export function zippedTiles(weights: Int8Array, { outputs, taps, at }: TileShape): Int8Array {
  const out = new Int16Array(16 * taps * Math.ceil(outputs / 16));
  for (let place = 0; place < out.length; place++) {
    const o = 16 * Math.floor(place / (16 * taps)) + ((place >> 1) & 15);
    const tap = 2 * Math.floor((place % (16 * taps)) / 32) + (place & 1);
    const from = o < outputs ? at(o, tap) : -1;
    out[place] = from < 0 ? 0 : (weights[from] as number);
  }
  return new Int8Array(out.buffer);
}

/** simd, depthwise: tiles whose weights are int16, which need not be widened where they are used. */
export const wideTiles = (weights: Int8Array, shape: TileShape): Int8Array =>
  new Int8Array(Int16Array.from(tiles(weights, shape, 'simd')).buffer);

/** bias - zero * sum of weights of output o: what a sum over unchanged inputs starts from. */
function foldedBiasOf(p: MacParams, shape: TileShape, o: number): number {
  let sum = 0;
  for (let i = 0; i < shape.taps; i++) sum += p.weights[shape.at(o, i)] ?? 0;
  return (p.bias[o] as number) - p.xZero * sum;
}

/** native: what the sums of tiles start from. interp has it in what it requantises by, simd in its tables. */
export const startsOf = (p: MacParams, shape: TileShape, target: Target): Int32Array | undefined =>
  target === 'native' ? foldedBias(p, shape) : undefined;

/** Of all outputs, modulo 2^32. */
export const foldedBias = (p: MacParams, shape: TileShape): Int32Array => p.bias.map((_, o) => foldedBiasOf(p, shape, o) | 0);

/** interp: what its kernels requantise by, nothing where they cannot. */
export const scales = (p: MacParams, shape: TileShape): Int32Array | undefined =>
  scaleTable(
    p,
    (o) => largestSum(p, shape, o),
    (o) => foldedBiasOf(p, shape, o),
  );

/** The largest |sum + bias| of output o: an input less its zero point has at most 8 bits and a sign. */
export function largestSum(p: MacParams, shape: TileShape, o: number): number {
  let bound = Math.abs(p.bias[o] as number);
  for (let i = 0; i < shape.taps; i++) bound += 255 * Math.abs(p.weights[shape.at(o, i)] ?? 0);
  return bound;
}

/** Whether kernels/finish.ts, finish-interp.ts or mac-simd.ts may requantise this layer: sums below 2^30, and every shift a right one. */
export function isSmall(p: MacParams, shape: TileShape, target: Target): boolean {
  const largest = (o: number) => largestSum(p, shape, o);
  if (target === 'simd') return mayRequantise(p, largest);
  if (target === 'interp') return scales(p, shape) !== undefined;
  return p.shift.every((shift, o) => exponentOf(shift) <= -1 && exponentOf(shift) >= -31 && largest(o) < 2 ** 30);
}

/** SHIFT of kernels/finish.ts. */
export const nativeShift = (shift: number): number => -1 - exponentOf(shift) + (isOnce(shift) ? ONCE : 0);

/** Doubled, modulo 2^32. */
export const doubled = (values: Int32Array): Int32Array => values.map((v) => v << 1);
