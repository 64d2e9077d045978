/**
 * runlet plan --sweep hop, --sweep window: plans every hop, or every window.
 *
 * In: a graph and the command line.  Out: the good ones as a table; all as JSON, SVG or a page.
 * Errors: RN751 if the window is fixed.
 */
import { RunletError } from '../../models/error.ts';
import type { Graph } from '../../models/graph/types.ts';
import { type Sweep, sweepHops, sweepWindows } from '../../models/report/sweep.ts';
import { coloursFor, print, printJson } from '../command/args.ts';
import { loadGraph, manifestFields, planOptions, readBytes, windowOf } from '../command/load.ts';
import type { ModelOptions, PlanArgs } from '../command/model-options.ts';
import { whileWorking } from '../report/progress.ts';
import { type Over, sweepLines } from '../report/sweep-table.ts';
import { save } from './save.ts';

export interface SweepArgs extends ModelOptions, PlanArgs {
  sweep: Over;
  html?: string;
  svg?: string;
  json?: boolean;
}

/** Maximum number of windows that are planned. */
const maxWindows = 512;

async function overWindows(graph: Graph, args: SweepArgs): Promise<Sweep> {
  const base = windowOf(graph);
  const bytes = await readBytes(args.model);
  const graphOf = (window: number) => loadGraph({ ...args, window: { window } }, bytes);
  const every = Math.ceil((2 * base) / maxWindows);
  const windows = Array.from({ length: 2 * base }, (_, i) => i + 1).filter((w) => w === base || w % every === 0);
  const longer = await graphOf(base + 1).catch(() => undefined);
  const sweep = longer && windowOf(longer) === base ? undefined : await sweepWindows(windows, graphOf, planOptions(graph, args));
  if (sweep && sweep.rows.length > 1) return { ...sweep, ...(every > 1 && { sampledOf: 2 * base }) };
  throw new RunletError('RN751', {
    what: `${graph.name} has a fixed window of ${base} frames`,
    where: '--sweep window',
    why: sweep ? 'its layers fit no other window' : 'the file fixes the number of frames',
    tryThis: '--sweep hop, or export the model with a dynamic time dimension (ONNX)',
  });
}

function overHops(graph: Graph, args: SweepArgs): Sweep {
  const { hop: _, ...options } = planOptions(graph, args);
  return sweepHops(graph, options);
}

export async function planSweep(graph: Graph, args: SweepArgs): Promise<void> {
  const { sweep: over } = args;
  const sweep = await whileWorking(`planning every ${over}`, async () =>
    over === 'hop' ? overHops(graph, args) : overWindows(graph, args),
  );
  const options = planOptions(graph, args);
  const current = over === 'hop' ? options.hop : windowOf(graph);
  const rate = manifestFields(graph).sampleRateHz;
  const mark = over === 'window' || current < windowOf(graph) ? current : undefined;
  const view = { sweep, over, mark, rate };
  const title = over === 'hop' ? `${graph.name}: every hop` : `${graph.name}: every window at hop ${options.hop}`;
  if (args.html !== undefined || args.svg !== undefined) {
    const { sweepFile, sweepPage } = await import('../report/plan-html/sweep-page.ts');
    const note = `${sweep.rows.length} plans. Each dot is a plan; its colour is the mode. Point at a dot to read its numbers.`;
    if (args.html !== undefined) await save(args.html, sweepPage(view, title, note));
    if (args.svg !== undefined) await save(args.svg, sweepFile(view, title));
  }
  if (args.json) return printJson({ over, ...sweep });
  await print(`${sweepLines(sweep, over, coloursFor(process.stdout).isColorSupported).join('\n')}\n`);
}
