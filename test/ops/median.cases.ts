/** median: kernels along t and f, strides, clamps, an output scale of its own.  Out: OpCase[]. */
import { noClamp, type PoolAttrs } from '../../models/graph/types.ts';
import { CaseGraph, type OpCase, oneRounding, q, relu, type Size, sliding } from './case.ts';

interface Spec extends Partial<PoolAttrs> {
  x: Size;
  yq?: ReturnType<typeof q>;
  hop?: number;
}

function median(name: string, { x, yq = q(0.05, 3), hop, ...attrs }: Spec): OpCase {
  const g = new CaseGraph(`median ${name}`, x, q(0.05, 3));
  return g.node('median', [g.x], { ...sliding, clamp: noClamp, ...attrs }, yq).done(name, { hop, steps: oneRounding });
}

export const cases: OpCase[] = [
  median('kernel 1', { x: [4, 1, 3] }),
  median('kernel 3', { x: [9, 1, 5], kernelT: 3 }),
  median('kernel 5, stride 2, odd length', { x: [13, 1, 3], kernelT: 5, strideT: 2, hop: 4 }),
  median('kernel = length', { x: [7, 1, 3], kernelT: 7 }),
  median('f 5, 3x3', { x: [8, 5, 2], kernelT: 3, kernelF: 3, strideF: 2 }),
  median('relu', { x: [9, 1, 2], kernelT: 3, clamp: relu }),
  median('another output scale', { x: [12, 1, 2], kernelT: 3, strideT: 2, yq: q(0.031, -40) }),
];
