/**
 * runlet plan: shows how a model streams.
 *
 * In: a model file and a hop.  Out: for each layer its frames, work, state, delay, receptive field, padding
 * rule and exactness; totals below. --explain adds a reason for each layer and the alternatives, --html
 * writes a page with the plan, --sweep plans every hop, window or placement of the downsampling.
 */
import { shortener } from '../../models/graph/names.ts';
import type { Graph } from '../../models/graph/types.ts';
import { planJson, planRows, planSummary } from '../../models/report/print.ts';
import { rulesOf } from '../../models/report/rules.ts';
import { planStream } from '../../models/stream/plan.ts';
import type { PlanOptions, StreamPlan } from '../../models/stream/types.ts';
import { badOption, coloursFor, print, printJson } from '../command/args.ts';
import { loadGraph, manifestFields, namedFor, planOptions } from '../command/load.ts';
import { modelArgs, namesArg, planArgs } from '../command/model-options.ts';
import { choice, flag, group, input, jsonArg, output, readNumber, withValue } from '../command/options.ts';
import { defineVerb } from '../command/verb.ts';
import { choiceCells, choiceHead, planCells, planHead, planSpare } from '../report/plan-table.ts';
import { table } from '../report/table.ts';
import { calibrated, deviationArgs, printDeviation } from './deviation.ts';
import { gateLines, plannedGate } from './plan-gate.ts';
import { ruleLines } from './rules.ts';
import { save } from './save.ts';

/** Explains the plan: one line per layer, and a table of the other exact plans. */
async function explained(plan: StreamPlan) {
  const { alternatives, explainPlan } = await import('../../models/report/explain.ts');
  const explain = explainPlan(plan);
  const others = alternatives(plan);
  const lines = ['', ...explain.map(({ layer, why }) => `${layer}: ${why}`)];
  if (others.length > 1) {
    lines.push('', table(others.map(choiceCells), { head: choiceHead }));
  }
  return { json: { explain, alternatives: others }, lines };
}

/** Plans `graph`, which has short names; an error has the names of the file. */
function planned(graph: Graph, file: Graph, options: PlanOptions): StreamPlan {
  try {
    return planStream(graph, options);
  } catch (error) {
    planStream(file, options);
    throw error;
  }
}

/** Returns the layers for JSON, with the file's names and the short ones. */
function namedLayers(plan: StreamPlan) {
  const short = shortener(plan.graph);
  return planRows(plan).map((row) => ({ ...row, short: short(row.layer) }));
}

export default defineVerb({
  examples: [
    ['plan model.onnx --hop 8', 'shows the plan at a hop of 8 frames, layer by layer'],
    ['plan model.onnx --sweep hop', 'plans every hop, and shows the good ones'],
    ['plan model.onnx --sweep pools', 'moves the strides to other layers, and shows the cost'],
    ['plan model.onnx --hop 8 --html plan.html', 'writes the plan as a page'],
  ],
  args: {
    ...modelArgs,
    ...planArgs,
    ...group('Report', {
      explain: flag('Explain the plan of each layer, and list the other exact plans'),
      sweep: choice('Plan every hop, every window, or every placement of the strides (pools), and show the good ones', [
        'hop',
        'window',
        'pools',
      ]),
      strides: withValue<number[]>(
        '--sweep pools: total strides (default: that of the model)',
        'whole numbers above 0, separated by commas',
        (text) => {
          const numbers = text.split(',').map((part) => readNumber(part, { min: 1, whole: true }));
          return numbers.every((n) => n !== undefined) ? numbers : undefined;
        },
        { hint: '4,8' },
      ),
      rules: flag('Show all streaming rules R1 to R14, also those that the model follows'),
      gate: input('Model that would wake this one: show the frames that are kept during its sleep, and the work of waking up'),
      ...deviationArgs,
    }),
    ...group('Output', {
      html: output('Write the plan, or the sweep, as one HTML page', { hint: 'file.html' }),
      ...namesArg,
      svg: output('Write the sweep as an SVG', { hint: 'file.svg' }),
    }),
    ...jsonArg,
  },
  async run({ args }) {
    if (args.svg !== undefined && args.sweep === undefined)
      throw badOption('svg', args.svg, 'a file only together with --sweep; use --html for a plan');
    if (args.strides !== undefined && args.sweep !== 'pools')
      throw badOption('strides', args.strides.join(), 'a value only together with --sweep pools');
    for (const name of ['explain', 'rules', 'calib', 'gate'] as const)
      if (args.sweep !== undefined && args[name]) throw badOption(name, String(args[name]), 'no value together with --sweep');
    if (args.sweep === 'hop' && args.hop !== undefined)
      throw badOption('hop', `${args.hop}`, 'no value together with --sweep hop, which plans all hops');
    const file = await loadGraph(args);
    const graph = namedFor(file, args);
    const { sweep } = args;
    if (sweep === 'pools') return (await import('./plan-pools.ts')).planPools(graph, args);
    if (sweep !== undefined) return (await import('./plan-sweep.ts')).planSweep(graph, { ...args, sweep });
    const options = planOptions(graph, args);
    const plan = planned(graph, file, options);
    const { sampleRateHz } = manifestFields(graph);
    if (args.html !== undefined) {
      const { planPage } = await import('../report/plan-html/page.ts');
      await save(args.html, planPage(plan, sampleRateHz));
    }
    const why = args.explain ? await explained(plan) : undefined;
    const findings = rulesOf(plan);
    const deviation = await calibrated(plan, args);
    const gate = args.gate === undefined ? undefined : await plannedGate(plan, args.gate);
    if (args.json)
      return printJson({
        ...planJson(plan),
        layers: namedLayers(plan),
        rules: findings,
        ...why?.json,
        ...(deviation && { deviation }),
        ...(gate && { gate }),
      });
    const colour = coloursFor(process.stdout);
    const lines = [
      table(planCells(plan), { head: planHead, spare: planSpare, colour: colour.isColorSupported }),
      ...(why?.lines ?? []),
      '',
      ...planSummary(plan, sampleRateHz),
      ...(gate ? gateLines(gate) : []),
      ...ruleLines(findings, args.rules ?? false, colour),
    ];
    await print(`${lines.join('\n')}\n`);
    if (deviation) printDeviation(deviation, colour.isColorSupported);
  },
});
