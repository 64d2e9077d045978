/**
 * Rows between rows, by straight lines: what all formats call linear or bilinear interpolation.
 *
 * In: a float tensor, how many rows each becomes.  Out: the tensor [t * by.t][f * by.f][c], of operators
 * that there are: rows repeated, the outermost ones beyond both ends, and a mean of neighbours.
 * Formula: row i lies at (i + 1/2) / k - 1/2 among the given ones, and no further than the outermost. Of
 * rows that stand there k times it is the mean of k around it; where k is even that of k + 1, of which the
 * outer two count half.
 * Source: ONNX Resize-19 (linear, half_pixel), TensorFlow Lite RESIZE_BILINEAR with half_pixel_centers,
 * Keras UpSampling2D.
 */
import { RunletError } from '../error.ts';
import { kernelOfOne, noClamp, type Shape } from '../graph/types.ts';
import type { AddNode } from './recurrent.ts';

/** Values of one tensor. */
const mostElements = 2 ** 24;

/** Weights of neighbours, their number odd. */
function meanOf(k: number): number[] {
  if (k % 2 === 1) return new Array(k).fill(1 / k);
  return Array.from({ length: k + 1 }, (_, i) => (i === 0 || i === k ? 1 / 2 : 1) / k);
}

/** Feature rows with the first and the last one `more` times again. */
function edgesOfFeatures(add: AddNode, tensor: number, f: number, more: number, name: string): number {
  const edge = (from: number, what: string) => {
    const row = add('slice', [tensor], { axis: 'f', from, to: from + 1 }, `${name}/${what}`);
    return more === 1 ? row : add('upsample', [row], { t: 1, f: more, between: 'repeat' }, `${name}/${what}s`);
  };
  return add('concat', [edge(0, 'first'), tensor, edge(f - 1, 'last')], { axis: 'f' }, `${name}/edges`);
}

/** @throws RN102 where the result is too large */
export function rowsBetween(
  add: AddNode,
  { tensor, shape: { t, f, c } }: { tensor: number; shape: Shape },
  by: { t: number; f: number },
  name: string,
): number {
  if (t * by.t * f * by.f * c > mostElements)
    throw new RunletError('RN102', {
      what: `interpolation gives more than ${mostElements} values`,
      where: name,
      tryThis: 'a shorter window',
    });
  const [alongT, alongF] = [meanOf(by.t), meanOf(by.f)];
  const [beyondT, beyondF] = [(alongT.length - 1) / 2, (alongF.length - 1) / 2];
  let rows = add('upsample', [tensor], { ...by, between: 'repeat' }, `${name}/rows`);
  if (beyondT > 0) rows = add('history', [rows], { before: beyondT, after: beyondT, own: 'edge' }, `${name}/ends`);
  if (beyondF > 0) rows = edgesOfFeatures(add, rows, f * by.f, beyondF, name);
  const taps = alongT.flatMap((a) => alongF.map((b) => a * b));
  const data = Float32Array.from({ length: taps.length * c }, (_, i) => taps[Math.floor(i / c)] as number);
  const geometry = { ...kernelOfOne, kernelT: alongT.length, kernelF: alongF.length };
  return add('depthwise', [rows], { ...geometry, multiplier: 1, weights: { data }, bias: null, clamp: noClamp }, name);
}
