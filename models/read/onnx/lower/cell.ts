/**
 * Lowers Cell: a recurrent cell in single operators whose states are inputs and outputs of the model
 * (cells.ts).
 *
 * In: a row, parts of states, constants, the nodes.  Out: the next states; the output is also an activation.
 * The nodes are evaluated, and must be an LSTM, a GRU or a simple RNN (models/read/cell.ts).
 */
import { type Body, cellInSomeOrder, functionsIn } from '../../cell.ts';
import { dim, fileShapeOf } from '../../layout.ts';
import { addCell, type Cell } from '../../recurrent.ts';
import type { Work } from '../../work.ts';
import type { Lowering, NodeView } from '../context.ts';
import { evaluate } from '../evaluate.ts';
import type { OnnxNode } from '../proto.ts';
import { refuse } from '../refuse.ts';
import { type Const, countOf } from '../tensor.ts';
import type { Elements, Value } from '../values.ts';

/** Largest number of units and of inputs of a cell. A choice: the largest step models have 512. */
export const [maxUnits, maxInputs] = [2048, 8192];

/** The nodes of a cell, and the inputs for their evaluation. */
export interface Parts {
  nodes: OnnxNode[];
  constants: ReadonlyMap<string, Const>;
  /** Name and dims of the row. */
  row: { name: string; dims: number[] };
  /** For each state, the names and dims with which the nodes read it. */
  states: { forms: { name: string; dims: number[] }[] }[];
}

/** A state, with the numbers of its elements. */
type Numbered = Parts['states'][number] & { ids: Const };

function partsOf(
  { inputs, inputNames }: NodeView,
  nodes: OnnxNode[],
): Omit<Parts, 'states'> & { states: Numbered[]; x: Extract<Value, { kind: 'activation' }> } {
  const constants = new Map<string, Const>();
  const states = new Map<string, Numbered>();
  const rows: { name: string; value: Extract<Value, { kind: 'activation' }> }[] = [];
  for (const [i, value] of inputs.entries()) {
    const name = inputNames[i] as string;
    if (value?.kind === 'const') constants.set(name, value);
    if (value?.kind === 'activation') rows.push({ name, value });
    if (value?.kind !== 'elements') continue;
    if (value.when === 'next') refuse('it reads the cell state of another layer');
    const key = value.ids.data.join();
    const state = states.get(key) ?? { ids: value.ids, forms: [] };
    states.set(key, state);
    state.forms.push({ name, dims: value.ids.dims });
  }
  const [row] = rows;
  if (!row || rows.length > 1) return refuse(`its cell reads ${rows.length} values besides its states; one row is supported`);
  const dims = fileShapeOf(row.value.layout);
  return { nodes, constants, row: { name: row.name, dims }, states: [...states.values()], x: row.value };
}

/**
 * Returns the values of all names, for a row and states.
 * @param held values that replace results, by name.
 */
function run(
  { nodes, constants, row, states }: Parts,
  x: Float64Array,
  values: Float64Array[],
  work: Work,
  held: ReadonlyMap<string, number>,
) {
  const known = new Map(constants);
  const of = (dims: number[], data: Float64Array): Const => ({ kind: 'const', type: 'float64', dims, data });
  known.set(row.name, of(row.dims, x));
  for (const [i, { forms }] of states.entries())
    for (const { name, dims } of forms) known.set(name, of(dims, values[i] as Float64Array));
  for (const node of nodes) {
    const made = evaluate(
      node,
      node.inputs.map((name) => known.get(name)),
      work,
    );
    for (const [i, name] of node.outputs.entries()) {
      const value = made[i];
      const fixed = held.get(name);
      if (value)
        known.set(name, fixed === undefined ? value : { ...value, data: value.data.slice().fill(fixed) as Const['data'] });
    }
  }
  return known;
}

interface Found {
  cell: Cell;
  /** Indexes of the state that is the previous output, and of the cell state if there is one. */
  states: number[];
  next: string[];
  /** Dims of the next states. */
  dims: number[][];
}

export function foundIn(parts: Parts, outputs: string[], units: number, work: Work): Found | undefined {
  const inputs = countOf(parts.row.dims);
  const names = [...new Set(parts.nodes.flatMap((node) => node.outputs))];
  const zeros = (n: number) => new Float64Array(n);
  const probe = run(parts, zeros(inputs), parts.states.map(() => zeros(units)), work, new Map()); // biome-ignore format: one line
  const nonlinear = (op: string) =>
    parts.nodes
      .filter((node) => node.op === op && probe.get(node.outputs[0] as string)?.data.length === units)
      .map((node) => ({ from: names.indexOf(node.inputs[0] as string), to: names.indexOf(node.outputs[0] as string) }));
  const functions = functionsIn(nonlinear, { logistic: 'Sigmoid', tanh: 'Tanh', relu: 'Relu' });
  const found = cellInSomeOrder(
    outputs.length,
    (states, next): Body => ({
      inputs,
      units,
      ...functions,
      next: next.map((at) => names.indexOf(outputs[at] as string)),
      evaluate(x, values, held = new Map()) {
        const fixed = new Map([...held].map(([tensor, value]) => [names[tensor] as string, value]));
        const ordered = states.map((at) => parts.states[at] as Parts['states'][number]);
        const known = run({ ...parts, states: ordered }, x, values, work, fixed);
        return (tensor) => Float64Array.from((known.get(names[tensor] as string) as Const).data);
      },
    }),
  );
  if (!found) return undefined;
  const next = found.next.map((at) => outputs[at] as string);
  return { cell: found.cell, states: found.states, next, dims: next.map((name) => probe.get(name)?.dims ?? []) };
}

export function lowerCell(ctx: Lowering, node: NodeView, nodes: OnnxNode[]): Value[] {
  const { x, ...parts } = partsOf(node, nodes);
  const shape = ctx.builder.shape(x.tensor);
  const units = parts.states[0]?.ids.data.length ?? 0;
  if (shape.t !== 1) refuse(`its cell reads ${shape.t} frames at once`);
  if (x.pads || x.integer || ctx.quantised) refuse('its cell reads a row that is padded or quantised');
  if (parts.states.some(({ ids }) => ids.data.length !== units) || parts.states.length !== node.outputs.length)
    refuse(`its cell reads ${parts.states.length} states and gives ${node.outputs.length}`);
  if (units > maxUnits || countOf(parts.row.dims) > maxInputs) refuse('its cell is too large');
  const found = foundIn(parts, node.outputs, units, ctx.work) ?? refuse('its operators are no LSTM, GRU or simple RNN');
  const { cell, next, dims } = found;
  const states = found.states.map((at) => parts.states[at] as Numbered);
  for (const [i, { ids }] of states.entries())
    if (!ctx.states.keep(ids.data, `${node.name}/${i}`)) refuse('its state also belongs to another layer');
  const from = { tensor: x.tensor, shape, factors: x.layout.flat() };
  const tensor = addCell(ctx.add, from, { ...cell, carry: true }, node.name);
  return node.outputs.map((name): Value => {
    const which = next.indexOf(name);
    const { ids } = states[which] as { ids: Const };
    const own = dims[which] as number[];
    const elements: Elements = { kind: 'elements', when: 'next', ids: { ...ids, dims: own } };
    const layout = own.map((d, i) => (i === own.lastIndexOf(units) ? dim('c', d) : []));
    return which > 0 ? elements : { ...ctx.activationOf(tensor, layout), next: elements.ids };
  });
}
