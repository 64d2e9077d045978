/**
 * Trials of `npm run eval:versions`: a stream of phases whose conditions come back, and the version that each
 * mechanism runs at every window.
 *
 * In: windows of a fold in every condition (versions-streams.ts), a seed.  Out: for each mechanism, which
 * windows were right, and the figures of each phase.
 * Rules: each phase has all people of the fold, in random order. A version exists from `madeAfter` windows
 * after its condition's first beginning on, and every mechanism runs it from then, as one confirms a new
 * version. A window in `1 / share` is drawn at random and labelled at once. Each mechanism decides at each
 * label, and keeps its own running version. The oracle runs, at every window, the version that is the best
 * one in this condition of those that exist; it knows the truth of all windows.
 */
import { draws } from '../../models/xorshift.ts';
import { chooseVersion, type ScoredWindow, type Version } from '../learn/choose-version.ts';
import { RandomShare } from '../learn/policies.ts';
import { shuffled } from './shuffled.ts';
import type { ConditionFold, ConditionWindow } from './versions-streams.ts';

export const mechanisms = ['newest', 'lastK', 'nearest', 'recommended', 'oracle'] as const;
export type Mechanism = (typeof mechanisms)[number];

/** Conditions of the phases, as numbers of versions-streams.ts: two of them come back twice. */
export const phases = [0, 1, 2, 0, 1, 2, 0] as const;

/**
 * Choices: share of labelled windows, windows before a version is made, latest windows to compare inputs
 * with.
 */
const [share, madeAfter, latestWindows] = [0.1, 300, 10];
/** Labels of a phase after which the choice must be near the oracle. */
export const settledLabels = 50;

export interface Phase {
  condition: number;
  /** Number of the first window, and of the window after the last one. */
  from: number;
  to: number;
  /** Number of the first window after `settledLabels` labels of the phase. */
  settled: number;
}

export interface VersionTrial {
  seed: number;
  phases: Phase[];
  /** 1 for each window that was right, by mechanism. */
  right: Record<Mechanism, Uint8Array>;
  /** Changes of the running version that were not a new version. */
  swaps: Record<Mechanism, number>;
  labels: number;
}

const accuracyOf = (windows: readonly ConditionWindow[], version: number): number =>
  windows.filter(({ truth, answers }) => answers[version] === truth).length / windows.length;

/** Returns the accuracy of a mechanism on windows [from, to). */
export function accuracyIn(right: Uint8Array, from: number, to: number): number {
  return right.subarray(from, to).reduce((sum, one) => sum + one, 0) / (to - from);
}

const digestOf = (version: number): string => `v${version}`;

/** Returns a labelled window with the scores of all versions that exist. */
const scored = ({ truth, answers, features }: ConditionWindow, versions: number): ScoredWindow => ({
  scores: Object.fromEntries(answers.slice(0, versions).map((answer, v) => [digestOf(v), answer === truth ? 1 : 0])),
  features,
});

/** The versions that exist, what is labelled, and what each mechanism runs. */
class Running {
  made = 1;
  readonly running: Record<Mechanism, number>;
  readonly swaps: Record<Mechanism, number>;
  readonly labelled: ConditionWindow[] = [];
  #scored: ScoredWindow[] = [];

  constructor() {
    const none = () => Object.fromEntries(mechanisms.map((m) => [m, 0])) as Record<Mechanism, number>;
    [this.running, this.swaps] = [none(), none()];
  }

  /** A new version exists, and every mechanism runs it. */
  make(): void {
    for (const m of mechanisms) this.running[m] = this.made;
    this.made++;
    this.#scored = this.labelled.map((one) => scored(one, this.made));
  }

  /** Takes a label, and lets each mechanism decide. */
  label(window: ConditionWindow): void {
    this.labelled.push(window);
    this.#scored.push(scored(window, this.made));
    const versions: Version[] = Array.from({ length: this.made }, (_, v) => ({ id: digestOf(v), sequence: v }));
    const latest = this.labelled.slice(-latestWindows).flatMap(({ features }) => features);
    // mechanisms that run the same version decide the same
    const choices = new Map<number, ReturnType<typeof chooseVersion>>();
    for (const m of ['lastK', 'nearest', 'recommended'] as const) {
      const now = this.running[m];
      const choice = choices.get(now) ?? chooseVersion(versions, digestOf(now), this.#scored, latest);
      choices.set(now, choice);
      const next = versions.findIndex(({ id }) => id === (choice[m] ?? digestOf(now)));
      if (next !== now) this.swaps[m]++;
      this.running[m] = next;
    }
  }
}

/** Returns the best version of the first `made` ones. */
const bestOf = (windows: readonly ConditionWindow[], made: number): number =>
  Array.from({ length: made }, (_, v) => accuracyOf(windows, v)).reduce(
    (best, one, v, all) => (one > (all[best] as number) ? v : best),
    0,
  );

/** Runs one stream. @param fold windows of its people in every condition */
export function versionTrial(fold: ConditionFold, seed: number): VersionTrial {
  const draw = draws(seed);
  const random = new RandomShare(share, 1 + seed);
  const stream = phases.map((condition) => {
    const people = fold[condition] as ConditionWindow[][];
    return shuffled(people.length, draw).flatMap((p) => people[p] as ConditionWindow[]);
  });
  const total = stream.reduce((sum, { length }) => sum + length, 0);
  const right = Object.fromEntries(mechanisms.map((m) => [m, new Uint8Array(total)])) as Record<Mechanism, Uint8Array>;
  const state = new Running();
  const found: Phase[] = [];
  let at = 0;
  for (const [p, windows] of stream.entries()) {
    const condition = phases[p] as number;
    const phase = { condition, from: at, to: at + windows.length, settled: at + windows.length };
    found.push(phase);
    const before = state.labelled.length;
    state.running.oracle = bestOf(windows, state.made);
    for (const [n, one] of windows.entries()) {
      if (state.made === condition && n === madeAfter) {
        state.make();
        state.running.oracle = bestOf(windows, state.made);
      }
      for (const m of mechanisms) right[m][at] = one.answers[state.running[m]] === one.truth ? 1 : 0;
      at++;
      if (!random.take()) continue;
      state.label(one);
      if (state.labelled.length - before === settledLabels) phase.settled = at;
    }
  }
  return { seed, phases: found, right, swaps: state.swaps, labels: state.labelled.length };
}
