/**
 * Lowers UNIDIRECTIONAL_SEQUENCE_LSTM, a long short-term memory over the frames of a window.
 *
 * In: [1, t, values], or time-major [t, 1, values]; weights and biases of four gates, two states. Float, or
 * int8 with an int16 cell; without peepholes, projection and layer normalisation.
 * Out: the outputs of all frames, in reverse order after a REVERSE_V2.
 * Source: TensorFlow Lite Micro kernels/unidirectional_sequence_lstm.cc.
 */

import type { Weights } from '../../../graph/types.ts';
import { append } from '../../../lists.ts';
import { dim, type Layout } from '../../layout.ts';
import { addCell, type Cell } from '../../recurrent.ts';
import { readBias, readWeights } from '../constants.ts';
import { axisOf, type Context, malformed, Refusal, type Value } from '../context.ts';
import type { TfOperator } from '../model.ts';
import { bad, showTensor } from '../quantisation.ts';
import { withSteps } from './rows.ts';

/** First of the four inputs of each kind, in the order input, forget, cell, output gate. */
const [inputWeights, recurrentWeights, biases] = [1, 5, 12];
const [outputState, cellState] = [18, 19];
/** Inputs that only unsupported forms of the operator have. */
const unsupported: [at: number, what: string][] = [
  ...[9, 10, 11].map((at): [number, string] => [at, 'peepholes']),
  ...[16, 17].map((at): [number, string] => [at, 'a projection']),
  ...[20, 21, 22, 23].map((at): [number, string] => [at, 'layer normalisation']),
];

export function lowerLstm(context: Context, op: TfOperator): void {
  const has = (at: number) => (op.inputs[at] ?? -1) !== -1;
  for (const [at, what] of unsupported) if (has(at)) throw new Refusal(`it has ${what}`);
  if (!has(inputWeights)) throw new Refusal('its input and forget gates are one (CIFG)');
  const options = context.options(op);
  if ((options?.int8(0) ?? 4) !== 4) throw new Refusal('its cell has another function than tanh');
  const clip = options?.float32(1, 0) ?? 0;
  const { value, time } = framesIn(context, op, options?.bool(3) ?? false);
  if (value.type === 'int16') throw new Refusal('its rows are int16, which no kernel supports');
  const shape = context.builder.shape(value.id);
  const units = context.input(op, recurrentWeights).shape[1] ?? 0;
  const inputs = shape.f * shape.c;
  const input = gates(context, op, inputWeights, units, inputs);
  const recurrent = gates(context, op, recurrentWeights, units, units);
  const output = context.output(op);
  const cell: Cell = {
    op: 'lstm',
    units,
    input,
    bias: biasOf(context, op, units, input),
    recurrent,
    recurrentBias: null,
    reverse: value.reversed === true,
    ...(clip > 0 && { clip }),
    ...(context.isInt8 && { cellPower: cellPower(context, op) }),
  };
  const id = addCell(
    context.add,
    { tensor: value.id, shape, factors: value.layout[2] ?? [] },
    cell,
    op.name,
    context.quantOf(output),
  );
  const layout: Layout = [0, 1].map((d) => (d === time ? dim('t', shape.t) : []));
  const reversed = value.reversed && { reversed: true };
  context.bind(op, { id, layout: [...layout, dim('c', units)], type: value.type, ...reversed });
}

/** Returns the input [1, t, values] or [t, 1, values], and the dimension that is time. */
function framesIn(context: Context, op: TfOperator, timeMajor: boolean): { value: Value; time: number } {
  const time = timeMajor ? 0 : 1;
  const value = withSteps(context, context.value(op, 0, 'recurrent'), time, op.name);
  const [along, across] = [axisOf(value.layout, time), axisOf(value.layout, 1 - time)];
  if (value.layout.length !== 3) throw malformed(op, `its input has ${value.layout.length} dimensions`);
  if (across !== undefined || (along ?? 't') !== 't') throw new Refusal('it does not run along time');
  return { value, time };
}

/** Returns the weights of the four gates one after the other, with one scale per unit of a gate. */
function gates(context: Context, op: TfOperator, from: number, units: number, inputs: number): Weights {
  const all = [0, 1, 2, 3].map((gate): Weights => {
    const tensor = context.input(op, from + gate);
    if (tensor.shape[0] !== units || tensor.shape[1] !== inputs)
      throw malformed(op, `weights [${tensor.shape.join(', ')}], and [${units}, ${inputs}] are expected`);
    return readWeights(context, op, tensor, 0);
  });
  const scales: number[] = [];
  for (const { scales: own } of all) if (own) append(scales, own.length === 1 ? new Array(units).fill(own[0]) : [...own]);
  const make = context.isInt8 ? Int8Array : Float32Array;
  const data = new make(4 * units * inputs);
  for (const [gate, w] of all.entries()) data.set(w.data as never, gate * units * inputs);
  return { data, ...(scales.length > 0 && { scales: Float64Array.from(scales) }) } as Weights;
}

function biasOf(context: Context, op: TfOperator, units: number, weights: Weights): Float32Array | Int32Array {
  const bias = new (context.isInt8 ? Int32Array : Float32Array)(4 * units);
  for (let gate = 0; gate < 4; gate++) {
    if ((op.inputs[biases + gate] ?? -1) === -1) continue;
    const own = { ...weights, ...(weights.scales && { scales: weights.scales.slice(gate * units, (gate + 1) * units) }) };
    bias.set(readBias(context, op, units, own, { at: biases + gate }) as never, gate * units);
  }
  return bias;
}

/** Returns n for a cell of scale 2^n. The output must have the parameters of its state. */
function cellPower(context: Context, op: TfOperator): number {
  const cell = context.input(op, cellState);
  const [h, y] = [context.input(op, outputState).quant, context.output(op).quant];
  if (h?.scales[0] !== y?.scales[0] || h?.zeroPoints[0] !== y?.zeroPoints[0])
    throw new Refusal('its output and its state have different scales');
  const [scale = 0] = cell.quant?.scales ?? [];
  const power = Math.log2(scale);
  if (cell.type !== 'int16') throw new Refusal(`its cell is ${cell.type}, int16 is read`);
  if (!Number.isInteger(power) || power < -20 || power > -6)
    throw bad(op.name, `the cell ${showTensor(cell)} has scale ${scale}, a power of two from 2^-20 to 2^-6 is expected`);
  return power;
}
