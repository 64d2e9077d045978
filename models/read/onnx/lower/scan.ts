/**
 * Lowers a loop over the rows of one activation. States begin at zero; each row reads the states after the
 * row before, and gives output rows.
 *
 * In: body, row and states of a Scan or a Loop.  Out: the output rows as sequences, and the last states. The
 * body's cells are found by evaluating it (models/read/cell.ts): each is an LSTM, a GRU or a simple RNN over
 * the row, or over the output of another cell.
 */
import { dim, fileShapeOf, type Layout } from '../../layout.ts';
import { addCell, lastRow } from '../../recurrent.ts';
import { unrolledCells } from '../../unrolled.ts';
import { plainNodes } from '../cells.ts';
import type { Lowering } from '../context.ts';
import { evaluate } from '../evaluate.ts';
import type { OnnxNode } from '../proto.ts';
import { refuse } from '../refuse.ts';
import { moving } from '../states.ts';
import { type Const, countOf } from '../tensor.ts';
import type { Activation, Value } from '../values.ts';
import { foundIn, maxInputs, maxUnits, type Parts } from './cell.ts';

export interface RowLoop {
  name: string;
  body: OnnxNode[];
  /** Constants of the body and of the enclosing graph, by name. */
  constants: ReadonlyMap<string, Const>;
  /** Name of the row in the body; `of` has all rows in dimension `at`, which a single row does not have. */
  row: { name: string; of: Activation; at: number; reverse: boolean };
  states: { name: string; next: string; initial: Const }[];
  /**
   * Outputs, by their names in the body. `all`: all rows in a new first dimension; otherwise the last row,
   * with this dimension if `first` is true.
   */
  wanted: { name: string; all: boolean; first?: boolean }[];
}

/** The sequence of a cell's output. */
interface Sequence {
  tensor: number;
  units: number;
  dims: number[];
}

export function lowerRows(ctx: Lowering, loop: RowLoop): Value[] {
  const sequences = cellsOf(ctx, loop);
  return loop.wanted.map((wanted) => wantedOf(ctx, loop, sequences, wanted));
}

function rowDims({ row: { of, at } }: RowLoop, t: number): number[] {
  const time = of.layout[at] ?? [];
  const whole = time.length === 1 && time[0]?.axis === 't' && time[0].length === t;
  if (
    !(whole || (t === 1 && time.length === 0)) ||
    of.layout.some((factors, i) => i !== at && factors.some((f) => f.axis === 't'))
  )
    refuse('it does not run along time');
  return fileShapeOf(of.layout.toSpliced(at, 1));
}

function cellsOf(ctx: Lowering, loop: RowLoop): Map<string, Sequence> {
  const { body, constants, row, states, name } = loop;
  const shape = ctx.builder.shape(row.of.tensor);
  const dims = rowDims(loop, shape.t);
  if (states.some(({ initial }) => initial.data.some((v: number) => v !== 0))) refuse('a state does not begin at zero');
  if (row.of.pads || row.of.integer || ctx.quantised) refuse('it reads rows that are padded or quantised');
  const names = states.map((state) => state.name);
  const next = states.map((state) => state.next);
  const groups = unrolledCells(
    plainNodes(body, (known) => constants.has(known)),
    names,
    next,
    next,
  );
  const made = new Map(body.flatMap((node) => node.outputs.map((output) => [output, node] as const)));
  const found = new Map<string, Sequence>();
  for (const [i, group] of groups.entries()) {
    const outputs = group.next;
    const isSource = (value: string) => value === row.name || found.has(value);
    const nodes = upTo(outputs, made, (value) => isSource(value) || names.includes(value));
    const reads = [...new Set(nodes.flatMap(({ inputs }) => inputs))];
    const sources = reads.filter(isSource);
    const own = states.filter((state) => reads.includes(state.name));
    const [source] = sources;
    if (source === undefined || sources.length > 1) return refuse(`a cell reads ${sources.length} rows at once`);
    const before = found.get(source);
    const from = before
      ? {
          tensor: before.tensor,
          shape: { t: shape.t, f: 1, c: before.units },
          factors: dim('c', before.units),
          dims: before.dims,
        }
      : { tensor: row.of.tensor, shape, factors: row.of.layout.toSpliced(row.at, 1).flat(), dims };
    const units = own[0] ? countOf(own[0].initial.dims) : 0;
    if (own.length !== outputs.length || own.some(({ initial }) => countOf(initial.dims) !== units))
      refuse(`a cell reads ${own.length} states and gives ${outputs.length}`);
    if (units > maxUnits || countOf(from.dims) > maxInputs) refuse('its cell is too large');
    const forms = own.map((state) => ({ forms: [{ name: state.name, dims: state.initial.dims }] }));
    const parts: Parts = { nodes, constants, row: { name: source, dims: from.dims }, states: forms };
    const cell = foundIn(parts, outputs, units, ctx.work) ?? refuse('its body is no LSTM, GRU or simple RNN');
    // each next state must become the same state of the next row
    for (const [k, place] of cell.states.entries())
      if (moved(ctx, loop, cell.next[k] as string, cell.dims[k] as number[], own[place]?.next ?? '') === undefined)
        refuse('its states change places');
    const tensor = addCell(ctx.add, from, { ...cell.cell, reverse: row.reverse }, groups.length > 1 ? `${name}/${i}` : name); // biome-ignore format: one line
    found.set(cell.next[0] as string, { tensor, units, dims: cell.dims[0] as number[] });
  }
  return found;
}

/** Returns the nodes that compute `names`, in their order. The search stops at names with `isEnd` true. */
function upTo(names: readonly string[], made: ReadonlyMap<string, OnnxNode>, isEnd: (name: string) => boolean): OnnxNode[] {
  const found = new Set<OnnxNode>();
  const open = [...names];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const node = isEnd(name) ? undefined : made.get(name);
    if (!node || found.has(node)) continue;
    found.add(node);
    for (const input of node.inputs) open.push(input);
  }
  return [...new Set(made.values())].filter((node) => found.has(node));
}

/** Returns the dims of `to` if it has the elements of `from` in their order; otherwise undefined. */
function moved(ctx: Lowering, { body, constants }: RowLoop, from: string, dims: number[], to: string): number[] | undefined {
  if (from === to) return dims;
  const made = new Map(body.flatMap((node) => node.outputs.map((output) => [output, node] as const)));
  const nodes = upTo([to], made, (name) => name === from);
  if (nodes.length === 0 || !nodes.every(({ op, inputs }) => moving.has(op) || inputs.every((name) => constants.has(name))))
    return undefined;
  const count = countOf(dims);
  const known = new Map<string, Const>(constants);
  known.set(from, { kind: 'const', type: 'float64', dims, data: Float64Array.from({ length: count }, (_, i) => i) });
  for (const node of nodes) {
    const results = evaluate(node, node.inputs.map((name) => known.get(name)), ctx.work); // biome-ignore format: one line
    for (const [i, value] of results.entries()) known.set(node.outputs[i] as string, value);
  }
  const result = known.get(to);
  return result?.data.length === count && result.data.every((v: number, i: number) => v === i) ? result.dims : undefined;
}

function wantedOf(
  ctx: Lowering,
  loop: RowLoop,
  sequences: ReadonlyMap<string, Sequence>,
  { name, all, first }: RowLoop['wanted'][number],
): Value {
  const { t } = ctx.builder.shape(loop.row.of.tensor);
  for (const [from, { tensor, units, dims }] of sequences) {
    const own = moved(ctx, loop, from, dims, name);
    if (!own) continue;
    const layout: Layout = own.map((d, i) => (i === own.lastIndexOf(units) ? dim('c', d) : []));
    if (all) return ctx.activationOf(tensor, [dim('t', t), ...layout]);
    return ctx.activationOf(lastRow(ctx.add, tensor, t, loop.row.reverse, loop.name), first ? [[], ...layout] : layout);
  }
  return refuse('it outputs a value that is not the output of a recurrent layer');
}
