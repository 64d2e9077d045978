/**
 * Linear interpolation between rows, which all formats call linear or bilinear.
 *
 * In: a float tensor, the resizing factors, and where output rows lie.  Out: the tensor [t * by.t][f *
 * by.f][c], from existing operators: repeated rows, copies of the outermost rows beyond the ends, and means
 * of neighbours. Formula: with factor k, row i lies at i / k (`start`) or (i + 1/2) / k - 1/2 (`middle`)
 * among the input rows, never beyond the outermost. With each row repeated k times, it is the mean of the k
 * rows from i on, or around i; for `middle` and even k, of k + 1 rows around i, the outer two at half weight.
 * Source: ONNX Resize-19 (linear; asymmetric, half_pixel), TensorFlow Lite RESIZE_BILINEAR, Keras and
 * TensorFlow.js UpSampling2D.
 */
import { RunletError } from '../error.ts';
import { kernelOfOne, noClamp, type Shape } from '../graph/types.ts';
import type { AddNode } from './recurrent.ts';

/** Largest number of values in one tensor. */
const maxElements = 2 ** 24;

export type Places = 'start' | 'middle';

/** A row as a mean of neighbours: their weights, and how many of them lie before and after it. */
interface Mean {
  weights: number[];
  before: number;
  after: number;
}

function meanOf(k: number, places: Places): Mean {
  const halves = places === 'middle' && k % 2 === 0;
  const weights = Array.from({ length: halves ? k + 1 : k }, (_, i) => (halves && i % k === 0 ? 1 / 2 : 1) / k);
  const before = places === 'middle' ? Math.floor(k / 2) : 0;
  return { weights, before, after: weights.length - 1 - before };
}

/** Adds copies of the first and the last feature row at the ends. */
function edgesOfFeatures(add: AddNode, tensor: number, f: number, { before, after }: Mean, name: string): number {
  const edge = (from: number, more: number, what: string): number[] => {
    if (more === 0) return [];
    const row = add('slice', [tensor], { axis: 'f', from, to: from + 1 }, `${name}/${what}`);
    return [more === 1 ? row : add('upsample', [row], { t: 1, f: more, between: 'repeat' }, `${name}/${what}s`)];
  };
  return add('concat', [...edge(0, before, 'first'), tensor, ...edge(f - 1, after, 'last')], { axis: 'f' }, `${name}/edges`);
}

const tooLarge = (where: string): RunletError =>
  new RunletError('RN102', {
    what: `interpolation gives more than ${maxElements} values`,
    where,
    tryThis: 'a shorter window',
  });

/** Multiplies the numbers of rows by `by`. @throws RN102 if the result is too large */
export function rowsBetween(
  add: AddNode,
  { tensor, shape: { t, f, c } }: { tensor: number; shape: Shape },
  by: { t: number; f: number },
  places: Places,
  name: string,
): number {
  if (t * by.t * f * by.f * c > maxElements) throw tooLarge(name);
  const [alongT, alongF] = [meanOf(by.t, places), meanOf(by.f, places)];
  const { before, after } = alongT;
  let rows = add('upsample', [tensor], { ...by, between: 'repeat' }, `${name}/rows`);
  if (by.t > 1) rows = add('history', [rows], { before, after, own: 'edge' }, `${name}/ends`);
  if (by.f > 1) rows = edgesOfFeatures(add, rows, f * by.f, alongF, name);
  const taps = alongT.weights.flatMap((a) => alongF.weights.map((b) => a * b));
  const data = Float32Array.from({ length: taps.length * c }, (_, i) => taps[Math.floor(i / c)] as number);
  const geometry = { ...kernelOfOne, kernelT: alongT.weights.length, kernelF: alongF.weights.length };
  return add('depthwise', [rows], { ...geometry, multiplier: 1, weights: { data }, bias: null, clamp: noClamp }, name);
}

/** Position of row i of a resized axis among the input rows. */
export type Place = (i: number) => number;

/** Returns [out][length]: for each output row, the interpolation weights of its two neighbours. */
export function linesBetween(length: number, out: number, place: Place): Float32Array {
  const weights = new Float32Array(out * length);
  for (let i = 0; i < out; i++) {
    const at = Math.min(Math.max(place(i), 0), length - 1);
    const below = Math.floor(at);
    const above = Math.min(below + 1, length - 1);
    weights[i * length + below] = 1 - (at - below);
    weights[i * length + above] = (weights[i * length + above] as number) + at - below;
  }
  return weights;
}

/**
 * Resizes time, features or both to any number of rows at any positions. Each axis is moved into the
 * channels, multiplied by a constant matrix and moved back. The result is computed window by window.
 * @throws RN102 if the result or a matrix is too large
 */
export function resized(
  add: AddNode,
  { tensor, shape: { t, f, c } }: { tensor: number; shape: Shape },
  to: { t: number; f: number },
  place: { t: Place; f: Place },
  name: string,
): number {
  if (Math.max(to.t * Math.max(to.f, f) * c, to.t * t, to.f * f) > maxElements) throw tooLarge(name);
  const along = (axis: 't' | 'f', length: number, out: number) => ({
    ...kernelOfOne,
    groups: 1,
    outChannels: out,
    weights: { data: linesBetween(length, out, place[axis]) },
    bias: null,
    clamp: noClamp,
  });
  let x = tensor;
  if (to.t !== t) {
    const turned = add('permute', [x], { order: ['f', 'c', 't'], t: f, f: c }, `${name}/frames`);
    const rows = add('conv', [turned], along('t', t, to.t), `${name}/time`);
    x = add('permute', [rows], { order: ['c', 't', 'f'], t: to.t, f }, `${name}/rows`);
  }
  if (to.f === f) return x;
  const turned = add('permute', [x], { order: ['t', 'c', 'f'], t: to.t, f: c }, `${name}/features`);
  const columns = add('conv', [turned], along('f', f, to.f), `${name}/frequency`);
  return add('permute', [columns], { order: ['t', 'c', 'f'], t: to.t, f: to.f }, `${name}/columns`);
}
