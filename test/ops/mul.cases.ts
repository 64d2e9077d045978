/**
 * mul: two operands, multipliers below and above 1, extreme zero points, clamps, one tensor squared.  Out:
 * OpCase[].
 */
import { type Clamp, noClamp, type QuantParams } from '../../models/graph/types.ts';
import { CaseGraph, type OpCase, q, relu, relu6, type Size } from './case.ts';

interface Spec {
  x?: Size;
  a: QuantParams;
  b: QuantParams;
  y: QuantParams;
  clamp?: Clamp;
  hop?: number;
  constant?: number[];
}

function mul(name: string, { x = [6, 1, 4], a, b, y, clamp = noClamp, hop, constant }: Spec): OpCase {
  const g = new CaseGraph(`mul ${name}`, x, q(0.05, 3));
  const operands = [g.operand(5, a, 'a'), ...(constant ? [] : [g.operand(5, b, 'b')])];
  const attrs = { clamp, ...(constant && { constant: { data: Int8Array.from(constant), quant: b } }) };
  return g.node('mul', operands, attrs, y).done(name, { hop });
}

const square = new CaseGraph('mul square', [5, 1, 3], q(0.05, 3));

export const cases: OpCase[] = [
  mul('zero points 0', { a: q(0.05, 0), b: q(0.05, 0), y: q(0.08, 0) }),
  mul('different scales', { a: q(0.05, 12), b: q(0.2, -31), y: q(0.3, -5) }),
  mul('a gate of sigmoid scale', { a: q(0.05, 12), b: q(1 / 256, -128), y: q(0.05, 3) }),
  mul('f 3, hop 2', { x: [5, 3, 2], a: q(0.05, 12), b: q(0.2, -31), y: q(0.3, -5), hop: 2 }),
  mul('one frame', { x: [1, 1, 4], a: q(0.05, 12), b: q(0.2, -31), y: q(0.3, -5) }),
  mul('zero points -128, 127, 127', { a: q(0.05, -128), b: q(0.04, 127), y: q(0.2, 127) }),
  mul('zero points 127, 127, -128', { a: q(0.05, 127), b: q(0.04, 127), y: q(0.2, -128) }),
  mul('relu', { a: q(0.05, 4), b: q(0.04, 4), y: q(0.05, -128), clamp: relu }),
  mul('relu6 off the grid', { a: q(0.05, 4), b: q(0.06, 4), y: q(0.0377, -77), clamp: relu6 }),
  mul('a constant', { a: q(0.05, 4), b: q(0.02, -7), y: q(0.06, 3), constant: [100, -3, 7, 50, -128] }),
  mul('one constant', { a: q(0.05, 4), b: q(0.02, 100), y: q(0.1, 3), constant: [-128] }),
  mul('multiplier above 1 saturates', { a: q(1, 0), b: q(1, 0), y: q(0.07, 0) }),
  mul('multiplier near 2^-10', { a: q(0.05, -128), b: q(0.04, -128), y: q(3, 3) }),
  square.node('mul', [square.x, square.x], { clamp: noClamp }, q(0.2, -128)).done('one tensor squared'),
];
