/**
 * Pools that files write as reductions over the values of one frame, or as slices with steps.
 *
 * In: the shape [t][f][c], and what goes.  Out: attributes of the operators that do it.
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

/** A pool over the features of each frame. */
export const overFeatures = ({ f }: Shape, all = true): PoolAttrs => pool(all ? f : 1, 1);

/**
 * A pool over the channels of each place: `regroup` makes features of them, one row each; then the pool takes
 * those of one place, or of all.
 */
export function overChannels({ f, c }: Shape, overF: boolean): { rows: { f: number }; pool: PoolAttrs } {
  const each = overF ? f * c : c;
  return { rows: { f: f * c }, pool: pool(each, each) };
}

/** A pool of one place that keeps every `step`th frame or feature. */
export const steppingPool = (axis: 't' | 'f', step: number): PoolAttrs => ({
  ...pool(1, axis === 'f' ? step : 1),
  strideT: axis === 't' ? step : 1,
});

/** The mean of the channels of real values, as a convolution. */
export function meanOfChannels({ f, c }: Shape, overF: boolean): ConvAttrs {
  const kernelF = overF ? f : 1;
  const weights = { data: new Float32Array(kernelF * c).fill(1 / (kernelF * c)) };
  return { ...kernelOfOne, kernelF, groups: 1, outChannels: 1, weights, bias: null, clamp: noClamp };
}

export type Reduction = { [K in OpName]: { kind: K; attrs: OpAttrs[K] } }[OpName];

/** The operators of a mean or a maximum over `axes`, one or more, in their order. */
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
