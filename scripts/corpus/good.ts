/**
 * qualityOf: measures the accuracy that int8 costs a float model. The model is quantised with preset `good`
 * and 100 windows, and judged on 100 other windows.
 *
 * In: a float graph, rows (windows of the file).  Out: how often float and int8 have the same largest output,
 * and the median over the windows of the signal-to-quantisation-noise ratio of the outputs, dB. Files have
 * few rows, so each window is a random row, moved by up to a fifth towards another row or away from it. Both
 * sets use all rows, because real calibration data is as loud as later data. For a stateful model, windows
 * are the rows in order.
 */
import { argmax, quantile } from '../../host/statistics.ts';
import type { Graph, Ints } from '../../models/graph/types.ts';
import { viewOf } from '../../models/graph/view.ts';
import { executeStream } from '../../models/stream/execute.ts';
import { floatBlocks, floatRunner } from '../../models/stream/float.ts';
import { planStream } from '../../models/stream/plan.ts';
import { tellsClasses } from '../../quant/evaluate/labels.ts';
import { quantPlan } from '../../quant/plan.ts';
import { quantize } from '../../quant/quantize.ts';
import { quantiseSignals } from '../../quant/report.ts';
import { random } from '../../test/property/random-network.ts';
import { runStyles } from '../../test/property/styles.ts';
import { shapeAt } from './rows.ts';

const windowsEach = 100;

export interface Quality {
  /** Share of windows with the same largest output; absent if the outputs are not class scores. */
  agreement?: number;
  sqnrDb: number;
}

/** Indexes of two rows, and the weight of the first. */
type Share = [first: number, second: number, share: number];

/** Returns the consecutive windows of one input. */
function mixed(rows: readonly Float32Array[][], input: number, shares: readonly Share[]): Float32Array {
  const width = rows[0]?.[input]?.length ?? 0;
  const signal = new Float32Array(shares.length * width);
  for (const [w, [first, second, share]] of shares.entries()) {
    const [a, b] = [rows[first]?.[input], rows[second]?.[input]];
    for (let i = 0; i < width; i++) signal[w * width + i] = share * (a?.[i] ?? 0) + (1 - share) * (b?.[i] ?? 0);
  }
  return signal;
}

/** Returns one signal per input to calibrate with, and one to judge on. */
function signalsOf(graph: Graph, rows: readonly Float32Array[][]): [Float32Array[], Float32Array[]] {
  const next = random(1);
  const count = rows.length;
  const draw = (): Float32Array[] => {
    const inOrder = (w: number): Share => [w % count, 0, 1];
    const any = (): Share => [Math.floor(count * next()), Math.floor(count * next()), 0.8 + 0.4 * next()];
    const shares = Array.from({ length: windowsEach }, (_, w) => (graph.stateful ? inOrder(w) : any()));
    return graph.inputs.map((_, i) => mixed(rows, i, shares));
  };
  return [draw(), draw()];
}

/** Returns the SQNR over all outputs of a window, dB. */
function sqnrOf(float: readonly ArrayLike<number>[], int8: readonly Float32Array[]): number {
  let [power, noise] = [0, 0];
  for (const [o, values] of int8.entries())
    for (const [i, y] of values.entries()) {
      const x = float[o]?.[i] as number;
      power += x * x;
      noise += (x - y) ** 2;
    }
  return 10 * Math.log10(power / noise);
}

/** @param rows values of each window, [window][input] */
export async function qualityOf(graph: Graph, rows: readonly Float32Array[][]): Promise<Quality> {
  const window = graph.stateful
    ? shapeAt(graph, graph.inputs[0]?.tensor ?? -1).t
    : planStream(graph, { hop: 1, mode: 'windowed' }).window;
  const options = graph.stateful ? { hop: window } : ({ hop: window, mode: 'windowed' } as const);
  const [calibration, judged] = signalsOf(graph, rows);
  const { graph: int8 } = quantize(graph, calibration, { ...options, preset: 'good', noReport: true });
  const plan = planStream(graph, options);
  const quant = quantPlan(planStream(int8, options));
  const floats = executeStream(plan, floatBlocks(plan, judged), floatRunner);
  const classes = tellsClasses(graph);
  let same = 0;
  const sqnr: number[] = [];
  for await (const outputs of runStyles(quant, quantiseSignals(int8, judged), [window], false)) {
    const float = floats.next().value?.outputs ?? [];
    const values = outputs.map((stored, o) => realOf(int8, o, stored));
    if (classes && argmax(float[0] as Float32Array) === argmax(values[0] as Float32Array)) same++;
    sqnr.push(sqnrOf(float, values));
  }
  return { ...(classes && { agreement: same / sqnr.length }), sqnrDb: quantile(sqnr, 0.5) };
}

function realOf(graph: Graph, output: number, stored: Ints): Float32Array {
  const { scale, zeroPoint } = viewOf(graph).quant(graph.outputs[output]?.tensor ?? -1) ?? { scale: 1, zeroPoint: 0 };
  return Float32Array.from(stored, (q) => scale * (q - zeroPoint));
}
