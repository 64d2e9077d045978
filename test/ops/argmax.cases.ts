/**
 * argmax: 1 to 256 channels, rows of frames and features, equal values, both rules for them.  Out: OpCase[].
 */
import { CaseGraph, type OpCase, q, type Size } from './case.ts';

interface Spec {
  x: Size;
  xq?: ReturnType<typeof q>;
  last?: boolean;
  hop?: number;
  constant?: boolean;
}

/** Exact: int8 values compare as the real values that they stand for. */
const steps = 0;

function argmax(name: string, { x, xq = q(0.05, 3), last = false, ...rest }: Spec): OpCase {
  const g = new CaseGraph(`argmax ${name}`, x, xq);
  return g.node('argmax', [g.x], { last }, q(1, -128)).done(name, { steps, ...rest });
}

export const cases: OpCase[] = [
  argmax('2 classes', { x: [5, 1, 2] }),
  argmax('10 classes', { x: [4, 1, 10] }),
  argmax('one class', { x: [3, 1, 1], constant: true }),
  argmax('4 rows of 3 classes, hop 3', { x: [4, 4, 3], hop: 3 }),
  argmax('one frame', { x: [1, 1, 7] }),
  argmax('all values equal: the first', { x: [2, 1, 5], constant: true }),
  argmax('all values equal: the last', { x: [2, 1, 5], constant: true, last: true }),
  argmax('few different values: the first', { x: [9, 3, 4], xq: q(40, 0) }),
  argmax('few different values: the last', { x: [9, 3, 4], xq: q(40, 0), last: true }),
  argmax('zero point -128', { x: [4, 1, 6], xq: q(0.07, -128) }),
  argmax('zero point 127', { x: [4, 1, 6], xq: q(0.07, 127) }),
  argmax('256 classes', { x: [2, 1, 256] }),
];
