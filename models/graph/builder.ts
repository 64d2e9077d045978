/**
 * GraphBuilder: builds a Graph, for the readers and for tests.
 *
 * In: tensors and nodes in topological order.  Out: a checked Graph. The output shape of each node comes from
 * its operator's shape rule, so a graph with inconsistent shapes cannot be built.
 */
import { RunletError } from '../error.ts';
import { opOf } from '../ops/index.ts';
import { printable } from '../printable.ts';
import type { Graph, NodeOf, OpAttrs, OpName, Port, QuantParams, Shape, Tensor } from './types.ts';

export class GraphBuilder {
  readonly tensors: Tensor[] = [];
  readonly nodes: Graph['nodes'] = [];
  readonly inputs: Port[] = [];
  readonly outputs: Port[] = [];
  readonly metadata: Record<string, string> = {};
  readonly notes: string[] = [];
  /** See Graph.stateful. */
  stateful = false;
  private readonly head: Pick<Graph, 'name' | 'format' | 'sourceDigest'>;

  constructor(name: string, format: Graph['format'] = 'builder', sourceDigest = '') {
    this.head = { name, format, sourceDigest };
  }

  get format(): Graph['format'] {
    return this.head.format;
  }

  tensor(name: string, shape: Shape, quant?: QuantParams): number {
    const id = this.tensors.length;
    this.tensors.push(quant ? { id, name, shape, quant } : { id, name, shape });
    return id;
  }

  /**
   * Adds a graph input `[t][f][c]` and returns its tensor. The shape in the file defaults to [1, t, f, c].
   */
  input(name: string, shape: Shape, port: Partial<Port> & { quant?: QuantParams } = {}): number {
    const { quant, ...rest } = port;
    const tensor = this.tensor(name, shape, quant);
    const fileShape = [1, shape.t, shape.f, shape.c];
    this.inputs.push({ tensor, name, hostType: 'float32', fileShape, order: ['t', 'f', 'c'], ...rest });
    return tensor;
  }

  /** Adds a node and returns its output tensor. @throws RunletError RN301 if the inputs do not fit */
  node<K extends OpName>(op: K, inputs: number[], attrs: OpAttrs[K], name: string, quant?: QuantParams): number {
    const shapes = inputs.map((id) => this.shape(id));
    const shape = opOf(op).shape(shapes, attrs, name);
    if (!(shape.t >= 1 && shape.f >= 1 && shape.c >= 1)) {
      throw new RunletError('RN301', {
        what: `${op} would have an empty output [${shape.t}][${shape.f}][${shape.c}]`,
        where: name,
        why: 'its kernel is larger than its padded input',
        tryThis: 'a longer window',
      });
    }
    const output = this.tensor(name, shape, quant);
    this.nodes.push({ op, name, inputs, output, attrs } as NodeOf<K> as Graph['nodes'][number]);
    return output;
  }

  output(tensor: number, name: string, port: Partial<Port> = {}): void {
    const { t, f, c } = this.shape(tensor);
    this.outputs.push({ tensor, name, hostType: 'float32', fileShape: [1, t, f, c], order: ['t', 'f', 'c'], ...port });
  }

  shape(id: number): Shape {
    const tensor = this.tensors[id];
    if (!tensor) throw new Error(`no tensor ${id}`);
    return tensor.shape;
  }

  /**
   * Returns the graph. Names, notes and keys become printable (printable.ts), because they appear in reports,
   * pages, manifests and sources. Values of metadata may be JSON and do not change.
   */
  build(): Graph {
    const named = [...this.tensors, ...this.nodes, ...this.inputs, ...this.outputs] as { name: string }[];
    for (const part of named) part.name = printable(part.name);
    this.head.name = printable(this.head.name);
    const metadata = Object.fromEntries(Object.entries(this.metadata).map(([key, value]) => [printable(key), value]));
    for (const [i, note] of this.notes.entries()) this.notes[i] = printable(note);
    return {
      ...this.head,
      tensors: this.tensors,
      nodes: this.nodes,
      inputs: this.inputs,
      outputs: this.outputs,
      ...(this.stateful && { stateful: true }),
      metadata,
      notes: this.notes,
    };
  }
}
