/**
 * Judges one model of a corpus: whether it can be read, whether it equals its reference, and whether its int8
 * stream equals its windows.
 *
 * In: a model file, and optionally `in.npy`, `in1.npy` ... and `out.npy` ... beside it: rows of inputs, and
 * of outputs of the engine that SOURCE.txt names.  Out: a Verdict. Rules: float is correct within 2e-5 of the
 * largest output. int8 is correct if no byte differs with the rounding of that engine; onnxruntime rounds QDQ
 * files in float, so one step is allowed there. For dynamic-range files the engine also rounds activations,
 * so the difference is reported but not judged. With `good`, a float file with rows is quantised, its outputs
 * are compared (good.ts), and no stream is run. Streams run as layer tables on the interpreter, with `wasm`
 * as compiled modules, against the windowed integer model at hops of 1, 2, a quarter of the window, and 7.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isRunletError } from '../../models/error.ts';
import { withRounding } from '../../models/graph/rounding.ts';
import { elementsOf, frameOf, type Graph, type Ints, isQuantised, type Port } from '../../models/graph/types.ts';
import { viewOf } from '../../models/graph/view.ts';
import { maxOf, minOf } from '../../models/lists.ts';
import type { ReadOptions } from '../../models/read/index.ts';
import { executeStream } from '../../models/stream/execute.ts';
import { floatBlocks, floatRunner } from '../../models/stream/float.ts';
import { planStream } from '../../models/stream/plan.ts';
import { type QuantPlan, quantPlan } from '../../quant/plan.ts';
import { quantize } from '../../quant/quantize.ts';
import { runSignal, runWindow } from '../../quant/reference.ts';
import { quantiseSignals } from '../../quant/report.ts';
import { differing } from '../../test/property/harness.ts';
import { random } from '../../test/property/random-network.ts';
import { runStyles } from '../../test/property/styles.ts';
import { hopsFor } from './folder.ts';
import { type Quality, qualityOf } from './good.ts';
import { read } from './read.ts';
import { type Rows, randomRows, rowsOf, shapeAt, toFile, toGraph, toInts } from './rows.ts';
import { tflmAnswers } from './tflm.ts';

export interface Verdict {
  kind: 'float' | 'int8' | 'hybrid' | '';
  /** True if the file was read. */
  taken: boolean;
  /** True if it equals the reference; absent if there is none, or if the difference is only reported. */
  right?: boolean;
  reference: string;
  /** A remark on the reference for the reader of the table. */
  note?: string;
  /** Options that the file was read with. */
  options?: ReadOptions;
  /** Only for float files with `good`. */
  quality?: Quality;
  /** True if streams equal windows. */
  equal?: boolean;
  streamed: string;
  /** Code and first line of the refusal. */
  refused: string;
}

/** Largest number of windows that are used; their number for a model without data. */
const rowCount = 8;
/** Smallest number of steps of a stateful model. */
const stepCount = 64;
/** Limit of the multiply-adds of a file's windows in the float reference. A choice: about ten seconds. */
const maxWork = 5e8;
/** A choice: it separates float32 rounding from errors. */
const floatTolerance = 2e-5;
const lineOf = (error: unknown): string => (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';
/**
 * Whether SOURCE.txt names LiteRT as the reference. Its fully connected and LSTM layers round differently.
 */
function isLitert(folder: string): boolean {
  const path = join(folder, 'SOURCE.txt');
  return existsSync(path) && /reference: (ai-edge-)?litert/i.test(readFileSync(path, 'utf8'));
}

/** Returns the outputs for windows. @param isStream true: steps of one stream, as engines keep variables */
function answersOf(graph: Graph, windows: Float32Array[][], types: string[], isStream: boolean): ArrayLike<number>[][] {
  const plan = graph.stateful ? planStream(graph, { hop: shapeAt(graph, graph.inputs[0]?.tensor ?? -1).t }) : whole(graph);
  const signals = graph.inputs.map((_, i) => Float32Array.from(windows.flatMap((w) => [...(w[i] as Float32Array)])));
  const run = (signal: Float32Array[]): { outputs: ArrayLike<number>[] }[] =>
    isQuantised(graph)
      ? [...runSignal(quantPlan(plan), toInts(graph, signal, types), { warmUp: true })]
      : [...executeStream(plan, floatBlocks(plan, signal), floatRunner, { warmUp: true })];
  const results = isStream ? run(signals) : windows.map((w) => run(w)[0]);
  return results.map((result) => result?.outputs ?? []);
}
const whole = (graph: Graph) => {
  const { window } = planStream(graph, { hop: 1, mode: 'windowed' });
  return planStream(graph, { hop: window, mode: 'windowed' });
};

/** Compares outputs with the rows of the engine. */
function compare(
  graph: Graph,
  answers: ArrayLike<number>[][],
  out: (Rows | undefined)[],
  hybrid: boolean,
): Pick<Verdict, 'right' | 'reference'> {
  let [largest, apart, bytes, all] = [0, 0, 0, 0];
  for (const [i, answer] of answers.entries())
    for (const [o, values] of answer.entries()) {
      const port = graph.outputs[o] as Port;
      const expected = out[o]?.row(i);
      if (!expected) continue;
      const got = toFile(graph, port, values);
      if (got.length !== expected.length) throw new Error(`${got.length} outputs, the reference has ${expected.length}`);
      for (const [at, y] of got.entries()) {
        const x = expected[at] as number;
        largest = Math.max(largest, Math.abs(x));
        apart = Math.max(apart, Number.isNaN(y - x) ? Number.POSITIVE_INFINITY : Math.abs(y - x));
        all++;
        if (y !== x) bytes++;
      }
    }
  if (isQuantised(graph)) {
    const step = maxOf(
      graph.outputs.map(({ tensor, hostType }) => (hostType === 'float32' ? (graph.tensors[tensor]?.quant?.scale ?? 1) : 1)),
    );
    const right = bytes === 0 || (graph.format === 'onnx' && apart <= 1.001 * step);
    return { right, reference: `${bytes} of ${all} bytes differ` };
  }
  const share = `${(apart / (largest || 1)).toExponential(1)} of the largest`;
  return hybrid ? { reference: `rounding ${share}` } : { right: apart <= floatTolerance * largest, reference: share };
}

/**
 * Compares every output of the streamed module with the windowed model; returns the number of wrong values.
 */
async function streams(graph: Graph, hop: number, signals: Ints[], wasm: boolean): Promise<number> {
  const quant: QuantPlan = quantPlan(planStream(graph, graph.stateful ? { hop } : { hop, mode: 'edge-exact' }));
  const frames = graph.inputs.map(({ tensor }, i) => (quant.plan.clock.rates[i] ?? 1) * frameOf(shapeAt(graph, tensor)));
  const cut = (from: number, to: number) =>
    signals.map((s, i) => s.slice(from * (frames[i] as number), to * (frames[i] as number)));
  const outputs = Math.min(12, 2 * quant.plan.period + 4);
  const ticks = Math.min(
    quant.plan.window + (outputs - 1) * hop,
    Math.floor((signals[0] as Ints).length / (frames[0] as number)),
  );
  const expected = graph.stateful ? runSignal(quant, cut(0, ticks)) : undefined;
  let [n, wrong] = [0, 0];
  for await (const got of runStyles(quant, cut(0, ticks), [hop], wasm)) {
    const reference = expected?.next().value ?? runWindow(quant, cut(n * hop, n * hop + quant.plan.window));
    wrong += differing(reference.outputs, got);
    n++;
  }
  if (n === 0) throw new Error('no output fell due');
  return wrong;
}

/**
 * Compares an int8 TensorFlow Lite file with TensorFlow Lite Micro, other files with the outputs beside the
 * file. If TensorFlow Lite Micro is not available, a difference from stored outputs of LiteRT is only
 * reported.
 */
function against(file: string, graph: Graph, rows: Rows[], windows: Float32Array[][], hybrid: boolean): Partial<Verdict> {
  const types = rows.map(({ type }) => type);
  const answer = (ruled: Graph, out: (Rows | undefined)[], isStream: boolean) =>
    compare(graph, answersOf(ruled, windows, types, isStream), out, hybrid);
  const isTflite = isQuantised(graph) && graph.format === 'tflite';
  const asked = isTflite ? tflmAnswers(file, graph, rows, windows.length) : undefined;
  if (Array.isArray(asked)) return answer(graph, asked, graph.stateful === true);
  const folder = dirname(file);
  const out = rowsOf(folder, 'out', graph.outputs.length);
  const given = rowsOf(folder, 'in', graph.inputs.length).every(Boolean);
  if (!given || !out.some(Boolean)) return asked ? { note: asked } : {};
  const ruled = isLitert(folder) ? withRounding(graph, 'litert') : graph;
  // the files do not tell whether the reference keeps its state between rows
  const all = (graph.stateful ? [true, false] : [false]).map((isStream) => answer(ruled, out, isStream));
  const { right, reference } = all.find(({ right }) => right) ?? (all[0] as Partial<Verdict>);
  if (!asked || !isLitert(folder)) return { right, reference };
  return { ...(right && { right }), reference: `${reference}, LiteRT`, note: `compared with stored answers of LiteRT: ${asked}` };
}

/** Returns the rows of each input: those in the file's folder, else random ones. */
function inputRows(file: string, graph: Graph): Rows[] {
  const next = random(1);
  return rowsOf(dirname(file), 'in', graph.inputs.length).map(
    (given, i) => given ?? randomRows(rowCount, elementsOf(shapeAt(graph, graph.inputs[i]?.tensor ?? -1)), next),
  );
}

/** Returns the number of rows to use, limited by the inputs and by `maxWork`. */
function affordable(graph: Graph, rows: readonly Rows[]): number {
  const macs = graph.nodes.reduce((sum, node) => sum + viewOf(graph).macsPerWindow(node), 0);
  return Math.min(minOf(rows.map((r) => r.count)), rowCount, Math.ceil(maxWork / Math.max(1, macs)));
}

/** Returns the first `count` windows, [window][input]. */
const windowsOf = (graph: Graph, rows: readonly Rows[], count: number): Float32Array[][] =>
  Array.from({ length: count }, (_, r) => graph.inputs.map((port, i) => toGraph(graph, port, (rows[i] as Rows).row(r))));

/** Compares streams at several hops with windows. A float graph is quantised first. */
async function judgeStreams(
  graph: Graph,
  windows: Float32Array[][],
  types: string[],
  wasm: boolean,
): Promise<Pick<Verdict, 'equal' | 'streamed'>> {
  // an output of a stateful model may depend on more steps than the file has rows
  const streamed = graph.stateful
    ? Array.from({ length: Math.max(windows.length, stepCount) }, (_, n) => windows[n % windows.length] ?? [])
    : windows;
  const signals = graph.inputs.map((_, i) => Float32Array.from(streamed.flatMap((w) => [...(w[i] as Float32Array)])));
  const { window } = graph.stateful ? { window: shapeAt(graph, graph.inputs[0]?.tensor ?? -1).t } : whole(graph);
  const mode = graph.stateful ? {} : ({ mode: 'edge-exact' } as const);
  const int8 = isQuantised(graph)
    ? graph
    : quantize(graph, signals, { hop: window, ...mode, preset: 'fast', noReport: true }).graph;
  const ints = isQuantised(graph) ? toInts(graph, signals, types) : quantiseSignals(int8, signals);
  const hops = graph.stateful ? [window] : hopsFor(window);
  const wrong: string[] = [];
  for (const hop of hops) if ((await streams(int8, hop, ints, wasm)) > 0) wrong.push(`hop ${hop}`);
  return { equal: wrong.length === 0, streamed: wrong.length ? `differs: ${wrong.join(', ')}` : hops.join(' ') };
}

type Kind = Exclude<Verdict['kind'], ''>;

function kindOf(graph: Graph): Kind {
  if (isQuantised(graph)) return 'int8';
  return graph.notes.some((note) => note.startsWith('int8 weights beside float')) ? 'hybrid' : 'float';
}

interface JudgeOptions {
  wasm: boolean;
  quick: boolean;
  good: boolean;
  read?: ReadOptions;
}

/** Adds the results of reference, quality and streams to the verdict on a file that was read. */
async function judgeRead(
  file: string,
  graph: Graph,
  verdict: Verdict,
  { wasm, quick, good }: JudgeOptions,
  onReference: (before: Verdict) => void,
): Promise<Verdict> {
  const rows = inputRows(file, graph);
  const count = affordable(graph, rows);
  try {
    const windows = windowsOf(graph, rows, count);
    // a further input file has initial states, but the graph starts with zero
    const ownStates = existsSync(join(dirname(file), `in${graph.inputs.length}.npy`));
    if (ownStates) verdict.reference = 'begins with other states';
    else Object.assign(verdict, against(file, graph, rows, windows, verdict.kind === 'hybrid'));
    if (quick) return verdict;
    onReference(verdict);
    if (good) {
      const all = windowsOf(graph, rows, minOf(rows.map((r) => r.count)));
      return verdict.kind === 'float' && existsSync(join(dirname(file), 'in.npy'))
        ? { ...verdict, quality: await qualityOf(graph, all) }
        : verdict;
    }
    const types = rows.map(({ type }) => type);
    Object.assign(verdict, await judgeStreams(graph, windows, types, wasm));
  } catch (error) {
    verdict.refused = `after reading: ${lineOf(error).replace(/^RunletError: /, '')}`;
  }
  return verdict;
}

/**
 * Judges one file. Errors become refusals.
 * @param onReference receives the verdict before streams run, because they may take long
 */
export async function judge(file: string, how: JudgeOptions, onReference: (before: Verdict) => void): Promise<Verdict> {
  const none: Verdict = { kind: '', taken: false, reference: '', streamed: '', refused: '' };
  let graph: Graph;
  let options: ReadOptions;
  try {
    [graph, options] = await read(file, how.read ?? {});
  } catch (error) {
    return { ...none, refused: isRunletError(error) ? lineOf(error).replace(/^RunletError: /, '') : `crash: ${lineOf(error)}` };
  }
  const verdict: Verdict = { ...none, taken: true, kind: kindOf(graph), ...(Object.keys(options).length > 0 && { options }) };
  return judgeRead(file, graph, verdict, how, onReference);
}
