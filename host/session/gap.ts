/**
 * Lost frames: what stands in for them, which windows hold made-up frames, and long gaps without a long loop.
 *
 * Policies: `reset` forgets, the stream begins again after the gap; `hold` repeats the last frame; `zero` puts the real value 0.0 (the zero
 * point). Source: StreamiNNC section 5.7 leaves lost samples open.
 * Exact: a module's next state depends on its state and the frames pushed alone (docs/abi.md). So once the state repeats under constant
 * frames it repeats for ever, and whole periods can be left out: the state at the gap's end is that of pushing every frame.
 * Cost: hops until the state repeats (about window and context, and the module's periods), each with a comparison of the state.
 */
import { RunletError } from '../../models/error.ts';

export const gapPolicies = ['reset', 'hold', 'zero'] as const;
export type GapPolicy = (typeof gapPolicies)[number];

export interface GapResult {
  frames: number;
  /** Outputs that fell due inside the gap. */
  outputs: number;
  /** Those that were left out of a long gap: each equals one that was reported before. */
  leftOut: number;
}

/** A gap whose state does not repeat within this many hops is not shortened, and may not be longer. */
export const gapLimitHops = 65_536;

/** @throws RN715 the arguments are of no use. `at` is the frame where the gap begins. */
export function checkGap(frames: number, policy: GapPolicy, at: number): void {
  const bad = (what: string, why: string) => new RunletError('RN715', { what, where: `gap at frame ${at}`, why });
  if (!gapPolicies.includes(policy)) throw bad(`there is no gap policy ${String(policy)}`, `there are ${gapPolicies.join(', ')}`);
  if (!Number.isSafeInteger(frames) || frames < 1 || !Number.isSafeInteger(at + frames))
    throw bad(`${String(frames)} is no length of a gap`, 'it takes a whole number of frames from 1 on, and counts up to 2^53');
}

const same = (a: Uint8Array, b: Uint8Array): boolean => {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
};

/**
 * Runs `step` for every one of `hops` hops, but leaves out whole periods once `state` repeats (R. P. Brent, 1980).
 * @param step runs one hop; true if an output fell due.
 * @param leaveOut is told how many hops and outputs were left out.
 * @throws RN716 no repetition within gapLimitHops of a longer gap; the hops run so far stay run.
 */
export function repeatHop(
  hops: number,
  state: Uint8Array,
  step: () => boolean,
  leaveOut: (hops: number, outputs: number) => void,
): void {
  const seen = state.slice();
  let [since, outputs, power] = [0, 0, 1];
  for (let left = hops - 1; left >= 0; left--) {
    if (step()) outputs++;
    since++;
    if (same(seen, state)) {
      const times = Math.floor(left / since);
      if (times > 0) leaveOut(times * since, times * outputs);
      for (let rest = left - times * since; rest > 0; rest--) step();
      return;
    }
    if (since === power) {
      seen.set(state);
      [since, outputs, power] = [0, 0, 2 * power];
    }
    if (hops - left === gapLimitHops && left > 0)
      throw new RunletError('RN716', {
        what: 'this gap is too long for this module',
        where: `${gapLimitHops} of ${hops} hops were pushed`,
        why: 'its state does not come back to itself, so nothing of the gap can be left out',
        tryThis: "take the policy 'reset'",
      });
  }
}

/** Stretches of made-up frames, [from, to) in frames of the stream, ascending, disjoint. */
export class MadeUp {
  spans: [from: number, to: number][] = [];

  /** [from, to) is made up; what ends before `keep` is forgotten. */
  add(from: number, to: number, keep: number): void {
    while (this.spans[0] && this.spans[0][1] <= keep) this.spans.shift();
    const last = this.spans.at(-1);
    if (last && last[1] === from) last[1] = to;
    else this.spans.push([from, to]);
  }

  /** Made-up frames in [from, to). */
  count(from: number, to: number): number {
    let sum = 0;
    for (const span of this.spans) sum += Math.max(0, Math.min(to, span[1]) - Math.max(from, span[0]));
    return sum;
  }
}
