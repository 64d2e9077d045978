/**
 * Sums of products of weights and values. The float and the integer model spend most of their time here.
 *
 * In: real or int8 weights `[o][row]`, values, their zero point.  Out: sums in doubles, which are exact for
 * integers below 2^53. The kernel is assembly/host/products.ts.
 */
import type { Shape } from './graph/types.ts';
import { eachPlace, forEachTap, type SlidingGeometry } from './ops/sliding.ts';
import { productsKernel } from './products-kernel.ts';

type Values = Float32Array | Int8Array | Int16Array;

interface Kernel {
  memory: WebAssembly.Memory;
  products(weights: number, row: number, outputs: number, x: number, y: number): void;
}

let made: Kernel | undefined;
function kernelHere(): Kernel {
  made ??= new WebAssembly.Instance(new WebAssembly.Module(productsKernel)).exports as unknown as Kernel;
  return made;
}

/** Addresses of cached weights in the kernel's memory, which is free from `top` on. */
let kept = new WeakMap<Values, number>();
let top = 0;
/** Capacity of the cache: 2^26 bytes of doubles, or one larger layer. A choice. */
const maxKeptBytes = 2 ** 26;

/** Returns a view of `count` doubles at an address of the kernel's memory, which grows if needed. */
function doublesAt(address: number, count: number): Float64Array {
  const { memory } = kernelHere();
  const missing = address + 8 * count - memory.buffer.byteLength;
  if (missing > 0) memory.grow(Math.ceil(missing / 2 ** 16));
  return new Float64Array(memory.buffer, address, count);
}

const even = (n: number): number => n + (n % 2);

/** Writes the weights of outputs [from, from + outputs) in the kernel's order: 8 or 2 outputs interleaved. */
function interleave(into: Float64Array, weights: Values, from: number, outputs: number, row: number): void {
  let at = 0;
  for (let o = 0; o < outputs; ) {
    const beside = outputs - o >= 8 ? 8 : 2;
    for (let i = 0; i < row; i++)
      for (let k = 0; k < beside; k++) into[at++] = o + k < outputs ? (weights[(from + o + k) * row + i] as number) : 0;
    o += beside;
  }
}

/** Returns the address of a layer's weights, group after group. Writes them first if they are not cached. */
function keep(weights: Values, groups: number, perGroup: number, row: number): number {
  const found = kept.get(weights);
  if (found !== undefined) return found;
  const each = even(perGroup) * row;
  if (top + 8 * groups * each > maxKeptBytes) [kept, top] = [new WeakMap(), 0];
  const address = top;
  const into = doublesAt(address, groups * each);
  for (let g = 0; g < groups; g++) interleave(into.subarray(g * each, (g + 1) * each), weights, g * perGroup, perGroup, row);
  kept.set(weights, address);
  top += 8 * into.length;
  return address;
}

/**
 * Loads a layer into the kernel. `values` is the buffer for its inputs, [group][row]. `sum()` computes the
 * sums, [o], which are valid until the next call.
 */
function loaded(weights: Values, bias: ArrayLike<number>, groups: number): { values: Float64Array; sum(): Float64Array } {
  const outputs = bias.length;
  const perGroup = outputs / groups;
  const row = weights.length / outputs;
  const kernel = kernelHere();
  const w = keep(weights, groups, perGroup, row);
  // a group of odd size writes one extra sum, also behind the last group
  const values = doublesAt(top, groups * row + outputs + (perGroup % 2));
  const y = top + 8 * groups * row;
  const sums = values.subarray(groups * row, groups * row + outputs);
  return {
    values,
    sum() {
      // the next group overwrites the extra sum of a group of odd size
      for (let g = 0; g < groups; g++)
        kernel.products(w + 8 * g * even(perGroup) * row, row, perGroup, top + 8 * g * row, y + 8 * g * perGroup);
      for (let o = 0; o < outputs; o++) sums[o] = (sums[o] as number) + (bias[o] as number);
      return sums;
    },
  };
}

/** Returns `bias[o] + sum of weights[o][i] * (x[i] - zero)`, [o]. The array is valid until the next call. */
export function products(weights: Values, bias: ArrayLike<number>, x: Values, zero = 0): Float64Array {
  const { values, sum } = loaded(weights, bias, 1);
  for (let i = 0; i < x.length; i++) values[i] = (x[i] as number) - zero;
  return sum();
}

/**
 * Calls `visit(sums, at)` for every output place of a convolution: `sums` has one value per output channel,
 * `at` is the element index of channel 0. Weights are `[o][kt][kf][input of the group]`; padding adds
 * nothing.
 */
export function eachConvolved(
  { data, shape }: { data: Values; shape: Shape },
  layer: { geometry: SlidingGeometry; groups: number; weights: Values; bias: ArrayLike<number>; zero?: number },
  out: Shape,
  visit: (sums: Float64Array, at: number) => void,
): void {
  const { geometry, groups, zero = 0 } = layer;
  const inner = shape.c / groups;
  const row = geometry.kernelT * geometry.kernelF * inner;
  const { values, sum } = loaded(layer.weights, layer.bias, groups);
  eachPlace(out, (t, f, at) => {
    values.fill(0, 0, groups * row);
    forEachTap(shape, geometry, t, f, (offset, kt, kf) => {
      const tap = (kt * geometry.kernelF + kf) * inner;
      for (let g = 0, from = offset; g < groups; g++)
        for (let to = g * row + tap, end = to + inner; to < end; to++, from++) values[to] = (data[from] as number) - zero;
    });
    visit(sum(), at);
  });
}
