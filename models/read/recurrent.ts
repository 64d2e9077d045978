/**
 * Recurrent layers of all formats as two nodes: input products, a convolution of one place, then the cell.
 *
 * In: weights in the order of our gates (models/graph/recurrent.ts), and where the input's elements lie.
 * Out: the tensor [t][1][units].
 */
import { RunletError } from '../error.ts';
import {
  type GruAttrs,
  kernelOfOne,
  type LstmAttrs,
  noClamp,
  type OpAttrs,
  type OpName,
  type QuantParams,
  type Shape,
  type Weights,
} from '../graph/types.ts';
import { gateParams } from '../ops/recurrent.ts';
import { type Factor, orderOf, toNormalForm } from './layout.ts';

export interface Cell extends Omit<LstmAttrs & GruAttrs, 'resetAfter'> {
  op: 'lstm' | 'gru' | 'rnn';
  resetAfter?: boolean;
  /** [gate * units + unit][inputs], inputs in the file's order. */
  input: Weights;
  /** [gate * units + unit], of the input products. */
  bias: Float32Array | Int32Array | null;
}

/** Adds a node, and returns its output's tensor. */
export type AddNode = <K extends OpName>(op: K, inputs: number[], attrs: OpAttrs[K], name: string, quant?: QuantParams) => number;

/** Order of our gates among those of a format: `i f c o` of Keras and TensorFlow Lite, `i o f c` of ONNX. */
export const gateOrder = { lstmOnnx: [0, 2, 3, 1], same: [0, 1, 2, 3] } as const;

/** Rows of gates in another order. @param width values of a row */
export function inGateOrder<A extends Float32Array | Float64Array>(
  data: A,
  units: number,
  width: number,
  order: readonly number[],
): A {
  const part = units * width;
  const moved = data.slice() as A;
  for (const [to, from] of order.slice(0, data.length / part).entries())
    moved.set(data.subarray(from * part, (from + 1) * part), to * part);
  return moved;
}

/** [rows][columns] as [columns][rows]. */
export function transposed(data: Float32Array, rows: number, columns: number): Float32Array {
  const moved = new Float32Array(data.length);
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) moved[c * rows + r] = data[r * columns + c] as number;
  return moved;
}

/** Weights whose inputs are in the order of `factors`, as [f][c]. */
function inFrameOrder({ data, ...rest }: Weights, factors: readonly Factor[], { f, c }: Shape): Weights {
  const map = toNormalForm(orderOf([factors]), { t: 1, f, c });
  if (map.every((from, to) => from === to)) return { data, ...rest };
  const moved = data.slice() as typeof data;
  for (let i = 0; i < data.length; i++) {
    const at = i % map.length;
    moved[i] = data[i - at + (map[at] as number)] as number;
  }
  return { data: moved, ...rest };
}

/** Values of the gates of one window. */
const mostGates = 2 ** 24;

/**
 * @param factors of the file's dimension that holds a frame's values; `quant`: of the output, in an int8
 * graph
 */
export function addCell(
  add: AddNode,
  x: { tensor: number; shape: Shape; factors: readonly Factor[] },
  cell: Cell,
  name: string,
  quant?: QuantParams,
): number {
  const { op, input, bias, ...attrs } = cell;
  const outChannels = input.data.length / (x.shape.f * x.shape.c);
  if (outChannels * x.shape.t > mostGates)
    throw new RunletError('RN102', {
      what: `the gates of ${x.shape.t} frames have ${outChannels * x.shape.t} values, at most ${mostGates} are read`,
      where: name,
      tryThis: 'a shorter window',
    });
  const constants = [input.data, bias, cell.recurrent.data, cell.recurrentBias];
  if (!constants.every((data) => data === null || data.every((v: number) => Number.isFinite(v))))
    throw new RunletError('RN107', {
      what: 'a recurrent layer has weights that are not finite',
      where: name,
      why: 'weights must be finite',
      tryThis: 'train or export the model again',
    });
  const weights: Weights = { ...inFrameOrder(input, x.factors, x.shape), scaleRule: 'gate' };
  const gates = add(
    'conv',
    [x.tensor],
    { ...kernelOfOne, kernelF: x.shape.f, groups: 1, outChannels, weights, bias, clamp: noClamp },
    `${name}/gates`,
    quant && gateParams,
  );
  return add(op, [gates], attrs as OpAttrs[typeof op], name, quant);
}

/** The last row of a sequence, of one that runs backwards the first. */
export function lastRow(add: AddNode, tensor: number, rows: number, reverse: boolean, name: string, quant?: QuantParams): number {
  if (rows === 1) return tensor;
  const crop = reverse ? { before: 0, after: 1 - rows } : { before: 1 - rows, after: 0 };
  return add('history', [tensor], crop, `${name}/last`, quant);
}
