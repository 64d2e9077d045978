/**
 * runlet bench --swap: compares a network with the same network with pools in place of its depthwise layers.
 *
 * In: an int8 plan and the option's value, then the figures of both networks.  Out: the plan of the second
 * network; ratios, and tables of them.
 */
import { RunletError } from '../../models/error.ts';
import { shortener } from '../../models/graph/names.ts';
import { planStream } from '../../models/stream/plan.ts';
import { type QuantPlan, quantPlan } from '../../quant/plan.ts';
import { type PoolName, poolNames, type Swapped, swapDepthwise } from '../../quant/swap-depthwise.ts';
import { type Measured, type Ratio, ratios } from '../bench/compare.ts';
import type { TimesFigures } from '../bench/times.ts';
import { type Cell, table } from '../report/table.ts';
import { fitLines } from '../report/wrap.ts';

const pools = new Map(poolNames.map((pool) => [`depthwise=${pool}`, pool]));
/** Values of --swap. */
export const swaps = [...pools.keys()];

export interface Swap extends Omit<Swapped, 'graph'> {
  pool: PoolName;
  /** The network with pools, planned as the network before. */
  quant: QuantPlan;
}

const untrained = 'The network with pools is untrained: before training, its answers mean nothing.';

/** Upper bound of the names in a line. A choice. */
const maxNames = 5;

/** Returns one text for each reason that keeps layers, with their short names. */
function keptLines({ kept }: Pick<Swapped, 'kept'>, { plan }: QuantPlan): string[] {
  const short = shortener(plan.graph);
  const names = new Map<string, string[]>();
  for (const { name, why } of kept) names.set(why, [...(names.get(why) ?? []), short(name)]);
  return [...names].map(([why, all]) => {
    const more = all.length > maxNames ? ` and ${all.length - maxNames} more` : '';
    return `${all.slice(0, maxNames).join(', ')}${more}: ${why}`;
  });
}

/** Swaps the layers of a planned network. @throws RN794 no layer can be replaced */
export function swapIn(quant: QuantPlan, option: string): Swap {
  const pool = pools.get(option) as PoolName;
  const { graph, ...layers } = swapDepthwise(quant.plan.graph, pool);
  if (layers.replaced.length === 0)
    throw new RunletError('RN794', {
      what: `--swap ${option} can replace no layer of ${graph.name}`,
      where: '--swap',
      why: layers.kept.length === 0 ? 'it has no depthwise layers' : keptLines(layers, quant).join('. '),
      tryThis: 'leave out --swap, or measure a network with depthwise layers without multiplier and dilation',
    });
  return { pool, ...layers, quant: quantPlan(planStream(graph, quant.plan.options)) };
}

/** Compared figures and their names. */
const figures = [
  { field: 'macsPerHop', figure: 'multiply-adds a hop' },
  { field: 'weightBytes', figure: 'weights, bytes' },
  { field: 'fileBytes', figure: 'module, bytes' },
  { field: 'stateBytes', figure: 'state, bytes' },
  { field: 'memoryBytes', figure: 'RAM, bytes' },
  { field: 'executed', figure: 'wasm instructions a hop' },
  { field: 'most', figure: 'instructions a hop' },
  { field: 'medianUs', figure: 'us a hop' },
];

type Figures = Measured | TimesFigures;

/** Adds the multiply-adds of a hop, which are the same for all targets, to every row. */
const withMacs = (of: Figures, { plan }: QuantPlan): Measured => ({
  ...of,
  rows: of.rows.map((row) => ({ ...row, macsPerHop: plan.macsPerHop })),
});

const ratiosOf = (before: Figures, after: Figures, quant: QuantPlan, swap: Swap): Ratio[] =>
  ratios(withMacs(before, quant), withMacs(after, swap.quant), figures);

/** Returns both figures and their ratios, for --json. */
export const swapJson = (before: Figures, after: Figures, quant: QuantPlan, swap: Swap) => ({
  network: before.network,
  hop: before.hop,
  swap: { pool: swap.pool, replaced: swap.replaced, kept: swap.kept, trained: false, notice: untrained },
  before,
  after,
  ratios: ratiosOf(before, after, quant, swap).map(({ target, figure, before, now, ratio }) => ({
    ...{ target, figure, before, after: now, ratio },
  })),
});

/** Returns the rows of a table of ratios, by figure. Targets with equal numbers share a row. */
function ratioCells(all: readonly Ratio[]): Cell[][] {
  const every = new Set(all.map(({ target }) => target));
  const rows = new Map<string, { targets: string[] } & Ratio>();
  for (const one of all) {
    const key = `${one.figure} ${one.before} ${one.now}`;
    const row = rows.get(key) ?? { ...one, targets: [] };
    row.targets.push(one.target);
    rows.set(key, row);
  }
  return figures.flatMap(({ figure }) =>
    [...rows.values()]
      .filter((row) => row.figure === figure)
      .map(({ targets, before, now, ratio }) => [
        figure,
        targets.length === every.size ? 'all' : targets.join(', '),
        before,
        now,
        ratio.toFixed(3),
      ]),
  );
}

function timeCells(before: TimesFigures, after: TimesFigures): Cell[][] {
  return before.rows.map((a, i) => {
    const b = after.rows[i] as TimesFigures['rows'][number];
    const spread = ({ p5Us, p95Us }: typeof a) => `${p5Us.toFixed(1)} .. ${p95Us.toFixed(1)}`;
    const ratio = (b.medianUs / a.medianUs).toFixed(3);
    return [a.target, a.medianUs.toFixed(1), spread(a), b.medianUs.toFixed(1), spread(b), ratio];
  });
}

const isTimed = (of: Figures): of is TimesFigures => 'rounds' in of;

/** Returns the comparison as text. @param colour true to print titles bold */
export function swapText(before: Figures, after: Figures, quant: QuantPlan, swap: Swap, colour: boolean): string {
  const { replaced, kept, pool } = swap;
  const sizes = ratiosOf(before, after, quant, swap).filter(({ figure }) => figure !== 'us a hop');
  const lines = [
    `before  ${replaced.length + kept.length} depthwise layers; mode ${quant.plan.mode}`,
    `after   ${pool} in place of ${replaced.length} of them; mode ${swap.quant.plan.mode}`,
    ...keptLines(swap, quant).map((line) => fitLines(`kept    ${line}`, 80)),
    '',
    untrained,
    '',
    table(ratioCells(sizes), { head: ['figure', 'target', 'before', 'after', 'ratio'], colour }),
  ];
  const head = ['us a hop', 'before', '5 % .. 95 %', 'after', '5 % .. 95 %', 'ratio'];
  if (isTimed(before) && isTimed(after)) lines.push('', table(timeCells(before, after), { head, colour }));
  return `${lines.join('\n')}\n`;
}
