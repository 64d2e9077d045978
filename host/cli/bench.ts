/**
 * runlet bench: what a hop of a model costs, for every kind of kernel, against the whole window and against what the engine can do at most.
 *
 * Times are medians of interleaved rounds in one run. With --core: instructions of a hop on a microcontroller's core, the same in every run.
 */
import { defineCommand } from 'citty';
import type { Bundle } from '../../assembly/build.ts';
import type { Home } from '../../assembly/emit/home.ts';
import { type Target, targets } from '../../assembly/emit/target.ts';
import type { Graph } from '../../models/graph/types.ts';
import { type QuantPlan, quantPlan } from '../../quant/plan.ts';
import { earlier, type Measured, ratios } from '../bench/compare.ts';
import { benchNetworks, madeUpNetwork } from '../bench/networks.ts';
import { bytesText, type Cell, table } from '../report/table.ts';
import { badOption, choiceOption, coloursFor, jsonArg, numberOption, printJson } from './args.ts';
import {
  calibArgs,
  homeOf,
  loadGraph,
  loadQuantPlan,
  modelArgs,
  type PlanArgs,
  planArgs,
  planOptions,
  weightsArg,
} from './load.ts';

const networks = Object.keys(benchNetworks);

export default defineCommand({
  meta: { name: 'bench', description: 'Measure what a hop costs: time, or instructions on a microcontroller core' },
  args: {
    ...modelArgs,
    model: { ...modelArgs.model, description: `Model file, or one of the networks ${networks.join(', ')}` },
    ...planArgs,
    ...calibArgs,
    target: { type: 'string', description: `Kernels to measure: ${targets.join(', ')} or all`, default: 'all' },
    core: { type: 'string', description: 'Count instructions in QEMU instead: rv32 (RV32IMC) or m4 (Cortex-M4)' },
    compare: { type: 'string', description: 'File of an earlier --json: ratios of its figures and these' },
    ...weightsArg,
    rounds: { type: 'string', description: 'Interleaved rounds of ten samples (default 40)' },
    ...jsonArg,
  },
  async run({ args }) {
    const core = choiceOption('core', args.core, ['rv32', 'm4'] as const);
    const home = homeOf(args);
    const rounds = numberOption('rounds', args.rounds, { min: 1, whole: true }) ?? 40;
    const chosen = choiceOption<Target | 'all'>('target', args.target, [...targets, 'all']) ?? 'all';
    const quant = benchNetworks[args.model] ? madeUp(args.model, args) : await fromFile(await loadGraph(args), args);
    if (core && chosen === 'simd')
      throw badOption('target', chosen, 'native or interp, beside --core: these cores have no SIMD128');
    if (core) return count(quant, chosen === 'all' ? (['native', 'interp'] as const) : [chosen], core, home, args);
    const able = home === 'tile' ? targets.filter((target) => target !== 'simd') : targets;
    return times(quant, chosen === 'all' ? able : [chosen], rounds, home, args);
  },
});

const fromFile = async (graph: Graph, args: Parameters<typeof loadQuantPlan>[2] & { hop?: string }): Promise<QuantPlan> =>
  loadQuantPlan(graph, planOptions(graph, args), args);

/** A network of the benchmark. */
function madeUp(name: string, args: PlanArgs): QuantPlan {
  const { int8, hops } = madeUpNetwork(name);
  return quantPlan(int8, planOptions(int8, { ...args, hop: args.hop ?? String(hops[0]) }));
}

interface Out {
  json?: boolean;
  compare?: string;
}

/** Read before anything is measured, so that a wrong file costs no time. */
const earlierOf = async ({ compare }: Out, { plan }: QuantPlan, core?: string): Promise<Measured | undefined> =>
  compare === undefined ? undefined : earlier(compare, { network: plan.graph.name, hop: plan.hop, core });

function printRatios(before: Measured | undefined, now: Measured): void {
  if (!before) return;
  const cells = ratios(before, now).map((r): Cell[] => [
    r.target,
    r.figure,
    +r.before.toFixed(2),
    +r.now.toFixed(2),
    r.ratio.toFixed(3),
  ]);
  const head = ['target', 'figure', 'before', 'now', 'ratio'];
  process.stdout.write(`\n${table(cells, { head, colour: coloursFor(process.stdout).isColorSupported })}\n`);
}

const headline = ({ plan }: QuantPlan): string =>
  `${plan.graph.name}: window ${plan.window}, hop ${plan.hop}, mode ${plan.mode}, ${plan.macsPerHop.toLocaleString('en')} multiply-adds a hop`;

/** Beyond code and weights: what a host pays. */
const bytesOf = ({ manifest, file }: Bundle) => ({ codeBytes: file.codeBytes, fileBytes: file.fileBytes, ...manifest.bytes });

async function times(quant: QuantPlan, which: readonly Target[], rounds: number, home: Home, out: Out): Promise<void> {
  const { benchModule } = await import('../bench/modules.ts');
  const { interleaved } = await import('../bench/measure.ts');
  const { peakKernel, peakMacs } = await import('../bench/peak.ts');
  const { plan } = quant;
  const windowed = plan.graph.stateful ? undefined : quantPlan(plan.graph, { hop: plan.hop, mode: 'windowed' });
  const peak = which.includes('simd') ? await peakKernel() : undefined;
  const modules = [];
  for (const target of which)
    modules.push({
      hop: await benchModule(quant, target, home),
      window: windowed && (await benchModule(windowed, target, home)),
    });
  const subjects = [
    ...modules.flatMap(({ hop, window }) => [
      { name: `${hop.target} hop`, run: hop.run },
      ...(window ? [{ name: `${hop.target} window`, run: window.run }] : []),
    ]),
    ...(peak ? [{ name: 'peak', run: peak }] : []),
  ];
  const before = await earlierOf(out, quant);
  const measured = new Map(interleaved(subjects, rounds).map((t) => [t.name, t]));
  const us = (name: string) => measured.get(name)?.medianUs ?? 0;
  const most = peak && peakMacs / us('peak') / 1000;
  const rows = modules.map(({ hop }) => {
    const { medianUs = 0, p5Us = 0, p95Us = 0 } = measured.get(`${hop.target} hop`) ?? {};
    const windowUs = us(`${hop.target} window`);
    const perNs = plan.macsPerHop / medianUs / 1000;
    return {
      target: hop.target,
      medianUs,
      p5Us,
      p95Us,
      windowUs,
      timesLess: windowUs / medianUs,
      macsPerNs: perNs,
      shareOfPeak: hop.target === 'simd' && most ? perNs / most : undefined,
      gzipBytes: hop.gzipBytes,
      buildMs: hop.buildMs,
      startMs: hop.startMs,
      ...bytesOf(hop.bundle),
    };
  });
  const figures = { network: plan.graph.name, hop: plan.hop, macsPerHop: plan.macsPerHop, peakMacsPerNs: most, rows };
  if (out.json) return printJson(figures);
  const head = [
    'target',
    'us a hop',
    '5 % .. 95 %',
    'us a window',
    'times less',
    'MACs/ns',
    'of peak',
    'code',
    'memory',
    'file, gz',
    'build',
    'start',
  ];
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
  process.stdout.write(`${headline(quant)}\n\n${table(cells, { head, colour: coloursFor(process.stdout).isColorSupported })}\n`);
  if (windowed)
    process.stdout.write(`\nwindow over hop in multiply-adds: ${(windowed.plan.macsPerHop / plan.macsPerHop).toFixed(2)}\n`);
  if (most)
    process.stdout.write(`peak: ${most.toFixed(1)} multiply-adds a nanosecond, the inner loop of simd alone, in the same run\n`);
  printRatios(before, figures);
}

async function count(quant: QuantPlan, which: readonly Target[], core: 'rv32' | 'm4', home: Home, out: Out): Promise<void> {
  const { cores, countInstructions } = await import('../bench/count.ts');
  const { build } = await import('../../assembly/build.ts');
  const before = await earlierOf(out, quant, core);
  const rows = [];
  for (const target of which) {
    const bundle = await build(quant, { target, weights: home, shrink: true });
    rows.push({ target, ...(await countInstructions(bundle, core)), ...bytesOf(bundle) });
  }
  const { plan } = quant;
  const figures = { network: plan.graph.name, hop: plan.hop, macsPerHop: plan.macsPerHop, core, rows };
  if (out.json) return printJson(figures);
  const head = ['target', 'instructions a hop', 'a multiply-add', 'code', 'memory'];
  const cells = rows.map((r): Cell[] => [
    r.target,
    r.least === r.most ? r.most.toLocaleString('en') : `${r.least.toLocaleString('en')} .. ${r.most.toLocaleString('en')}`,
    (r.most / plan.macsPerHop).toFixed(2),
    r.codeBytes,
    r.memoryBytes,
  ]);
  process.stdout.write(`${headline(quant)}\n\n${table(cells, { head, colour: coloursFor(process.stdout).isColorSupported })}\n`);
  process.stdout.write(`\n${cores[core].name} in QEMU, the module as C without bounds checks, -O2: ${rows[0]?.tools}\n`);
  printRatios(before, figures);
}
