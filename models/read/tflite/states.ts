/**
 * States that a file takes as inputs and gives as outputs, in the order of lowering.
 *
 * In: the file's inputs, outputs and operators.  Out: which inputs are states, their elements by number;
 * what is lowered, one after the other; and which outputs are left for the graph. models/read/states.ts
 * says what makes a pair.
 */

import type { ReaderOptions } from '../options.ts';
import { stateInputs } from '../states.ts';
import type { Context } from './context.ts';
import { idsOf } from './elements.ts';
import { product } from './integers.ts';
import { cellsOf, lowerCell } from './lower/cell.ts';
import { lowerNorm } from './lower/norm.ts';
import { inconsistent, type TfModel, type TfOperator, type TfTensor } from './model.ts';
import { normsOf } from './norms.ts';

/**
 * The inputs that are states: those that the caller names, else those that may be.
 * @throws RunletError RN103 no such input
 */
export function statesAsked({ tensors, inputs, outputs }: TfModel, { states }: ReaderOptions): TfTensor[] {
  const of = (list: number[]) => list.flatMap((index) => tensors[index] ?? []);
  const declared = (list: TfTensor[]) => list.map((tensor) => ({ tensor, name: tensor.name, dims: tensor.shape }));
  const own = declared(of(inputs));
  if (!states) return stateInputs(own, declared(of(outputs))).map(({ tensor }) => tensor);
  return states.map((name) => {
    const found = own.find((one) => one.name === name);
    if (!found)
      throw inconsistent(`no input is named ${name}`, 'option state', `one of ${own.map((one) => one.name).join(', ')}`);
    return found.tensor;
  });
}

/** The states as numbers of elements. @throws RunletError RN102 */
export function bindStates(context: Context, states: readonly TfTensor[]): void {
  for (const { index, name, shape } of states) {
    const data = context.inputStates.add(name, product(shape));
    if (!data) throw inconsistent('its states are too large', name, 'a smaller model');
    context.elements.set(index, { when: 'now', ids: idsOf(data, shape) });
  }
  if (states.length > 0) context.keepState();
}

interface Item {
  op: TfOperator;
  lower?: () => void;
}

/** What is lowered, one after the other: operators, normalisations and cells, each behind what it reads. */
export function* inOrder(context: Context, states: readonly TfTensor[]): Generator<Item> {
  const { operators, outputs, tensors } = context.model;
  const mayFollow = outputs.filter((index) => states.some(({ shape }) => shape.join() === tensors[index]?.shape.join()));
  const cells = cellsOf(context, states.map(({ index }) => index), mayFollow); // biome-ignore format: one line
  const within = new Map(cells.flatMap((cell) => cell.nodes.map((i) => [i, cell])));
  const { norms, dropped } = normsOf(context);
  // what cells give that are not lowered yet, and what follows from it
  const open = new Set(cells.flatMap(({ next }) => next));
  const waiting: Item[] = [];
  for (const [i, op] of operators.entries()) {
    const cell = within.get(i);
    if (cell && i !== cell.nodes.at(-1)) continue;
    if (cell) {
      const inputs = [...cell.inputs, ...cell.states];
      yield { op: { ...op, inputs, outputs: cell.next }, lower: () => lowerCell(context, op, cell) };
      for (const index of cell.next) open.delete(index);
      for (const item of waiting.splice(0)) {
        if (item.op.inputs.some((index) => open.has(index))) waiting.push(item);
        else {
          for (const index of item.op.outputs) open.delete(index);
          yield item;
        }
      }
      continue;
    }
    const norm = norms.get(i);
    if (dropped.has(i)) continue;
    const reads = norm ? { ...op, inputs: [Number(norm.input)] } : op;
    const item = norm ? { op: reads, lower: () => lowerNorm(context, reads, norm) } : { op };
    if (!reads.inputs.some((index) => open.has(index))) yield item;
    else {
      waiting.push(item);
      for (const index of reads.outputs) open.add(index);
    }
  }
  yield* waiting;
}

/** The outputs that go into states are none of the graph's. @throws RunletError RN103 a state without one */
export function signalOutputs({ model, values, elements, inputStates }: Context): number[] {
  const left = new Set(inputStates.read());
  const own = model.outputs.filter((index) => {
    const ids = values.get(index)?.next ?? elements.get(index)?.ids;
    const state = ids && inputStates.nextOf(ids.data);
    if (state) left.delete(state);
    return !state;
  });
  const [first] = left;
  if (first)
    throw inconsistent(
      'no output is the next value of this state',
      first.name,
      'a model whose states come back element by element',
    );
  return own;
}
