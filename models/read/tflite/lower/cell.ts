/**
 * Lowers recurrent cells that a file writes in single operators, with states as graph inputs and outputs.
 *
 * In: the operators of one cell (models/read/unrolled.ts).
 * Out: a recurrent node, bound to the cell's output, and the next values of its states. The operators are
 * evaluated and must be an LSTM, a GRU or a simple RNN.
 */

import { lookup } from '../../../lookup.ts';
import { type Body, cellInSomeOrder, functionsIn } from '../../cell.ts';
import { dim } from '../../layout.ts';
import { addCell } from '../../recurrent.ts';
import { type PlainNode, type Unrolled, unrolledCells } from '../../unrolled.ts';
import { Evaluator, operatorNames, type Tensor } from '../body.ts';
import { isConstant, readReals } from '../constants.ts';
import { type Context, maxElements, Refusal, shapeOf } from '../context.ts';
import { idsOf, moving } from '../elements.ts';
import { product } from '../integers.ts';
import type { TfOperator } from '../model.ts';

const kinds: Readonly<Record<string, PlainNode<number>['kind']>> = { FULLY_CONNECTED: 'product', ADD: 'sum', SUB: 'sum' };
const recurrentLayers = new Set(['UNIDIRECTIONAL_SEQUENCE_LSTM', 'WHILE', 'CALL_ONCE']);

/** Returns the operators as unrolledCells takes them, without constants. */
function plainNodes(context: Context): PlainNode<number>[] {
  const { operators, tensors } = context.model;
  const known = new Set<number>();
  return operators.map(({ op, inputs: all, outputs }) => {
    const inputs = all.filter((i) => i >= 0 && tensors[i] && !known.has(i) && !isConstant(context, tensors[i]));
    if (inputs.length === 0) for (const i of outputs) known.add(i);
    if (recurrentLayers.has(op) || op.startsWith('CUSTOM')) return { inputs, outputs, kind: 'cell' };
    if (moving.has(op)) return { inputs, outputs, kind: 'move' };
    const kind = inputs.length === 1 ? lookup(kinds, op) : undefined;
    return { inputs, outputs, ...(kind && { kind }) };
  });
}

/** Finds the cells between states and the outputs that may be their next values. */
export const cellsOf = (context: Context, states: readonly number[], next: readonly number[]): Unrolled<number>[] =>
  context.isInt8 ? [] : unrolledCells(plainNodes(context), states, context.model.outputs, next);

export function lowerCell(context: Context, op: TfOperator, cell: Unrolled<number>): void {
  const { inputs, next } = cell;
  const [row = -1] = inputs;
  const value = context.values.get(row);
  if (!value || inputs.length > 1) throw new Refusal(`its cell reads ${inputs.length} values besides its state, one row is read`);
  const shape = shapeOf(context.laid(value));
  if (shape.t !== 1 || value.pad || value.batched || value.history || value.type !== 'float32')
    throw new Refusal('its cell reads more than one frame');
  const states = statesOf(context, cell);
  const units = states[0]?.ids.data.length ?? 0;
  const width = shape.f * shape.c;
  if (states.length !== next.length || states.some(({ ids }) => ids.data.length !== units))
    throw new Refusal(`its cell reads ${states.length} states and gives ${next.length}`);
  if (units * (units + width) > maxElements) throw new Refusal('its cell is too large');
  const { operators, tensors } = context.model;
  const evaluator = new Evaluator(context.model, (tensor) => readReals(context, op, tensor), context.work);
  const nonlinear = (name: string) =>
    cell.nodes
      .map((i) => operators[i] as TfOperator)
      .filter(({ op: kind, outputs: [to = -1] }) => kind === name && product(tensors[to]?.shape ?? []) === units)
      .map(({ inputs: [from = -1], outputs: [to = -1] }) => ({ from, to }));
  const functions = functionsIn(nonlinear, operatorNames);
  const found = cellInSomeOrder(
    next.length,
    (order, following): Body => ({
      inputs: width,
      units,
      ...functions,
      next: following.map((at) => next[at] as number),
      evaluate(x, values, held) {
        const given = new Map<number, Tensor>([[row, { shape: tensors[row]?.shape ?? [], data: x }]]);
        for (const [i, at] of order.entries())
          for (const form of states[at]?.forms ?? [])
            given.set(form, { shape: tensors[form]?.shape ?? [], data: values[i] as Float64Array });
        const at = evaluator.with(given, held);
        return (tensor) => at(tensor).data;
      },
    }),
  );
  if (!found) throw new Refusal('its operators are no LSTM, GRU or simple RNN');
  const add: Parameters<typeof addCell>[0] = (kind, from, attrs, name, quant) => context.node(kind, from, attrs, name, quant);
  const from = { tensor: value.id, shape, factors: value.layout.flat() };
  const id = addCell(add, from, { ...found.cell, carry: true }, op.name);
  for (const [i, at] of found.next.entries()) {
    const index = next[at] as number;
    const { ids } = states[found.states[i] as number] as { ids: { data: ArrayLike<number> } };
    if (!context.inputStates.keep(ids.data, `${op.name}/${i}`)) throw new Refusal('another layer uses the same state');
    const dims = tensors[index]?.shape ?? [];
    const following = idsOf(Float64Array.from(ids.data), dims);
    const layout = dims.map((d, k) => (k === dims.lastIndexOf(units) ? dim('c', d) : []));
    if (i === 0) context.values.set(index, { id, layout, type: 'float32', next: following });
    else context.elements.set(index, { when: 'next', ids: following });
  }
}

/** Returns the states that the cell reads, by element numbers, each with the tensors in which it reads it. */
function statesOf(context: Context, { states }: Unrolled<number>) {
  const found = new Map<string, { ids: { data: ArrayLike<number> }; forms: number[] }>();
  for (const index of states) {
    const part = context.elements.get(index);
    if (part?.when !== 'now') throw new Refusal('it reads the cell state of another layer');
    const key = part.ids.data.join();
    const state = found.get(key) ?? { ids: part.ids, forms: [] };
    found.set(key, state);
    state.forms.push(index);
  }
  return [...found.values()];
}
