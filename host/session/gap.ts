/**
 * Lost frames: what stands in for them, which windows hold made-up frames, and long gaps without a long loop.
 *
 * Policies: `reset` forgets, the stream begins again after the gap; `hold` repeats the last frame; `zero`
 * puts the real value 0.0 (the zero point). Source: StreamiNNC section 5.7 leaves lost samples open.
 * Exact: a module's next state depends on its state and the frames pushed alone (docs/abi.md). So once the
 * state repeats under constant frames it repeats for ever, and whole periods can be left out: the state at
 * the gap's end is that of pushing every frame. Running sums (the manifest names them) may grow instead: they
 * go from period to period by one affine map modulo 2^32, y -> A y + b, since all else repeats. Two equal
 * steps D show A D = D, so every later period adds D, and n periods add n D.
 * Cost: hops until the state repeats (about window and context, and the module's periods), each with a
 * comparison of the state.
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

/** The parts of a state: bytes that repeat, and i32 words that may grow. */
export class StateParts {
  #sums: DataView[];
  #exact: [from: number, to: number][] = [];

  constructor(state: Uint8Array, sums: readonly { offset: number; words: number }[] = []) {
    const sorted = [...sums].sort((a, b) => a.offset - b.offset);
    this.#sums = sorted.map(({ offset, words }) => new DataView(state.buffer, state.byteOffset + offset, 4 * words));
    let at = 0;
    for (const { offset, words } of [...sorted, { offset: state.length, words: 0 }]) {
      if (offset > at) this.#exact.push([at, offset]);
      at = offset + 4 * words;
    }
  }

  /** Whether all but the running sums is the same. */
  same(a: Uint8Array, b: Uint8Array): boolean {
    for (const [from, to] of this.#exact) for (let i = from; i < to; i++) if (a[i] !== b[i]) return false;
    return true;
  }

  /** The running sums. */
  sums(): Int32Array {
    const words = this.#sums.map((view) =>
      Int32Array.from({ length: view.byteLength / 4 }, (_, i) => view.getInt32(4 * i, true)),
    );
    return Int32Array.from(words.flatMap((list) => [...list]));
  }

  /** Adds `times` steps to the running sums, modulo 2^32. */
  advance(step: Int32Array, times: number): void {
    let at = 0;
    for (const view of this.#sums)
      for (let i = 0; i < view.byteLength; i += 4)
        view.setInt32(i, view.getInt32(i, true) + Math.imul(step[at++] as number, times), true);
  }
}

const minus = (a: Int32Array, b: Int32Array): Int32Array => a.map((x, i) => x - (b[i] as number));

/**
 * Runs `step` for every one of `hops` hops, but leaves out whole periods once `state` repeats (R. P. Brent,
 * 1980).
 * @param step runs one hop; true if an output fell due.
 * @param leaveOut is told how many hops and outputs were left out.
 * @throws RN716 no repetition within gapLimitHops of a longer gap; the hops run so far stay run.
 */
export function repeatHop(
  hops: number,
  state: Uint8Array,
  parts: StateParts,
  step: () => boolean,
  leaveOut: (hops: number, outputs: number) => void,
): void {
  let left = hops;
  const search = (): boolean => {
    if (hops - left === gapLimitHops)
      throw new RunletError('RN716', {
        what: 'this gap is too long for this module',
        where: `${gapLimitHops} of ${hops} hops were pushed`,
        why: 'its state does not come back to itself, so nothing of the gap can be left out',
        tryThis: "take the policy 'reset'",
      });
    left--;
    return step();
  };
  const seen = state.slice();
  let sums = parts.sums();
  let [since, outputs, power] = [0, 0, 1];
  while (left > 0) {
    if (search()) outputs++;
    since++;
    if (parts.same(seen, state)) break;
    if (since < power) continue;
    seen.set(state);
    sums = parts.sums();
    [since, outputs, power] = [0, 0, 2 * power];
  }
  // a period, so the rest repeats; wait until the sums change by the same step twice
  for (let before = sums, last: Int32Array | undefined; left > 0 && left >= since; ) {
    const now = parts.sums();
    const change = minus(now, before);
    if (change.length === 0 || last?.every((x, i) => x === change[i])) {
      const times = Math.floor(left / since);
      parts.advance(change, times);
      leaveOut(times * since, times * outputs);
      left -= times * since;
      break;
    }
    [before, last] = [now, change];
    for (let hop = 0; hop < since; hop++) search();
  }
  for (; left > 0; left--) step();
}
