/**
 * runlet bench: measures the cost of a hop for each target, compared with the whole window and with the peak
 * of the engine.
 *
 * Times are medians of interleaved rounds in one run. With --core, counts the instructions of a hop on a
 * microcontroller core; the count is the same in every run. Several models are measured one after the other;
 * --html draws all of them.
 */

import type { Home } from '../../assembly/emit/home.ts';
import { isScalar, scalarTargets, type Target, targets } from '../../assembly/emit/target.ts';
import { lookup } from '../../models/lookup.ts';
import { planStream } from '../../models/stream/plan.ts';
import { type QuantPlan, quantPlan } from '../../quant/plan.ts';
import { earlier, holdBounds, type Measured, ratios } from '../bench/compare.ts';
import { benchNetworks, madeUpNetwork } from '../bench/networks.ts';
import type { TimesFigures } from '../bench/times.ts';
import { bytesText } from '../bytes-text.ts';
import { badOption, coloursFor, print, printJson } from '../command/args.ts';
import { loadGraph, loadQuantPlan, planOptions } from '../command/load.ts';
import {
  type CalibOptions,
  calibArgs,
  columnsArg,
  type ModelOptions,
  modelArgs,
  type PlanArgs,
  planArgs,
  weightsArg,
} from '../command/model-options.ts';
import { choice, group, input, jsonArg, number, output, rest } from '../command/options.ts';
import { defineVerb } from '../command/verb.ts';
import { whileWorking } from '../report/progress.ts';
import { type Cell, table } from '../report/table.ts';
import { save } from './save.ts';

const networks = Object.keys(benchNetworks);
const networkName = new RegExp(`^(${networks.join('|')})(:\\d+)?$`);
type Options = ModelOptions & PlanArgs & CalibOptions;

export default defineVerb({
  examples: [
    ['bench model.onnx --calib signal.npy --hop 8', 'measures microseconds per hop for each target'],
    ['bench N1:16 --core rv32', 'counts instructions per hop on an RV32IMC core in QEMU'],
  ],
  args: {
    ...modelArgs,
    model: rest(input(`Model files, or benchmark networks: ${networks.join(', ')} (N1:16 is N1 at hop 16)`, {}, networkName)),
    ...group('Measurement', {
      target: choice('Target to measure', [...targets, 'all'], { hint: 'target', default: 'all' }),
      core: choice('Count instructions in QEMU instead: rv32 (RV32IMC) or m4 (Cortex-M4)', ['rv32', 'm4']),
      rounds: number('Number of interleaved rounds, ten samples each', { min: 1, whole: true, default: 40 }),
    }),
    ...planArgs,
    ...calibArgs,
    ...columnsArg,
    ...weightsArg,
    ...group('Output', {
      compare: input('Earlier result of --json, or docs/performance/VERSION.json, to compare with (with --json: field compared)'),
      bounds: number('With --compare: largest factor by which a hop may get worse, relative to its window and the peak', {
        min: 1,
      }),
      html: output('Write the figures as one HTML page', { hint: 'file.html' }),
    }),
    ...jsonArg,
  },
  async run({ args, given }) {
    const { core, weights: home, rounds, target: chosen, model: models } = args;
    if (core && given.has('rounds'))
      throw badOption('rounds', `${rounds}`, 'no value together with --core: a count is the same in every round');
    if (core && chosen !== 'all' && !isScalar(chosen))
      throw badOption('target', chosen, 'native or interp together with --core: these cores have no SIMD128');
    if (core && args.html !== undefined) throw badOption('html', args.html, 'a file only without --core: the page shows times');
    if (args.bounds !== undefined && (core || args.compare === undefined))
      throw badOption('bounds', `${args.bounds}`, 'a number only with --compare and without --core: it bounds ratios of times');
    const able = home === 'tile' ? scalarTargets : targets;
    const plans = [];
    for (const model of models) plans.push(await planOf({ ...args, model }));
    const before: (Measured | undefined)[] = []; // read first, so that a wrong file costs no time
    for (const quant of plans) before.push(await earlierOf(args, quant, core));
    const all: (Measured | TimesFigures)[] = [];
    for (const [i, quant] of plans.entries()) {
      if (i > 0 && !args.json) await print('\n');
      const figures = core
        ? await count(quant, chosen === 'all' ? ['native', 'interp'] : [chosen], core, home, args)
        : await times(quant, chosen === 'all' ? able : [chosen], rounds, home, args);
      const old = before[i];
      if (old && !args.json) printRatios(old, figures);
      all.push(old && args.json ? withRatios(figures, old, args) : figures);
    }
    if (args.html !== undefined) {
      const { benchPage } = await import('../report/bench-html/page.ts');
      await save(args.html, await benchPage(all as TimesFigures[]));
    }
    if (args.json) printJson(all.length > 1 ? { models: all } : all[0]);
    if (args.compare !== undefined && args.bounds !== undefined)
      for (const [i, old] of before.entries()) holdBounds(args.compare, old as Measured, all[i] as Measured, args.bounds);
  },
});

/** Makes the plan of a benchmark network, at the hop of its name if there is one, or of a model file. */
async function planOf(options: Options): Promise<QuantPlan> {
  const [, name = '', hop] = /^(\w+)(?::(\d+))?$/.exec(options.model) ?? [];
  if (!lookup(benchNetworks, name)) {
    const graph = await loadGraph(options);
    return loadQuantPlan(graph, planOptions(graph, options), options);
  }
  const { int8, hops } = madeUpNetwork(name);
  return quantPlan(planStream(int8, planOptions(int8, { ...options, hop: hop ? Number(hop) : (options.hop ?? hops[0]) })));
}

interface Out {
  json?: boolean;
  compare?: string;
}

const earlierOf = async ({ compare }: Out, { plan }: QuantPlan, core?: string): Promise<Measured | undefined> =>
  compare === undefined ? undefined : earlier(compare, { network: plan.graph.name, hop: plan.hop, core });

/** Adds the ratios to an earlier result: now / before. */
const withRatios = <F extends Measured | TimesFigures>(figures: F, before: Measured, { compare: file }: Out): F => ({
  ...figures,
  compared: { file, ratios: ratios(before, figures) },
});

const colour = () => coloursFor(process.stdout).isColorSupported;

function printRatios(before: Measured, now: Measured): void {
  const cells = ratios(before, now).map((r): Cell[] => [
    r.target,
    r.figure,
    +r.before.toFixed(2),
    +r.now.toFixed(2),
    r.ratio.toFixed(3),
  ]);
  process.stdout.write(`\n${table(cells, { head: ['target', 'figure', 'before', 'now', 'ratio'], colour: colour() })}\n`);
}

const headline = ({ plan }: QuantPlan): string =>
  `${plan.graph.name}: window ${plan.window}, hop ${plan.hop}, mode ${plan.mode}, ${plan.macsPerHop.toLocaleString('en')} multiply-adds per hop`;

const timesHead = ['target', 'us a hop', '5 % .. 95 %', 'us a window', 'times less', 'MACs/ns', 'of peak'];

async function times(
  quant: QuantPlan,
  which: readonly Target[],
  rounds: number,
  home: Home,
  { json }: Out,
): Promise<TimesFigures> {
  const { measureTimes } = await import('../bench/times.ts');
  const figures = await whileWorking('measuring', () => measureTimes(quant, which, rounds, home));
  if (json) return figures;
  const head = [...timesHead, 'code', 'memory', 'file, gz', 'build', 'start'];
  const cells = figures.rows.map((r): Cell[] => [
    r.target,
    r.medianUs.toFixed(1),
    `${r.p5Us.toFixed(1)} .. ${r.p95Us.toFixed(1)}`,
    r.windowUs ? r.windowUs.toFixed(1) : '',
    r.windowUs ? r.timesLess.toFixed(2) : '',
    r.macsPerNs.toFixed(2),
    r.shareOfPeak === undefined ? '' : `${(100 * r.shareOfPeak).toFixed(0)} %`,
    r.codeBytes,
    r.memoryBytes,
    bytesText(r.gzipBytes),
    `${r.buildMs.toFixed(0)} ms`,
    `${r.startMs.toFixed(1)} ms`,
  ]);
  process.stdout.write(
    `${headline(quant)}\n\n${table(cells, { head, colour: colour(), spare: ['start', 'build', 'of peak', 'MACs/ns', 'us a window', 'file, gz', 'code', 'memory'] })}\n`,
  );
  const { macsPerWindow, macsPerHop, refused } = figures;
  if (macsPerWindow) process.stdout.write(`\nmultiply-adds of a window / of a hop: ${(macsPerWindow / macsPerHop).toFixed(2)}\n`);
  for (const { target, peakMacsPerNs } of figures.rows)
    if (peakMacsPerNs)
      process.stdout.write(
        `peak: ${peakMacsPerNs.toFixed(1)} multiply-adds per nanosecond (only the inner loop of ${target}, in the same run)\n`,
      );
  for (const target of refused) process.stdout.write(`${target}: this engine does not run it exactly (docs/errors.md#rn700)\n`);
  return figures;
}

async function count(
  quant: QuantPlan,
  which: readonly Target[],
  core: 'rv32' | 'm4',
  home: Home,
  { json }: Out,
): Promise<Measured> {
  const { cores, countInstructions } = await import('../bench/count.ts');
  const { bytesOf } = await import('../bench/times.ts');
  const { build } = await import('../../assembly/build.ts');
  const rows = [];
  for (const target of which) {
    const row = await whileWorking(`counting instructions, target ${target}`, async () => {
      const bundle = await build(quant, { target, weights: home });
      return { target, ...(await countInstructions(bundle, core)), ...bytesOf(bundle) };
    });
    rows.push(row);
  }
  const { plan } = quant;
  const figures = { network: plan.graph.name, hop: plan.hop, macsPerHop: plan.macsPerHop, core, rows };
  if (json) return figures;
  const cells = rows.map((r): Cell[] => [
    r.target,
    r.least === r.most ? r.most.toLocaleString('en') : `${r.least.toLocaleString('en')} .. ${r.most.toLocaleString('en')}`,
    (r.most / plan.macsPerHop).toFixed(2),
    r.codeBytes,
    r.memoryBytes,
  ]);
  const head = ['target', 'instructions/hop', 'per multiply-add', 'code', 'memory'];
  process.stdout.write(`${headline(quant)}\n\n${table(cells, { head, colour: colour() })}\n`);
  process.stdout.write(
    `\n${cores[core].name} in QEMU; the module is compiled as C without bounds checks, -O2: ${rows[0]?.tools}\n`,
  );
  return figures;
}
