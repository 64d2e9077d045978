/**
 * Lowers WHILE, a recurrent layer that a converter turned into a loop over the frames, and its lists and
 * states.
 *
 * In: the loop's variables: counters, the input's frames [t, 1, values], states that start at zero, a list of
 * outputs (a TensorList of Flex operators, or a tensor in which each pass sets a row).
 * Out: the outputs of all frames, or the last one. The body is evaluated (body.ts) and must be an LSTM, a GRU
 * or a simple RNN (models/read/cell.ts).
 * Source: TensorFlow Lite WHILE; Keras' recurrent layers as TensorFlow 2 converts them.
 */
import { minOf } from '../../../lists.ts';
import { type Body, cellFrom, functionsIn } from '../../cell.ts';
import { dim, fileShapeOf, type Layout } from '../../layout.ts';
import { addCell, lastRow } from '../../recurrent.ts';
import { Evaluator, operatorNames, type Tensor } from '../body.ts';
import { readIntegers, readReals } from '../constants.ts';
import { axisOf, type Context, malformed, maxElements, Refusal, type Value } from '../context.ts';
import { integersAt, product } from '../integers.ts';
import type { TfGraph, TfOperator, TfTensor } from '../model.ts';
import { withSteps } from './rows.ts';

interface Loop {
  body: Evaluator;
  cond: TfGraph;
  op: TfOperator;
}

/** The frames of a loop, the variable that holds them, and the operators that gather a row of them. */
interface Frames {
  value: Value;
  variable: number;
  rows: TfOperator[];
}

const isFloat = ({ type }: TfTensor): boolean => type === 'float32';
const size = ({ shape }: TfTensor): number => shape.reduce((a, b) => a * b, 1);

export function lowerWhile(context: Context, op: TfOperator): void {
  const { graphs } = context.model;
  const options = context.needOptions(op);
  const [cond, body] = [graphs[options.int32(0)], graphs[options.int32(1)]];
  const arity = op.inputs.length;
  if (
    !cond ||
    !body ||
    body === graphs[0] ||
    body.inputs.length !== arity ||
    body.outputs.length !== arity ||
    cond.inputs.length !== arity
  )
    throw malformed(op, 'its subgraphs do not fit it');
  const loop: Loop = { body: new Evaluator(body, (tensor) => readReals(context, op, tensor), context.work), cond, op };
  const frames = framesOf(context, loop);
  const states = statesOf(context, loop);
  const { t } = context.builder.shape(frames.value.id);
  checkLength(context, loop, t);
  if (t > 1) checkReach(loop, states);
  const outputs = listsOf(context, loop);
  const order = outputFirst(loop, states, outputs);
  const cellBody = bodyOf(loop, frames, order, constantsOf(context, loop));
  if (cellBody.units * (cellBody.units + cellBody.inputs) > maxGateWeights || cellBody.units * t > maxElements)
    throw new Refusal('its cell is too large');
  const cell = cellFrom(cellBody);
  if (!cell) throw new Refusal('its body is no LSTM, GRU or simple RNN');
  if (body.tensors.some(({ constant, type }) => constant && type === 'int8')) context.hybrid.push(op.name);
  bindResults(context, loop, frames, { cell, order, outputs, t });
}

/** Largest number of weights of one gate. */
const maxGateWeights = 2 ** 24;

/** Finds the variable that holds the frames, time first. */
function framesOf(context: Context, { body, op }: Loop): Frames {
  const found = op.inputs.flatMap((index, variable): Frames[] => {
    const value = context.values.get(index);
    if (!value) return [];
    const inBody = body.graph.inputs[variable] as number;
    const rows = body.graph.operators.filter(({ op, inputs }) => op === 'GATHER' && inputs[0] === inBody);
    return rows.length > 0 ? [{ value: withSteps(context, context.laid(value), 0, op.name), variable, rows }] : [];
  });
  const [frames] = found;
  if (!frames || found.length > 1) throw new Refusal('it does not read one sequence frame by frame');
  const { layout, pad, type } = frames.value;
  if (layout.length !== 3 || pad || type !== 'float32') throw new Refusal('its frames are not [time, 1, values]');
  if ((axisOf(layout, 0) ?? 't') !== 't' || axisOf(layout, 1) !== undefined) throw new Refusal('it does not run along time');
  return frames;
}

/** Finds the variables that are states: float vectors that start at zero and change. */
function statesOf(context: Context, { body, op }: Loop): number[] {
  const { inputs, outputs } = body.graph;
  return op.inputs.flatMap((index, variable) => {
    const tensor = body.tensor(inputs[variable] as number);
    const known = context.zeros.has(index) || zeroConstant(context, op, context.model.tensors[index]);
    const changes = outputs[variable] !== inputs[variable];
    if (!isFloat(tensor) || !changes || context.values.has(index) || isList(context, index, tensor)) return [];
    if (!known) throw new Refusal('a state does not begin at zero');
    return [variable];
  });
}

function zeroConstant(context: Context, op: TfOperator, tensor: TfTensor | undefined): boolean {
  const values = tensor && (context.folded.get(tensor.index) ?? (tensor.constant && readReals(context, op, tensor)));
  return values !== undefined && Array.from(values).every((value) => value === 0);
}

/** Checks that a file that was int8 does not clip its states; in float they would have other values. */
function checkReach({ body }: Loop, states: readonly number[]): void {
  const { inputs, outputs } = body.graph;
  for (const variable of states) {
    const [stored = 0, made = 0] = [inputs, outputs].map((list) => body.tensor(list[variable] as number).reach);
    if (stored < made / 2 && made < Number.POSITIVE_INFINITY)
      throw new Refusal(
        `its state reaches ${made.toPrecision(2)} and is stored only up to ${stored.toPrecision(2)}: it was calibrated with windows of one frame; convert the model in float`,
      );
  }
}

/** Checks whether a variable is a list of outputs: a TensorList, or a tensor [t, 1, units]. */
const isList = (context: Context, index: number, inner: TfTensor): boolean =>
  context.lists.has(index) || (inner.shape.length === 3 && isFloat(inner));

/** Checks that the loop runs over all `t` frames. */
function checkLength(context: Context, { body, cond, op: loop }: Loop, t: number): void {
  const limits = cond.operators.flatMap(({ op, inputs }) => {
    if (op !== 'LESS') return [];
    const index = inputs[1] ?? -1;
    const limit = cond.tensors[index];
    if (limit?.constant?.length === 4) return readIntegers(context, loop, limit);
    // the limit is a variable that never changes
    const variable = cond.inputs.indexOf(index);
    const stays = body.graph.inputs[variable] === body.graph.outputs[variable];
    return (stays && context.integers.get(loop.inputs[variable] ?? -1)) || [];
  });
  const others = cond.operators.filter(({ op }) => op !== 'LESS' && op !== 'LOGICAL_AND');
  if (limits.length === 0 || others.length > 0 || minOf(limits) !== t) throw new Refusal(`it does not run over all ${t} frames`);
}

/** Returns, by list variable, the body's tensor that is put in, and whether the list keeps all rows. */
function listsOf(context: Context, { body, op }: Loop): Map<number, { row: number; all: boolean }> {
  const lists = new Map<number, { row: number; all: boolean }>();
  for (const [variable, index] of op.inputs.entries()) {
    const [from = -1, to = -1] = [body.graph.inputs[variable], body.graph.outputs[variable]];
    if (from === to || context.values.has(index) || !isList(context, index, body.tensor(from))) continue;
    // the tensor in the body may have a placeholder as its shape
    const rows = context.lists.get(index)?.rows ?? (context.zeros.get(index) ?? context.model.tensors[index]?.shape)?.[0] ?? 0;
    lists.set(variable, { row: rowPut(body, from, to), all: rows > 1 });
  }
  return lists;
}

/** Returns the tensor that the body puts into a list in place of a row. */
function rowPut(body: Evaluator, list: number, to: number): number {
  const last = body.producer(to);
  // skips a CAST between lists of the same type
  const maker = last?.op === 'CAST' ? body.producer(last.inputs[0] ?? -1) : last;
  const taken = (index: number): boolean => body.producer(index)?.op === 'SLICE' && body.producer(index)?.inputs[0] === list;
  if (maker?.op === 'CUSTOM FlexTensorListSetItem' && maker.inputs[0] === list) return maker.inputs[2] ?? -1;
  if (maker?.op === 'CONCATENATION' && maker.inputs.length === 3 && taken(maker.inputs[0] ?? -1) && taken(maker.inputs[2] ?? -1))
    return maker.inputs[1] ?? -1;
  if (maker?.op === 'RESHAPE') return to;
  throw new Refusal('its outputs are collected in an unknown way');
}

/** Returns the states, beginning with the one that is the loop's output. */
function outputFirst({ body }: Loop, states: number[], lists: ReadonlyMap<number, { row: number }>): number[] {
  const through = (index: number, left = 8): number => {
    const maker = body.producer(index);
    const moves = left > 0 && (maker?.op === 'RESHAPE' || maker?.op === 'EXPAND_DIMS');
    return moves ? through(maker?.inputs[0] ?? -1, left - 1) : index;
  };
  const rows = new Set([...lists.values()].map(({ row }) => through(row)));
  const first = states.find((variable) => rows.has(through(body.graph.outputs[variable] ?? -1))) ?? states[0];
  if (first === undefined || rows.size > 1) throw new Refusal('its outputs are not its state');
  if (rows.size === 1 && !rows.has(through(body.graph.outputs[first] ?? -1))) throw new Refusal('its outputs are not its state');
  return [first, ...states.filter((s) => s !== first)];
}

/** Finds sums that MAXIMUM and MINIMUM with constants, in either order, clamp to [0, 1]. */
function cutOff(body: Evaluator, units: number): { from: number; to: number }[] {
  const bound = (index: number | undefined, kind: string, at: number): number | undefined => {
    const maker = body.producer(index ?? -1);
    const [x = -1, limit = -1] = maker?.inputs ?? [];
    return maker?.op === kind && body.isNumber(limit, at) ? x : undefined;
  };
  const bounds = [['MAXIMUM', 0, 'MINIMUM', 1] as const, ['MINIMUM', 1, 'MAXIMUM', 0] as const];
  return body.graph.operators.flatMap(({ outputs: [to = -1] }) =>
    bounds.flatMap(([outer, low, inner, high]) => {
      const from = bound(bound(to, outer, low), inner, high);
      return from !== undefined && size(body.tensor(to)) === units ? [{ from, to }] : [];
    }),
  );
}

/** Returns the loop variables that never change and are constants, such as dequantised float16 weights. */
function constantsOf(context: Context, { body, op }: Loop): Map<number, Tensor> {
  const { inputs, outputs } = body.graph;
  const found = new Map<number, Tensor>();
  for (const [variable, index] of op.inputs.entries()) {
    const [inner = -1, outer] = [inputs[variable], context.model.tensors[index]];
    const values = context.folded.get(index) ?? (outer?.constant && isFloat(outer) ? readReals(context, op, outer) : undefined);
    if (values && outer && inner === outputs[variable]) found.set(inner, { shape: outer.shape, data: Float64Array.from(values) });
  }
  return found;
}

function bodyOf({ body }: Loop, frames: Frames, states: number[], constants: ReadonlyMap<number, Tensor>): Body {
  const { inputs, outputs, operators } = body.graph;
  const [first = -1] = states.map((variable) => inputs[variable] as number);
  const units = size(body.tensor(first));
  // the row's tensor may have a placeholder as its shape
  const width = product(fileShapeOf(frames.value.layout).slice(1));
  const shape = (n: number): number[] => [1, n];
  const nonlinear = (name: string) =>
    operators
      .filter(({ op, outputs: [to = -1] }) => op === name && size(body.tensor(to)) === units)
      .map(({ inputs: [from = -1], outputs: [to = -1] }) => ({ from, to }));
  return {
    inputs: width,
    units,
    ...functionsIn(nonlinear, operatorNames, cutOff(body, units)),
    next: states.map((variable) => outputs[variable] as number),
    evaluate(x, values, held) {
      const given = new Map(constants);
      for (const row of frames.rows) given.set(row.outputs[0] ?? -1, { shape: shape(width), data: x });
      for (const [i, variable] of states.entries())
        given.set(inputs[variable] as number, { shape: shape(units), data: values[i] as Float64Array });
      const at = body.with(given, held);
      return (tensor) => at(tensor).data;
    },
  };
}

interface Results {
  cell: NonNullable<ReturnType<typeof cellFrom>>;
  order: number[];
  outputs: ReadonlyMap<number, { all: boolean }>;
  t: number;
}

function bindResults(context: Context, { op }: Loop, { value }: Frames, { cell, order, outputs, t }: Results): void {
  const reverse = value.reversed === true;
  const shape = context.builder.shape(value.id);
  const add: Parameters<typeof addCell>[0] = (kind, from, attrs, name, quant) => context.node(kind, from, attrs, name, quant);
  const sequence = addCell(add, { tensor: value.id, shape, factors: value.layout[2] ?? [] }, { ...cell, reverse }, op.name);
  let end: number | undefined;
  const last = () => (end ??= lastRow(add, sequence, t, reverse, op.name));
  const c = dim('c', cell.units);
  const row = (id: number, layout: Layout): Value => ({ id, layout, type: 'float32' });
  for (const [variable, index] of op.outputs.entries()) {
    const list = outputs.get(variable);
    const read = context.consumers.has(index) || context.model.outputs.includes(index);
    if (!read) continue;
    if (list) {
      const all = { ...row(sequence, [dim('t', t), [], c]), ...(reverse && { reversed: true }) };
      const kept = list.all ? all : row(last(), [[], [], c]);
      if (context.model.tensors[index]?.type === 'float32') context.values.set(index, kept);
      else context.lists.set(index, { rows: list.all ? t : 1, value: kept });
    } else if (variable === order[0]) context.bind(op, row(last(), [[], c]), variable);
  }
}

/** Lowers TensorListReserve: an empty list of a given length. */
export function lowerReserve(context: Context, op: TfOperator): void {
  const [rows] = integersAt(context, op, 1) ?? [];
  if (rows === undefined) throw new Refusal('the length of its list is not constant');
  context.lists.set(context.output(op).index, { rows });
}

/** Lowers TensorListStack: the rows of a list that a loop filled. */
export function lowerStack(context: Context, op: TfOperator): void {
  const value = context.lists.get(op.inputs[0] ?? -1)?.value;
  if (!value) throw new Refusal('no loop that is read fills its list');
  context.bind(op, value);
}

/** Lowers FILL of zeros: the states at the start of a loop. */
export function lowerFill(context: Context, op: TfOperator): void {
  const value = context.input(op, 1);
  if (!zeroConstant(context, op, value)) throw new Refusal('it fills a tensor with something other than zeros');
  const made = context.output(op);
  context.zeros.set(made.index, integersAt(context, op, 0) ?? made.shape);
}
