/** dense: input shapes, both multiplier rules, zero points, bias and clamps.  Out: OpCase[]. */
import { type Clamp, noClamp } from '../../models/graph/types.ts';
import { CaseGraph, type MacOptions, type OpCase, q, relu, relu6, type Size } from './case.ts';

interface Spec extends MacOptions {
  x: Size;
  units: number;
  clamp?: Clamp;
  xq?: ReturnType<typeof q>;
  yq?: ReturnType<typeof q>;
  hop?: number;
}

function dense(name: string, spec: Spec): OpCase {
  const { x, units, clamp = noClamp, xq = q(0.04, 9), yq = q(0.07, -2), hop, ...options } = spec;
  const g = new CaseGraph(`dense ${name}`, x, xq);
  const mac = g.mac(g.x, yq, x[0] * x[1] * x[2], units, options);
  return g.node('dense', [g.x], { units, clamp, ...mac }, yq).done(name, { hop });
}

export const cases: OpCase[] = [
  dense('one input, one unit', { x: [1, 1, 1], units: 1, bias: 'none' }),
  dense('one frame', { x: [1, 1, 10], units: 4 }),
  dense('window of frames', { x: [7, 1, 3], units: 5 }),
  dense('f 3, hop 2', { x: [6, 3, 2], units: 3, hop: 2 }),
  dense('one scale: s_x * s_w in float32', { x: [5, 1, 4], units: 6, perChannel: false }),
  dense('one scale, no bias', { x: [5, 1, 4], units: 2, perChannel: false, bias: 'none' }),
  dense('zero points -128 and 127', { x: [5, 1, 3], units: 4, xq: q(0.02, -128), yq: q(0.2, 127) }),
  dense('zero points 127 and -128', { x: [5, 1, 3], units: 4, xq: q(0.02, 127), yq: q(0.2, -128) }),
  dense('relu', { x: [5, 1, 3], units: 9, clamp: relu, yq: q(0.05, -128) }),
  dense('relu6 off the grid', { x: [5, 1, 3], units: 9, clamp: relu6, yq: q(0.0587, -88), gain: 2 }),
  dense('custom clamp', { x: [5, 1, 3], units: 9, clamp: [-1.234, 0.777] }),
  dense('saturating', { x: [5, 1, 3], units: 4, gain: 8 }),
  dense('multiplier above 1', { x: [1, 1, 2], units: 3, gain: 600, bias: 'none' }),
  dense('multiplier near 2^-15, large bias', { x: [5, 1, 3], units: 4, gain: 0.01, bias: 'large', yq: q(3e-5, 11) }),
  dense('900 inputs', { x: [15, 1, 60], units: 7 }),
  dense('40 inputs, 21 units', { x: [4, 1, 10], units: 21 }),
  // the smallest possible multiplier: simd leaves it to the operator's own kernel
  { ...dense('multiplier of 2^-31.5', { x: [3, 1, 3], units: 4, perChannel: false, gain: 1.33e-7 }), constant: true },
];
