/**
 * Recurrent layers of all formats as two nodes: the input products (a convolution of one place) and the cell.
 *
 * In: weights in Runlet's gate order (LstmAttrs, GruAttrs in models/graph/types.ts) and the layout of the
 * input's elements.  Out: the tensor [t][1][units].
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
  /** [gate * units + unit], bias of the input products. */
  bias: Float32Array | Int32Array | null;
}

/** Adds a node and returns the id of its output tensor. */
export type AddNode = <K extends OpName>(op: K, inputs: number[], attrs: OpAttrs[K], name: string, quant?: QuantParams) => number;

/** Index of each of our gates in a format's order: `i f c o` (Keras, TensorFlow Lite), `i o f c` (ONNX). */
export const gateOrder = { lstmOnnx: [0, 2, 3, 1], same: [0, 1, 2, 3] } as const;

/** Reorders the rows of gates. @param width values per row. @param order old index of each new gate */
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

/** Transposes [rows][columns] to [columns][rows]. */
export function transposed(data: Float32Array, rows: number, columns: number): Float32Array {
  const moved = new Float32Array(data.length);
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) moved[c * rows + r] = data[r * columns + c] as number;
  return moved;
}

/** Reorders the inputs of weights from the order of `factors` to [f][c]. */
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

/** Largest number of gate values of one window. */
const maxGateValues = 2 ** 24;

/**
 * Adds both nodes of a cell and returns the output tensor.
 * @param x input; `factors`: layout of the file's dimension that holds a frame's values
 * @param quant scale of the output, in an int8 graph only
 * @throws RN102 too many gate values, RN107 weights that are not finite
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
  if (outChannels * x.shape.t > maxGateValues)
    throw new RunletError('RN102', {
      what: `the gates of ${x.shape.t} frames have ${outChannels * x.shape.t} values, at most ${maxGateValues} are read`,
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

/** Adds a crop to the last row of a sequence, or to the first row if the sequence runs backwards. */
export function lastRow(add: AddNode, tensor: number, rows: number, reverse: boolean, name: string, quant?: QuantParams): number {
  if (rows === 1) return tensor;
  const crop = reverse ? { before: 0, after: 1 - rows } : { before: 1 - rows, after: 0 };
  return add('history', [tensor], crop, `${name}/last`, quant);
}
