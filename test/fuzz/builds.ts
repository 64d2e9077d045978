/**
 * Fuzzes the build of damaged files that a reader accepts: code is emitted for each, or it is refused with an
 * error code. A sample is compiled and run.
 *
 * In: damaged files, a reader, the number of files to compile.  Out: counts.  A compiled module must equal
 * the integer reference; a float graph is first quantised with a random signal.  Code is not emitted for
 * graphs above a work limit.
 */
import { build } from '../../assembly/build.ts';
import { emit } from '../../assembly/emit/emit.ts';
import { everyKernel, kernelSetOf } from '../../assembly/emit/interpreters.ts';
import { moduleSource } from '../../assembly/emit/source.ts';
import { targets } from '../../assembly/emit/target.ts';
import { isRunletError } from '../../models/error.ts';
import { elementsOf, frameOf, type Graph, isQuantised } from '../../models/graph/types.ts';
import { planStream } from '../../models/stream/plan.ts';
import { type QuantPlan, quantPlan } from '../../quant/plan.ts';
import { quantize } from '../../quant/quantize.ts';
import { runWindow } from '../../quant/reference.ts';
import { differing, instantiate, poisonMemory, pushAll } from '../property/harness.ts';
import { random } from '../property/random-network.ts';

export interface BuildsResult {
  tried: number;
  refusedByReader: number;
  refusedLater: number;
  emitted: number;
  tooLarge: number;
  compiled: number;
  outputs: number;
  codes: Record<string, number>;
}

const workLimit = 3_000_000;

const inputShape = (graph: Graph) => graph.tensors[graph.inputs[0]?.tensor ?? -1]?.shape ?? { t: 0, f: 0, c: 0 };

function work(graph: Graph): number {
  const plan = planStream(graph, { hop: inputShape(graph).t, mode: 'windowed' });
  return plan.macsPerWindow + graph.tensors.reduce((sum, t) => sum + elementsOf(t.shape), 0);
}

function toQuantPlan(graph: Graph, seed: number): QuantPlan {
  const { t } = inputShape(graph);
  const options = { hop: t, mode: 'windowed' } as const;
  if (isQuantised(graph)) return quantPlan(planStream(graph, options));
  const rnd = random(seed);
  const signal = Float32Array.from({ length: 2 * elementsOf(inputShape(graph)) }, () => 2 * rnd() - 1);
  return quantPlan(planStream(quantize(graph, signal, { ...options, preset: 'fast', noReport: true }).graph, options));
}

/** Runs all stages before the compiler, for both styles and all targets. */
function emitBoth(quant: QuantPlan): void {
  for (const target of targets) {
    const emitted = emit(quant, target);
    moduleSource(quant, emitted, 'fuzz');
    emit(quant, target, { kernels: () => everyKernel(target, 'embed', kernelSetOf(quant.plan.graph)) });
  }
}

async function compileAndRun(quant: QuantPlan, seed: number): Promise<number> {
  const { wasm, memory } = await build(quant);
  const exports = instantiate(wasm);
  poisonMemory(exports, memory);
  exports.rn_reset();
  const rnd = random(seed ^ 0x1234);
  const { graph, window } = quant.plan;
  const signal = Int8Array.from({ length: 2 * window * frameOf(inputShape(graph)) }, () => Math.floor(256 * rnd()) - 128);
  let n = 0;
  for (const got of pushAll(exports, quant, signal, [window])) {
    const part = signal.subarray((n * signal.length) / 2, ((n + 1) * signal.length) / 2);
    const bad = differing(runWindow(quant, part).outputs, got);
    if (bad > 0) throw new Error(`${bad} bytes of output ${n} differ`);
    n++;
  }
  if (n !== 2) throw new Error(`${n} outputs instead of 2`);
  return n;
}

export async function fuzzBuilds(options: {
  count: number;
  seed: number;
  compiles: number;
  file: (i: number) => Uint8Array;
  read: (bytes: Uint8Array) => Graph | Promise<Graph>;
}): Promise<BuildsResult> {
  const result: BuildsResult = {
    tried: 0,
    refusedByReader: 0,
    refusedLater: 0,
    emitted: 0,
    tooLarge: 0,
    compiled: 0,
    outputs: 0,
    codes: {},
  };
  for (let i = 0; i < options.count; i++) {
    const bytes = options.file(i);
    result.tried++;
    let stage: 'refusedByReader' | 'refusedLater' = 'refusedByReader';
    const started = performance.now();
    try {
      const graph = await options.read(bytes);
      stage = 'refusedLater';
      if (work(graph) > workLimit) {
        result.tooLarge++;
        continue;
      }
      const quant = toQuantPlan(graph, options.seed + i);
      emitBoth(quant);
      result.emitted++;
      // the sample is spread over the whole campaign
      const due = Math.ceil(((i + 1) * options.compiles) / options.count);
      if (result.compiled < due) {
        result.outputs += await compileAndRun(quant, options.seed + i);
        result.compiled++;
        continue;
      }
    } catch (error) {
      if (!isRunletError(error)) throw new Error(`file ${i} of seed ${options.seed} (${stage}): ${error}`, { cause: error });
      result[stage]++;
      result.codes[error.code] = (result.codes[error.code] ?? 0) + 1;
    }
    const spent = performance.now() - started;
    if (spent > 2000) throw new Error(`file ${i} of seed ${options.seed} took ${spent.toFixed(0)} ms`);
  }
  return result;
}
