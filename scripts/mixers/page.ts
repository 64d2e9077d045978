/**
 * Results of the recipe models/zoo/mixers, and the table in its README.
 *
 * In: runs.json of mixers.py, or results.json.  Out: their fields; the page with its block replaced.
 * Accuracies are shares of right answers, 0 to 1.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../test/shared.ts';
import { table, whole, withBlocks } from '../figures/markdown.ts';
import { mean, meanAndDeviation } from '../pools/ranking.ts';

/** A network of one mixer, fold and seed. */
export interface Run {
  /** Name of the ONNX file in the folder of runs.json. */
  file: string;
  accuracy: number;
  parameters: number;
  /** Accuracy of the streamed int8 module. */
  int8?: number;
}

/** Costs of a hop. They do not depend on the weights, up to a few bytes and instructions. */
export interface Costs {
  macsPerHop: number;
  stateBytes: number;
  interp: { moduleBytes: number; instructions: number };
  native: { moduleBytes: number; instructions: number };
}

export interface Results {
  device: 'watch';
  steps: number;
  /** Number of folds. */
  folds: number;
  seeds: number[];
  mixers: string[];
  runs: Record<string, Run>;
  costs: Record<string, Costs>;
}

export const folder = join(root, 'models/zoo/mixers');
const file = join(folder, 'results.json');

export const readResults = (path = file): Results => JSON.parse(readFileSync(path, 'utf8')) as Results;
export const writeResults = (results: Results): void => writeFileSync(file, `${JSON.stringify(results, undefined, 1)}\n`);

export function runOf({ runs }: Results, mixer: string, fold: number, seed: number): Run {
  const run = runs[`${mixer}, fold ${fold}, seed ${seed}`];
  if (!run) throw new Error(`the results have no run "${mixer}, fold ${fold}, seed ${seed}"; complete them with mixers.py`);
  return run;
}

/** Returns accuracies in %, a mean over the folds for each seed. */
function bySeed(results: Results, mixer: string, of: (run: Run) => number): number[] {
  const folds = Array.from({ length: results.folds }, (_, fold) => fold);
  return results.seeds.map((seed) => 100 * mean(folds.map((fold) => of(runOf(results, mixer, fold, seed)))));
}

function mixerTable(results: Results): string {
  const head = ['mixer', 'float %', 'int8 streamed %', 'parameters', 'MACs/hop', 'state B'];
  return table(
    [...head, 'interp: module B', 'instructions', 'native: module B', 'instructions'],
    results.mixers.map((mixer) => {
      const costs = results.costs[mixer];
      if (!costs) throw new Error(`the results have no costs of ${mixer}; npm run mixers -- DIR RUNS`);
      return [
        mixer,
        meanAndDeviation(bySeed(results, mixer, (run) => run.accuracy)),
        meanAndDeviation(bySeed(results, mixer, (run) => run.int8 ?? Number.NaN)),
        whole(runOf(results, mixer, 0, results.seeds[0] as number).parameters),
        whole(costs.macsPerHop),
        whole(costs.stateBytes),
        ...[costs.interp, costs.native].flatMap((one) => [whole(one.moduleBytes), whole(one.instructions)]),
      ];
    }),
  );
}

/** @throws Error if the page has another block */
export const withTable = (page: string, results: Results): string =>
  withBlocks(page, 'mixers', (name) => {
    if (name !== 'table') throw new Error(`the page has a block ${name}; there is only table`);
    return mixerTable(results);
  });
