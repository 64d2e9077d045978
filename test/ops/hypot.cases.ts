/**
 * hypot: two operands with equal and different scales, zero points, clamps, int8 and int16 on each side.
 * Out: OpCase[].
 */
import { type Clamp, noClamp, type QuantParams } from '../../models/graph/types.ts';
import { CaseGraph, type OpCase, q, relu6, type Size } from './case.ts';

interface Spec {
  x?: Size;
  a: QuantParams;
  b?: QuantParams;
  y: QuantParams;
  clamp?: Clamp;
  hop?: number;
  steps?: number;
}

/** Largest distance, in output steps: rounding, and the root, which is rounded down to 2^-11 input steps. */
const floorOf = ({ a, b = a, y }: Spec): number => 0.76 + Math.max(a.scale, b.scale) / 2 ** 11 / y.scale;

function hypot(name: string, spec: Spec): OpCase {
  const { x = [6, 1, 4], a, b = a, y, clamp = noClamp, hop, steps = floorOf(spec) } = spec;
  const g = new CaseGraph(`hypot ${name}`, x, q(0.05, 3));
  const operands = [g.operand(5, a, 'a'), g.operand(5, b, 'b')];
  return g.node('hypot', operands, { clamp }, y).done(name, { hop, steps });
}

export const cases: OpCase[] = [
  hypot('one scale', { a: q(0.05, 0), y: q(0.04, -128) }),
  hypot('zero points -128 and 127', { a: q(0.05, -128), b: q(0.05, 127), y: q(0.06, -128) }),
  hypot('f 3, hop 2', { x: [5, 3, 2], a: q(0.05, 12), y: q(0.05, -128), hop: 2 }),
  hypot('one frame', { x: [1, 1, 4], a: q(0.05, 12), y: q(0.05, -5) }),
  hypot('a fine output', { a: q(1, 0), y: q(0.71, -128) }),
  hypot('a coarse output', { a: q(0.05, 0), y: q(2, 0) }),
  hypot('clamped off the grid', { a: q(0.05, 4), y: q(0.0377, -77), clamp: relu6 }),
  hypot('different scales', { a: q(0.05, 0), b: q(0.031, 9), y: q(0.05, -128) }),
  hypot('one scale is nothing beside the other', { a: q(1, 0), b: q(0.01, 0), y: q(1, -128) }),
];
