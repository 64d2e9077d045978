/** conv: 1-D and 2-D geometries, groups, paddings, zero points, multipliers and clamps.  Out: OpCase[]. */
import { type Clamp, type ConvAttrs, noClamp } from '../../models/graph/types.ts';
import { CaseGraph, type MacOptions, type OpCase, q, relu, relu6, type Size, sliding } from './case.ts';

interface Spec extends Partial<Omit<ConvAttrs, 'weights' | 'bias' | 'groups' | 'outChannels' | 'clamp'>>, MacOptions {
  x: Size;
  out: number;
  groups?: number;
  clamp?: Clamp;
  xq?: ReturnType<typeof q>;
  yq?: ReturnType<typeof q>;
  hop?: number;
}

function conv(name: string, spec: Spec): OpCase {
  const {
    x,
    out,
    groups = 1,
    clamp = noClamp,
    xq = q(0.05, 3),
    yq = q(0.04, -7),
    hop,
    perChannel,
    bias,
    gain,
    ...geometry
  } = spec;
  const g = new CaseGraph(`conv ${name}`, x, xq);
  const at = { ...sliding, ...geometry };
  const taps = (at.kernelT * at.kernelF * x[2]) / groups;
  const mac = g.mac(g.x, yq, taps, out, { perChannel, bias, gain });
  return g.node('conv', [g.x], { ...at, groups, outChannels: out, clamp, ...mac }, yq).done(name, { hop });
}

export const cases: OpCase[] = [
  conv('1x1', { x: [5, 1, 3], out: 4 }),
  conv('single channel, kernel 3', { x: [11, 1, 1], out: 1, kernelT: 3 }),
  conv('kernel = length', { x: [9, 1, 2], out: 3, kernelT: 9 }),
  conv('kernel longer than the input, padded', { x: [3, 1, 2], out: 3, kernelT: 7, padT: [3, 3] }),
  conv('window of 1 frame', { x: [1, 1, 7], out: 5 }),
  conv('same padding, kernel 4', { x: [13, 1, 3], out: 5, kernelT: 4, padT: [1, 2] }),
  conv('causal, dilation 3', { x: [17, 1, 2], out: 3, kernelT: 3, dilationT: 3, padT: [6, 0] }),
  conv('padding after only', { x: [10, 1, 2], out: 3, kernelT: 5, padT: [0, 4] }),
  conv('padding larger than the kernel', { x: [6, 1, 2], out: 2, kernelT: 2, padT: [4, 3] }),
  conv('stride 3, kernel 2 skips frames', { x: [14, 1, 3], out: 2, kernelT: 2, strideT: 3 }),
  conv('stride 2, dilation 2, odd padding', {
    x: [15, 1, 3],
    out: 4,
    kernelT: 3,
    strideT: 2,
    dilationT: 2,
    padT: [1, 2],
    hop: 4,
  }),
  conv('groups 3', { x: [12, 1, 6], out: 9, kernelT: 3, groups: 3, padT: [2, 0] }),
  conv('groups = channels', { x: [12, 1, 5], out: 10, kernelT: 2, groups: 5 }),
  conv('f 5, 3x3 same', { x: [8, 5, 2], out: 3, kernelT: 3, kernelF: 3, padT: [1, 1], padF: [1, 1] }),
  conv('f 7, stride 2 and dilation 2 along f', {
    x: [6, 7, 2],
    out: 3,
    kernelT: 2,
    kernelF: 2,
    strideF: 2,
    dilationF: 2,
    padF: [2, 1],
  }),
  conv('f 4, kernel over all rows', { x: [9, 4, 3], out: 4, kernelT: 3, kernelF: 4 }),
  conv('f 4, kernel over all rows, padded f', { x: [7, 4, 2], out: 2, kernelT: 2, kernelF: 4, padT: [1, 0], padF: [2, 1] }),
  conv('f 3, groups and dilation on both axes', {
    ...{ x: [9, 3, 4], out: 4, kernelT: 2, kernelF: 2, groups: 2, dilationT: 2, dilationF: 2, padF: [1, 1] },
  }),
  conv('zero points -128 and 127', { x: [9, 1, 3], out: 4, kernelT: 3, padT: [1, 1], xq: q(0.02, -128), yq: q(0.1, 127) }),
  conv('zero points 127 and -128', { x: [9, 1, 3], out: 4, kernelT: 3, padT: [1, 1], xq: q(0.02, 127), yq: q(0.1, -128) }),
  conv('relu', { x: [9, 1, 3], out: 4, kernelT: 3, clamp: relu, yq: q(0.05, -128) }),
  conv('relu6 off the grid', { x: [9, 1, 3], out: 4, kernelT: 3, clamp: relu6, yq: q(0.0771, -101), gain: 2 }),
  conv('clamp of one value', { x: [9, 1, 3], out: 6, kernelT: 3, clamp: [-0.3, 0.013], yq: q(0.01, 5) }),
  conv('saturating', { x: [9, 1, 3], out: 4, kernelT: 3, gain: 8 }),
  conv('multiplier above 1', { x: [9, 1, 1], out: 2, xq: q(0.05, 0), yq: q(0.04, 0), gain: 900, bias: 'none' }),
  conv('groups 3, multiplier above 1', {
    x: [12, 1, 6],
    out: 9,
    kernelT: 2,
    groups: 3,
    xq: q(0.05, 0),
    yq: q(0.04, 0),
    gain: 300,
    bias: 'none',
  }),
  conv('multiplier near 2^-15, large bias', { x: [9, 1, 3], out: 4, kernelT: 3, gain: 0.01, bias: 'large', yq: q(2e-5, 11) }),
  conv('one scale for all channels, no bias', { x: [9, 1, 3], out: 4, kernelT: 3, perChannel: false, bias: 'none' }),
  // the smallest possible multiplier: simd leaves it to the operator's own kernel
  { ...conv('multiplier of 2^-31.5', { x: [9, 1, 3], out: 4, kernelT: 3, perChannel: false, gain: 2.2e-7 }), constant: true },
  conv('40 x 5 to 33 channels', { x: [9, 1, 40], out: 33, kernelT: 5, padT: [4, 0] }),
];
