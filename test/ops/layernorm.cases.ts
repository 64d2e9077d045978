/**
 * layernorm: 1 to 600 values, with and without the mean, epsilons, steep and flat gammas, extreme values.
 * Out: OpCase[].
 */
import type { Clamp, LayerNormAttrs } from '../../models/graph/types.ts';
import { noClamp } from '../../models/graph/types.ts';
import { random } from '../property/random-network.ts';
import { CaseGraph, type OpCase, oneRounding, q, relu, relu6, type Size } from './case.ts';

interface Spec extends Partial<Pick<LayerNormAttrs, 'over' | 'centre' | 'epsilon'>> {
  x: Size;
  xq?: ReturnType<typeof q>;
  yq?: ReturnType<typeof q>;
  /** Factor of all gammas (`steep`) and of all betas (`far`). */
  steep?: number;
  far?: number;
  /** If true, one gamma and beta per channel, although rows and channels are normalised together. */
  perChannel?: boolean;
  clamp?: Clamp;
  hop?: number;
  constant?: boolean;
}

function norm(
  name: string,
  { x, xq = q(0.05, 3), yq = q(0.03, -7), steep = 1, far = 1, clamp = noClamp, ...rest }: Spec,
): OpCase {
  const { over = 'c', centre = true, epsilon = 1e-5, perChannel = false, hop, constant } = rest;
  const g = new CaseGraph(`layernorm ${name}`, x, xq);
  const rnd = random(x[1] * 1000 + x[2]);
  const count = over === 'fc' && !perChannel ? x[1] * x[2] : x[2];
  const values = (factor: number) => Float32Array.from({ length: count }, () => factor * (2 * rnd() - 1));
  const attrs: LayerNormAttrs = { over, centre, epsilon, gamma: values(2 * steep), beta: values(far), clamp };
  return g.node('layernorm', [g.x], attrs, yq).done(name, { steps: oneRounding, hop, constant });
}

const [c, fc] = ['c', 'fc'] as const;

export const cases: OpCase[] = [
  norm('8 channels', { x: [6, 1, 8] }),
  norm('32 channels, hop 2', { x: [6, 1, 32], hop: 2 }),
  norm('128 channels', { x: [3, 1, 128] }),
  norm('600 channels', { x: [2, 1, 600] }),
  norm('two channels: 1 and -1', { x: [6, 1, 2] }),
  norm('one channel: beta alone', { x: [4, 1, 1], constant: true }),
  norm('one channel without mean', { x: [4, 1, 1], centre: false }),
  norm('without mean', { x: [6, 1, 16], centre: false }),
  norm('without mean, zero point -128', { x: [6, 1, 16], centre: false, xq: q(0.02, -128) }),
  norm('without mean, zero point 127', { x: [6, 1, 600], centre: false, xq: q(0.02, 127) }),
  norm('rows of features', { x: [5, 4, 6], over: c, hop: 3 }),
  norm('features and channels together', { x: [5, 4, 6], over: fc }),
  norm('together, one gamma a channel', { x: [5, 4, 6], over: fc, perChannel: true }),
  norm('together, without mean', { x: [3, 40, 3], over: fc, centre: false }),
  norm('zero points -128 and 127', { x: [5, 1, 8], xq: q(0.05, -128), yq: q(0.03, 127) }),
  norm('zero points 127 and -128', { x: [5, 1, 8], xq: q(0.05, 127), yq: q(0.03, -128) }),
  norm('epsilon 0', { x: [6, 1, 8], epsilon: 0 }),
  norm('epsilon below a step of the squares', { x: [6, 1, 3], epsilon: 1e-12 }),
  norm('epsilon as large as the variance', { x: [6, 1, 8], epsilon: 4 }),
  norm('epsilon that hides the signal', { x: [6, 1, 8], epsilon: 1e3, xq: q(1e-9, 5), steep: 1e9 }),
  norm('steep gammas saturate', { x: [6, 1, 8], steep: 1e4 }),
  norm('flat gammas', { x: [6, 1, 8], steep: 1e-7, yq: q(0.01, 0) }),
  norm('gammas of zero', { x: [6, 1, 8], steep: 0, constant: false }),
  norm('betas far outside', { x: [6, 1, 8], steep: 500, far: 300 }),
  norm('relu', { x: [6, 1, 8], clamp: relu, yq: q(0.015, -128) }),
  norm('relu6 off the grid', { x: [6, 1, 8], steep: 4, clamp: relu6, yq: q(0.0377, -77) }),
];
