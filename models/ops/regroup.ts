/**
 * regroup: reshapes features and channels of each frame. No arithmetic.
 *
 * In: [t][f][c].  Out: [t][attrs.f][f * c / attrs.f], the same elements in the same order. Source: ONNX
 * Reshape, TensorFlow Lite RESHAPE of a frame. Streaming: point-wise in time.
 */
import { misfit, type OpDef } from './op.ts';
import { only, showShape } from './sliding.ts';

export const regroup: OpDef<'regroup'> = {
  name: 'regroup',
  shape(inputs, { f }, name) {
    const x = only(inputs, name);
    const c = (x.f * x.c) / f;
    if (f >= 1 && Number.isInteger(c)) return { t: x.t, f, c };
    throw misfit(name, `the ${x.f * x.c} elements of a frame of ${showShape(x)} are not ${f} rows`);
  },
  float: (xs) => only(xs, 'regroup').data.slice(),
};
