/**
 * Pools that files write as reductions over the values of one frame, or as slices with steps.
 *
 * In: the shape [t][f][c] and the reduced axes.  Out: attributes of the operators that compute the reduction.
 */
import {
  type Axis,
  type ConvAttrs,
  kernelOfOne,
  noClamp,
  type OpAttrs,
  type OpName,
  type PoolAttrs,
  type Shape,
} from '../graph/types.ts';

const pool = (kernelF: number, strideF: number): PoolAttrs => ({
  kernelT: 1,
  kernelF,
  strideT: 1,
  strideF,
  padT: [0, 0],
  padF: [0, 0],
  clamp: noClamp,
});

/** Returns a pool over the feature rows of each frame; with `all` false, a pool that keeps each row. */
export const overFeatures = ({ f }: Shape, all = true): PoolAttrs => pool(all ? f : 1, 1);

/**
 * Returns a pool over channels. `regroup` turns every value into a feature row; the pool then takes the rows
 * of one place, or with `overF` of the whole frame.
 */
export function overChannels({ f, c }: Shape, overF: boolean): { rows: { f: number }; pool: PoolAttrs } {
  const each = overF ? f * c : c;
  return { rows: { f: f * c }, pool: pool(each, each) };
}

/** Returns a pool with a kernel of one place that keeps every `step`th frame or feature row. */
export const steppingPool = (axis: 't' | 'f', step: number): PoolAttrs => ({
  ...pool(1, axis === 'f' ? step : 1),
  strideT: axis === 't' ? step : 1,
});

/** Returns a convolution that computes the mean of the channels of a float tensor. */
export function meanOfChannels({ f, c }: Shape, overF: boolean): ConvAttrs {
  const kernelF = overF ? f : 1;
  const weights = { data: new Float32Array(kernelF * c).fill(1 / (kernelF * c)) };
  return { ...kernelOfOne, kernelF, groups: 1, outChannels: 1, weights, bias: null, clamp: noClamp };
}

export type Reduction = { [K in OpName]: { kind: K; attrs: OpAttrs[K] } }[OpName];

/** Returns the operators for a mean or a maximum over `axes` (at least one), in execution order. */
export function reductions(axes: ReadonlySet<Axis>, shape: Shape, isMean: boolean): Reduction[] {
  const ofChannels = axes.has('c') && !((axes.has('f') || shape.f === 1) && (axes.has('t') || shape.t === 1));
  const steps: Reduction[] = [];
  if (ofChannels && isMean) steps.push({ kind: 'conv', attrs: meanOfChannels(shape, axes.has('f')) });
  else if (ofChannels) {
    const { rows, pool } = overChannels(shape, axes.has('f'));
    steps.push({ kind: 'regroup', attrs: rows }, { kind: 'maxpool', attrs: pool });
  }
  if (axes.has('t') || (shape.t === 1 && !ofChannels)) {
    const overC = axes.has('c') && !ofChannels;
    const attrs = { overF: axes.has('f') || shape.f === 1, ...(overC && { overC }), clamp: noClamp };
    steps.push(isMean ? { kind: 'globalavg', attrs: { ...attrs, rule: 'mean' } } : { kind: 'globalmax', attrs });
  } else if (!ofChannels) {
    const attrs = overFeatures(shape, axes.has('f'));
    steps.push(isMean ? { kind: 'avgpool', attrs: { ...attrs, countIncludePad: false } } : { kind: 'maxpool', attrs });
  }
  return steps;
}
