/**
 * runlet select POOL -n N: chooses n windows of a pool, for labelling or for calibration.
 *
 * In: a pool of windows (.npz or .npy), with --model a model file.  Out: a .npz file with the chosen windows
 * and a table that compares the ways with a random choice. The model's outputs are the embeddings.
 * Cost: windows x n x features for `coverage` and `k-centre`, which is bounded; with --model one run of the
 * model per window.
 */
import { coverWindows, farthestFirst } from '../../quant/calibration/coverage.ts';
import { badOption, coloursFor, printJson } from '../command/args.ts';
import { loadGraph, readBytes } from '../command/load.ts';
import { argument, choice, input, jsonArg, number, output } from '../command/options.ts';
import { checkModel, outputsOf } from '../command/pool-outputs.ts';
import { defineVerb } from '../command/verb.ts';
import { byChance, byUncertainty } from '../learn/choose-windows.ts';
import { inputPoints, type Points, type Pool, poolOf, rowsOf } from '../learn/pool.ts';
import { balanceOf, spreadOf } from '../learn/spread.ts';
import { type Measure, measures, uncertaintyOf } from '../learn/uncertainty.ts';
import { whileWorking } from '../report/progress.ts';
import { table } from '../report/table.ts';
import { readNpy } from '../sources/npy.ts';
import { readNpzAll, writeNpz } from '../sources/npz.ts';
import { writeOut } from './save.ts';

const ways = ['random', 'coverage', 'uncertain', 'k-centre'] as const;
type Way = (typeof ways)[number];

/**
 * Windows x chosen x features that a way may take. A choice: minutes, with 10^5 windows of 24 features 8,000.
 */
const workLimit = 2e10;

/** Random choices that the table compares with. */
const randomChoices = 5;

async function readPool(path: string): Promise<Pool> {
  const bytes = await readBytes(path);
  if (/\.npy$/i.test(path)) return poolOf(new Map([['windows', readNpy(bytes)]]));
  const { arrays, unread } = await readNpzAll(bytes);
  if (unread.length > 0) process.stderr.write(`left out: arrays of other types than numbers (${unread.length})\n`);
  return poolOf(arrays);
}

interface Setting {
  pool: Pool;
  n: number;
  seed: number;
  measure: Measure;
  inputs: ReturnType<typeof inputPoints>;
  outputs?: Points;
}

/** Largest n that a way may take on this pool. */
function limitOf(way: Way, { pool, inputs, outputs }: Setting): number {
  const points = way === 'coverage' ? inputs : way === 'k-centre' ? outputs : undefined;
  return points ? Math.floor(workLimit / (pool.count * points.features)) : pool.count;
}

/** Chooses by one way. `uncertain` and `k-centre` need outputs. */
function chosenBy(way: Way, { pool, n, seed, measure, inputs, outputs }: Setting): number[] {
  if (way === 'coverage') return coverWindows(inputs.windows, n);
  if (way === 'random' || !outputs) return byChance(pool.count, n, seed);
  const { features, values } = outputs;
  if (way === 'k-centre') return farthestFirst(values, features, n);
  const uncertainty = (i: number) => uncertaintyOf(values.subarray(i * features, (i + 1) * features), measure);
  return byUncertainty(
    Float64Array.from({ length: pool.count }, (_, i) => uncertainty(i)),
    n,
    seed,
  );
}

/**
 * Measures all ways that can be taken on this pool in bounded time; `random` is the mean of several draws.
 */
function compared(by: Way, chosen: number[], setting: Setting): Compared[] {
  const { pool, n, seed, outputs } = setting;
  const draws = Array.from({ length: randomChoices }, (_, i) => byChance(pool.count, n, seed + i));
  const others = ways.filter((way) => way !== 'random' && (way === 'coverage' || outputs) && n <= limitOf(way, setting));
  return [
    measured('random', draws, setting),
    ...others.map((way) => measured(way, [way === by ? chosen : chosenBy(way, setting)], setting)),
  ];
}

interface Compared {
  way: Way;
  inputRadius: number;
  outputRadius?: number;
  balance?: number;
  fewest?: number;
}

/** Measures a choice; of several choices the mean. */
function measured(way: Way, choices: number[][], { pool, inputs, outputs }: Setting): Compared {
  const mean = (of: (chosen: number[]) => number) => choices.reduce((sum, c) => sum + of(c), 0) / choices.length;
  const balance = pool.labels && balanceOf(pool.labels, []) !== undefined ? pool.labels : undefined;
  return {
    way,
    inputRadius: mean((c) => spreadOf(inputs, c).radius),
    ...(outputs && { outputRadius: mean((c) => spreadOf(outputs, c).radius) }),
    ...(balance && {
      balance: mean((c) => balanceOf(balance, c)?.balance ?? 0),
      fewest: mean((c) => balanceOf(balance, c)?.fewest ?? 0),
    }),
  };
}

function comparisonText(rows: Compared[], chosen: Way, colour: boolean): string {
  const [random] = rows as [Compared];
  const times = (value: number, of: number) => (of > 0 ? `${(value / of).toFixed(2)}` : '');
  const [hasOutputs, hasClasses] = [random.outputRadius !== undefined, random.balance !== undefined];
  const cells = rows.map((r) => [
    r.way === chosen ? `${r.way} *` : r.way,
    Number(r.inputRadius.toPrecision(4)),
    times(r.inputRadius, random.inputRadius),
    ...(hasOutputs
      ? [Number((r.outputRadius as number).toPrecision(4)), times(r.outputRadius as number, random.outputRadius as number)]
      : []),
    ...(hasClasses ? [(r.balance as number).toFixed(3), (r.fewest as number).toFixed(1)] : []),
  ]);
  const head = ['way', 'radius, inputs', 'times random'];
  if (hasOutputs) head.push('radius, outputs', 'times random');
  if (hasClasses) head.push('class balance', 'fewest of a class');
  return `${table(cells, { head, colour })}\n`;
}

export default defineVerb({
  examples: [
    ['select pool.npz -n 100 -o chosen.npz --by coverage', 'chooses 100 windows that cover the pool'],
    [
      'select pool.npz -n 100 -o ask.npz --by uncertain --model model.rnq',
      'chooses the windows on which the model is least sure',
    ],
  ],
  args: {
    pool: argument(input('Pool of windows: .npz with an array windows [n][frames][values] and perhaps labels [n], or .npy')),
    number: { ...number('Number of windows to choose', { min: 1, whole: true, required: true }), short: 'n' },
    by: choice('How to choose: random, coverage (of the inputs), uncertain or k-centre (of the outputs)', ways, {
      default: 'coverage',
      hint: 'way',
    }),
    model: input('Model file; its outputs are read by uncertain and k-centre'),
    measure: choice('Uncertainty: margin of the two highest scores, or entropy', measures, { default: 'margin' }),
    seed: number('Seed of the random choice', { min: 0, max: 2 ** 32 - 1, whole: true, default: 1 }),
    output: output('File for the chosen windows: .npz', { short: 'o' }),
    ...jsonArg,
  },
  async run({ args }) {
    const { number: n, seed, measure, by, model } = args;
    const needsModel = by === 'uncertain' || by === 'k-centre';
    if (needsModel && !model) throw badOption('by', by, 'random or coverage without --model');
    const pool = await readPool(args.pool);
    if (n > pool.count) throw badOption('number', `${n}`, `at most ${pool.count}, the windows of the pool`);
    const graph = model ? await loadGraph({ model }) : undefined;
    if (graph && model) checkModel(graph, pool, model);
    const outputs = graph && (await whileWorking('running the model on the pool', () => outputsOf(graph, pool)));
    const setting: Setting = { pool, n, seed, measure, inputs: inputPoints(pool), ...(outputs && { outputs }) };
    const limit = limitOf(by, setting);
    if (n > limit) throw badOption('number', `${n}`, `at most ${limit} with --by ${by} for ${pool.count} windows`);
    const chosen = chosenBy(by, setting);
    const rows = await whileWorking('comparing the ways', async () => compared(by, chosen, setting));
    if (args.output) await writeOut(args.output, await writeNpz(rowsOf(pool, chosen)));
    if (args.json) return printJson({ output: args.output, windows: pool.count, chosen, ways: rows });
    process.stdout.write(comparisonText(rows, by, coloursFor(process.stdout).isColorSupported));
    if (args.output) process.stderr.write(`wrote ${args.output}\n`);
  },
});
