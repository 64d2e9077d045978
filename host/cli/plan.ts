/**
 * runlet plan: how a model streams.
 *
 * In: a model file and a hop.  Out: per layer frames, work, state, delay, receptive field, padding rule and exactness; totals below.
 * --explain adds a sentence a layer and the alternatives, --html a page that draws the plan, --sweep plans every hop or window.
 */
import { defineCommand } from 'citty';
import { planStream } from '../../models/stream/plan.ts';
import { planJson, planSummary } from '../../models/stream/print.ts';
import { rulesOf } from '../../models/stream/rules.ts';
import type { StreamPlan } from '../../models/stream/types.ts';
import { planCells, planHead, shortName } from '../report/plan-table.ts';
import { table } from '../report/table.ts';
import { badOption, coloursFor, jsonArg, print, printJson } from './args.ts';
import { calibrated, deviationArgs, printDeviation } from './deviation.ts';
import { loadGraph, manifestFields, modelArgs, planArgs, planOptions } from './load.ts';
import { ruleLines } from './rules.ts';
import { save } from './save.ts';

/** Why, a line a layer; for edge-exact what else there is. */
async function explained(plan: StreamPlan) {
  const { alternatives, explainPlan } = await import('../../models/stream/explain.ts');
  const explain = explainPlan(plan);
  const others = alternatives(plan);
  const lines = ['', ...explain.map(({ layer, why }) => `${shortName(layer)}: ${why}`)];
  if (others.length > 1) {
    const rows = others.map((a) => [a.macsPerHop, a.stateBytes, a.how, a.chosen ? 'this plan' : a.option]);
    lines.push('', table(rows, { head: ['MACs/hop', 'state B', 'exact plans at this hop', ''] }));
  }
  return { json: { explain, alternatives: others }, lines };
}

export default defineCommand({
  meta: { name: 'plan', description: 'Plan how a model streams: state, delay, work per hop' },
  args: {
    ...modelArgs,
    ...planArgs,
    explain: { type: 'boolean', description: 'Why each layer is planned as it is, and what else is exact' },
    sweep: { type: 'string', description: 'hop or window: plan every one, and show the good ones' },
    html: { type: 'string', description: 'Draw the plan, or the sweep, as one HTML page into this file' },
    svg: { type: 'string', description: 'Draw the sweep as an SVG into this file' },
    rules: { type: 'boolean', description: 'All rules of streaming R1 to R14, also those that are kept' },
    ...deviationArgs,
    ...jsonArg,
  },
  async run({ args }) {
    if (args.svg !== undefined && args.sweep === undefined)
      throw badOption('svg', args.svg, 'a file beside --sweep; a plan has --html');
    const graph = await loadGraph(args);
    if (args.sweep !== undefined) return (await import('./plan-sweep.ts')).planSweep(graph, args);
    const plan = planStream(graph, planOptions(graph, args));
    const { sampleRateHz } = manifestFields(graph);
    if (args.html !== undefined) {
      const { planPage } = await import('../report/plan-html/page.ts');
      await save(args.html, planPage(plan, sampleRateHz));
    }
    const why = args.explain ? await explained(plan) : undefined;
    const findings = rulesOf(plan);
    const deviation = await calibrated(plan, args);
    if (args.json) return printJson({ ...planJson(plan), rules: findings, ...why?.json, ...(deviation && { deviation }) });
    const colour = coloursFor(process.stdout);
    const lines = [
      table(planCells(plan), { head: planHead, colour: colour.isColorSupported }),
      ...(why?.lines ?? []),
      '',
      ...planSummary(plan, sampleRateHz),
      ...ruleLines(findings, args.rules ?? false, colour),
    ];
    await print(`${lines.join('\n')}\n`);
    if (deviation) printDeviation(deviation, colour.isColorSupported);
  },
});
