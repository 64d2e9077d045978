/**
 * The cross table: compares float windowed, int8 windowed, int8 streamed and wasm over one signal, each pair.
 *
 * In: a float or int8 graph, a signal and a hop.  Out: mean and largest difference in output units; exit code
 * 1 if wasm differs from the reference. If the plan is exact only on extended windows, `float extended` is
 * the model on windows with real context instead of zero padding.
 */

import { build } from '../../assembly/build.ts';
import { type Graph, type Ints, isQuantised } from '../../models/graph/types.ts';
import { executeStream } from '../../models/stream/execute.ts';
import { floatBlocks, floatRunner } from '../../models/stream/float.ts';
import { planStream, windowedPlan } from '../../models/stream/plan.ts';
import { quantPlan } from '../../quant/plan.ts';
import { runSignal, windowedModel } from '../../quant/reference.ts';
import { quantiseSignals } from '../../quant/report.ts';
import { coloursFor, exitCodes, printJson } from '../command/args.ts';
import { loadSignals, manifestFields, planOptions, quantised } from '../command/load.ts';
import type { buildArgs, CalibOptions, PlanArgs } from '../command/model-options.ts';
import type { Values } from '../command/options.ts';
import { producer } from '../command/producer.ts';
import { hopsOf } from '../recording.ts';
import { whileWorking } from '../report/progress.ts';
import { table } from '../report/table.ts';
import { openSession } from '../session/index.ts';

/** Outputs by window index, dequantised. */
type Outputs = Map<number, Float32Array>;

function difference(a: Outputs, b: Outputs): { outputs: number; mean: number; max: number } {
  let sum = 0;
  let count = 0;
  let max = 0;
  for (const [n, x] of a) {
    const y = b.get(n);
    if (!y) continue;
    x.forEach((v, i) => {
      const d = Math.abs(v - (y[i] as number));
      sum += d;
      count++;
      max = Math.max(max, d);
    });
  }
  return { outputs: count, mean: count ? sum / count : 0, max };
}

/** Computes all forms and prints the table. */
export async function crossTable(
  graph: Graph,
  args: CalibOptions & PlanArgs & Values<typeof buildArgs> & { json?: boolean },
): Promise<void> {
  const options = planOptions(graph, args);
  const signals = await loadSignals(graph, args.calib as string, args);
  const floatGraph = isQuantised(graph) ? undefined : graph;
  const int8 = floatGraph ? (await quantised(graph, options, args, true)).graph : graph;
  const quant = quantPlan(planStream(int8, options));
  const windowed = graph.stateful ? undefined : windowedModel(quant);
  const output = quant.plan.graph.tensors[quant.plan.graph.outputs[0]?.tensor ?? -1];
  const q = output?.quant ?? { scale: 1, zeroPoint: 0 };
  const real = (stored: Ints) => Float32Array.from(stored, (v) => q.scale * (v - q.zeroPoint));
  const stored = quantiseSignals(quant.plan.graph, signals);

  const columns = new Map<string, Outputs>();
  const collect = (name: string, results: Iterable<{ index: number; outputs: (Ints | Float32Array)[] }>) => {
    const all: Outputs = new Map();
    for (const r of results) {
      const [first] = r.outputs;
      if (first) all.set(r.index, first instanceof Float32Array ? first : real(first));
    }
    columns.set(name, all);
  };
  if (floatGraph) {
    const streamed = planStream(floatGraph, { ...options, mode: quant.plan.mode });
    const plain = graph.stateful ? streamed : windowedPlan(streamed);
    collect(graph.stateful ? 'float' : 'float windowed', executeStream(plain, floatBlocks(plain, signals), floatRunner));
    if (!streamed.steps.every((s) => s.exact))
      collect('float extended', executeStream(streamed, floatBlocks(streamed, signals), floatRunner));
  }
  if (windowed) collect('int8 windowed', runSignal(windowed, stored));
  collect('int8 streamed', runSignal(quant, stored));
  const { target, style } = args;
  const fields = { producer: producer(), target, style, ...manifestFields(graph) };
  const bundle = await whileWorking(`compiling for ${target}`, () => build(quant, fields));
  const session = await openSession(bundle.wasm as BufferSource);
  const wasm: Outputs = new Map();
  for (const { parts } of hopsOf(session, stored))
    if (session.pushInt8(parts)) wasm.set(session.outputIndex, real(session.outputRaw(0).slice()));
  columns.set('wasm', wasm);
  report(columns, windowed !== undefined && quant.plan.steps.every((s) => s.exact), args.json);
}

function report(columns: Map<string, Outputs>, exact: boolean, json = false): void {
  const names = [...columns.keys()];
  const get = (name: string) => columns.get(name) ?? new Map();
  const pairs = names.flatMap((a, i) => names.slice(i + 1).map((b) => ({ a, b, ...difference(get(a), get(b)) })));
  const streamedWasm = pairs.find((p) => p.a === 'int8 streamed' && p.b === 'wasm');
  const windowedWasm = pairs.find((p) => p.a === 'int8 windowed' && p.b === 'wasm');
  const failed = (streamedWasm?.max ?? 1) !== 0 || (exact && (windowedWasm?.max ?? 1) !== 0);
  if (json) printJson({ exact, equal: !failed, pairs });
  else {
    const rows = pairs.map((p) => [p.a, p.b, p.outputs, p.mean, p.max]);
    process.stdout.write(
      `${table(rows, { head: ['this', 'against', 'outputs', 'mean |diff|', 'max |diff|'], colour: coloursFor(process.stdout).isColorSupported })}\n\n`,
    );
    process.stdout.write(
      `wasm ${streamedWasm?.max === 0 ? 'equals' : 'DIFFERS from'} the int8 reference${exact ? `, which ${windowedWasm?.max === 0 ? 'equals' : 'DIFFERS from'} the windowed model` : ''}\n`,
    );
  }
  if (failed) process.exitCode = exitCodes.checkFailed;
}
