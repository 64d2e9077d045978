/**
 * One model of a corpus, judged: is it read, does it equal its reference, does its int8 stream equal its
 * windows?
 *
 * In: a model file, and beside it, where they are there, `in.npy`, `in1.npy` ... and `out.npy` ...: rows of
 * windows and of answers of the engine that SOURCE.txt names.  Out: a Verdict. Rules: float is right within
 * 2e-5 of the largest output, int8 where no byte differs under the rounding of that engine; onnxruntime
 * rounds QDQ files in float, so one step is allowed there. Of a dynamic-range file the engine also rounds
 * activations, so its difference is told and not judged. With `good` a float file that has rows is quantised,
 * its outputs are compared (good.ts), and no stream is run. Streams run as layer tables on the interpreter,
 * and as compiled modules with `wasm`, against the windowed integer model at hops of 1, 2, a quarter of the
 * window, and an odd one.
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
  taken: boolean;
  /** Against the reference; undefined where there is none, or where it is told only. */
  right?: boolean;
  reference: string;
  /** What a reader of the table has to know of the reference. */
  note?: string;
  /** What the file was read with. */
  options?: ReadOptions;
  /** Of float files, with `good`. */
  quality?: Quality;
  /** Streams against windows. */
  equal?: boolean;
  streamed: string;
  /** Code and first line of what refuses it. */
  refused: string;
}

/** Windows that a model without data is calibrated and streamed with. */
const rowCount = 8;
/** Steps of a model with states. */
const stepCount = 64;
/** Multiply-adds of a file's windows in the float reference. A choice: some ten seconds. */
const mostWork = 5e8;
/** A choice: tells a rounding of float32 from an error. */
const floatTolerance = 2e-5;
const lineOf = (error: unknown): string => (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';
/**
 * Whether SOURCE.txt names LiteRT as the reference, whose fully connected and LSTM layers round in their
 * own way.
 */
function isLitert(folder: string): boolean {
  const path = join(folder, 'SOURCE.txt');
  return existsSync(path) && /reference: (ai-edge-)?litert/i.test(readFileSync(path, 'utf8'));
}

/** Answers to windows, as steps of one stream, since engines keep variables, or each from the beginning. */
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

/** Compares with the rows of the engine. */
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

/** Every output of the streamed module against the windowed model. */
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
 * Compares a graph with TensorFlow Lite Micro where it is an int8 TensorFlow Lite file, else with the answers
 * beside the file. Those of LiteRT are no reference for the other engine's bytes: there a difference is told.
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
  // what a reference does with a state between its rows, its file does not say
  const all = (graph.stateful ? [true, false] : [false]).map((isStream) => answer(ruled, out, isStream));
  const { right, reference } = all.find(({ right }) => right) ?? (all[0] as Partial<Verdict>);
  if (!asked || !isLitert(folder)) return { right, reference };
  return { ...(right && { right }), reference: `${reference}, LiteRT`, note: `compared with stored answers of LiteRT: ${asked}` };
}

/** Rows of each input: those of the file's folder, else random ones. */
function inputRows(file: string, graph: Graph): Rows[] {
  const next = random(1);
  return rowsOf(dirname(file), 'in', graph.inputs.length).map(
    (given, i) => given ?? randomRows(rowCount, elementsOf(shapeAt(graph, graph.inputs[i]?.tensor ?? -1)), next),
  );
}

/** As many rows as every input has, and as the float reference runs in the time that is given to a file. */
function affordable(graph: Graph, rows: readonly Rows[]): number {
  const macs = graph.nodes.reduce((sum, node) => sum + viewOf(graph).macsPerWindow(node), 0);
  return Math.min(minOf(rows.map((r) => r.count)), rowCount, Math.ceil(mostWork / Math.max(1, macs)));
}

/** The first windows of the rows. */
const windowsOf = (graph: Graph, rows: readonly Rows[], count: number): Float32Array[][] =>
  Array.from({ length: count }, (_, r) => graph.inputs.map((port, i) => toGraph(graph, port, (rows[i] as Rows).row(r))));

/** Streams of the graph, quantised where it is float, at several hops against its windows. */
async function judgeStreams(
  graph: Graph,
  windows: Float32Array[][],
  types: string[],
  wasm: boolean,
): Promise<Pick<Verdict, 'equal' | 'streamed'>> {
  // an output of a model with states may depend on more steps than its file has rows
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

/** Adds to the verdict on a file that was read what its reference, its quality and its streams say. */
async function judgeRead(
  file: string,
  graph: Graph,
  verdict: Verdict,
  { wasm, quick, good }: JudgeOptions,
  told: (before: Verdict) => void,
): Promise<Verdict> {
  const rows = inputRows(file, graph);
  const count = affordable(graph, rows);
  try {
    const windows = windowsOf(graph, rows, count);
    // the rows of such a file begin with states of their own, ours with zero
    const ownStates = existsSync(join(dirname(file), `in${graph.inputs.length}.npy`));
    if (ownStates) verdict.reference = 'begins with other states';
    else Object.assign(verdict, against(file, graph, rows, windows, verdict.kind === 'hybrid'));
    if (quick) return verdict;
    told(verdict);
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
 * Judges one file; whatever it throws is a refusal. `told`: what is known before streams run, which may take
 * long.
 */
export async function judge(file: string, how: JudgeOptions, told: (before: Verdict) => void): Promise<Verdict> {
  const none: Verdict = { kind: '', taken: false, reference: '', streamed: '', refused: '' };
  let graph: Graph;
  let options: ReadOptions;
  try {
    [graph, options] = await read(file, how.read ?? {});
  } catch (error) {
    return { ...none, refused: isRunletError(error) ? lineOf(error).replace(/^RunletError: /, '') : `crash: ${lineOf(error)}` };
  }
  const verdict: Verdict = { ...none, taken: true, kind: kindOf(graph), ...(Object.keys(options).length > 0 && { options }) };
  return judgeRead(file, graph, verdict, how, told);
}
