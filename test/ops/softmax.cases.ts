/**
 * softmax: 1 to 600 channels, betas, narrow and wide input scales, rows of frames and features.  Out:
 * OpCase[].
 */
import { CaseGraph, type OpCase, q, type Size } from './case.ts';

interface Spec {
  x: Size;
  beta?: number;
  xq?: ReturnType<typeof q>;
  hop?: number;
  constant?: boolean;
}

function softmax(name: string, { x, beta = 1, xq = q(0.05, 3), ...rest }: Spec): OpCase {
  const g = new CaseGraph(`softmax ${name}`, x, xq);
  return g.node('softmax', [g.x], { beta }, q(1 / 256, -128)).done(name, { steps: 1, ...rest });
}

export const cases: OpCase[] = [
  softmax('2 classes', { x: [5, 1, 2] }),
  softmax('10 classes', { x: [4, 1, 10] }),
  softmax('4 rows of 3 classes', { x: [4, 4, 3], hop: 3 }),
  softmax('one class: the largest value', { x: [3, 1, 1], constant: true }),
  softmax('beta 0.25', { x: [4, 1, 6], beta: 0.25 }),
  softmax('beta 4', { x: [4, 1, 6], beta: 4 }),
  softmax('narrow input: nearly uniform', { x: [4, 1, 6], xq: q(0.0005, 0) }),
  softmax('wide input: one-hot', { x: [4, 1, 6], xq: q(2.5, 0) }),
  softmax('very wide input: scale above 16', { x: [4, 1, 6], xq: q(20, 0) }),
  softmax('zero point -128', { x: [4, 1, 6], xq: q(0.07, -128) }),
  softmax('zero point 127', { x: [4, 1, 6], xq: q(0.07, 127) }),
  softmax('35 classes', { x: [2, 1, 35] }),
  softmax('256 classes', { x: [2, 1, 256], xq: q(0.02, 0) }),
  softmax('600 classes', { x: [2, 1, 600], xq: q(0.02, 0) }),
  softmax('600 classes, nearly uniform: all below half a step', { x: [1, 1, 600], xq: q(0.0001, 0), constant: true }),
];
