/**
 * runlet plan: how a model streams.
 *
 * In: a model file and a hop.  Out: per layer frames, work, state, delay, receptive field, padding rule and exactness; totals below.
 * --explain adds a sentence a layer and the alternatives.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { defineCommand } from 'citty';
import { planStream } from '../../models/stream/plan.ts';
import { planJson, planSummary } from '../../models/stream/print.ts';
import type { StreamPlan } from '../../models/stream/types.ts';
import { planCells, planHead, shortName } from '../report/plan-table.ts';
import { bytesText, table } from '../report/table.ts';
import { coloursFor, jsonArg, print, printJson } from './args.ts';
import { loadGraph, manifestFields, modelArgs, planArgs, planOptions } from './load.ts';

/** Writes a text file, and the folder that it lies in; says so on stderr. */
async function save(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
  process.stderr.write(`${path}: ${bytesText(Buffer.byteLength(text))}\n`);
}

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
    html: { type: 'string', description: 'Draw the plan on one HTML page, into this file' },
    ...jsonArg,
  },
  async run({ args }) {
    const graph = await loadGraph(args);
    const plan = planStream(graph, planOptions(graph, args));
    const { sampleRateHz } = manifestFields(graph);
    if (args.html !== undefined) {
      const { planPage } = await import('../report/plan-html/page.ts');
      await save(args.html, planPage(plan, sampleRateHz));
    }
    const why = args.explain ? await explained(plan) : undefined;
    if (args.json) return printJson({ ...planJson(plan), ...why?.json });
    const colour = coloursFor(process.stdout).isColorSupported;
    const lines = [
      table(planCells(plan), { head: planHead, colour }),
      ...(why?.lines ?? []),
      '',
      ...planSummary(plan, sampleRateHz),
    ];
    await print(`${lines.join('\n')}\n`);
  },
});
