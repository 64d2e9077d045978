/**
 * Candidates: combinations of quantisation methods, in the order in which a search tries them.
 *
 * In: a seed, whether the graph has analytic means, budgets for int16.  Out: candidates; first the presets
 * (good, best, fast), then the others, sorted by distance from `good`. Candidates with the same observer,
 * equalisation and rounding form a group, because one pass over the data serves them all. The seed orders
 * groups at the same distance.  Deterministic.
 */
import { seeded, shuffled } from '../calibration/collect.ts';
import { type Methods, presets } from '../presets.ts';

export interface Candidate {
  methods: Methods;
  /** Cost that int16 activations may add, percent (quant/mixed.ts). Default: no int16. */
  mixedBudget?: number;
}

export interface SearchSpace {
  seed?: number;
  /** True if batch normalisation gives the means of some layer. Default false. */
  analytic?: boolean;
  mixedBudgets?: readonly number[];
}

type Look = Pick<Methods, 'observer' | 'percentile' | 'equalise' | 'rounding'>;

const observers: Pick<Methods, 'observer' | 'percentile'>[] = [
  { observer: 'mse', percentile: 99.99 },
  { observer: 'minmax', percentile: 99.99 },
  { observer: 'percentile', percentile: 99.99 },
  { observer: 'percentile', percentile: 99.9 },
  { observer: 'entropy', percentile: 99.99 },
  { observer: 'moving-average', percentile: 99.99 },
];

const looks: Look[] = observers.flatMap((o) =>
  [true, false].flatMap((equalise) => (['nearest', 'together'] as const).map((rounding): Look => ({ ...o, equalise, rounding }))),
);

const { good } = presets;
const distance = (m: Look): number =>
  Number(m.observer !== good.observer) + Number(m.equalise !== good.equalise) + Number(m.rounding !== good.rounding);

/** Returns the candidate as command line options. */
export function optionsText({ methods, mixedBudget }: Candidate): string {
  const { observer, percentile, equalise, rounding, biasCorrection, weightScales, narrow } = methods;
  const bias = biasCorrection === true ? 'on' : biasCorrection === false ? 'off' : biasCorrection;
  return [
    `--observer ${observer}`,
    ...(observer === 'percentile' ? [`--percentile ${percentile}`] : []),
    ...(observer === 'mse' ? [`--narrow ${narrow}`] : []),
    `--equalise ${equalise ? 'on' : 'off'}`,
    `--bias-correction ${bias}`,
    `--weight-rounding ${rounding}`,
    `--weight-scales ${weightScales}`,
    ...(mixedBudget === undefined ? [] : [`--mixed --mixed-budget ${mixedBudget}`]),
  ].join(' ');
}

export function candidatesOf({ seed = 1, analytic = false, mixedBudgets = [] }: SearchSpace = {}): Candidate[] {
  const corrections: Methods['biasCorrection'][] = analytic ? [true, 'analytic', false] : [true, false];
  const rnd = seeded(seed);
  const groups = shuffled(looks, rnd).sort((a, b) => distance(a) - distance(b));
  const budgets = [undefined, ...mixedBudgets];
  const of = (methods: Methods) =>
    budgets.map((mixedBudget): Candidate => ({ methods, ...(mixedBudget !== undefined && { mixedBudget }) }));
  const first = [presets.good, presets.best, presets.fast].flatMap(of);
  const known = new Set(first.map(optionsText));
  const rest = groups.flatMap((look) =>
    (['per-channel', 'per-tensor'] as const).flatMap((weightScales) =>
      corrections.flatMap((biasCorrection) => of({ ...good, ...look, biasCorrection, weightScales })),
    ),
  );
  return [...first, ...rest.filter((c) => !known.has(optionsText(c)))];
}
