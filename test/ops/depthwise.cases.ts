/**
 * depthwise: 1-D and 2-D geometries, multipliers, zero points, per-channel scales and bias.  Out: OpCase[].
 */
import { type DepthwiseAttrs, noClamp } from '../../models/graph/types.ts';
import { CaseGraph, type MacOptions, type OpCase, q, relu, relu6, type Size, sliding } from './case.ts';

interface Spec extends Partial<Omit<DepthwiseAttrs, 'weights' | 'bias'>>, MacOptions {
  x: Size;
  xq?: ReturnType<typeof q>;
  yq?: ReturnType<typeof q>;
  hop?: number;
}

function depthwise(name: string, spec: Spec): OpCase {
  const {
    x,
    multiplier = 1,
    clamp = noClamp,
    xq = q(0.03, -5),
    yq = q(0.06, 4),
    hop,
    perChannel,
    bias,
    gain,
    ...geometry
  } = spec;
  const g = new CaseGraph(`depthwise ${name}`, x, xq);
  const at = { ...sliding, ...geometry };
  const mac = g.mac(g.x, yq, at.kernelT * at.kernelF, x[2] * multiplier, { perChannel, bias, gain });
  return g.node('depthwise', [g.x], { ...at, multiplier, clamp, ...mac }, yq).done(name, { hop });
}

export const cases: OpCase[] = [
  depthwise('kernel 1: scale and bias per channel', { x: [5, 1, 6] }),
  depthwise('single channel, kernel 4', { x: [9, 1, 1], kernelT: 4 }),
  depthwise('kernel = length', { x: [7, 1, 3], kernelT: 7 }),
  depthwise('kernel longer than the input, padded', { x: [2, 1, 3], kernelT: 5, padT: [2, 2] }),
  depthwise('causal, dilation 4', { x: [19, 1, 3], kernelT: 4, dilationT: 4, padT: [12, 0] }),
  depthwise('same padding, kernel 6', { x: [11, 1, 5], kernelT: 6, padT: [2, 3] }),
  depthwise('padding larger than the kernel', { x: [5, 1, 3], kernelT: 2, padT: [3, 4] }),
  depthwise('stride 2, hop 6', { x: [13, 1, 3], kernelT: 3, strideT: 2, padT: [1, 0], hop: 6 }),
  depthwise('stride 4, kernel 2 skips frames', { x: [13, 1, 3], kernelT: 2, strideT: 4 }),
  depthwise('multiplier 8, single channel', { x: [9, 3, 1], multiplier: 8, kernelT: 3, kernelF: 2, padT: [1, 1], padF: [0, 1] }),
  depthwise('multiplier 3', { x: [9, 1, 4], multiplier: 3, kernelT: 3 }),
  depthwise('f 5, 3x3 same', { x: [7, 5, 3], kernelT: 3, kernelF: 3, padT: [1, 1], padF: [1, 1] }),
  depthwise('f 6, stride 2 and dilation 2 along f', {
    x: [6, 6, 2],
    kernelT: 2,
    kernelF: 3,
    strideF: 2,
    dilationF: 2,
    padF: [1, 2],
  }),
  depthwise('f 5, multiplier 2, strides on both axes', {
    x: [9, 5, 2],
    multiplier: 2,
    kernelT: 3,
    kernelF: 3,
    strideT: 2,
    strideF: 2,
  }),
  depthwise('zero points -128 and 127', { x: [9, 1, 3], kernelT: 3, padT: [2, 0], xq: q(0.02, -128), yq: q(0.1, 127) }),
  depthwise('zero points 127 and -128', { x: [9, 1, 3], kernelT: 3, padT: [2, 0], xq: q(0.02, 127), yq: q(0.1, -128) }),
  depthwise('relu', { x: [9, 1, 5], kernelT: 3, clamp: relu, yq: q(0.05, -128) }),
  depthwise('relu6 off the grid', { x: [9, 1, 5], kernelT: 3, clamp: relu6, yq: q(0.0653, -90), gain: 2 }),
  depthwise('saturating', { x: [9, 1, 3], kernelT: 3, gain: 8 }),
  depthwise('multiplier above 1', { x: [9, 1, 3], gain: 500, bias: 'none' }),
  depthwise('one scale for all channels, no bias', { x: [9, 1, 4], kernelT: 3, perChannel: false, bias: 'none' }),
  // more channels than a tile, and more rows than are widened together
  depthwise('21 channels, kernel 9, 21 rows', { x: [29, 1, 21], kernelT: 9 }),
  depthwise('f 4, 3x3 same, 24 channels', { x: [12, 4, 24], kernelT: 3, kernelF: 3, padT: [1, 1], padF: [1, 1] }),
  { ...depthwise('multiplier of 2^-31.5', { x: [12, 1, 4], kernelT: 9, perChannel: false, gain: 1.33e-7 }), constant: true },
];
