/**
 * diagnose: where int8, or streaming, loses what.
 *
 * In: the plan of a float graph and the QuantPlan made of it (its channels scaled alike: Quantized.float),
 * calibration data.  Out: per layer what each step costs, and how. Three steps, so that the guilty one is
 * seen: int8 windowed against float windowed, float streamed against float windowed, int8 streamed against
 * float streamed. Where streaming equals the windowed model by construction the last two are left out.  SQNR
 * in dB, errors of layers before included. A model with its own state has no windows: only its last step is
 * there.
 * Source of the measures: quant/report.ts (SQNR, clipping), alone.ts (a layer alone in int8).  Deterministic.
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
  /** int8 windowed against float windowed; of a model with its own state int8 against float. */
  int8WindowedDb: number;
  /** Where streaming is run: float streamed against float windowed, int8 streamed against float streamed. */
  floatStreamedDb?: number;
  int8StreamedDb?: number;
  /** Whether the 8-bit specification fixes its scale. */
  fixedScale: boolean;
  /** Whether it could be int16 (quant/mixed.ts). */
  mayBeInt16: boolean;
  /** Signal to noise at the outputs with this layer alone in int8. */
  aloneDb: number;
  weights?: WeightError;
}

export interface Diagnosis {
  mode: string;
  hop: number;
  windows: number;
  /** Whether streaming is another computation than the windowed model, and was run. */
  streaming: boolean;
  /** It is, but gives the same numbers by construction. */
  exact: boolean;
  /**
   * The model was trained with earlier context: streaming is right, and windows with zeros before them are
   * not.
   */
  trainedToStream: boolean;
  /** In the graph's order, inputs first. */
  layers: LayerDiagnosis[];
  /**
   * Of all outputs, as of a layer; in all, int8 as it will run against float windowed, or float streamed
   * where the model was trained so.
   */
  output: { int8WindowedDb: number; floatStreamedDb?: number; int8StreamedDb?: number; totalDb: number };
}

export interface DiagnoseOptions {
  /** Windows compared (24), and with which a layer alone is tried (8). */
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
  // of a piece that one streamed output depends on, its last, the window itself
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

/** What the runs say of one tensor. */
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

/** An empty row for each tensor. */
const rowsOf = (ids: readonly number[], { tensors }: Graph): Map<number, Row> =>
  new Map(
    ids.map((id) => {
      const { quant, shape } = tensors[id] as Tensor;
      const params = quant as QuantParams;
      const tally = new Tally(params, shape.c);
      return [id, { quant: params, tally, windowed: new Ratio(), moved: new Ratio(), total: new Ratio() }];
    }),
  );

/** Adds to each row what the runs over one piece of signal give. */
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

/** Both graphs, by node and by tensor. */
interface Graphs {
  float: Graph;
  int8: Graph;
  view: ReturnType<typeof viewOf>;
}

/** One layer. @param aloneDb signal to noise at the outputs with this layer alone in int8 */
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

/** One ratio of all outputs together, in dB. */
function overOutputs(outputs: readonly Row[], of: (row: Row) => Ratio): number {
  const all = new Ratio();
  for (const row of outputs) {
    all.signal += of(row).signal;
    all.noise += of(row).noise;
  }
  return all.db;
}

/** All outputs together. @param trainedToStream the reference is then float streamed, not float windowed */
function outputOf(outputs: readonly Row[], streaming: boolean, trainedToStream: boolean): Diagnosis['output'] {
  const over = (of: (row: Row) => Ratio) => overOutputs(outputs, of);
  const int8WindowedDb = over((r) => r.windowed);
  return {
    int8WindowedDb,
    ...(streaming && { floatStreamedDb: over((r) => r.moved), int8StreamedDb: over((r) => r.tally.ratio) }),
    totalDb: !streaming ? int8WindowedDb : over((r) => (trainedToStream ? r.tally.ratio : r.total)),
  };
}

/** @param plan of the float graph, of the same hop and mode as `quant`  @throws RunletError RN2xx */
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

/** Layers that cost most at the outputs when they alone are int8, the worst first. */
export const worstLayers = ({ layers }: Diagnosis, count = 3): LayerDiagnosis[] =>
  [...layers]
    .sort((a, b) => a.aloneDb - b.aloneDb)
    .filter((l) => Number.isFinite(l.aloneDb))
    .slice(0, count);
