/**
 * rolled: replaces recurrent layers that a file unrolls, with one copy of the cell per row, by one Scan each.
 *
 * In: sorted nodes.  Out: nodes. A Scan replaces copies that each read their row and the results of the copy
 * before.  Rule: the second copy has the nodes that depend on no later row and that the third copy needs.
 * Every later copy is found node by node, by operator and inputs. The first copy reads the initial states.
 * Nodes that do not fit stay unchanged. Cost: proportional to the number of nodes.
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

/** Smallest number of copies: with fewer, a cell cannot be distinguished from other nodes. */
const minCopies = 4;
/** Largest number of elements of constants that are compared by value. A choice. */
const maxComparedElements = 64;
/** Largest number of states in one loop. A choice: three LSTM layers. */
const maxStates = 6;

/** The rows into which a file splits a value. */
interface Rows {
  of: string;
  axis: number;
  /** True: a row no longer has the axis. */
  flat: boolean;
  names: string[];
}

interface Loop {
  rows: Rows;
  /** The nodes of the second copy. */
  nodes: OnnxNode[];
  initial: string[];
  /**
   * Values that the second copy reads from the first, and those that the third copy reads from the second.
   */
  states: string[];
  next: string[];
  /** For each copy, its names by the names of the second copy. */
  copies: ReadonlyMap<string, string>[];
}

const text = (node: OnnxNode, inputs: readonly string[]): string =>
  JSON.stringify([node.op, node.domain, inputs, node.outputs.length, [...node.attributes].sort(([a], [b]) => (a < b ? -1 : 1))]);

class Finder {
  private readonly nodes: readonly OnnxNode[];
  private readonly maker = new Map<string, OnnxNode>();
  private readonly known: ReadonlyMap<string, Const>;
  private readonly like = new Map<string, OnnxNode>();
  /** Small constants by name, as text of their values: exporters repeat the same constant in every copy. */
  private readonly numbers = new Map<string, string>();

  constructor(nodes: readonly OnnxNode[], known: ReadonlyMap<string, Const>) {
    this.nodes = nodes;
    this.known = known;
    for (const [name, { dims, type, data }] of known)
      if (data.length > 0 && data.length <= maxComparedElements) this.numbers.set(name, JSON.stringify([dims, type, [...data]]));
    for (const node of nodes) {
      for (const name of node.outputs) this.maker.set(name, node);
      if (node.inputs.length > 0) this.like.set(text(node, node.inputs.map(this.plain)), node);
    }
  }

  private plain = (name: string): string => this.numbers.get(name) ?? name;

  /** Returns the values that the file splits into rows. */
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
    return [...found, ...picked.values()].filter(({ names }) => names.length >= minCopies);
  }

  /** Returns, for each value, the last row that it depends on, counted from 1. */
  private levels({ names }: Rows): Map<string, number> {
    const levels = new Map(names.map((name, i) => [name, i + 1]));
    for (const node of this.nodes) {
      const level = readsOf(node).reduce((last, name) => Math.max(last, levels.get(name) ?? 0), 0);
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
    if (states.length === 0 || states.length !== next.length || states.length > maxStates) return undefined;
    const isWithin = (name: string) =>
      [1, 2].includes(levels.get(name) ?? 0) && !states.includes(name) && !rows.names.includes(name);
    const nodes = this.before(next, isWithin);
    for (const order of orders(next)) {
      const loop = this.copied(rows, nodes, states, order);
      if (loop) return loop;
    }
    return undefined;
  }

  /**
   * Follows values back through moves, products and sums with constants: these belong to the reading copy.
   */
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

  /** Returns the nodes that compute these values. */
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

  /** Finds the first copy, from the values that the second copy reads back to the initial states. */
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

/** Returns the Scan of a loop, and the rows of its outputs. @param isRead true if other nodes read a name. */
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
  const gathers = wanted.flatMap((own, k) =>
    copies.flatMap((names, t): OnnxNode[] => {
      const [copy, index] = [names.get(own) as string, `${own}/at/${t}`];
      return isRead(copy) ? [number(index, t, []), madeNode(`${name}/${t}`, 'Gather', [all[k] as string, index], [copy])] : [];
    }),
  );
  return [scan, ...gathers];
}

/** Returns the constants by name. Computed constants and external data have no elements here. */
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

/** Largest number of candidate values, and of loops in a file. Choices: the known files have 4 loops. */
const [maxCandidates, maxLoops] = [256, 32];

/** Replaces one loop; undefined if there is none. */
function rolledOnce(graph: OnnxGraph, nodes: OnnxNode[]): OnnxNode[] | undefined {
  const finder = new Finder(nodes, numbersOf(nodes, graph));
  const candidates = finder.rows().sort((a, b) => b.names.length - a.names.length);
  for (const rows of candidates.slice(0, maxCandidates)) {
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
    for (let i = 0; i < maxLoops; i++) {
      const next = rolledOnce(graph, sorted);
      if (!next) break;
      sorted = next;
    }
  } catch (error) {
    // the lowering reports the error
    if (!(error instanceof Unsupported)) throw error;
  }
  return sorted;
}
