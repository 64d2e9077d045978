/**
 * maxpool: geometries along t and f, padding that must never be the maximum, clamps, another output scale.
 * Out: OpCase[].
 */
import { noClamp, type PoolAttrs } from '../../models/graph/types.ts';
import { CaseGraph, type OpCase, oneRounding, q, relu, relu6, type Size, sliding } from './case.ts';

interface Spec extends Partial<PoolAttrs> {
  x: Size;
  xq?: ReturnType<typeof q>;
  yq?: ReturnType<typeof q>;
  hop?: number;
}

function maxpool(name: string, { x, xq = q(0.05, 3), yq = xq, hop, ...attrs }: Spec): OpCase {
  const g = new CaseGraph(`maxpool ${name}`, x, xq);
  return g.node('maxpool', [g.x], { ...sliding, clamp: noClamp, ...attrs }, yq).done(name, { hop, steps: oneRounding });
}

export const cases: OpCase[] = [
  maxpool('kernel 1', { x: [4, 1, 3] }),
  maxpool('kernel 2, stride 2', { x: [12, 1, 3], kernelT: 2, strideT: 2 }),
  maxpool('kernel 2, stride 2, odd length', { x: [13, 1, 3], kernelT: 2, strideT: 2, hop: 4 }),
  maxpool('kernel 3, stride 1', { x: [9, 1, 5], kernelT: 3 }),
  maxpool('kernel 2, stride 3 skips frames', { x: [12, 1, 2], kernelT: 2, strideT: 3 }),
  maxpool('kernel = length', { x: [7, 1, 3], kernelT: 7 }),
  maxpool('single channel, padded', { x: [9, 1, 1], kernelT: 4, strideT: 2, padT: [1, 2] }),
  maxpool('padding before only', { x: [9, 1, 2], kernelT: 3, padT: [2, 0] }),
  maxpool('kernel longer than the input, padded', { x: [2, 1, 3], kernelT: 5, padT: [2, 2] }),
  maxpool('f 5, 2x2 over both axes', { x: [8, 5, 2], kernelT: 2, kernelF: 2, strideT: 2, strideF: 2 }),
  maxpool('f 5, 3x3, padded on both axes', { x: [7, 5, 2], kernelT: 3, kernelF: 3, strideF: 2, padT: [1, 1], padF: [2, 1] }),
  maxpool('f 6, along f only', { x: [5, 6, 3], kernelF: 3, strideF: 3 }),
  maxpool('zero point 127, padded: no padding wins', { x: [9, 1, 2], kernelT: 3, padT: [1, 1], xq: q(0.1, 127) }),
  maxpool('zero point -128', { x: [9, 1, 2], kernelT: 3, padT: [1, 1], xq: q(0.1, -128) }),
  maxpool('relu', { x: [9, 1, 2], kernelT: 2, clamp: relu, xq: q(0.1, 40) }),
  maxpool('relu6 off the grid', { x: [9, 1, 2], kernelT: 2, clamp: relu6, xq: q(0.0771, -20) }),
  maxpool('another output scale', { x: [9, 1, 2], kernelT: 2, strideT: 2, yq: q(0.031, -40) }),
  // more channels than a tile, and a remainder
  maxpool('37 channels, padded', { x: [13, 1, 37], kernelT: 3, strideT: 2, padT: [1, 1] }),
  maxpool('part of the rows', { x: [12, 1, 3], kernelT: 4, padT: [-3, -2] }),
  maxpool('part of the rows, 24 channels, stride 2', { x: [13, 1, 24], kernelT: 3, strideT: 2, padT: [-2, -1] }),
  maxpool('f 3, 24 channels, 2x2', { x: [8, 3, 24], kernelT: 2, kernelF: 2, strideT: 2 }),
];
