/**
 * runlet bench: measures the cost of a hop for each target, compared with the whole window and with the peak
 * of the engine.
 *
 * Times are medians of interleaved rounds in one run. With --core, counts the instructions of a hop on a
 * microcontroller core; the count is the same in every run. Several models are measured one after the other;
 * --html draws all of them. With --swap, each is measured together with a variant of it.
 */

import type { Home } from '../../assembly/emit/home.ts';
import { isScalar, scalarTargets, type Target, targets } from '../../assembly/emit/target.ts';
import { lookup } from '../../models/lookup.ts';
import { planStream } from '../../models/stream/plan.ts';
import { type QuantPlan, quantPlan } from '../../quant/plan.ts';
import { earlier, holdBounds, type Measured, ratios } from '../bench/compare.ts';
import { cores, countInstructions } from '../bench/count.ts';
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
import { type Swap, swapIn, swapJson, swaps, swapText } from './bench-swap.ts';
import { save } from './save.ts';

const networks = Object.keys(benchNetworks);
const networkName = new RegExp(`^(${networks.join('|')})(:\\d+)?$`);
type Options = ModelOptions & PlanArgs & CalibOptions;

export default defineVerb({
  examples: [
    ['bench model.onnx --calib signal.npy --hop 8', 'measures microseconds per hop for each target'],
    ['bench N1:16 --core rv32', 'counts instructions per hop on an RV32IMC core in QEMU'],
    ['bench model.tflite --swap depthwise=maxpool', 'measures what max pools without weights would save, before training'],
  ],
  args: {
    ...modelArgs,
    model: rest(input(`Model files, or benchmark networks: ${networks.join(', ')} (N1:16 is N1 at hop 16)`, {}, networkName)),
    ...group('Measurement', {
      target: choice('Target to measure', [...targets, 'all'], { hint: 'target', default: 'all' }),
      core: choice('Count instructions in QEMU instead: rv32 (RV32IMC) or m4 (Cortex-M4)', ['rv32', 'm4']),
      rounds: number('Number of interleaved rounds, ten samples each', { min: 1, whole: true, default: 40 }),
      swap: choice('Compare with the same network with pools in place of its depthwise layers, not trained', swaps, {
        hint: 'layer=pool',
      }),
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
    for (const other of ['html', 'compare'] as const)
      if (args.swap !== undefined && args[other] !== undefined)
        throw badOption(other, args[other], 'a file only without --swap, which compares two networks of this run');
    const able = home === 'tile' ? scalarTargets : targets;
    const plans = [];
    for (const model of models) plans.push(await planOf({ ...args, model }));
    const swapped = plans.map((quant) => (args.swap === undefined ? undefined : swapIn(quant, args.swap)));
    const before: (Measured | undefined)[] = []; // read first, so that a wrong file costs no time
    for (const quant of plans) before.push(await earlierOf(args, quant, core));
    const all: (Figures | ReturnType<typeof swapJson>)[] = [];
    for (const [i, quant] of plans.entries()) {
      if (i > 0 && !args.json) await print('\n');
      const swap = swapped[i];
      const both = swap ? [quant, swap.quant] : [quant];
      const measured = core
        ? await count(both, chosen === 'all' ? ['native', 'interp'] : [chosen], core, home)
        : await times(both, chosen === 'all' ? able : [chosen], rounds, home);
      all.push(report(quant, measured, swap, before[i], args));
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

type Figures = Counted | TimesFigures;

/** Prints the figures of one model unless --json is given. Returns what --json prints. */
function report(quant: QuantPlan, [figures, after]: Figures[], swap: Swap | undefined, old: Measured | undefined, args: Out) {
  if (!figures) throw new Error('nothing was measured');
  if (swap && after) {
    const text = () => `${headline(quant)}\n\n${swapText(figures, after, quant, swap, colour())}${notes(figures)}`;
    if (!args.json) process.stdout.write(text());
    return swapJson(figures, after, quant, swap);
  }
  if (args.json) return old ? withRatios(figures, old, args) : figures;
  process.stdout.write(`${headline(quant)}\n\n${'core' in figures ? countText(figures) : timesText(figures)}${notes(figures)}`);
  if (old) printRatios(old, figures);
  return figures;
}

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
  quants: readonly QuantPlan[],
  which: readonly Target[],
  rounds: number,
  home: Home,
): Promise<TimesFigures[]> {
  const { measureTimes } = await import('../bench/times.ts');
  return whileWorking('measuring', () => measureTimes(quants, which, rounds, home));
}

function timesText({ rows, macsPerWindow, macsPerHop }: TimesFigures): string {
  const head = [...timesHead, 'code', 'memory', 'file, gz', 'build', 'start'];
  const cells = rows.map((r): Cell[] => [
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
  const spare = ['start', 'build', 'of peak', 'MACs/ns', 'us a window', 'file, gz', 'code', 'memory'];
  const about: string[] = [];
  if (macsPerWindow) about.push(`multiply-adds of a window / of a hop: ${(macsPerWindow / macsPerHop).toFixed(2)}`);
  for (const { target, peakMacsPerNs } of rows)
    if (peakMacsPerNs)
      about.push(
        `peak: ${peakMacsPerNs.toFixed(1)} multiply-adds per nanosecond (only the inner loop of ${target}, in the same run)`,
      );
  return [table(cells, { head, colour: colour(), spare }), ...(about.length > 0 ? ['', ...about] : []), ''].join('\n');
}

/** Returns lines about the run: targets that cannot run here, or the tools that counted. */
function notes(figures: Figures): string {
  if ('core' in figures)
    return `\n${cores[figures.core].name} in QEMU; the module is compiled as C without bounds checks, -O2: ${figures.rows[0]?.tools}\n`;
  return figures.refused.map((target) => `${target}: this engine does not run it exactly (docs/errors.md#rn700)\n`).join('');
}

async function count(quants: readonly QuantPlan[], which: readonly Target[], core: 'rv32' | 'm4', home: Home) {
  const { bytesOf } = await import('../bench/times.ts');
  const { build } = await import('../../assembly/build.ts');
  const all = [];
  for (const quant of quants) {
    const rows = [];
    for (const target of which) {
      const row = await whileWorking(`counting instructions, target ${target}`, async () => {
        const bundle = await build(quant, { target, weights: home });
        return { target, ...(await countInstructions(bundle, core)), ...bytesOf(bundle) };
      });
      rows.push(row);
    }
    const { plan } = quant;
    all.push({ network: plan.graph.name, hop: plan.hop, macsPerHop: plan.macsPerHop, core, rows });
  }
  return all;
}
type Counted = Awaited<ReturnType<typeof count>>[number];

function countText({ rows, macsPerHop }: Counted): string {
  const cells = rows.map((r): Cell[] => [
    r.target,
    r.least === r.most ? r.most.toLocaleString('en') : `${r.least.toLocaleString('en')} .. ${r.most.toLocaleString('en')}`,
    (r.most / macsPerHop).toFixed(2),
    r.codeBytes,
    r.memoryBytes,
  ]);
  const head = ['target', 'instructions/hop', 'per multiply-add', 'code', 'memory'];
  return `${table(cells, { head, colour: colour() })}\n`;
}
