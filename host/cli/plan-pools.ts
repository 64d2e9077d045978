/**
 * runlet plan --sweep pools: plans every placement of the downsampling.
 *
 * In: a graph and the command line.  Out: the good placements as a table; all as JSON, SVG or a page.
 * Errors: RN211 if the network has no strides that can move.
 */
import type { Graph } from '../../models/graph/types.ts';
import { sweepPlacements } from '../../models/report/placements.ts';
import { coloursFor, print, printJson } from '../command/args.ts';
import { planOptions } from '../command/load.ts';
import type { ModelOptions, PlanArgs } from '../command/model-options.ts';
import { placementLines } from '../report/placement-table.ts';
import { whileWorking } from '../report/progress.ts';
import { save } from './save.ts';

interface PoolArgs extends ModelOptions, PlanArgs {
  strides?: number[] | undefined;
  html?: string | undefined;
  svg?: string | undefined;
  json?: boolean | undefined;
}

export async function planPools(graph: Graph, args: PoolArgs): Promise<void> {
  const options = planOptions(graph, args);
  const found = await whileWorking('planning every placement', async () => sweepPlacements(graph, options, args.strides));
  const title = `${graph.name}: where it downsamples, at hop ${options.hop}`;
  if (args.html !== undefined || args.svg !== undefined) {
    const { placementFile, placementPage } = await import('../report/plan-html/placement-page.ts');
    if (args.html !== undefined) await save(args.html, await placementPage(found, title));
    if (args.svg !== undefined) await save(args.svg, await placementFile(found, title));
  }
  if (args.json) return printJson({ over: 'pools', ...found });
  await print(`${placementLines(found, coloursFor(process.stdout).isColorSupported).join('\n')}\n`);
}
