/**
 * diagnose: measures per layer how much accuracy int8 and streaming cost.
 *
 * In: the plan of a float graph and the QuantPlan made from it (the float graph is Quantized.float, whose
 * channels are equalised alike), calibration data.  Out: per layer the SQNR in dB of three comparisons, with
 * the errors of earlier layers: int8 windowed against float windowed, float streamed against float windowed,
 * int8 streamed against float streamed. Only the first exists in modes that equal the windowed model. A
 * stateful model has no windows and is compared once, int8 against float.
 * Source of the measures: quant/report.ts (SQNR, clipping), alone.ts (one layer in int8).  Deterministic.
 */
import { hasWeights, type MacNode } from '../../models/graph/channels.ts';
import type { Graph, Ints, QuantParams, Tensor } from '../../models/graph/types.ts';
import { viewOf } from '../../models/graph/view.ts';
import { opOfNode } from '../../models/ops/index.ts';
import { cutSignal, executeStream, ticksIn, type WindowResult } from '../../models/stream/execute.ts';
import { floatBlocks, floatRunner } from '../../models/stream/float.ts';
import { hasTrunk } from '../../models/stream/modes.ts';
import { windowedPlan } from '../../models/stream/plan.ts';
import type { StreamPlan } from '../../models/stream/types.ts';
import type { Calibration } from '../calibration/signals.ts';
import { decibels } from '../methods/sensitivity.ts';
import type { QuantPlan } from '../plan.ts';
import { runSignal, windowedModel } from '../reference.ts';
import { quantiseSignals } from '../report.ts';
import { int16Form } from '../rescale.ts';
import { aloneNoise } from './alone.ts';
import { cutsOf } from './cuts.ts';
import { type Histogram, Ratio, Tally } from './tally.ts';
import { type WeightError, weightError } from './weight-error.ts';

export interface LayerDiagnosis {
  tensor: number;
  name: string;
  op: string;
  type: 'int8' | 'int16';
  scale: number;
  zeroPoint: number;
  min: number;
  max: number;
  clipped: number;
  signalSteps: number;
  biasSteps: number;
  biasShare: number;
  histogram: Histogram;
  /** int8 windowed against float windowed; of a stateful model int8 against float. */
  int8WindowedDb: number;
  /**
   * Only if streaming is run: float streamed against float windowed, int8 streamed against float streamed.
   */
  floatStreamedDb?: number;
  int8StreamedDb?: number;
  /** True if the 8-bit specification fixes the scale. */
  fixedScale: boolean;
  /** True if the tensor could be int16 (quant/mixed.ts). */
  mayBeInt16: boolean;
  /** Signal-to-noise ratio at the outputs when only this layer is int8. */
  aloneDb: number;
  weights?: WeightError;
}

export interface Diagnosis {
  mode: string;
  hop: number;
  windows: number;
  /** True if streaming computes differently from the windowed model, and was run. */
  streaming: boolean;
  /** True if streaming equals the windowed model by construction. */
  exact: boolean;
  /** True if the model was trained with earlier context. Streaming is then the reference, not windows. */
  trainedToStream: boolean;
  /** Layers in the graph's order, inputs first. */
  layers: LayerDiagnosis[];
  /**
   * The same measures over all outputs. `totalDb` compares int8 as it will run with float windowed, or with
   * float streamed if the model was trained to stream.
   */
  output: { int8WindowedDb: number; floatStreamedDb?: number; int8StreamedDb?: number; totalDb: number };
}

export interface DiagnoseOptions {
  /** Number of windows that are compared (default 24), and with which single layers are tried (default 8). */
  windows?: number;
  aloneWindows?: number;
}

type FloatTensors = WindowResult<Float32Array>['tensors'];
type IntTensors = Map<number, { data: Ints }>;

const lastOf = <T>(results: Iterable<T>): T => [...results].at(-1) as T;

interface Runs {
  floatWindowed: (signals: Float32Array[]) => FloatTensors;
  intWindowed: (signals: Float32Array[]) => IntTensors;
  floatStreamed?: (signals: Float32Array[]) => FloatTensors;
  intStreamed?: (signals: Float32Array[]) => IntTensors;
}

function runsOf(plan: StreamPlan, quant: QuantPlan): Runs {
  const floatRun = (p: StreamPlan) => (signals: Float32Array[]) =>
    lastOf(executeStream(p, floatBlocks(p, signals), floatRunner)).tensors;
  const intRun = (q: QuantPlan) => (signals: Float32Array[]) =>
    lastOf(runSignal(q, quantiseSignals(q.plan.graph, signals))).tensors as IntTensors;
  if (plan.graph.stateful) return { floatWindowed: floatRun(plan), intWindowed: intRun(quant) };
  // the last window of a piece; the samples before it are the context of a streamed output
  const windowIn =
    <T>(run: (signals: Float32Array[]) => T) =>
    (signals: Float32Array[]) => {
      const blocks = floatBlocks(plan, signals);
      const from = Math.floor((ticksIn(plan, blocks) - plan.window - plan.delayFrames) / plan.hop) * plan.hop;
      return run([...cutSignal(plan, blocks, from, from + plan.window).values()].map((b) => b.data));
    };
  return {
    floatWindowed: windowIn(floatRun(windowedPlan(plan))),
    intWindowed: windowIn(intRun(windowedModel(quant))),
    ...(hasTrunk(plan.mode) && { floatStreamed: floatRun(plan), intStreamed: intRun(quant) }),
  };
}

/** Measurements of one tensor. */
interface Row {
  quant: QuantParams;
  /** int8 against the float run of the same kind. */
  tally: Tally;
  /** int8 windowed against float windowed. */
  windowed: Ratio;
  /** Float streamed against float windowed. */
  moved: Ratio;
  /** int8 streamed against float windowed. */
  total: Ratio;
}

/** Returns an empty row for each tensor. */
const rowsOf = (ids: readonly number[], { tensors }: Graph): Map<number, Row> =>
  new Map(
    ids.map((id) => {
      const { quant, shape } = tensors[id] as Tensor;
      const params = quant as QuantParams;
      const tally = new Tally(params, shape.c);
      return [id, { quant: params, tally, windowed: new Ratio(), moved: new Ratio(), total: new Ratio() }];
    }),
  );

/** Runs all models over one piece of signal, and adds the results to the rows. */
function addRuns(rows: ReadonlyMap<number, Row>, run: Runs, signals: Float32Array[]): void {
  const floatWindowed = run.floatWindowed(signals);
  const intWindowed = run.intWindowed(signals);
  const floatStreamed = run.floatStreamed?.(signals);
  const intStreamed = run.intStreamed?.(signals);
  for (const [id, row] of rows) {
    const [fw, iw, fs, is] = [floatWindowed, intWindowed, floatStreamed, intStreamed].map((m) => m?.get(id)?.data);
    const { scale, zeroPoint } = row.quant;
    const real = (q: ArrayLike<number>) => (i: number) => scale * ((q[i] as number) - zeroPoint);
    if (fw && iw) row.windowed.add(fw, real(iw));
    if (fw && fs) row.moved.add(fw, (i) => fs[i] as number);
    if (fw && is) row.total.add(fw, real(is));
    const [x, q] = fs && is ? [fs, is] : [fw, iw];
    if (x && q) row.tally.add(x as Float32Array, q as Ints);
  }
}

/** Both graphs, and a view of the float one. */
interface Graphs {
  float: Graph;
  int8: Graph;
  view: ReturnType<typeof viewOf>;
}

/** Returns the diagnosis of one layer. @param aloneDb signal-to-noise ratio when only this layer is int8 */
function layerOf({ float, int8, view }: Graphs, id: number, row: Row, aloneDb: number, streaming: boolean): LayerDiagnosis {
  const node = view.producer(id);
  const stored = int8.nodes.find((n) => n.name === node?.name);
  const [x] = node?.inputs ?? [];
  const tensorOf = (tensor: number) => int8.tensors[tensor] as Tensor;
  const isFloatInput = float.inputs.some((p) => p.tensor === id && p.hostType === 'float32');
  return {
    tensor: id,
    name: tensorOf(id).name,
    op: node?.op ?? 'input',
    type: row.quant.type ?? 'int8',
    scale: row.quant.scale,
    zeroPoint: row.quant.zeroPoint,
    ...row.tally.result,
    int8WindowedDb: row.windowed.db,
    ...(streaming && { floatStreamedDb: row.moved.db, int8StreamedDb: row.tally.ratio.db }),
    fixedScale: node !== undefined && opOfNode(node).fixed?.(node.attrs) !== undefined,
    mayBeInt16: row.quant.type !== 'int16' && !view.isOutput(id) && (node ? int16Form(node) !== undefined : isFloatInput),
    aloneDb,
    ...(node && stored && hasWeights(node) && { weights: weightError(node, stored as MacNode, tensorOf(x as number).shape.c) }),
  };
}

/** Returns one ratio over all outputs together, in dB. */
function overOutputs(outputs: readonly Row[], of: (row: Row) => Ratio): number {
  const all = new Ratio();
  for (const row of outputs) {
    all.signal += of(row).signal;
    all.noise += of(row).noise;
  }
  return all.db;
}

/** Returns the measures over all outputs. @param trainedToStream true: the reference is float streamed */
function outputOf(outputs: readonly Row[], streaming: boolean, trainedToStream: boolean): Diagnosis['output'] {
  const over = (of: (row: Row) => Ratio) => overOutputs(outputs, of);
  const int8WindowedDb = over((r) => r.windowed);
  return {
    int8WindowedDb,
    ...(streaming && { floatStreamedDb: over((r) => r.moved), int8StreamedDb: over((r) => r.tally.ratio) }),
    totalDb: !streaming ? int8WindowedDb : over((r) => (trainedToStream ? r.tally.ratio : r.total)),
  };
}

/** @param plan plan of the float graph, with the hop and mode of `quant`  @throws RunletError RN2xx */
export function diagnose(plan: StreamPlan, quant: QuantPlan, data: Calibration, how: DiagnoseOptions = {}): Diagnosis {
  const [float, int8] = [plan.graph, quant.plan.graph];
  const graphs = { float, int8, view: viewOf(float) };
  const run = runsOf(plan, quant);
  const ids = [...float.inputs.map((p) => p.tensor), ...float.nodes.map((n) => n.output)];
  const rows = rowsOf(ids, int8);
  const cuts = cutsOf(plan, data, how.windows ?? 24);
  for (const signals of cuts) addRuns(rows, run, signals);
  const alone = aloneNoise(plan, int8, cutsOf(plan, data, 2, Math.ceil((how.aloneWindows ?? 8) / 2) - 1));
  const streaming = run.intStreamed !== undefined;
  const trainedToStream = streaming && Number(float.metadata['runlet.left_context'] ?? 0) > 0;
  const layers = ids.flatMap((id): LayerDiagnosis[] => {
    const row = rows.get(id);
    if (!row || row.tally.ratio.signal + row.tally.ratio.noise === 0) return [];
    return [layerOf(graphs, id, row, decibels(alone.get(id) ?? 0), streaming)];
  });
  const outputs = float.outputs.flatMap((p) => rows.get(p.tensor) ?? []);
  return {
    mode: plan.mode,
    hop: plan.hop,
    windows: cuts.length,
    streaming,
    exact: plan.steps.every((s) => s.exact),
    trainedToStream,
    layers,
    output: outputOf(outputs, streaming, trainedToStream),
  };
}

/** Returns the layers that add most noise at the outputs when only they are int8, the worst first. */
export const worstLayers = ({ layers }: Diagnosis, count = 3): LayerDiagnosis[] =>
  [...layers]
    .sort((a, b) => a.aloneDb - b.aloneDb)
    .filter((l) => Number.isFinite(l.aloneDb))
    .slice(0, count);
