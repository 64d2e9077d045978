/**
 * Recurrent cells that a file spells out in single operators, whose states come from outside and go there.
 *
 * In: the nodes of a file in topological order, which inputs are states, and which outputs may be their
 * next values.
 * Out: groups of nodes, each a cell: what it reads of a row and of states, and its next states. What a cell
 * computes is found by evaluating it (cell.ts). Rule: a cell's nodes lie between states and next states;
 * two next states that share a node or a state belong to one cell; products of a row alone, which nothing
 * else reads, belong to the cell that reads them.
 */

import { append } from '../lists.ts';

/** A node as far as its place matters; constants are left out. */
export interface PlainNode<K> {
  inputs: readonly K[];
  outputs: readonly K[];
  /**
   * It only moves elements; or it adds a constant to one value, or multiplies it with a matrix; or it is a
   * recurrent layer as a whole.
   */
  kind?: 'move' | 'sum' | 'product' | 'cell';
}

export interface Unrolled<K> {
  /** Places in the list, ascending. */
  nodes: number[];
  /** Values of a row. */
  inputs: K[];
  /** Parts of states. */
  states: K[];
  /** Values that go into states. */
  next: K[];
}

/** Values that are moved elements of states. */
function partsOf<K>(nodes: readonly PlainNode<K>[], states: readonly K[]): Set<K> {
  const parts = new Set(states);
  for (const { kind, inputs, outputs } of nodes)
    if (kind === 'move' && inputs.length > 0 && inputs.every((v) => parts.has(v))) for (const v of outputs) parts.add(v);
  return parts;
}

/** Next states of a file. A choice: two a layer, and nobody has a hundred recurrent layers. */
const mostLeaves = 256;

const meet = <T>(a: ReadonlySet<T>, b: ReadonlySet<T>): boolean => [...a].some((one) => b.has(one));

class Finder<K> {
  private readonly nodes: readonly PlainNode<K>[];
  private readonly parts: Set<K>;
  private readonly maker = new Map<K, number>();
  private readonly readers = new Map<K, number[]>();

  constructor(nodes: readonly PlainNode<K>[], states: readonly K[], outputs: readonly K[]) {
    this.nodes = nodes;
    this.parts = partsOf(nodes, states);
    for (const [i, { inputs, outputs: made }] of nodes.entries()) {
      for (const v of made) this.maker.set(v, i);
      for (const v of new Set(inputs)) this.readers.set(v, [...(this.readers.get(v) ?? []), i]);
    }
    for (const v of outputs) this.readers.set(v, [...(this.readers.get(v) ?? []), -1]);
  }

  private node = (i: number): PlainNode<K> => this.nodes[i] as PlainNode<K>;

  /** What moves bring to an output: results of nodes that compute. */
  private leaves(outputs: readonly K[]): K[] {
    const found = new Set<K>();
    const seen = new Set<K>();
    const open = [...outputs];
    for (let v = open.pop(); v !== undefined; v = open.pop()) {
      if (seen.has(v) || this.parts.has(v)) continue;
      seen.add(v);
      const at = this.maker.get(v);
      if (at === undefined) continue;
      const { kind, inputs } = this.node(at);
      // a state before new rows is the past of a signal, and no cell
      if (kind === 'move' && !inputs.some((x) => this.parts.has(x))) append(open, inputs);
      else if (kind !== 'move' && kind !== 'cell') found.add(v);
    }
    return [...found].sort((a, b) => (this.maker.get(a) ?? 0) - (this.maker.get(b) ?? 0));
  }

  /** Nodes that depend on a state otherwise than through a recurrent layer or as the past of a signal. */
  private behind(): Set<number> {
    const found = new Set<number>();
    const values = new Set<K>();
    for (const [i, { kind, inputs, outputs }] of this.nodes.entries()) {
      const reads = kind !== 'move' && kind !== 'cell' && inputs.some((v) => this.parts.has(v));
      if (!reads && !inputs.some((v) => values.has(v))) continue;
      found.add(i);
      for (const v of outputs) values.add(v);
    }
    return found;
  }

  /** The nodes that a next state needs, back to states and to other next states. */
  private before(leaf: K, leaves: ReadonlySet<K>, allowed: ReadonlySet<number>): { nodes: Set<number>; states: Set<K> } {
    const [nodes, states] = [new Set<number>(), new Set<K>()];
    const open = [leaf];
    for (let v = open.pop(); v !== undefined; v = open.pop()) {
      const at = this.maker.get(v);
      if (this.parts.has(v)) states.add(v);
      if (this.parts.has(v) || at === undefined || !allowed.has(at) || nodes.has(at)) continue;
      if (v !== leaf && leaves.has(v)) continue;
      nodes.add(at);
      append(open, this.node(at).inputs);
    }
    return { nodes, states };
  }

  find(outputs: readonly K[]): Unrolled<K>[] {
    const behind = this.behind();
    if (behind.size === 0) return [];
    const leaves = this.leaves(outputs).filter((v) => behind.has(this.maker.get(v) ?? -1));
    if (leaves.length > mostLeaves) return [];
    const all = new Set(leaves);
    const groups: { nodes: Set<number>; states: Set<K>; next: K[] }[] = [];
    for (const leaf of leaves) {
      const own = this.before(leaf, all, behind);
      if (own.states.size === 0) continue;
      const group = groups.find((g) => meet(g.nodes, own.nodes) || meet(g.states, own.states));
      if (!group) groups.push({ ...own, next: [leaf] });
      else {
        for (const i of own.nodes) group.nodes.add(i);
        for (const v of own.states) group.states.add(v);
        group.next.push(leaf);
      }
    }
    return groups.flatMap((group) => this.whole(group));
  }

  /** With the products of its row; nothing where somebody else reads what is inside. */
  private whole({ nodes, states, next }: { nodes: Set<number>; states: Set<K>; next: K[] }): Unrolled<K>[] {
    const inputs = new Set<K>();
    const open = this.outside(nodes, states);
    for (let v = open.pop(); v !== undefined; v = open.pop()) {
      if (nodes.has(this.maker.get(v) ?? -1)) continue;
      const chain = this.productAbove(v, nodes);
      if (!chain) {
        inputs.add(v);
        continue;
      }
      for (const i of chain) nodes.add(i);
      append(open, this.node(chain.at(-1) as number).inputs);
    }
    const isRead = (v: K) => !next.includes(v) && (this.readers.get(v) ?? []).some((i) => !nodes.has(i));
    if ([...nodes].some((i) => this.node(i).outputs.some(isRead))) return [];
    return [{ nodes: [...nodes].sort((a, b) => a - b), inputs: [...inputs], states: [...states], next }];
  }

  private outside(nodes: ReadonlySet<number>, states: ReadonlySet<K>): K[] {
    const read = new Set([...nodes].flatMap((i) => this.node(i).inputs));
    return [...read].filter((v) => !states.has(v) && !nodes.has(this.maker.get(v) ?? -1));
  }

  /** Moves and sums, then a product, all read by these nodes alone. */
  private productAbove(value: K, nodes: ReadonlySet<number>): number[] | undefined {
    const chain: number[] = [];
    const inside = new Set(nodes);
    for (let v = value; ; ) {
      const at = this.maker.get(v);
      if (at === undefined) return undefined;
      const { kind, inputs, outputs } = this.node(at);
      const isRead = outputs.some((made) => (this.readers.get(made) ?? []).some((i) => !inside.has(i)));
      if (kind === undefined || kind === 'cell' || inputs.length !== 1 || isRead) return undefined;
      chain.push(at);
      inside.add(at);
      if (kind === 'product') return chain;
      v = inputs[0] as K;
    }
  }
}

/** @param outputs of the file; `next`: those of them that may be next values of states */
export const unrolledCells = <K>(
  nodes: readonly PlainNode<K>[],
  states: readonly K[],
  outputs: readonly K[],
  next: readonly K[],
): Unrolled<K>[] => (states.length === 0 ? [] : new Finder(nodes, states, outputs).find(next));
