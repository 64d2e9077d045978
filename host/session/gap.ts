/**
 * Gaps: replaces lost frames, and shortens long gaps by skipping periods in which the state repeats.
 *
 * Policies: `reset` clears the state, and the stream starts again after the gap; `hold` repeats the last
 * frame; `zero` inserts the real value 0.0 (the zero point). Source: StreamiNNC section 5.7 leaves lost
 * samples open.
 * Exact: a module's next state depends only on its state and the pushed frames (docs/abi.md). Once the state
 * repeats under constant frames, it repeats for ever. So whole periods can be skipped, and the state at the
 * end of the gap is the same as after pushing every frame. Running sums (the manifest lists them) may grow
 * instead. Since everything else repeats, one affine map modulo 2^32, y -> A y + b, takes them from period to
 * period. Two equal steps D show that A D = D, so every later period adds D, and n periods add n D.
 * Cost: one state comparison per hop until the state repeats (about window, context and the module's period).
 */
import { RunletError } from '../../models/error.ts';

export const gapPolicies = ['reset', 'hold', 'zero'] as const;
export type GapPolicy = (typeof gapPolicies)[number];

export interface GapResult {
  frames: number;
  /** Number of outputs that were due inside the gap. */
  outputs: number;
  /** Number of these that were skipped in a long gap. Each equals an output that was reported before. */
  leftOut: number;
}

/** Largest number of hops in a gap if the state does not repeat within them. A choice. */
export const gapLimitHops = 65_536;

/** Checks the arguments of a gap that begins at frame `at`. @throws RN715 */
export function checkGap(frames: number, policy: GapPolicy, at: number): void {
  const bad = (what: string, why: string) => new RunletError('RN715', { what, where: `gap at frame ${at}`, why });
  if (!gapPolicies.includes(policy)) throw bad(`there is no gap policy ${String(policy)}`, `there are ${gapPolicies.join(', ')}`);
  if (!Number.isSafeInteger(frames) || frames < 1 || !Number.isSafeInteger(at + frames))
    throw bad(
      `${String(frames)} is not the length of a gap`,
      'it takes whole frames, at least 1, and all frames must stay below 2^53',
    );
}

/** Splits a module's state into bytes that repeat and running sums, i32 words that may grow. */
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

  /** Returns true if two states are equal apart from the running sums. */
  same(a: Uint8Array, b: Uint8Array): boolean {
    for (const [from, to] of this.#exact) for (let i = from; i < to; i++) if (a[i] !== b[i]) return false;
    return true;
  }

  /** Returns a copy of the running sums. */
  sums(): Int32Array {
    const words = this.#sums.map((view) =>
      Int32Array.from({ length: view.byteLength / 4 }, (_, i) => view.getInt32(4 * i, true)),
    );
    return Int32Array.from(words.flatMap((list) => [...list]));
  }

  /** Adds `step` to the running sums `times` times, modulo 2^32. */
  advance(step: Int32Array, times: number): void {
    let at = 0;
    for (const view of this.#sums)
      for (let i = 0; i < view.byteLength; i += 4)
        view.setInt32(i, view.getInt32(i, true) + Math.imul(step[at++] as number, times), true);
  }
}

const minus = (a: Int32Array, b: Int32Array): Int32Array => a.map((x, i) => x - (b[i] as number));

/**
 * Runs `step` for each of `hops` hops, but skips whole periods once `state` repeats. Source: the cycle
 * detection of R. P. Brent, 1980.
 * @param step runs one hop, and returns true if an output is due.
 * @param leaveOut receives the numbers of hops and outputs that were skipped.
 * @throws RN716 if the gap is longer than gapLimitHops and the state does not repeat within them. The hops
 * that ran are not undone.
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
        why: 'its state does not repeat, so no part of the gap can be skipped',
        tryThis: "use the policy 'reset'",
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
  // the period is known; run further periods until the sums change by the same step twice
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
