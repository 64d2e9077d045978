/**
 * Finds recurrent cells that a file spells out in single operators and whose states are inputs and outputs.
 *
 * In: the file's nodes in topological order, which inputs are states, and which outputs may be their next
 * values.
 * Out: groups of nodes, one per cell, with the row values and states that the cell reads and its next states.
 * cell.ts evaluates a group to find what it computes. Rule: a cell's nodes lie between states and next
 * states. Two next states that share a node or a state belong to one cell. A product that depends only on the
 * row and that only the cell reads belongs to the cell.
 */

import { append } from '../lists.ts';

/** The properties of a node that the search needs. Constant inputs are left out. */
export interface PlainNode<K> {
  inputs: readonly K[];
  outputs: readonly K[];
  /**
   * `move` only moves elements; `sum` adds a constant to one value; `product` multiplies one value by a
   * matrix; `cell` is a whole recurrent layer. Left out: any other operator.
   */
  kind?: 'move' | 'sum' | 'product' | 'cell';
}

export interface Unrolled<K> {
  /** Indexes into the list of nodes, ascending. */
  nodes: number[];
  /** Row values that the cell reads. */
  inputs: K[];
  /** States, or parts of states, that the cell reads. */
  states: K[];
  /** Values that become the next states. */
  next: K[];
}

/** Returns the states and all values that consist only of moved elements of states. */
function partsOf<K>(nodes: readonly PlainNode<K>[], states: readonly K[]): Set<K> {
  const parts = new Set(states);
  for (const { kind, inputs, outputs } of nodes)
    if (kind === 'move' && inputs.length > 0 && inputs.every((v) => parts.has(v))) for (const v of outputs) parts.add(v);
  return parts;
}

/** Largest number of next states. A choice: a layer has two, and no model has a hundred such layers. */
const maxLeaves = 256;

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

  /** Returns the results of computing nodes that reach an output through moves only. */
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
      // a state that is joined before new rows is the past of a signal, not a cell
      if (kind === 'move' && !inputs.some((x) => this.parts.has(x))) append(open, inputs);
      else if (kind !== 'move' && kind !== 'cell') found.add(v);
    }
    return [...found].sort((a, b) => (this.maker.get(a) ?? 0) - (this.maker.get(b) ?? 0));
  }

  /** Returns nodes that depend on a state other than through a recurrent layer or as a signal's past. */
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

  /** Returns the nodes that a next state needs, back to states and to other next states. */
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
    if (leaves.length > maxLeaves) return [];
    const all = new Set(leaves);
    const groups: { nodes: Set<number>; states: Set<K>; next: K[] }[] = [];
    for (const leaf of leaves) {
      const needed = this.before(leaf, all, behind);
      if (needed.states.size === 0) continue;
      const group = groups.find((g) => meet(g.nodes, needed.nodes) || meet(g.states, needed.states));
      if (!group) groups.push({ ...needed, next: [leaf] });
      else {
        for (const i of needed.nodes) group.nodes.add(i);
        for (const v of needed.states) group.states.add(v);
        group.next.push(leaf);
      }
    }
    return groups.flatMap((group) => this.whole(group));
  }

  /** Adds the row's products to a group. Returns nothing if another node reads a value inside it. */
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

  /** Follows `value` back to a product. Undefined if other nodes read the moves and sums on the way. */
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

/**
 * @param outputs values that the file outputs. @param next those outputs that may be next values of states
 */
export const unrolledCells = <K>(
  nodes: readonly PlainNode<K>[],
  states: readonly K[],
  outputs: readonly K[],
  next: readonly K[],
): Unrolled<K>[] => (states.length === 0 ? [] : new Finder(nodes, states, outputs).find(next));
