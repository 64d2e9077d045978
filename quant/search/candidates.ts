/**
 * Ways to quantise, in the order in which a search tries them.
 *
 * In: a seed, what the graph allows, budgets of int16.  Out: candidates; the presets first (good, best,
 * fast), then the others, those near `good` first. Candidates that look at the data alike (observer,
 * equalisation, rounding) follow each other, so that one pass over it serves them all; such groups that are
 * equally far from `good` come in the seed's order.  Deterministic.
 */
import { seeded, shuffled } from '../calibration/collect.ts';
import { type Methods, presets } from '../presets.ts';

export interface Candidate {
  methods: Methods;
  /** Percent of cost that int16 activations may add (quant/mixed.ts); none where left out. */
  mixedBudget?: number;
}

export interface SearchSpace {
  seed?: number;
  /** Some layer's means are known from batch normalisation. */
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

/** As options of the command line. */
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
