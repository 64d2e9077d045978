/**
 * Lowers Loop and Scan: loops over the rows of one activation (lower/scan.ts), and loops of few iterations,
 * which are unrolled.
 *
 * In: the node, and values of the enclosing graph.  Out: its values. The counters of a Loop are evaluated, so
 * its iterations and the rows that it picks are known. Source: ONNX Scan-11, Loop-13. Error: Unsupported.
 */
import { fileShapeOf } from '../layout.ts';
import { Attributes } from './attributes.ts';
import { constantOf } from './constants.ts';
import type { Lowering } from './context.ts';
import { axisIn } from './dims.ts';
import { foldNode } from './fold.ts';
import { lowerRows, type RowLoop } from './lower/scan.ts';
import { madeNode, type OnnxGraph, type OnnxNode, type OnnxValue } from './proto.ts';
import { refuse, Unsupported } from './refuse.ts';
import { sortNodes } from './sort.ts';
import type { Const } from './tensor.ts';
import type { Activation, Value } from './values.ts';

type Values = ReadonlyMap<string, Value>;
/** Lowers nodes that read values of the enclosing graph, and returns the values of the outputs. */
export type LowerNodes = (nodes: OnnxNode[], outputs: OnnxValue[]) => Value[];

/** Largest number of rows of a loop, and of iterations of an unrolled loop. Choices. */
const [maxRows, maxUnrolled] = [1 << 16, 16];
/** Largest number of elements of a counter. A choice. */
const maxCounterElements = 64;

export const loopOperators = ['Loop', 'Scan'];
export const isLoop = ({ op, domain }: OnnxNode): boolean => domain === '' && loopOperators.includes(op);

export function lowerLoop(ctx: Lowering, node: OnnxNode, values: Values, lower: LowerNodes): Value[] {
  const given = new Attributes(node).graph('body') ?? refuse('it has no body');
  if (given.external.length > 0) refuse('a body whose weights are in another file');
  const own = new Set(given.inputs.map(({ name }) => name));
  const body = { ...given, nodes: sortNodes(given, (name) => values.has(name) || own.has(name)) };
  const inputs = node.inputs.map((name) => (name === '' ? undefined : values.get(name)));
  if (inputs.some((value) => value?.kind === 'poisoned')) return [];
  return node.op === 'Scan' ? lowerScan(ctx, node, body, inputs, values) : lowerCounted(ctx, node, body, inputs, values, lower);
}

/** Returns the constants that the body has or reads, and those that its nodes compute from constants only. */
function constantsOf(
  ctx: Lowering,
  body: OnnxGraph,
  values: Values,
  given: ReadonlyMap<string, Const>,
  small = false,
): Map<string, Const> {
  const known = new Map<string, Const>(body.initializers.map(({ name, value }) => [name, value]));
  for (const [name, value] of given) known.set(name, value);
  for (const node of body.nodes) {
    const inputs = node.inputs.map((name) => {
      const around = values.get(name);
      const value = known.get(name) ?? (around?.kind === 'const' ? around : undefined);
      if (value) known.set(name, value);
      return value && small && value.data.length > maxCounterElements ? undefined : value;
    });
    if (node.inputs.some((name, i) => name !== '' && !inputs[i])) continue;
    if (!ctx.work.start(0)) refuse('it takes too long to be evaluated');
    const made = foldNode(node, { inputs }, ctx.work);
    for (const [i, value] of made?.entries() ?? []) known.set(node.outputs[i] as string, value);
  }
  return known;
}

function lowerScan(ctx: Lowering, node: OnnxNode, body: OnnxGraph, inputs: (Value | undefined)[], values: Values): Value[] {
  const attributes = new Attributes(node);
  const rows = attributes.int('num_scan_inputs', 1);
  const count = inputs.length - rows;
  const [axes, directions] = ['scan_input_axes', 'scan_input_directions'].map((name) => attributes.ints(name) ?? []);
  const back = attributes.ints('scan_output_directions') ?? [];
  const [of] = inputs.slice(count);
  if (rows !== 1 || of?.kind !== 'activation') return refuse(`it reads ${rows} sequences; only one, of the signal, is supported`);
  if (attributes.ints('scan_output_axes')?.some((axis) => axis !== 0))
    refuse('its outputs are stacked along a dimension other than 0');
  const reverse = directions?.[0] === 1;
  const outputs = body.outputs.length - count;
  if (Array.from({ length: outputs }, (_, i) => back[i] ?? 0).some((direction) => (direction === 1) !== reverse))
    refuse('its outputs are not in the order of its rows');
  const at = axisIn(axes?.[0] ?? 0, of.layout.length);
  const states = inputs.slice(0, count).map((value, i) => {
    if (value?.kind !== 'const') return refuse('the initial value of a state is not constant');
    return { name: body.inputs[i]?.name ?? '', next: body.outputs[i]?.name ?? '', initial: value };
  });
  const constants = constantsOf(ctx, body, values, new Map());
  const loop = {
    name: node.name,
    body: body.nodes,
    constants,
    states,
    row: { name: body.inputs[count]?.name ?? '', of, at, reverse },
  };
  return results(ctx, node, loop, (i) => ({ name: body.outputs[i]?.name ?? '', all: i >= count }));
}

/** Returns the values of the outputs that are read. */
function results(
  ctx: Lowering,
  node: OnnxNode,
  loop: Omit<RowLoop, 'wanted'>,
  wantedOf: (output: number) => RowLoop['wanted'][number],
): Value[] {
  const read = [...node.outputs.entries()].filter(([, name]) => name !== '' && ctx.readersOf(name).length > 0).map(([i]) => i);
  const made = lowerRows(ctx, { ...loop, wanted: read.map(wantedOf) });
  return node.outputs.map((_, i): Value => made[read.indexOf(i)] ?? { kind: 'poisoned' });
}

/** The iterations of a Loop and its carried values. */
interface Counted {
  turns: number;
  /** Carried values that never change, by their name in the body. */
  fixed: Map<string, Value>;
  /** Positions that the body reads or writes, one per iteration, by the name of the position. */
  positions: Map<string, number[]>;
  /** Names of the counters in the body. */
  counters: Set<string>;
}

/** Operators that read a row, or write one into a list, at the position in their second input. */
const placed = new Set(['Gather', 'TensorListSetItem']);

function countedOf(ctx: Lowering, body: OnnxGraph, inputs: (Value | undefined)[], values: Values): Counted {
  const [max, first] = inputs;
  const carried = body.inputs
    .slice(2)
    .map(({ name }, i) => ({ name, next: body.outputs[1 + i]?.name ?? '', value: inputs[2 + i] }));
  const maker = new Map(body.nodes.flatMap((one) => one.outputs.map((name) => [name, one] as const)));
  const through = (name: string): string => {
    const made = maker.get(name);
    return made?.op === 'Identity' ? (made.inputs[0] ?? '') : name;
  };
  const fixed = new Map<string, Value>();
  for (const { name, next, value } of carried) if (value && through(next) === name) fixed.set(name, value);
  const around = new Map([...values, ...fixed]);
  const limit =
    max?.kind === 'const' ? (max.data[0] ?? 0) : max ? refuse('its iterations depend on the signal') : Number.POSITIVE_INFINITY;
  const watched = body.nodes.filter(({ op }) => placed.has(op)).map(({ inputs }) => inputs[1] ?? '');
  const positions = new Map(watched.map((name): [string, number[]] => [name, []]));
  let turns = 0;
  let running: Const =
    first?.kind === 'const' ? first : first ? refuse('its iterations depend on the signal') : constantOf([1], [], 'bool');
  let counters = new Map<string, Const>();
  for (const { name, value } of carried)
    if (value?.kind === 'const' && value.data.length <= maxCounterElements) counters.set(name, value);
  for (; turns < limit && running.data[0] !== 0; turns++) {
    if (turns >= maxRows) refuse(`it has more than ${maxRows} iterations`);
    const given = new Map([...counters]);
    for (const [i, value] of [constantOf([turns], [], 'int64'), running].entries()) given.set(body.inputs[i]?.name ?? '', value);
    const made = constantsOf(ctx, body, around, given, true);
    for (const [name, list] of positions) list.push(made.get(name)?.data[0] ?? Number.NaN);
    counters = new Map(
      carried.flatMap(({ name, next }) => {
        const value = made.get(next);
        return value && counters.has(name) ? [[name, value] as const] : [];
      }),
    );
    running = made.get(body.outputs[0]?.name ?? '') ?? refuse('its iterations depend on the signal');
  }
  return { turns, fixed, positions, counters: new Set(counters.keys()) };
}

function lowerCounted(
  ctx: Lowering,
  node: OnnxNode,
  body: OnnxGraph,
  inputs: (Value | undefined)[],
  values: Values,
  lower: LowerNodes,
): Value[] {
  if (body.inputs.length !== inputs.length || body.outputs.length !== node.outputs.length + 1) refuse('its body does not fit it');
  const counted = countedOf(ctx, body, inputs, values);
  try {
    return rowsOf(ctx, node, body, inputs, values, counted);
  } catch (error) {
    if (!(error instanceof Unsupported) || counted.turns > maxUnrolled || counted.turns < 1) throw error;
  }
  return unrolled(node, body, inputs, counted.turns, lower);
}

/** Lowers a Loop as a loop over rows: each iteration picks one row. */
function rowsOf(
  ctx: Lowering,
  node: OnnxNode,
  body: OnnxGraph,
  inputs: (Value | undefined)[],
  values: Values,
  { turns, fixed, positions, counters }: Counted,
): Value[] {
  const sourceOf = (name: string): Activation | undefined => {
    const value = fixed.get(name) ?? values.get(name);
    return value?.kind === 'activation' ? value : undefined;
  };
  const counts = (index: string, at: (turn: number) => number) =>
    positions.get(index)?.every((place, turn) => place === at(turn));
  const picks = body.nodes.flatMap((pick) => {
    const of = pick.op === 'Gather' ? sourceOf(pick.inputs[0] ?? '') : undefined;
    return of ? [{ pick, of }] : [];
  });
  const [first] = picks;
  if (!first || picks.length > 1) return refuse(`it reads ${picks.length} rows per iteration; only one is supported`);
  const { pick, of } = first;
  const at = axisIn(new Attributes(pick).int('axis', 0), of.layout.length);
  const index = pick.inputs[1] ?? '';
  const reverse = turns > 1 && counts(index, (turn) => turns - 1 - turn) === true;
  if (fileShapeOf(of.layout)[at] !== turns || !(reverse || counts(index, (turn) => turn)))
    refuse('it does not read all rows in their order');
  const carried = body.inputs
    .slice(2)
    .map(({ name }, i) => ({ name, next: body.outputs[1 + i]?.name ?? '', initial: inputs[2 + i] }));
  const puts = new Map(
    carried.flatMap(({ name, next }) => {
      const put = body.nodes.find((one) => one.op === 'TensorListSetItem' && one.inputs[0] === name && one.outputs[0] === next);
      return put ? [[name, put] as const] : [];
    }),
  );
  const states = carried.flatMap(({ name, next, initial }) => {
    if (fixed.has(name) || counters.has(name) || puts.has(name)) return [];
    return initial?.kind === 'const' ? [{ name, next, initial }] : refuse('the initial value of a state is not constant');
  });
  const around = new Map([...values, ...fixed]);
  const constants = constantsOf(ctx, body, around, new Map());
  const row = { name: pick.outputs[0] ?? '', of, at, reverse };
  const listed = new Map(
    [...puts].map(
      ([
        name,
        {
          inputs: [, where = '', value = ''],
        },
      ]) => [name, { where, value }],
    ),
  );
  const loop = { name: node.name, body: body.nodes.filter((one) => one !== pick), constants, states, row };
  const all = (name: string): { name: string; all: boolean } =>
    reverse ? refuse('its outputs are not in the order of its rows') : { name, all: true };
  return results(ctx, node, loop, (i) => {
    const { name, initial } = carried[i] ?? {};
    if (name === undefined) return all(body.outputs[1 + i]?.name ?? '');
    const list = listed.get(name);
    if (!list) return { name: body.outputs[1 + i]?.name ?? '', all: false };
    const length = initial?.kind === 'const' ? initial.dims[0] : undefined;
    if (length === turns && counts(list.where, (turn) => turn)) return all(list.value);
    if (length !== 1) refuse('its outputs are collected in an unsupported way');
    return { name: list.value, all: false, first: true };
  });
}

const constant = (name: string, value: Const): OnnxNode => ({
  ...madeNode(name, 'Constant', [], [name]),
  attributes: new Map([['value', { kind: 'tensor', value }]]),
});

/** Unrolls a Loop, and lowers the copies of its body. */
function unrolled(node: OnnxNode, body: OnnxGraph, inputs: (Value | undefined)[], turns: number, lower: LowerNodes): Value[] {
  if (body.nodes.some(({ attributes }) => [...attributes.values()].some(({ kind }) => kind === 'graph')))
    refuse('its body has loops or branches');
  const nodes: OnnxNode[] = [];
  const carried = inputs.length - 2;
  let before = node.inputs.slice(2);
  const own = new Set([...body.inputs, ...body.initializers].map(({ name }) => name));
  for (const { outputs } of body.nodes) for (const name of outputs) own.add(name);
  const listed = body.outputs.slice(1 + carried).map((): string[] => []);
  for (let turn = 0; turn < turns; turn++) {
    const named = (name: string): string => (own.has(name) ? `${node.name}/${turn}/${name}` : name);
    const [count, running, ...rest] = body.inputs.map(({ name }) => named(name));
    nodes.push(constant(count ?? '', constantOf([turn], [], 'int64')), constant(running ?? '', constantOf([1], [], 'bool')));
    for (const [i, name] of rest.entries()) nodes.push(madeNode(`${name}/carried`, 'Identity', [before[i] ?? ''], [name]));
    for (const { name, value } of body.initializers) nodes.push(constant(named(name), value));
    for (const one of body.nodes)
      nodes.push({
        ...one,
        name: `${node.name}/${turn}/${one.name}`,
        inputs: one.inputs.map(named),
        outputs: one.outputs.map(named),
      });
    before = body.outputs.slice(1, 1 + carried).map(({ name }) => named(name));
    for (const [i, list] of listed.entries()) {
      const [axis, row] = [`${node.name}/${turn}/axis/${i}`, `${node.name}/${turn}/row/${i}`];
      const value = named(body.outputs[1 + carried + i]?.name ?? '');
      nodes.push(constant(axis, constantOf([0], [1], 'int64')), madeNode(row, 'Unsqueeze', [value, axis], [row]));
      list.push(row);
    }
  }
  const joined = listed.map((rows, i) => {
    const name = `${node.name}/rows/${i}`;
    nodes.push({ ...madeNode(name, 'Concat', rows, [name]), attributes: new Map([['axis', { kind: 'int', value: 0 }]]) });
    return name;
  });
  return lower(
    nodes,
    [...before, ...joined].map((name) => ({ name, elementType: 0, dims: undefined })),
  );
}
