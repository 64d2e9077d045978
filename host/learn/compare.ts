/**
 * Compares two versions of a model on the same labelled windows.
 *
 * In: windows with the truth and the answers of both versions (judge.ts).  Out: the judgement of each on the
 * windows that both answered, and whether the next one is better.
 * Rules: only windows on which exactly one version is better decide, by the sign test with Kish's effective
 * number. For values, the better answer is the nearer one.
 */
import { effectiveCount } from './intervals.ts';
import { type ClassJudgement, casesOf, judgeClasses, judgeValues, type LabelledWindow, type ValueJudgement } from './judge.ts';
import type { Truth } from './labels.ts';
import { isBeyondChance } from './sign-test.ts';

export interface Comparison {
  old: ClassJudgement | ValueJudgement;
  next: ClassJudgement | ValueJudgement;
  /** Number of windows that both versions answered and that count. */
  windows: number;
  /** Numbers of windows on which the next version is better, and worse. */
  better: number;
  worse: number;
  /** Weighted share of those windows on which it is better; 1/2 if there are none. */
  won: number;
  verdict: 'better' | 'worse' | 'no clear difference';
}

/** The cost of an answer: 0 or 1 for classes, the absolute error for values. */
const costOf = (truth: number, answer: number, isClass: boolean): number =>
  isClass ? Number(truth !== answer) : Math.abs(truth - answer);

const verdictOf = (wins: number, losses: number): Comparison['verdict'] =>
  isBeyondChance(wins, losses) ? 'better' : isBeyondChance(losses, wins) ? 'worse' : 'no clear difference';

/**
 * Compares version `next` with version `old`.
 * @param names of the classes; undefined if the model answers with values.
 */
export function compareVersions(
  all: readonly LabelledWindow[],
  old: string,
  next: string,
  names: readonly string[] | undefined,
): Comparison {
  const answered = ({ answers }: LabelledWindow) => [old, next].every((version) => !Number.isNaN(answers[version] ?? Number.NaN));
  const windows = all.filter(answered);
  const truthOf = (truth: Truth): number | undefined => {
    if (truth.kind === 'nothing') return names?.length;
    if (truth.kind === 'value') return names ? undefined : truth.value;
    return names && truth.class < names.length ? truth.class : undefined;
  };
  const before = casesOf(windows, old, truthOf).cases;
  const after = casesOf(windows, next, truthOf).cases;
  let [better, worse, wonWeight] = [0, 0, 0];
  const weights: number[] = [];
  for (const [i, { truth, answer, weight }] of before.entries()) {
    const change = costOf(truth, after[i]?.answer as number, names !== undefined) - costOf(truth, answer, names !== undefined);
    if (change === 0) continue;
    weights.push(weight);
    if (change > 0) worse++;
    else {
      better++;
      wonWeight += weight;
    }
  }
  const sum = weights.reduce((total, weight) => total + weight, 0);
  const won = sum > 0 ? wonWeight / sum : 0.5;
  const decided = effectiveCount(weights);
  const judged = (version: string) => (names ? judgeClasses(windows, version, names) : judgeValues(windows, version));
  return {
    old: judged(old),
    next: judged(next),
    windows: before.length,
    ...{ better, worse, won, verdict: verdictOf(won * decided, (1 - won) * decided) },
  };
}
