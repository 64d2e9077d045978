/**
 * Labels of windows from several annotators: what each said, where they agree, which windows to ask again.
 *
 * In: answers; a later answer of an annotator for the same window replaces the earlier one.  Out: a verdict
 * per window, agreement of each pair of annotators, windows to ask again, cost per annotator.
 * Rules: the verdict on classes is the answer of more than half of those who were sure; on values it is the
 * median. "Nothing of this" counts as a class; "not sure" is no vote. Kappa is taken over the windows on
 * which both were sure.
 * Source: Cohen 1960, "A coefficient of agreement for nominal scales".  Cost: linear in the answers, for
 * pairs times the number of annotators of a window.
 */
import { quantile } from '../statistics.ts';

/** What a window is: index of a class, a value, or no class of the model. */
export type Truth =
  | { readonly kind: 'class'; readonly class: number }
  | { readonly kind: 'value'; readonly value: number }
  | { readonly kind: 'nothing' };

export interface Answer {
  window: string;
  annotator: string;
  said: Truth | { readonly kind: 'not-sure' };
  /** Time from showing the window to the answer, if it is known. */
  seconds?: number;
}

/**
 * A label as files and requests have it: name of a class, value, false for "nothing of this", null for "not
 * sure".
 */
export interface Given {
  annotator: string;
  label: string | number | false | null;
  seconds?: number;
}

/**
 * Returns the names of a model's classes: its labels, or else the numbers of the elements of its output. A
 * model whose output has one element and no label gives values, and has no names.
 */
export const classNames = (labels: readonly string[] | undefined, elements = 0): readonly string[] =>
  labels ?? Array.from({ length: elements > 1 ? elements : 0 }, (_, i) => `${i}`);

/** Returns what a label says. A name that the model does not have is none of its classes. */
function saidBy(label: Given['label'], names: readonly string[]): Answer['said'] {
  if (label === null) return { kind: 'not-sure' };
  if (typeof label === 'number') return { kind: 'value', value: label };
  const index = label === false ? -1 : names.indexOf(label);
  return index < 0 ? { kind: 'nothing' } : { kind: 'class', class: index };
}

/** Returns the labels of a window as answers. @param names of the model's classes */
export const answersOf = (window: string, labels: readonly Given[], names: readonly string[]): Answer[] =>
  labels.map(({ annotator, label, seconds }) => ({ window, annotator, said: saidBy(label, names), seconds }));

export interface Verdict {
  window: string;
  /** Undefined if nobody was sure, or no class has more than half of the votes. */
  truth?: Truth;
  /** Votes for each class, highest first; for values one entry per value, ascending, and "nothing" last. */
  votes: { truth: Truth; count: number }[];
  /** Number of answers, with those that were not sure. */
  answers: number;
  /** Largest difference of two values; 0 for classes. */
  spread: number;
}

/** Returns the answers that count: of each annotator the last one for a window, by window. */
function lastAnswers(answers: readonly Answer[]): Map<string, Map<string, Answer>> {
  const windows = new Map<string, Map<string, Answer>>();
  for (const answer of answers) {
    const of = windows.get(answer.window) ?? new Map<string, Answer>();
    windows.set(answer.window, of.set(answer.annotator, answer));
  }
  return windows;
}

/** The category of an answer for counting: the index of its class, or -1 for "nothing of this". */
const categoryOf = (truth: Truth): number => (truth.kind === 'class' ? truth.class : -1);

function verdictOn(window: string, answers: readonly Answer[]): Verdict {
  const sure = answers.flatMap(({ said }) => (said.kind === 'not-sure' ? [] : [said]));
  const values = sure.flatMap((said) => (said.kind === 'value' ? [said.value] : [])).sort((a, b) => a - b);
  if (values.length > 0) {
    const none = sure.length - values.length;
    const votes: Verdict['votes'] = values.map((value) => ({ truth: { kind: 'value', value }, count: 1 }));
    if (none > 0) votes.push({ truth: { kind: 'nothing' }, count: none });
    const spread = (values.at(-1) as number) - (values[0] as number);
    const median: Truth = { kind: 'value', value: quantile(values, 0.5) };
    const truth = values.length === none ? undefined : values.length > none ? median : ({ kind: 'nothing' } as const);
    return { window, ...(truth && { truth }), votes, answers: answers.length, spread };
  }
  const counts = new Map<number, { truth: Truth; count: number }>();
  for (const truth of sure) {
    const category = categoryOf(truth);
    counts.set(category, { truth, count: (counts.get(category)?.count ?? 0) + 1 });
  }
  const votes = [...counts.values()].sort((a, b) => b.count - a.count || categoryOf(a.truth) - categoryOf(b.truth));
  const [first] = votes;
  const wins = first !== undefined && first.count * 2 > sure.length;
  return { window, ...(wins && { truth: first.truth }), votes, answers: answers.length, spread: 0 };
}

/** Returns the verdict on each window, in the order of the windows' first answers. */
export const verdicts = (answers: readonly Answer[]): Verdict[] =>
  [...lastAnswers(answers)].map(([window, of]) => verdictOn(window, [...of.values()]));

export interface AskAgain {
  /** Votes by which the first class must lead the second one. Default: 2. */
  lead?: number;
  /** Largest allowed difference of two values. Default: 0. */
  tolerance?: number;
  /** Answers after which a window is not asked again. Default: 5. */
  maxAnswers?: number;
}

/** Returns the windows that need another answer because annotators differ; the least decided ones first. */
export function askAgain(answers: readonly Answer[], { lead = 2, tolerance = 0, maxAnswers = 5 }: AskAgain = {}): string[] {
  const open = verdicts(answers).flatMap((verdict) => {
    const { window, votes, spread } = verdict;
    if (verdict.answers >= maxAnswers || votes.length < 2) return [];
    if (votes[0]?.truth.kind === 'value') {
      const differ = spread > tolerance || votes.at(-1)?.truth.kind === 'nothing';
      return differ ? [{ window, ahead: -spread }] : [];
    }
    const ahead = (votes[0]?.count as number) - (votes[1]?.count as number);
    return ahead < lead ? [{ window, ahead }] : [];
  });
  return open.sort((a, b) => a.ahead - b.ahead).map(({ window }) => window);
}

export interface Agreement {
  annotators: readonly [string, string];
  /** Number of windows on which both were sure. */
  windows: number;
  /** Cohen's kappa, at most 1; undefined for values, and if chance alone would make both agree always. */
  kappa?: number;
  /** For values: the mean absolute difference. */
  meanDifference?: number;
}

/**
 * Cohen's kappa: (observed agreement - agreement by chance) / (1 - agreement by chance).
 * @param pairs categories that two annotators gave the same windows.
 */
export function cohensKappa(pairs: readonly (readonly [number, number])[]): number | undefined {
  const [first, second] = [new Map<number, number>(), new Map<number, number>()];
  let agreed = 0;
  for (const [a, b] of pairs) {
    if (a === b) agreed++;
    first.set(a, (first.get(a) ?? 0) + 1);
    second.set(b, (second.get(b) ?? 0) + 1);
  }
  const squares = pairs.length ** 2;
  let chance = 0;
  for (const [category, count] of first) chance += count * (second.get(category) ?? 0);
  return chance === squares ? undefined : (agreed * pairs.length - chance) / (squares - chance);
}

/** Returns the agreement of each pair of annotators with a common window, in the order of their names. */
export function agreements(answers: readonly Answer[]): Agreement[] {
  const pairs = new Map<string, { annotators: [string, string]; said: [Truth, Truth][] }>();
  for (const of of lastAnswers(answers).values()) {
    const sure = [...of.values()].sort((a, b) => (a.annotator < b.annotator ? -1 : 1));
    for (const [i, a] of sure.entries())
      for (const b of sure.slice(i + 1)) {
        if (a.said.kind === 'not-sure' || b.said.kind === 'not-sure') continue;
        const key = JSON.stringify([a.annotator, b.annotator]);
        const pair = pairs.get(key) ?? { annotators: [a.annotator, b.annotator], said: [] };
        pairs.set(key, pair);
        pair.said.push([a.said, b.said]);
      }
  }
  return [...pairs.values()]
    .sort((a, b) => (a.annotators.join('\n') < b.annotators.join('\n') ? -1 : 1))
    .map(({ annotators, said }) => {
      const differences = said.flatMap(([a, b]) =>
        a.kind === 'value' && b.kind === 'value' ? [Math.abs(a.value - b.value)] : [],
      );
      const meanDifference = differences.reduce((sum, d) => sum + d, 0) / differences.length;
      if (differences.length > 0) return { annotators, windows: said.length, meanDifference };
      const kappa = cohensKappa(said.map(([a, b]) => [categoryOf(a), categoryOf(b)]));
      return { annotators, windows: said.length, ...(kappa !== undefined && { kappa }) };
    });
}

export interface Cost {
  annotator: string;
  answers: number;
  /** Number of answers that were not sure. */
  notSure: number;
  seconds: number;
  medianSeconds: number;
}

/**
 * Returns what the answers cost, by annotator. Answers that were replaced count too; those without a time add
 * nothing to the seconds.
 */
export function costs(answers: readonly Answer[]): Cost[] {
  const of = new Map<string, Answer[]>();
  for (const answer of answers) {
    const mine = of.get(answer.annotator) ?? [];
    of.set(answer.annotator, mine);
    mine.push(answer);
  }
  return [...of].sort().map(([annotator, mine]) => {
    const seconds = mine.flatMap((answer) => answer.seconds ?? []);
    return {
      annotator,
      answers: mine.length,
      notSure: mine.filter(({ said }) => said.kind === 'not-sure').length,
      seconds: seconds.reduce((sum, s) => sum + s, 0),
      medianSeconds: quantile(seconds, 0.5),
    };
  });
}
