/**
 * foldGraph: simplifies a float graph of any format.
 *
 * In: a graph from a reader.  Out: a graph with the same result and fewer nodes. Scales and offsets per
 * channel (batch normalisation, arithmetic with constants) are folded into a neighbouring convolution or
 * dense layer, clamps into the node before them. Pools over the whole window become global pools, pools over
 * a crop read a part of the rows, x * clamp(x + 3) / 6 becomes hardswish, sqrt(a^2 + b^2) becomes hypot.
 * Nodes that no output needs are removed. Exact up to float32 rounding of the changed weights. In an int8
 * graph only unused nodes and tensors are removed.
 */

import { fitsPower, gemPlaces } from '../ops/gem.ts';
import { isNoClamp, thenClamp } from './clamp.ts';
import { asPoolOfPart, isCrop } from './fold-crop.ts';
import { asGlobalPool } from './fold-pool.ts';
import { meanEndingIn } from './fold-powers.ts';
import { absorbIntoNext, absorbIntoPrevious, asScale, type ScaleNode } from './fold-scale.ts';
import { pickedBy } from './fold-selection.ts';
import { type Graph, isQuantised, type Node, type NodeOf, noClamp, type Tensor } from './types.ts';

/** Folds a float graph. The argument does not change. */
export function foldGraph(graph: Graph): Graph {
  const fold = new Fold({ ...graph, nodes: neededOf(graph) });
  if (!isQuantised(graph) || graph.tensors.length === 0) fold.run();
  return compact({ ...graph, nodes: fold.nodes, outputs: fold.outputs, notes: [...graph.notes, ...fold.notes] });
}

/** Returns the nodes that an output needs. */
function neededOf({ nodes, outputs }: Graph): Node[] {
  const needed = new Set(outputs.map(({ tensor }) => tensor));
  const kept = nodes.toReversed().filter((node) => {
    if (!needed.has(node.output)) return false;
    for (const id of node.inputs) needed.add(id);
    return true;
  });
  return kept.reverse();
}

class Fold {
  nodes: Node[];
  outputs: Graph['outputs'];
  readonly notes: string[] = [];
  private readonly tensors: readonly Tensor[];
  private readonly stateful: boolean;
  private readers = new Map<number, Node[]>();
  private producers = new Map<number, Node>();

  constructor(graph: Graph) {
    this.tensors = graph.tensors;
    this.stateful = graph.stateful === true;
    this.nodes = graph.nodes.map((node) => ({ ...node, inputs: [...node.inputs], attrs: { ...node.attrs } }) as Node);
    this.outputs = graph.outputs.map((port) => ({ ...port }));
  }

  /**
   * Applies the rules in passes until none applies. Every rule removes a node or replaces it by a simpler
   * one.
   */
  run(): void {
    this.index();
    for (let changed = true; changed; ) {
      changed = false;
      for (const node of [...this.nodes]) {
        if (this.producers.get(node.output) !== node) continue;
        const note =
          this.identity(node) ??
          this.hardSwish(node) ??
          this.scale(node) ??
          this.globalPool(node) ??
          this.partOfRows(node) ??
          this.magnitude(node) ??
          this.generalisedMean(node) ??
          this.selection(node);
        if (note === undefined) continue;
        this.notes.push(note);
        this.index();
        changed = true;
      }
    }
  }

  private index(): void {
    this.readers = new Map();
    this.producers = new Map();
    for (const node of this.nodes) {
      this.producers.set(node.output, node);
      for (const id of new Set(node.inputs)) {
        const list = this.readers.get(id);
        if (list) list.push(node);
        else this.readers.set(id, [node]);
      }
    }
  }

  /** Returns the only reader of `tensor`, or undefined if there are more or the tensor is a graph output. */
  private soleReader(tensor: number): Node | undefined {
    const readers = this.readers.get(tensor) ?? [];
    return readers.length === 1 && !this.outputs.some((port) => port.tensor === tensor) ? readers[0] : undefined;
  }

  /** Returns the producer of `node`'s only input, or undefined if other nodes read that input too. */
  private before(node: Node): Node | undefined {
    const [input] = node.inputs;
    return input !== undefined && node.inputs.length === 1 && this.soleReader(input) ? this.producers.get(input) : undefined;
  }

  private remove(node: Node): void {
    this.nodes = this.nodes.filter((n) => n !== node);
  }

  /** Makes all readers of `from` read `to`. */
  private redirect(from: number, to: number): void {
    for (const node of this.nodes) node.inputs = node.inputs.map((id) => (id === from ? to : id));
    for (const port of this.outputs) if (port.tensor === from) port.tensor = to;
  }

  private identity(node: Node): string | undefined {
    if (node.op !== 'activation' || node.attrs.fn !== 'identity') return undefined;
    if (isNoClamp(node.attrs.clamp)) {
      this.remove(node);
      this.redirect(node.output, node.inputs[0] as number);
      return `${node.name} changes nothing and was removed`;
    }
    const producer = this.before(node);
    if (!producer || !('clamp' in producer.attrs)) return undefined;
    producer.attrs.clamp = thenClamp(producer.attrs.clamp, node.attrs.clamp);
    producer.output = node.output;
    this.remove(node);
    return `${node.name} folded into ${producer.name} as a clamp`;
  }

  private scale(node: Node): string | undefined {
    const scale = asScale(node);
    if (!scale) return undefined;
    if (scale.scale.every((s) => Math.abs(s - 1) < 2e-7) && scale.offset.every((o) => o === 0)) {
      const { name, inputs, output } = node;
      const attrs = { fn: 'identity' as const, clamp: scale.node.attrs.clamp };
      this.nodes[this.nodes.indexOf(node)] = { op: 'activation', name, inputs, output, attrs };
      return `${name} multiplies by 1`;
    }
    const previous = this.before(node);
    if (previous && absorbIntoPrevious(previous, scale)) {
      previous.output = node.output;
      this.remove(node);
      return `${node.name} folded into ${previous.name} before it`;
    }
    const next = this.soleReader(node.output);
    const channels = this.tensors[node.output]?.shape.c ?? 0;
    if (next && isNoClamp(scale.node.attrs.clamp) && absorbIntoNext(next, scale, channels)) {
      next.inputs = [...node.inputs];
      this.remove(node);
      return `${node.name} folded into ${next.name} after it`;
    }
    return undefined;
  }

  /** Finds x * clamp(a * x + 3a, 0, 6a) = 6a * hardswish(x). */
  private hardSwish(node: Node): string | undefined {
    if (node.op !== 'mul') return undefined;
    const [left, right] = node.inputs as [number, number];
    const match = this.gateOf(right, left) ?? this.gateOf(left, right);
    if (!match) return undefined;
    const { gate, x, factor } = match;
    const at = this.nodes.indexOf(node);
    const { clamp } = node.attrs;
    const unit = Math.abs(factor - 1) < 1e-6;
    const attrs = { fn: 'hardswish' as const, clamp: unit ? clamp : noClamp };
    if (unit) {
      this.nodes[at] = { op: 'activation', name: node.name, inputs: [x], output: node.output, attrs };
      this.remove(gate.node);
    } else {
      // the gate's tensor is free now: it becomes the hardswish, and the product becomes the scale behind it
      const channels = this.tensors[node.output]?.shape.c ?? 0;
      const data = new Float32Array(channels).fill(factor);
      const scale = { ...gate.node.attrs, weights: { data }, bias: null, clamp };
      this.nodes[at] = { op: 'depthwise', name: node.name, inputs: [gate.node.output], output: node.output, attrs: scale };
      const swish: NodeOf<'activation'> = {
        op: 'activation',
        name: gate.node.name,
        inputs: [x],
        output: gate.node.output,
        attrs,
      };
      this.nodes[this.nodes.indexOf(gate.node)] = swish;
    }
    return `hardswish found in ${gate.node.name} and ${node.name}`;
  }

  /** Finds sqrt(a * a + b * b). */
  private magnitude(node: Node): string | undefined {
    if (node.op !== 'activation' || node.attrs.fn !== 'sqrt') return undefined;
    const sum = this.before(node);
    if (sum?.op !== 'add' || sum.attrs.minus !== undefined || !isNoClamp(sum.attrs.clamp)) return undefined;
    const squares = sum.inputs.map((id) => (this.soleReader(id) === sum ? this.producers.get(id) : undefined));
    const inputs = squares.map((square) => square && squaredBy(square));
    if (inputs.length !== 2 || inputs.some((id) => id === undefined)) return undefined;
    const { name, output, attrs } = node;
    this.nodes[this.nodes.indexOf(node)] = {
      op: 'hypot',
      name,
      inputs: inputs as number[],
      output,
      attrs: { clamp: attrs.clamp },
    };
    for (const gone of [sum, ...squares]) this.remove(gone as Node);
    return `${name} is the magnitude of two`;
  }

  /** Finds the root of a mean of powers, if int64 holds the mean. */
  private generalisedMean(node: Node): string | undefined {
    const mean = meanEndingIn(
      {
        producer: (id) => this.producers.get(id),
        readers: (id) => this.readers.get(id) ?? [],
        isOutput: (id) => this.outputs.some((port) => port.tensor === id),
        channels: (id) => this.tensors[id]?.shape.c ?? 0,
      },
      node,
    );
    const shape = this.tensors[mean?.input ?? -1]?.shape;
    if (!mean || !shape) return undefined;
    const places = gemPlaces(shape, mean.attrs.overF);
    if (!mean.attrs.powers.every((p) => fitsPower(p, places))) return undefined;
    const { name, output } = node;
    this.nodes[this.nodes.indexOf(node)] = {
      op: 'gem',
      name,
      inputs: [mean.input],
      output,
      attrs: { ...mean.attrs, clamp: noClamp },
    };
    for (const gone of mean.nodes) this.remove(gone);
    return `${name} is the root of a mean of powers`;
  }

  /** Finds a layer that only selects values. */
  private selection(node: Node): string | undefined {
    if (this.outputs.some((port) => port.tensor === node.output)) return undefined;
    const readers = this.readers.get(node.output) ?? [];
    const joined = pickedBy(node, readers);
    if (!joined) return undefined;
    for (const [i, attrs] of joined.entries()) Object.assign(readers[i] as Node, { attrs, inputs: [...node.inputs] });
    this.remove(node);
    return `${node.name} only selects values and was folded into ${readers.map(({ name }) => name).join(', ')}`;
  }

  private gateOf(tensor: number, x: number): { gate: ScaleNode; x: number; factor: number } | undefined {
    const producer = this.producers.get(tensor);
    const gate = producer && asScale(producer);
    if (!gate || producer.inputs[0] !== x || tensor === x || !this.soleReader(tensor)) return undefined;
    const [low, high] = gate.node.attrs.clamp;
    const a = gate.scale[0] as number;
    const near = (p: number, q: number) => Math.abs(p - q) <= 1e-6 * Math.abs(q);
    if (!(a > 0) || low !== 0 || !near(high, 6 * a)) return undefined;
    if (!gate.scale.every((s) => s === a) || !gate.offset.every((o) => near(o, 3 * a))) return undefined;
    return { gate, x, factor: 6 * a };
  }

  /** Finds a pool that is a global pool. */
  private globalPool(node: Node): string | undefined {
    if (node.op !== 'avgpool' && node.op !== 'maxpool') return undefined;
    const input = this.tensors[node.inputs[0] as number]?.shape;
    const output = this.tensors[node.output]?.shape;
    const global = input && output && asGlobalPool(node, input, output, 'mean');
    if (!global) return undefined;
    this.nodes[this.nodes.indexOf(node)] = global;
    return `${node.name} covers the whole window and became a global pool`;
  }

  /** Finds a crop of rows that only pools read. In a model with states, rows reach back beyond the window. */
  private partOfRows(node: Node): string | undefined {
    const kept = this.tensors[node.output]?.shape;
    const readers = this.readers.get(node.output) ?? [];
    if (this.stateful || !kept || !isCrop(node) || this.outputs.some((port) => port.tensor === node.output)) return undefined;
    const pools = readers.map((reader) => asPoolOfPart(node, reader, kept));
    if (!pools.every((pool) => pool !== undefined)) return undefined;
    for (const [i, pool] of pools.entries()) this.nodes[this.nodes.indexOf(readers[i] as Node)] = pool;
    this.remove(node);
    return `${node.name} drops rows and was folded into ${pools.map(({ name }) => name).join(', ')}`;
  }
}

/** Returns the tensor that a node squares, or undefined if it does not square one. */
function squaredBy(node: Node): number | undefined {
  if (!('clamp' in node.attrs) || !isNoClamp(node.attrs.clamp)) return undefined;
  const [x, y] = node.inputs as [number, number?];
  const isSquare = (node.op === 'activation' && node.attrs.fn === 'square') || (node.op === 'mul' && x === y);
  return isSquare ? x : undefined;
}

/** Removes unused tensors and renumbers the others. */
function compact(graph: Graph): Graph {
  const used = new Set([...graph.inputs, ...graph.outputs].map((port) => port.tensor));
  for (const node of graph.nodes) for (const id of [...node.inputs, node.output]) used.add(id);
  const renumbered = new Map<number, number>();
  const tensors: Tensor[] = [];
  for (const tensor of graph.tensors) {
    if (!used.has(tensor.id)) continue;
    renumbered.set(tensor.id, tensors.length);
    tensors.push({ ...tensor, id: tensors.length });
  }
  const to = (id: number) => renumbered.get(id) as number;
  return {
    ...graph,
    tensors,
    nodes: graph.nodes.map((node) => ({ ...node, inputs: node.inputs.map(to), output: to(node.output) }) as Node),
    inputs: graph.inputs.map((port) => ({ ...port, tensor: to(port.tensor) })),
    outputs: graph.outputs.map((port) => ({ ...port, tensor: to(port.tensor) })),
  };
}
