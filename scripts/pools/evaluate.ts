/**
 * Judges trained networks of har as Runlet streams them: quantised, built and run on the judged subjects.
 *
 * In: the folder of the recordings, the folder that search.py wrote.  Out: the results with the accuracy of
 * every int8 module.
 */
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { frameOf, hop, readSubjects, type Subject } from '../../host/demo/har-recordings.ts';
import { floatScores, moduleScores, openInt8, toInt8, zooArray } from '../../host/demo/zoo.ts';
import { argmax } from '../../host/statistics.ts';
import type { Graph } from '../../models/graph/types.ts';
import { readModel } from '../../models/read/index.ts';
import { type Results, trainedRun } from './results.ts';

/** Returns the share of right answers for all subjects. */
function accuracyOf(subjects: Subject[], scoresOf: (signal: Float32Array) => Float32Array[]): number {
  let [right, count] = [0, 0];
  for (const { signal, labels } of subjects)
    for (const [n, scores] of scoresOf(signal).entries()) {
      if (argmax(scores) === labels[frameOf(n)]) right++;
      count++;
    }
  return right / count;
}

export interface Judged {
  int8: Graph;
  /** Accuracy of the streamed int8 module. */
  accuracy: number;
}

/**
 * Quantises, builds and judges a network of har.
 * @throws Error if its accuracy is not that of its training
 */
export async function judge(file: string, run: { accuracy: number }, subjects: Subject[]): Promise<Judged> {
  const graph = await readModel(new Uint8Array(readFileSync(file)));
  const float = accuracyOf(subjects, (signal) => floatScores(graph, hop, signal));
  // rounding may change an answer whose two best scores are equal
  if (Math.abs(float - run.accuracy) > 1e-3)
    throw new Error(`${file} has accuracy ${float}, but ${run.accuracy} in training: is it from the same run?`);
  const calibration = zooArray('har', 'calib-watch.npy').data as Float32Array;
  const int8 = toInt8(graph, hop, calibration);
  const { session } = await openInt8(int8, { hop });
  return { int8, accuracy: accuracyOf(subjects, (signal) => moduleScores(session, signal)) };
}

export async function evaluated(data: string, runs: string, results: Results, say: (text: string) => void): Promise<Results> {
  const subjects = readSubjects(data, results.device).filter((s) => s.fold === results.fold);
  for (const placement of results.placements)
    for (const seed of results.seeds) {
      const run = trainedRun(results, placement, seed);
      run.int8 = (await judge(join(runs, basename(run.file)), run, subjects)).accuracy;
      say(`${run.file} float ${run.accuracy.toFixed(4)} int8 streamed ${run.int8.toFixed(4)}`);
    }
  return results;
}
