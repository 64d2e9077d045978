/**
 * Sums of products of weights and values: what the float and the integer model spend their time in.
 *
 * In: real or int8 weights `[o][row]`; values less their zero point.  Out: sums in doubles, which are exact
 * for integers below 2^53, made by assembly/host/products.ts.
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

/** Where the kernel's memory keeps weights; from `top` on it is free. */
let kept = new WeakMap<Values, number>();
let top = 0;
/** Weights that are kept at a time: 2^26 bytes of doubles, or one layer. A choice. */
const mostKept = 2 ** 26;

/** `count` doubles at an address of the kernel's memory. */
function doublesAt(address: number, count: number): Float64Array {
  const { memory } = kernelHere();
  const missing = address + 8 * count - memory.buffer.byteLength;
  if (missing > 0) memory.grow(Math.ceil(missing / 2 ** 16));
  return new Float64Array(memory.buffer, address, count);
}

const even = (n: number): number => n + (n % 2);

/** Writes the weights of outputs [from, from + outputs) as the kernel reads them. */
function interleave(into: Float64Array, weights: Values, from: number, outputs: number, row: number): void {
  let at = 0;
  for (let o = 0; o < outputs; ) {
    const beside = outputs - o >= 8 ? 8 : 2;
    for (let i = 0; i < row; i++)
      for (let k = 0; k < beside; k++) into[at++] = o + k < outputs ? (weights[(from + o + k) * row + i] as number) : 0;
    o += beside;
  }
}

/** Address of a layer's weights, group after group. */
function keep(weights: Values, groups: number, perGroup: number, row: number): number {
  const found = kept.get(weights);
  if (found !== undefined) return found;
  const each = even(perGroup) * row;
  if (top + 8 * groups * each > mostKept) [kept, top] = [new WeakMap(), 0];
  const address = top;
  const into = doublesAt(address, groups * each);
  for (let g = 0; g < groups; g++) interleave(into.subarray(g * each, (g + 1) * each), weights, g * perGroup, perGroup, row);
  kept.set(weights, address);
  top += 8 * into.length;
  return address;
}

/**
 * A layer's weights in the kernel, a place for its values `[group][row]`, and its sums, of which each call
 * makes new ones.
 */
function loaded(weights: Values, bias: ArrayLike<number>, groups: number): { values: Float64Array; sum(): Float64Array } {
  const outputs = bias.length;
  const perGroup = outputs / groups;
  const row = weights.length / outputs;
  const kernel = kernelHere();
  const w = keep(weights, groups, perGroup, row);
  // an odd group writes one sum too many, behind the last one too
  const values = doublesAt(top, groups * row + outputs + (perGroup % 2));
  const y = top + 8 * groups * row;
  const sums = values.subarray(groups * row, groups * row + outputs);
  return {
    values,
    sum() {
      // the sum too many of an odd group is that of the next one, which comes after it
      for (let g = 0; g < groups; g++)
        kernel.products(w + 8 * g * even(perGroup) * row, row, perGroup, top + 8 * g * row, y + 8 * g * perGroup);
      for (let o = 0; o < outputs; o++) sums[o] = (sums[o] as number) + (bias[o] as number);
      return sums;
    },
  };
}

/** `bias[o] + sum of weights[o][i] * (x[i] - zero)` for every output, until the next call. */
export function products(weights: Values, bias: ArrayLike<number>, x: Values, zero = 0): Float64Array {
  const { values, sum } = loaded(weights, bias, 1);
  for (let i = 0; i < x.length; i++) values[i] = (x[i] as number) - zero;
  return sum();
}

/**
 * Calls `visit(sums, at)` for every place of a convolution: the sums of its channels, and the element of the
 * first. Weights are `[o][kt][kf][input of the group]`; what lies outside the input adds nothing.
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
