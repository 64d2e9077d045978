/**
 * Results of the recipe models/zoo/pool-search: the runs of search.py, with accuracies of int8 modules.
 *
 * In: runs.json of search.py, or results.json.  Out: their fields. Accuracies are shares of right answers, 0
 * to 1.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PlacementRow } from '../../models/report/placements.ts';
import { root } from '../../test/shared.ts';

/** A row of the planner, with the stride of every convolution in place of those above 1. */
export interface Placement extends Omit<PlacementRow, 'strides'> {
  strides: number[];
}

/** A placement that was trained alone. */
export interface Trained {
  /** Name of the ONNX file in the folder of runs.json. */
  file: string;
  accuracy: number;
  /** Accuracy of the streamed int8 module. */
  int8?: number;
}

/** All placements in one or several supernets. */
export interface Shared {
  /** One value per placement. */
  accuracy: number[];
  /** Supernet that judged each placement. */
  chosen: number[];
  /** Steps [placement][supernet]. */
  steps: number[][];
}

export interface Results {
  device: 'watch';
  /** Fold of the judged subjects. */
  fold: number;
  judged: string[];
  /** Number of windows of the judged subjects. */
  answers: number;
  steps: number;
  searchSteps: number;
  /** Number of supernets in the mixture. */
  supernets: number;
  seeds: number[];
  placements: Placement[];
  runs: Record<string, Trained | Shared>;
}

export const folder = join(root, 'models/zoo/pool-search');
const file = join(folder, 'results.json');

export const readResults = (path = file): Results => JSON.parse(readFileSync(path, 'utf8')) as Results;
export const writeResults = (results: Results): void => writeFileSync(file, `${JSON.stringify(results, undefined, 1)}\n`);

function runOf(results: Results, name: string): Trained | Shared {
  const run = results.runs[name];
  if (!run) throw new Error(`the results have no run "${name}"; complete them with search.py`);
  return run;
}

export const trainedRun = (results: Results, { strides }: Placement, seed: number): Trained =>
  runOf(results, `${strides.join(' ')}, seed ${seed}`) as Trained;

export const sharedRun = (results: Results, kind: 'supernet' | 'mixture', seed: number): Shared =>
  runOf(results, `${kind} ${seed}`) as Shared;
