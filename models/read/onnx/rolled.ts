/**
 * Recurrent layers that a file unrolls, one copy of the cell a row, as one Scan each.
 *
 * In: sorted nodes.  Out: nodes, where Scan stands in the place of copies of which each reads its row and
 * what the copy before it made.  Rule: the second copy is what depends on the second row alone and is
 * needed for what depends on the third. Every further copy is found node by node, by its operator and its
 * inputs; the first one reads the initial states. What does not fit stays as it is. Cost: as the nodes.
 */
import { append } from '../../lists.ts';
import { lookup } from '../../lookup.ts';
import { Attributes } from './attributes.ts';
import { kinds } from './cells.ts';
import { foldConstant } from './constants.ts';
import { madeNode, type OnnxGraph, type OnnxNode } from './proto.ts';
import { Unsupported } from './refuse.ts';
import { readsOf, sortNodes } from './sort.ts';
import { moving } from './states.ts';
import type { Const } from './tensor.ts';

/** Copies below this stay as they are: a cell cannot be told from other nodes. */
const fewest = 4;
/** Elements of numbers that are compared. A choice. */
const mostNumbers = 64;
/** States of the cells of one loop. A choice: three layers of LSTM. */
const mostStates = 6;

/** The rows of one value. */
interface Rows {
  of: string;
  axis: number;
  /** A row has lost the axis. */
  flat: boolean;
  names: string[];
}

interface Loop {
  rows: Rows;
  /** Of the second copy. */
  nodes: OnnxNode[];
  initial: string[];
  /** What the second copy reads of the first one, and what the third reads of it in its place. */
  states: string[];
  next: string[];
  /** By copy: names of the second one, and those in their place. */
  copies: ReadonlyMap<string, string>[];
}

const text = (node: OnnxNode, inputs: readonly string[]): string =>
  JSON.stringify([node.op, node.domain, inputs, node.outputs.length, [...node.attributes].sort(([a], [b]) => (a < b ? -1 : 1))]);

class Finder {
  private readonly nodes: readonly OnnxNode[];
  private readonly maker = new Map<string, OnnxNode>();
  private readonly known: ReadonlyMap<string, Const>;
  private readonly like = new Map<string, OnnxNode>();
  /** Numbers by what they are: exporters write the same one again in every copy. */
  private readonly numbers = new Map<string, string>();

  constructor(nodes: readonly OnnxNode[], known: ReadonlyMap<string, Const>) {
    this.nodes = nodes;
    this.known = known;
    for (const [name, { dims, type, data }] of known)
      if (data.length > 0 && data.length <= mostNumbers) this.numbers.set(name, JSON.stringify([dims, type, [...data]]));
    for (const node of nodes) {
      for (const name of node.outputs) this.maker.set(name, node);
      if (node.inputs.length > 0) this.like.set(text(node, node.inputs.map(this.plain)), node);
    }
  }

  private plain = (name: string): string => this.numbers.get(name) ?? name;

  /** Values that are taken apart row by row. */
  rows(): Rows[] {
    const found: Rows[] = [];
    const picked = new Map<string, Rows>();
    for (const node of this.nodes) {
      const [of = ''] = node.inputs;
      const attributes = new Attributes(node);
      if (node.op === 'Split' && !this.known.has(of))
        found.push({ of, axis: attributes.int('axis', 0), flat: false, names: node.outputs });
      const index = this.known.get(node.inputs[1] ?? '');
      if (node.op !== 'Gather' || this.known.has(of) || index?.data.length !== 1 || index.dims.length > 1) continue;
      const axis = attributes.int('axis', 0);
      const key = JSON.stringify([of, axis, index.dims.length]);
      const rows = picked.get(key) ?? { of, axis, flat: index.dims.length === 0, names: [] };
      picked.set(key, rows);
      if (index.data[0] === rows.names.length) rows.names.push(node.outputs[0] as string);
    }
    return [...found, ...picked.values()].filter(({ names }) => names.length >= fewest);
  }

  /** By value: the last row that it depends on. */
  private levels({ names }: Rows): Map<string, number> {
    const levels = new Map(names.map((name, i) => [name, i + 1]));
    for (const node of this.nodes) {
      const level = readsOf(node).reduce((most, name) => Math.max(most, levels.get(name) ?? 0), 0);
      if (level > 0) for (const name of node.outputs) levels.set(name, Math.max(level, levels.get(name) ?? 0));
    }
    return levels;
  }

  loop(rows: Rows): Loop | undefined {
    const levels = this.levels(rows);
    const carried = (to: number): string[] => {
      const found = new Set<string>();
      for (const node of this.nodes)
        if (node.outputs.some((name) => levels.get(name) === to))
          for (const name of node.inputs) if (levels.get(name) === to - 1) found.add(name);
      return [...found];
    };
    const [states, next] = [2, 3].map((to) => this.sources(carried(to), (name) => levels.get(name) === to - 1)) as [
      string[],
      string[],
    ];
    if (states.length === 0 || states.length !== next.length || states.length > mostStates) return undefined;
    const isWithin = (name: string) =>
      [1, 2].includes(levels.get(name) ?? 0) && !states.includes(name) && !rows.names.includes(name);
    const nodes = this.before(next, isWithin);
    for (const order of orders(next)) {
      const loop = this.copied(rows, nodes, states, order);
      if (loop) return loop;
    }
    return undefined;
  }

  /** Before products with constants, sums with them and moves, which belong to the copy that reads them. */
  private sources(names: readonly string[], isDynamic: (name: string) => boolean): string[] {
    const found = new Set<string>();
    for (const given of names)
      for (let name = given; ; ) {
        const node = this.maker.get(name);
        const reads = node?.inputs.filter(isDynamic) ?? [];
        const [read] = reads;
        if (!node || read === undefined || reads.length > 1 || !(moving.has(node.op) || lookup(kinds, node.op))) {
          found.add(name);
          break;
        }
        name = read;
      }
    return [...found];
  }

  /** Nodes that make these values. */
  private before(names: readonly string[], isWithin: (name: string) => boolean): OnnxNode[] {
    const found = new Set<OnnxNode>();
    const open = [...names];
    for (let name = open.pop(); name !== undefined; name = open.pop()) {
      const node = isWithin(name) ? this.maker.get(name) : undefined;
      if (!node || found.has(node)) continue;
      found.add(node);
      append(open, node.inputs);
    }
    return this.nodes.filter((node) => found.has(node));
  }

  private copied(rows: Rows, nodes: OnnxNode[], states: string[], next: string[]): Loop | undefined {
    const row = rows.names[1] as string;
    const own = new Set([row, ...states, ...nodes.flatMap(({ outputs }) => outputs)]);
    if (!next.every((name) => own.has(name))) return undefined;
    const first = this.first(rows, nodes, states, next);
    if (!first) return undefined;
    const copies: ReadonlyMap<string, string>[] = [first.names, new Map([...own].map((name) => [name, name]))];
    for (const name of rows.names.slice(2)) {
      const before = copies.at(-1) as ReadonlyMap<string, string>;
      const names = new Map([[row, name], ...states.map((state, i): [string, string] => [state, before.get(next[i] as string) ?? ''])]); // biome-ignore format: one line
      for (const node of nodes) {
        const inputs = node.inputs.map((input) => names.get(input) ?? input);
        const copy = this.like.get(text(node, inputs.map(this.plain)));
        if (!copy) return undefined;
        for (const [i, output] of node.outputs.entries()) names.set(output, copy.outputs[i] as string);
      }
      copies.push(names);
    }
    return { rows, nodes, states, next, initial: first.initial, copies };
  }

  /** The first copy, from what the second one reads back to the initial states. */
  private first(
    rows: Rows,
    nodes: OnnxNode[],
    states: string[],
    next: string[],
  ): { initial: string[]; names: Map<string, string> } | undefined {
    const inner = new Map(nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
    const names = new Map([[rows.names[1] as string, rows.names[0] as string]]);
    const open: [string, string][] = next.map((name, i) => [name, states[i] as string]);
    for (let pair = open.pop(); pair; pair = open.pop()) {
      const [name, copy] = pair;
      const node = inner.get(name);
      const before = names.get(name);
      if (before === undefined && (node || states.includes(name))) names.set(name, copy);
      else if (this.plain(before ?? name) !== this.plain(copy)) return undefined;
      const other = this.maker.get(copy);
      if (!node || before !== undefined) continue;
      const place = node.outputs.indexOf(name);
      if (
        !other ||
        other.outputs[place] !== copy ||
        text(node, []) !== text(other, []) ||
        node.inputs.length !== other.inputs.length
      )
        return undefined;
      for (const [i, input] of node.inputs.entries()) open.push([input, other.inputs[i] as string]);
    }
    const initial = states.map((state) => names.get(state) ?? '');
    return initial.includes('') ? undefined : { initial, names };
  }
}

function orders(names: readonly string[]): string[][] {
  if (names.length < 2 || names.length > 4) return [[...names]];
  return names.flatMap((first, i) => orders(names.toSpliced(i, 1)).map((rest) => [first, ...rest]));
}

const number = (name: string, value: number, dims: number[]): OnnxNode => ({
  ...madeNode(name, 'Constant', [], [name]),
  attributes: new Map([
    ['value', { kind: 'tensor', value: { kind: 'const', dims, type: 'int64', data: Float64Array.of(value) } }],
  ]),
});

/**
 * The Scan of a loop, and rows of its outputs for those who read them. `isRead` by others than the copies.
 */
function scanOf({ rows, nodes, initial, states, next, copies }: Loop, isRead: (name: string) => boolean): OnnxNode[] {
  const { name } = nodes[0] as OnnxNode;
  const row = rows.names[1] as string;
  const [whole, axes] = [`${name}/row`, `${name}/axes`];
  const taken = rows.flat
    ? [madeNode(`${name}/taken`, 'Identity', [whole], [row])]
    : [number(axes, rows.axis, [1]), madeNode(`${name}/taken`, 'Unsqueeze', [whole, axes], [row])];
  const wanted = nodes.flatMap(({ outputs }) => outputs).filter((own) => copies.some((names) => isRead(names.get(own) ?? '')));
  const value = (own: string) => ({ name: own, elementType: 0, dims: undefined });
  const body: OnnxGraph = {
    graphName: name,
    nodes: [...taken, ...nodes],
    initializers: [],
    external: [],
    inputs: [...states, whole].map(value),
    outputs: [...next, ...wanted].map(value),
  };
  const all = wanted.map((own) => `${own}/all`);
  const scan: OnnxNode = {
    ...madeNode(name, 'Scan', [...initial, rows.of], [...states.map(() => ''), ...all]),
    from: 'unrolled loop',
    attributes: new Map([
      ['body', { kind: 'graph', value: body }],
      ['num_scan_inputs', { kind: 'int', value: 1 }],
      ['scan_input_axes', { kind: 'ints', value: [rows.axis] }],
    ]),
  };
  const apart = wanted.flatMap((own, k) =>
    copies.flatMap((names, t): OnnxNode[] => {
      const [copy, index] = [names.get(own) as string, `${own}/at/${t}`];
      return isRead(copy) ? [number(index, t, []), madeNode(`${name}/${t}`, 'Gather', [all[k] as string, index], [copy])] : [];
    }),
  );
  return [scan, ...apart];
}

/** Numbers that rows are picked by. */
function numbersOf(nodes: readonly OnnxNode[], { initializers, external }: OnnxGraph): Map<string, Const> {
  const none = { kind: 'const', dims: [], type: 'int64', data: new Float64Array(0) } as const satisfies Const;
  const known = new Map<string, Const>(initializers.map(({ name, value }) => [name, value]));
  for (const { name } of external) known.set(name, { ...none, dims: [] });
  for (const node of nodes) {
    const reads = readsOf(node);
    if (!reads.every((name) => known.has(name))) continue;
    const value = node.op === 'Constant' ? foldConstant(node, { inputs: [] }) : undefined;
    for (const name of node.outputs) known.set(name, value ?? { ...none, dims: [] });
  }
  return known;
}

/** Rows that may be those of a loop, and loops of a file. Choices: the files that we know have 4 loops. */
const [mostRows, mostLoops] = [256, 32];

/** One loop less; undefined where there is none. */
function rolledOnce(graph: OnnxGraph, nodes: OnnxNode[]): OnnxNode[] | undefined {
  const finder = new Finder(nodes, numbersOf(nodes, graph));
  const candidates = finder.rows().sort((a, b) => b.names.length - a.names.length);
  for (const rows of candidates.slice(0, mostRows)) {
    const loop = finder.loop(rows);
    if (!loop) continue;
    const made = loop.nodes.flatMap(({ outputs }) => outputs);
    const gone = new Set(loop.copies.flatMap((names) => made.map((name) => names.get(name))));
    const rest = nodes.filter(({ outputs }) => !outputs.some((name) => gone.has(name)));
    const read = new Set([...rest.flatMap(readsOf), ...graph.outputs.map(({ name }) => name)]);
    return sortNodes({ ...graph, nodes: [...rest, ...scanOf(loop, (name) => read.has(name))] });
  }
  return undefined;
}

export function rolled(graph: OnnxGraph, nodes: OnnxNode[]): OnnxNode[] {
  let sorted = nodes;
  try {
    for (let i = 0; i < mostLoops; i++) {
      const next = rolledOnce(graph, sorted);
      if (!next) break;
      sorted = next;
    }
  } catch (error) {
    // the lowering says what is wrong with it
    if (!(error instanceof Unsupported)) throw error;
  }
  return sorted;
}
