/**
 * gem: one power and several, both feature rules, zero points at both ends, clamps, partial sums of several
 * hops, the highest power that a window allows.  Out: OpCase[].
 */
import { type GemAttrs, noClamp } from '../../models/graph/types.ts';
import { CaseGraph, type OpCase, oneRounding, q, relu6, type Size } from './case.ts';

interface Spec extends Partial<Omit<GemAttrs, 'powers'>> {
  x: Size;
  powers: number[];
  xq?: ReturnType<typeof q>;
  yq?: ReturnType<typeof q>;
  hop?: number;
}

/** Half a step for the output, and the rounding of table entries and of the float32 oracle. */
const steps = oneRounding + 0.01;

function gem(name: string, { x, powers, xq = q(0.02, -128), yq = q(0.02, -128), hop, ...attrs }: Spec): OpCase {
  const g = new CaseGraph(`gem ${name}`, x, xq);
  const wanted = { overF: true, clamp: noClamp, ...attrs, powers: Float32Array.from(powers) };
  return g.node('gem', [g.x], wanted, yq).done(name, { hop, steps });
}

export const cases: OpCase[] = [
  gem('power 3', { x: [8, 1, 3], powers: [3] }),
  gem('power 1 is a mean', { x: [7, 1, 4], powers: [1] }),
  gem('power 2 of both signs', { x: [9, 1, 3], powers: [2], xq: q(0.03, 5), yq: q(0.015, -128) }),
  gem('a half', { x: [6, 1, 2], powers: [0.5] }),
  gem('three groups', { x: [12, 1, 6], powers: [1.5, 1.5, 3, 3, 4.25, 4.25] }),
  gem('a power for each channel, hop 4 of 12', { x: [12, 1, 5], powers: [1, 2, 3, 4, 5], hop: 4 }),
  gem('hop 5 does not divide 12', { x: [12, 1, 3], powers: [3], hop: 5 }),
  gem('f 3 joined, hop 2', { x: [10, 3, 2], powers: [2.5, 3.5], hop: 2 }),
  gem('f 3 kept', { x: [9, 3, 2], powers: [2.5, 3.5], overF: false, hop: 3 }),
  gem('one frame', { x: [1, 1, 4], powers: [3] }),
  gem('zero points 127 and 100', { x: [6, 1, 3], powers: [3], xq: q(0.02, 127), yq: q(0.3, 100) }),
  gem('zero points -128 and 20', { x: [6, 1, 3], powers: [2], yq: q(0.05, 20) }),
  gem('clamped', { x: [6, 1, 3], powers: [3], xq: q(0.04, -128), yq: q(0.03, -100), clamp: relu6 }),
  gem('a finer output saturates', { x: [5, 1, 3], powers: [3], yq: q(0.008, -128) }),
  gem('the highest power of 8 frames', { x: [8, 1, 2], powers: [7.3] }),
  gem('301 frames, hop 100', { x: [301, 1, 2], powers: [6, 4], hop: 100 }),
];
