/**
 * GraphView: cached queries on a graph.
 *
 * In: a Graph, which must not change afterwards.  Out: producers and readers of tensors, shapes, the clock,
 * and streaming rule and cost of each node.  `viewOf` keeps a view as long as its graph exists.
 */
import { opOfNode } from '../ops/index.ts';
import { type StreamRule, streamOf } from '../ops/op.ts';
import { type Clock, clockOf } from './clock.ts';
import { elementBytes, frameOf, type Graph, isInt16, type Node, type QuantParams, type Shape } from './types.ts';

const nothing: Shape = { t: 0, f: 0, c: 0 };

export class GraphView {
  readonly graph: Graph;
  readonly clock: Clock;
  private readonly made = new Map<number, Node>();
  private readonly read = new Map<number, Node[]>();
  private readonly shown: Set<number>;
  private readonly rules = new Map<Node, StreamRule>();

  constructor(graph: Graph) {
    this.graph = graph;
    this.clock = clockOf(graph);
    this.shown = new Set(graph.outputs.map((port) => port.tensor));
    for (const node of graph.nodes) {
      this.made.set(node.output, node);
      for (const id of new Set(node.inputs)) this.read.set(id, [...(this.read.get(id) ?? []), node]);
    }
  }

  /** Returns the node that makes a tensor; undefined for graph inputs. */
  producer = (id: number): Node | undefined => this.made.get(id);
  /** Returns the nodes that read a tensor, each once, in the graph's order. */
  readers = (id: number): readonly Node[] => this.read.get(id) ?? [];
  isOutput = (id: number): boolean => this.shown.has(id);
  /** Returns the only reader of a tensor; undefined if there are more or the tensor is a graph output. */
  soleReader = (id: number): Node | undefined =>
    this.readers(id).length === 1 && !this.isOutput(id) ? this.readers(id)[0] : undefined;

  /** Returns a tensor's shape, or [0][0][0] if the tensor does not exist. */
  shape = (id: number): Shape => this.graph.tensors[id]?.shape ?? nothing;
  quant = (id: number): QuantParams | undefined => this.graph.tensors[id]?.quant;
  /** Returns the number of rows in one window. */
  rows = (id: number): number => this.shape(id).t;
  /** Returns the number of elements in one row; `frameBytes` its size as int8 or int16. */
  frame = (id: number): number => frameOf(this.shape(id));
  frameBytes = (id: number): number => this.frame(id) * elementBytes(this.quant(id));
  inputShapes = (node: Node): Shape[] => node.inputs.map(this.shape);
  /** Whether a node reads or writes int16. */
  touchesInt16 = (node: Node): boolean => [...node.inputs, node.output].some((id) => isInt16(this.quant(id)));

  /** Returns the streaming rule. With one output row the stride has no effect and is 1 (not if stateful). */
  rule(node: Node): StreamRule {
    const known = this.rules.get(node) ?? this.findRule(node);
    this.rules.set(node, known);
    return known;
  }

  private findRule(node: Node): StreamRule {
    const rule = streamOf(opOfNode(node), node.attrs, this.inputShapes(node));
    // partial maxima are int8
    if (rule.kind === 'fold' && rule.fold === 'max' && this.touchesInt16(node)) return { kind: 'whole' };
    if (rule.kind === 'window' && this.rows(node.output) === 1 && !this.graph.stateful) return { ...rule, stride: 1 };
    return rule;
  }

  /** Returns the multiply-accumulates of one row; `macsPerWindow` those of a whole window. */
  macsPerRow = (node: Node): number =>
    opOfNode(node).macsPerFrame?.(node.attrs, this.inputShapes(node), this.shape(node.output)) ?? 0;
  macsPerWindow = (node: Node): number => this.macsPerRow(node) * this.rows(node.output);

  /** Returns these tensors and all that depend on them. */
  behind(tensors: Iterable<number>): Set<number> {
    const found = new Set(tensors);
    for (const node of this.graph.nodes) if (node.inputs.some((id) => found.has(id))) found.add(node.output);
    return found;
  }
}

const views = new WeakMap<Graph, GraphView>();

export function viewOf(graph: Graph): GraphView {
  const view = views.get(graph) ?? new GraphView(graph);
  views.set(graph, view);
  return view;
}
