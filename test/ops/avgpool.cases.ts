/**
 * avgpool: geometries along t and f, both rules for padding, rounding of halves, clamps, another output
 * scale.  Out: OpCase[].
 */
import { noClamp, type PoolAttrs } from '../../models/graph/types.ts';
import { CaseGraph, type OpCase, oneRounding, q, relu, relu6, type Size, sliding } from './case.ts';

interface Spec extends Partial<PoolAttrs> {
  x: Size;
  xq?: ReturnType<typeof q>;
  yq?: ReturnType<typeof q>;
  hop?: number;
}

function avgpool(name: string, { x, xq = q(0.05, 3), yq = xq, hop, ...attrs }: Spec): OpCase {
  const g = new CaseGraph(`avgpool ${name}`, x, xq);
  return g.node('avgpool', [g.x], { ...sliding, clamp: noClamp, ...attrs }, yq).done(name, { hop, steps: oneRounding });
}

const included = { countIncludePad: true };

export const cases: OpCase[] = [
  avgpool('kernel 1', { x: [4, 1, 3] }),
  avgpool('kernel 2, stride 2: halves', { x: [12, 1, 3], kernelT: 2, strideT: 2 }),
  avgpool('kernel 4, stride 4, odd length, hop 8', { x: [19, 1, 3], kernelT: 4, strideT: 4, hop: 8 }),
  avgpool('kernel 3, stride 1', { x: [9, 1, 5], kernelT: 3 }),
  avgpool('kernel 2, stride 3 skips frames', { x: [12, 1, 2], kernelT: 2, strideT: 3 }),
  avgpool('kernel = length', { x: [7, 1, 3], kernelT: 7 }),
  avgpool('single channel, padding left out', { x: [9, 1, 1], kernelT: 4, strideT: 2, padT: [1, 2] }),
  avgpool('single channel, padding counted', { x: [9, 1, 1], kernelT: 4, strideT: 2, padT: [1, 2], ...included }),
  avgpool('kernel longer than the input, padding left out', { x: [2, 1, 3], kernelT: 5, padT: [2, 2] }),
  avgpool('kernel longer than the input, padding counted', { x: [2, 1, 3], kernelT: 5, padT: [2, 2], ...included }),
  avgpool('part of the rows', { x: [12, 1, 3], kernelT: 4, padT: [-3, -2] }),
  avgpool('part of the rows, one output', { x: [12, 1, 18], kernelT: 5, padT: [0, -7] }),
  avgpool('f 5, 2x2 over both axes', { x: [8, 5, 2], kernelT: 2, kernelF: 2, strideT: 2, strideF: 2 }),
  avgpool('f 5, padded on both axes, left out', { x: [7, 5, 2], kernelT: 3, kernelF: 3, strideF: 2, padT: [1, 1], padF: [2, 1] }),
  avgpool('f 5, padded on both axes, counted', {
    ...{ x: [7, 5, 2], kernelT: 3, kernelF: 3, strideF: 2, padT: [1, 1], padF: [2, 1], ...included },
  }),
  avgpool('zero point 127, padding counted', { x: [9, 1, 2], kernelT: 3, padT: [2, 0], xq: q(0.1, 127), ...included }),
  avgpool('zero point -128, padding counted', { x: [9, 1, 2], kernelT: 3, padT: [0, 2], xq: q(0.1, -128), ...included }),
  avgpool('relu', { x: [9, 1, 2], kernelT: 2, clamp: relu, xq: q(0.1, 40) }),
  avgpool('relu6 off the grid', { x: [9, 1, 2], kernelT: 2, clamp: relu6, xq: q(0.0771, -20) }),
  avgpool('another output scale', { x: [9, 1, 2], kernelT: 2, strideT: 2, yq: q(0.031, -40) }),
];
