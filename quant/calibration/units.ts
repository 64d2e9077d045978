/**
 * Compares the size of the signal with what the first layers expect. It finds data in a wrong unit, which is
 * off by a factor such as 1000.
 *
 * In: a float plan and calibration data.  Out: for each input the ratio of the signal's size to the expected
 * size, and the source of the latter; no entry if there is no source. The first source that exists is used:
 *     range: metadata `runlet.input_range` (`low,high`) of the file: largest |x| of the signal / of the range
 *     batch-norm: sqrt of the median over outputs of Var(w x) / deviation^2, for first layers that kept the
 *       statistics of batch normalisation
 *     bias: sqrt of the sum of E[(w x)^2] / the sum of b^2 over the outputs of the first layers; only a hint
 * Var(w x) = w^T C w with the covariance C of up to 256 positions.
 */

import { hasWeights, type MacNode, weightChannels } from '../../models/graph/channels.ts';
import { frameOf, type Tensor } from '../../models/graph/types.ts';
import { viewOf } from '../../models/graph/view.ts';
import { maxOf } from '../../models/lists.ts';
import type { StreamPlan } from '../../models/stream/types.ts';
import { addPositions, type Gram, gramsOf } from '../methods/gram.ts';
import { type Calibration, piecesOf } from './signals.ts';

export interface Size {
  /** Size of the signal over the expected size. */
  ratio: number;
  from: 'range' | 'batch-norm' | 'bias';
  input: string;
}

/** Largest number of inputs per output of a layer that is measured. */
const maxInputs = 1024;
/** Largest number of pieces whose positions are measured. */
const maxPieces = 256;

/** Returns w^T C w of every output of a node. @param central true: C has the mean removed */
function powers(node: MacNode, channels: number, grams: readonly Gram[], central: boolean): Float64Array {
  const { outputs, output } = weightChannels(node, channels);
  const { data } = node.attrs.weights;
  const rows: number[][] = Array.from({ length: outputs }, () => []);
  for (const [i, w] of data.entries()) rows[output(i)]?.push(w);
  const perSet = outputs / grams.length;
  const matrices = grams.map((g) => g.covariance(central));
  return Float64Array.from(rows, (w, o) => {
    const c = matrices[Math.floor(o / perSet)] as Float64Array;
    let sum = 0;
    for (const [i, a] of w.entries()) for (const [k, b] of w.entries()) sum += a * b * (c[i * w.length + k] as number);
    return Math.max(0, sum);
  });
}

const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1] as number;

export function sizeOf(plan: StreamPlan, data: Calibration): Size[] {
  const { graph } = plan;
  const pieces = piecesOf(data);
  const few = pieces.slice(0, maxPieces);
  return graph.inputs.flatMap(({ tensor, name }, which): Size[] => {
    const declared = (graph.metadata['runlet.input_range'] ?? '').split(',').map(Number);
    if (declared.length === 2 && declared.every(Number.isFinite)) {
      let reach = 0;
      for (const piece of pieces) for (const v of piece[which] as Float32Array) reach = Math.max(reach, Math.abs(v));
      const expected = maxOf(declared.map(Math.abs));
      if (expected > 0) return [{ ratio: reach / expected, from: 'range', input: name }];
    }
    const { shape } = graph.tensors[tensor] as Tensor;
    const readers = viewOf(graph)
      .readers(tensor)
      .filter(hasWeights)
      .filter((n) => 'kernelT' in n.attrs && weightChannels(n, shape.c).inputs <= maxInputs);
    let [signal, bias] = [0, 0];
    for (const node of readers) {
      const grams = gramsOf(node, shape.c);
      for (const piece of few) {
        const values = piece[which] as Float32Array;
        addPositions(node, grams, values, { ...shape, t: values.length / frameOf(shape) }, 16 * few.length);
      }
      if (!grams.every((g) => g.positions > 0)) continue;
      const { moments, bias: b } = node.attrs;
      if (moments) {
        const variance = powers(node, shape.c, grams, true);
        const shares = [...variance]
          .map((v, o) => v / (moments.deviation[o] as number) ** 2)
          .filter((v) => Number.isFinite(v) && v > 0);
        if (shares.length > 0) return [{ ratio: Math.sqrt(median(shares)), from: 'batch-norm', input: name }];
      }
      for (const p of powers(node, shape.c, grams, false)) signal += p;
      for (const v of b ?? []) bias += v * v;
    }
    return bias > 0 && signal > 0 ? [{ ratio: Math.sqrt(signal / bias), from: 'bias', input: name }] : [];
  });
}
