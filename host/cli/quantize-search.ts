/**
 * --search of quantize: tries combinations of methods and shows the cost of each.
 *
 * In: a float graph, plan options, the command line, a task if there is one.  Out: the search's result; the
 * Pareto front as a table.
 */

import type { Graph } from '../../models/graph/types.ts';
import { maxOf, minOf } from '../../models/lists.ts';
import { planStream } from '../../models/stream/plan.ts';
import type { PlanOptions } from '../../models/stream/types.ts';
import type { CalibrationSet } from '../../quant/calibration/signals.ts';
import type { Score, Search, Tried } from '../../quant/search/search.ts';
import { badOption, coloursFor, kebab } from '../command/args.ts';
import { methodOptions } from '../command/load.ts';
import type { CalibOptions } from '../command/model-options.ts';
import { flag, type Given, group, number } from '../command/options.ts';
import { leftText } from '../report/progress.ts';
import { table } from '../report/table.ts';
import { emptyLine } from '../report/terminal.ts';
import { decibelText, percent, type Task } from './evaluation.ts';
import type { MixedArgs } from './mixed.ts';

export const searchArgs = group('Search', {
  search: flag('Try combinations of methods and take the best; with --mixed also int16'),
  seconds: number('Maximum duration of the search in seconds (default 60)', { min: 0.001 }),
  candidates: number('Try exactly this number of combinations, however long it takes', { min: 1, whole: true }),
});

export type SearchArgs = CalibOptions & MixedArgs & Given<typeof searchArgs>;

const searchedMethods = [
  'preset',
  'observer',
  'percentile',
  'narrow',
  'weightRounding',
  'weightScales',
  'equalise',
  'biasCorrection',
  'activations',
] as const;

/** Returns the limits of the search. Refuses options that need --search, or do not fit it. @throws RN740 */
export function searchLimits(args: SearchArgs): { seconds?: number; candidates?: number } | undefined {
  const { seconds, candidates } = args;
  if (!args.search) {
    if (seconds !== undefined) throw badOption('seconds', `${seconds}`, 'a number only together with --search');
    if (candidates !== undefined) throw badOption('candidates', `${candidates}`, 'a number only together with --search');
    return undefined;
  }
  for (const name of searchedMethods) {
    const value = args[name];
    if (value !== undefined) throw badOption(kebab(name), `${value}`, 'no value together with --search, which chooses it');
  }
  return { ...(seconds !== undefined && { seconds }), ...(candidates !== undefined && { candidates }) };
}

/** Reads the calibration data of --calib. @throws as quantize does */
export async function calibrationSet(
  graph: Graph,
  plan: PlanOptions,
  args: CalibOptions & { calib: string },
): Promise<CalibrationSet> {
  const { collectCalibration } = await import('../../quant/calibration/collect.ts');
  const { calibrationChunks } = await import('../command/calibration.ts');
  const { chunks } = await calibrationChunks(graph, args);
  return collectCalibration(planStream(graph, plan), chunks, methodOptions(args));
}

/** Budgets of --mixed to try, in percent of additional cost: small, default, large. A choice. */
const budgets = [5, 20, 60];

/** Runs the search; shows its progress on a terminal. */
export async function searched(
  graph: Graph,
  plan: PlanOptions,
  calibration: CalibrationSet,
  args: SearchArgs,
  task: Task | undefined,
): Promise<Search> {
  const { searchSteps } = await import('../../quant/search/search.ts');
  const { mixedBudget: budget } = args;
  const { data, labels, metric } = task ?? {};
  const steps = searchSteps(planStream(graph, plan), calibration, {
    ...searchLimits(args),
    seed: args.seed ?? 1,
    ...(args.mixed && { mixedBudgets: budget === undefined ? budgets : [budget] }),
    ...(data && labels && { task: { data, labels, ...(metric && { metric }) } }),
  });
  const shown = process.stderr.isTTY;
  const started = performance.now();
  try {
    for (;;) {
      const { done, value } = steps.next();
      if (done) return value;
      if (shown)
        process.stderr.write(
          `${emptyLine(process.stderr)}${value.tried} tried, ${Math.round(100 * value.share)} %  ${leftText(started, value.share)}`,
        );
      await new Promise<void>((resolve) => setTimeout(resolve));
    }
  } finally {
    process.stderr.write(emptyLine(process.stderr));
  }
}

const scoreText = (score: Score, value: number): string =>
  score === 'output SQNR'
    ? decibelText(value)
    : score === 'mae' || score === 'rmse'
      ? `${Number(value.toPrecision(4))}`
      : percent(value);

/** Formats the Pareto front, best first, and the chosen candidate. */
export function searchText({ score, tried, candidates, chosen }: Search): string {
  const same = (a: Tried, b: Tried) => a.score === b.score && a.bytes === b.bytes && a.work === b.work;
  const front = tried.filter((t, i) => t.front && !tried.slice(0, i).some((other) => other.front && same(other, t)));
  const rank = score === 'mae' || score === 'rmse' ? 1 : -1;
  const marked = chosen;
  const rows = front
    .sort((a, b) => rank * (a.score - b.score) || a.bytes - b.bytes || a.work - b.work)
    .map((t) => [scoreText(score, t.score), t.bytes, t.work, same(t, marked) ? '<- chosen' : '', t.options]);
  const scores = tried.map((t) => t.score);
  const [lowest, highest] = [minOf(scores), maxOf(scores)].map((v) => scoreText(score, v));
  const { isColorSupported: colour } = coloursFor(process.stdout);
  return [
    `search: ${tried.length} of ${candidates} combinations tried, ${score} from ${lowest} to ${highest}; none is better than these in one column without being worse in another`,
    '',
    table(rows, { head: [score, 'bytes', 'work/hop', '', 'how'], colour, spare: ['work/hop'] }),
    '',
    `chosen: ${chosen.options}`,
    '',
  ].join('\n');
}

/** Returns the result for --json, without the graphs. */
export function searchJson({ score, tried, candidates, chosen }: Search) {
  const plain = ({ graph: _, float: __, methods, ...rest }: Tried) => ({ ...rest, methods });
  return { score, candidates, tried: tried.map(plain), chosen: plain(chosen) };
}
