/**
 * Weights, bias and multipliers in the layout of a target's kernels. Holds no operator.
 *
 * In: MacParams and where each weight stands.  Out: bytes of the region `weights`, tables.  The layouts are those of assembly/kernels/conv-native.ts,
 * conv-interp.ts and mac-simd.ts; outputs and taps that fill up a tile are 0.
 */
import type { MacParams } from '../../../quant/ops/op.ts';
import type { Target } from '../target.ts';

/** weights[at(o, tap)] multiplies tap `tap` for output o; outputs of different groups share no tile. */
export interface TileShape {
  groups: number;
  outputs: number;
  taps: number;
  at(o: number, tap: number): number;
}

/** Outputs of a tile. */
export const tileOutputs: Record<Target, number> = { native: 4, interp: 6, simd: 8 };

/** Where the weight of output o of a tile and tap i stands in the tile. */
const place: Record<Target, (o: number, i: number) => number> = {
  native: (o, i) => 4 * i + o,
  // bits 21 and 42 are no byte borders: handled apart
  interp: (o, i) => 6 * i + o,
  simd: (o, i) => 16 * (i >> 1) + 2 * o + (i & 1),
};

/** Six weights as the word of conv-interp.ts. */
function word(weights: Int8Array): bigint {
  let bits = 0n;
  for (let o = 0; o < 6; o++) bits |= BigInt((weights[o] as number) + 128) << BigInt(21 * (o % 3) + (o < 3 ? 0 : 8));
  return bits;
}

/** Outputs that are left after whole tiles and are no tile of their own: one or two would fill it up with zeros. */
const leftOver = (perGroup: number, target: Target): number => {
  const rest = perGroup % tileOutputs[target];
  return target !== 'simd' && rest <= 2 ? rest : 0;
};

/** One tile: outputs first, first + 1, ... of `group`, as many as there are. */
function tile(weights: Int8Array, shape: TileShape, target: Target, group: number, first: number): Int8Array {
  const { taps, at } = shape;
  const perGroup = shape.outputs / shape.groups;
  const width = tileOutputs[target];
  const plain = new Int8Array(width * (target === 'simd' ? taps + (taps & 1) : taps));
  for (let o = 0; o < Math.min(width, perGroup - first); o++)
    for (let i = 0; i < taps; i++) plain[place[target](o, i)] = weights[at(group * perGroup + first + o, i)] as number;
  if (target !== 'interp') return plain;
  const words = Array.from({ length: taps }, (_, i) => word(plain.subarray(6 * i, 6 * i + 6)));
  return new Int8Array(BigInt64Array.from(words).buffer);
}

/** int8 weights in tiles, those of a group after those of another. */
export function tiles(weights: Int8Array, shape: TileShape, target: Target): Int8Array {
  const { groups, taps, at } = shape;
  const perGroup = shape.outputs / groups;
  const tiled = perGroup - leftOver(perGroup, target);
  const parts: Int8Array[] = [];
  for (let group = 0; group < groups; group++) {
    for (let first = 0; first < tiled; first += tileOutputs[target]) parts.push(tile(weights, shape, target, group, first));
    for (let o = group * perGroup + tiled; o < (group + 1) * perGroup; o++)
      parts.push(Int8Array.from({ length: taps }, (_, i) => weights[at(o, i)] as number));
  }
  const out = new Int8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let end = 0;
  for (const part of parts) {
    out.set(part, end);
    end += part.length;
  }
  return out;
}

/** bias - zero * sum of weights, modulo 2^32: what a sum over unchanged inputs starts from. */
export function foldedBias(p: MacParams, shape: TileShape): Int32Array {
  return p.bias.map((bias, o) => {
    let sum = 0;
    for (let i = 0; i < shape.taps; i++) sum += p.weights[shape.at(o, i)] as number;
    return (bias - p.xZero * sum) | 0;
  });
}

/** 2^max(shift, 0) and 2^(30 + min(shift, 0)) for mac-simd.ts, or nothing where a shift is below -30. */
export function simdShifts(shift: Int32Array): { left: Int32Array; right: Int32Array } | undefined {
  if (shift.some((s) => s < -30)) return undefined;
  return { left: shift.map((s) => 1 << Math.max(s, 0)), right: shift.map((s) => 2 ** (30 + Math.min(s, 0))) };
}

/** Filled up with zeros to whole eights: kernels read eight values at a time. */
export function inEights(values: Int32Array): Int32Array {
  const out = new Int32Array(8 * Math.ceil(values.length / 8));
  out.set(values);
  return out;
}
