/**
 * gem: generalised mean over all frames of the window, with a power for each channel; with overF also over
 * the feature rows.
 *
 * In: [t][f][c].  Out: [1][f or 1][c]: (mean of |x|^p)^(1/p).
 * Source: GeM (Radenovic et al., arXiv 1711.02512); GGeM, a power per group of channels (Ko et al., arXiv
 * 2212.04114). Streaming: partial sums per hop (StreamiNNC section 5.5).
 */
import type { Shape } from '../graph/types.ts';
import { clampTo, isHomogeneous, misfit, type OpDef } from './op.ts';
import { globalShape, only } from './sliding.ts';

/** Lowest power. Below it the root of a mean is too steep for int8. */
const minPower = 1 / 16;

/** Largest number of different powers. Each has 4 KB of constants. */
const maxPowers = 64;

/**
 * Whether int64 holds the sum of `places` values of 255 steps to the power p, so that every step of the input
 * counts.
 */
export const fitsPower = (p: number, places: number): boolean => p >= minPower && p * Math.log2(255) + Math.log2(places) <= 62;

export const powerAt = (powers: Float32Array, channel: number): number => powers[powers.length === 1 ? 0 : channel] as number;

/** Number of values that one output reads. */
export const gemPlaces = ({ t, f }: Shape, overF: boolean): number => t * (overF ? f : 1);

export const gem: OpDef<'gem'> = {
  name: 'gem',
  shape(inputs, { overF, powers, clamp }, name) {
    const x = only(inputs, name);
    if (powers.length !== 1 && powers.length !== x.c) throw misfit(name, `${powers.length} powers for ${x.c} channels`);
    const different = new Set(powers).size;
    if (different > maxPowers) throw misfit(name, `${different} different powers`, `${maxPowers} are supported`);
    const wrong = powers.find((p) => !fitsPower(p, gemPlaces(x, overF)));
    if (wrong !== undefined)
      throw misfit(name, `a mean of power ${wrong} over ${gemPlaces(x, overF)} values`, 'int64 does not hold its sum');
    return globalShape(x, { overF, clamp });
  },
  float(xs, { powers, clamp }, out) {
    const { data } = only(xs, 'gem');
    const per = out.f * out.c;
    const acc = new Float64Array(per);
    for (let i = 0; i < data.length; i++) {
      const at = i % per;
      acc[at] = (acc[at] as number) + Math.abs(data[i] as number) ** powerAt(powers, at % out.c);
    }
    const count = data.length / per;
    return Float32Array.from(acc, (sum, at) => clampTo((sum / count) ** (1 / powerAt(powers, at % out.c)), clamp));
  },
  stream: () => ({ kind: 'fold', fold: 'sum', bytes: 8 }),
  passesScale: ({ clamp }) => isHomogeneous(clamp),
};
