/**
 * `npm run mixers [-- DIR RUNS]`: renders the table of models/zoo/mixers.
 *
 * In: models/zoo/mixers/results.json. With DIR, the recordings of har, and RUNS, the folder that mixers.py
 * wrote, results.json is made first: every network is quantised, built and judged.
 * Out: the table in README.md.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { build } from '../assembly/build.ts';
import { hop, readSubjects } from '../host/demo/har-recordings.ts';
import { countHops } from '../host/fit/counts.ts';
import { executedIn } from '../host/fit/native-count.ts';
import type { Graph } from '../models/graph/types.ts';
import { planStream } from '../models/stream/plan.ts';
import { quantPlan } from '../quant/plan.ts';
import { type Costs, folder, type Results, readResults, runOf, withTable, writeResults } from './mixers/page.ts';
import { judge } from './pools/evaluate.ts';
import { mean } from './pools/ranking.ts';

async function costsOf(int8: Graph): Promise<Costs> {
  const plan = planStream(int8, { hop });
  const of = async (target: 'interp' | 'native') => {
    const bundle = await build(quantPlan(plan), { target });
    const counts = await countHops(bundle);
    const hops = executedIn(counts, counts.hops).map(({ narrow, wide }) => narrow + wide);
    return { moduleBytes: bundle.wasm.length, instructions: Math.round(mean(hops)) };
  };
  return { macsPerHop: plan.macsPerHop, stateBytes: plan.stateBytes, interp: await of('interp'), native: await of('native') };
}

async function evaluated(data: string, runs: string, results: Results): Promise<Results> {
  const subjects = readSubjects(data, results.device);
  results.costs = {};
  for (const mixer of results.mixers)
    for (let fold = 0; fold < results.folds; fold++)
      for (const seed of results.seeds) {
        const run = runOf(results, mixer, fold, seed);
        const judged = subjects.filter((s) => s.fold === fold);
        const { int8, accuracy } = await judge(join(runs, basename(run.file)), run, judged);
        run.int8 = accuracy;
        results.costs[mixer] ??= await costsOf(int8);
        process.stdout.write(`${run.file} float ${run.accuracy.toFixed(4)} int8 streamed ${accuracy.toFixed(4)}\n`);
      }
  return results;
}

const [data, runs] = process.argv.slice(2);
if (data && !runs) throw new Error('npm run mixers -- DIR RUNS needs both folders');
if (data && runs) writeResults(await evaluated(data, runs, readResults(join(runs, 'runs.json'))));
const page = join(folder, 'README.md');
writeFileSync(page, withTable(readFileSync(page, 'utf8'), readResults()));
process.stdout.write(`${page} is up to date\n`);
