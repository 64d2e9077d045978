/**
 * add: two operands with equal and very different scales, extreme zero points, clamps, one tensor as both
 * operands.  Out: OpCase[].
 */
import { type Clamp, noClamp, type QuantParams } from '../../models/graph/types.ts';
import { CaseGraph, type OpCase, oneRounding, q, relu, relu6, type Size } from './case.ts';

interface Spec {
  x?: Size;
  a: QuantParams;
  b: QuantParams;
  y: QuantParams;
  clamp?: Clamp;
  hop?: number;
  minus?: 0 | 1;
  /** Values of a constant second operand, repeated along a frame. */
  constant?: number[];
}

function add(name: string, { x = [6, 1, 4], a, b, y, clamp = noClamp, hop, minus, constant }: Spec): OpCase {
  const g = new CaseGraph(`add ${name}`, x, q(0.05, 3));
  const operands = [g.operand(5, a, 'a'), ...(constant ? [] : [g.operand(5, b, 'b')])];
  const attrs = {
    clamp,
    ...(minus !== undefined && { minus }),
    ...(constant && { constant: { data: Int8Array.from(constant), quant: b } }),
  };
  return g.node('add', operands, attrs, y).done(name, { hop, steps: oneRounding });
}

const twice = new CaseGraph('add twice', [5, 1, 3], q(0.05, 3));

export const cases: OpCase[] = [
  add('equal scales', { a: q(0.05, 0), b: q(0.05, 0), y: q(0.1, 0) }),
  add('different scales', { a: q(0.05, 12), b: q(0.021, -31), y: q(0.08, -5) }),
  add('scales 1 to 1000', { a: q(1, 12), b: q(0.001, -31), y: q(1.1, -5) }),
  add('f 3, hop 2', { x: [5, 3, 2], a: q(0.05, 12), b: q(0.02, -31), y: q(0.07, -5), hop: 2 }),
  add('one frame', { x: [1, 1, 4], a: q(0.05, 12), b: q(0.02, -31), y: q(0.07, -5) }),
  add('zero points -128, 127, 127', { a: q(0.05, -128), b: q(0.04, 127), y: q(0.05, 127) }),
  add('zero points 127, -128, -128', { a: q(0.05, 127), b: q(0.04, -128), y: q(0.06, -128) }),
  add('relu', { a: q(0.05, 4), b: q(0.04, 4), y: q(0.04, -128), clamp: relu }),
  add('relu6 off the grid', { a: q(0.05, 4), b: q(0.06, 4), y: q(0.0377, -77), clamp: relu6 }),
  add('output finer than the operands saturates', { a: q(0.05, 0), b: q(0.04, 0), y: q(0.004, 0) }),
  add('a difference', { a: q(0.05, 12), b: q(0.021, -31), y: q(0.04, -5), minus: 1 }),
  add('a difference whose terms have halves', { a: q(0.25, 12), b: q(0.25 / 2 ** 12, -31), y: q(0.13, -5), minus: 1 }),
  add('a difference, scales 1000 to 1', { a: q(0.001, 127), b: q(1, -128), y: q(1.1, 90), minus: 1, hop: 2 }),
  add('the first operand is subtracted, relu', { a: q(0.05, 4), b: q(0.04, 4), y: q(0.04, -128), clamp: relu, minus: 0 }),
  add('less a constant', { a: q(0.05, 4), b: q(0.02, -7), y: q(0.06, 3), minus: 1, constant: [100, -3, 7, 50, -128] }),
  add('a constant less it', { a: q(0.05, 4), b: q(0.02, -7), y: q(0.06, 3), minus: 0, constant: [127] }),
  twice.node('add', [twice.x, twice.x], { clamp: noClamp }, q(0.1, 3)).done('one tensor twice', { steps: oneRounding }),
];
