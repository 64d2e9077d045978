/**
 * States that are inputs and outputs of a file, and the order of lowering.
 *
 * In: the file's inputs, outputs and operators.
 * Out: the inputs that are states, with numbered elements; the operators in the order of lowering; the
 * outputs that are signals. models/read/states.ts defines which input and output are a pair.
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
 * Returns the inputs that are states: those that the caller names, or else those that may be.
 * @throws RunletError RN103 if the caller names an unknown input
 */
export function statesAsked({ tensors, inputs, outputs }: TfModel, { states }: ReaderOptions): TfTensor[] {
  const of = (list: number[]) => list.flatMap((index) => tensors[index] ?? []);
  const declared = (list: TfTensor[]) => list.map((tensor) => ({ tensor, name: tensor.name, dims: tensor.shape }));
  const known = declared(of(inputs));
  if (!states) return stateInputs(known, declared(of(outputs))).map(({ tensor }) => tensor);
  return states.map((name) => {
    const found = known.find((one) => one.name === name);
    if (!found)
      throw inconsistent(`no input is named ${name}`, 'option state', `one of ${known.map((one) => one.name).join(', ')}`);
    return found.tensor;
  });
}

/** Numbers the elements of the states. @throws RunletError RN103 if they are too many */
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

/** Yields operators, normalisations and cells in the order of lowering, each after those that it reads. */
export function* inOrder(context: Context, states: readonly TfTensor[]): Generator<Item> {
  const { operators, outputs, tensors } = context.model;
  const nextCandidates = outputs.filter((index) => states.some(({ shape }) => shape.join() === tensors[index]?.shape.join()));
  const cells = cellsOf(context, states.map(({ index }) => index), nextCandidates); // biome-ignore format: one line
  const within = new Map(cells.flatMap((cell) => cell.nodes.map((i) => [i, cell])));
  const { norms, dropped } = normsOf(context);
  // outputs of cells that are not lowered yet, and tensors that depend on them
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

/** Returns the outputs that are no next values of states. @throws RunletError RN103 if a state has none */
export function signalOutputs({ model, values, elements, inputStates }: Context): number[] {
  const unmatched = new Set(inputStates.read());
  const signals = model.outputs.filter((index) => {
    const ids = values.get(index)?.next ?? elements.get(index)?.ids;
    const state = ids && inputStates.nextOf(ids.data);
    if (state) unmatched.delete(state);
    return !state;
  });
  const [first] = unmatched;
  if (first)
    throw inconsistent(
      'no output is the next value of this state',
      first.name,
      'a model whose states come back element by element',
    );
  return signals;
}
