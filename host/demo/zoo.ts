/**
 * Loads models of the zoo for demos and evaluations: files, float graph, int8 graph, open module.
 *
 * In: a folder of models/zoo and names of files in it.  Out: arrays, graphs, sessions. It quantises with the
 * default preset of `runlet quantize`.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type BuildOptions, type Bundle, build } from '../../assembly/build.ts';
import type { Graph } from '../../models/graph/types.ts';
import { readModel } from '../../models/read/index.ts';
import { executeStream } from '../../models/stream/execute.ts';
import { floatBlock, floatRunner } from '../../models/stream/float.ts';
import type { Mode } from '../../models/stream/modes.ts';
import { planStream } from '../../models/stream/plan.ts';
import type { PlanOptions } from '../../models/stream/types.ts';
import { quantPlan } from '../../quant/plan.ts';
import { quantize } from '../../quant/quantize.ts';
import { openSession, type Session } from '../session/index.ts';
import { readNpy } from '../sources/npy.ts';
import { argmax } from '../statistics.ts';
import { zooFolder } from '../zoo-folder.ts';

export const root = join(import.meta.dirname, '..', '..');
export const zooFile = (model: string, name: string): string => join(zooFolder ?? 'models/zoo', model, name);

export const zooArray = (model: string, name: string) => readNpy(new Uint8Array(readFileSync(zooFile(model, name))));

export async function readFloat(model: string, file: string): Promise<Graph> {
  const bytes = new Uint8Array(readFileSync(zooFile(model, file)));
  return readModel(bytes, { name: model, digest: createHash('sha256').update(bytes).digest('hex') });
}

export const toInt8 = (graph: Graph, hop: number, calibration: Float32Array, mode?: Mode): Graph =>
  quantize(graph, calibration, { hop, mode, noReport: true }).graph;

export async function openInt8(
  int8: Graph,
  plan: PlanOptions,
  options: BuildOptions = {},
): Promise<{ session: Session; bundle: Bundle }> {
  const bundle = await build(quantPlan(planStream(int8, plan)), { target: 'simd', ...options });
  return { session: await openSession(bundle.wasm as BufferSource), bundle };
}

/** Scores of every output of the float model for a signal. */
export function floatScores(graph: Graph, hop: number, signal: Float32Array, mode?: Mode): Float32Array[] {
  const plan = planStream(graph, { hop, mode });
  return [...executeStream(plan, floatBlock(plan, signal), floatRunner)].map(({ outputs }) => outputs[0] as Float32Array);
}

/** Scores of every output of a module for a signal, after a reset. */
export function moduleScores(session: Session, signal: Float32Array): Float32Array[] {
  const scores: Float32Array[] = [];
  session.reset();
  session.pushAll(signal, () => scores.push(Float32Array.from(session.output())));
  return scores;
}

/** Confusion counts[label][found] of the outputs with a known label (0 or more). */
export function confusionOf(scores: readonly Float32Array[], labelOf: (output: number) => number, classes: number): number[][] {
  const counts = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  scores.forEach((s, n) => {
    const row = counts[labelOf(n)];
    const found = argmax(s);
    if (row) row[found] = (row[found] as number) + 1;
  });
  return counts;
}
