/**
 * runlet plan: how a model streams.
 *
 * In: a model file and a hop.  Out: per layer frames, work, state, delay, receptive field, padding rule and exactness; totals below.
 */
import { defineCommand } from 'citty';
import { planStream } from '../../models/stream/plan.ts';
import { planJson, planRows, planSummary } from '../../models/stream/print.ts';
import { rulesOf } from '../../models/stream/rules.ts';
import { table } from '../report/table.ts';
import { coloursFor, jsonArg, printJson } from './args.ts';
import { calibrated, deviationArgs, printDeviation } from './deviation.ts';
import { loadGraph, manifestFields, modelArgs, planArgs, planOptions } from './load.ts';
import { ruleLines } from './rules.ts';

export default defineCommand({
  meta: { name: 'plan', description: 'Plan how a model streams: state, delay, work per hop' },
  args: {
    ...modelArgs,
    ...planArgs,
    rules: { type: 'boolean', description: 'All rules of streaming R1 to R14, also those that are kept' },
    ...deviationArgs,
    ...jsonArg,
  },
  async run({ args }) {
    const graph = await loadGraph(args);
    const plan = planStream(graph, planOptions(graph, args));
    const findings = rulesOf(plan);
    const deviation = await calibrated(plan, args);
    if (args.json) return printJson({ ...planJson(plan), rules: findings, ...(deviation && { deviation }) });
    const colour = coloursFor(process.stdout);
    const rows = planRows(plan).map((r) => [
      r.layer.length > 34 ? `…${r.layer.slice(-33)}` : r.layer,
      r.op,
      r.section,
      `${r.framesPerHop}/${r.framesPerWindow}`,
      r.macsPerHop,
      r.macsPerWindow,
      r.stateBytes,
      r.delayFrames,
      r.receptiveField,
      r.padding,
      r.exact,
    ]);
    const head = ['layer', 'op', 'part', 'frames', 'MACs/hop', 'MACs/window', 'state B', 'delay', 'RF', 'time padding', 'equals'];
    process.stdout.write(`${table(rows, { head, colour: colour.isColorSupported })}\n\n`);
    process.stdout.write(`${planSummary(plan, manifestFields(graph).sampleRateHz).join('\n')}\n`);
    for (const line of ruleLines(findings, args.rules ?? false, colour)) process.stdout.write(`${line}\n`);
    if (deviation) printDeviation(deviation, colour.isColorSupported);
  },
});
