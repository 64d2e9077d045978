/**
 * Net: builds a streaming int8 model layer by layer.
 *
 * In: calls in the order of the layers.  Out: a FileOf with a main subgraph and, if it has states, a second
 * one that initialises them. A Flow is a tensor [1][rows][f][c] with the new rows of one step; `history` puts
 * earlier rows in front of them.
 */
import {
  elementsOf,
  type FileOf,
  type OperatorOf,
  type OptionsOf,
  type QuantOf,
  type SubgraphOf,
  type TensorOf,
} from '../file.ts';
import type { OperatorName, TypeName } from '../schema.ts';
import type { Rng } from './rng.ts';

export interface Flow {
  id: number;
  rows: number;
  f: number;
  c: number;
  scale: number;
  zeroPoint: number;
}

export const bytesOfInt32 = (values: readonly number[]): Uint8Array => new Uint8Array(new Int32Array(values).buffer);

export class Net {
  readonly rng: Rng;
  readonly main: SubgraphOf = { name: 'main', tensors: [], operators: [], inputs: [], outputs: [] };
  readonly init: SubgraphOf = { name: 'NoOp', tensors: [], operators: [], inputs: [], outputs: [] };
  /** Special features of the model, for counting. */
  readonly tags = new Set<string>();
  states = 0;

  constructor(rng: Rng) {
    this.rng = rng;
  }

  tensor(name: string, type: TypeName, shape: number[], more: { quant?: QuantOf; data?: Uint8Array } = {}): number {
    const tensor: TensorOf = { name, type, shape, ...more };
    return this.main.tensors.push(tensor) - 1;
  }

  /** Adds an activation of [1][rows][f][c]. */
  flow(name: string, like: Omit<Flow, 'id'>, shape = [1, like.rows, like.f, like.c]): Flow {
    const quant = { scales: [Math.fround(like.scale)], zeroPoints: [like.zeroPoint], axis: 0 };
    return { ...like, scale: Math.fround(like.scale), id: this.tensor(name, 'int8', shape, { quant }) };
  }

  constants(name: string, values: number[], shape = [values.length]): number {
    const same = this.main.tensors.findIndex(
      (t) =>
        t.data &&
        t.type === 'int32' &&
        !t.quant &&
        t.shape.join() === shape.join() &&
        t.data.join() === bytesOfInt32(values).join(),
    );
    if (same >= 0 && this.rng.chance(0.7)) return same;
    return this.tensor(name, 'int32', shape, { data: bytesOfInt32(values) });
  }

  op(op: OperatorName, inputs: number[], outputs: number[], options: OptionsOf = {}): OperatorOf {
    const operator = { op, inputs, outputs, options };
    this.main.operators.push(operator);
    return operator;
  }

  /** Takes rows [from, to) of a flow, written in one of the equivalent forms. */
  rowsOf(x: Flow, from: number, to: number, name = 'strided_slice'): Flow {
    const { rng } = this;
    const y = this.flow(name, { ...x, rows: to - from });
    const shape = [1, x.rows, x.f, x.c];
    if (this.tags.has('slice') && rng.chance(0.5)) {
      const begin = this.constants('begin', [0, from, 0, 0]);
      const size = this.constants('size', [1, to - from, rng.pick([-1, x.f]), rng.pick([-1, x.c])]);
      this.op('SLICE', [x.id, begin, size], [y.id]);
      return y;
    }
    const toEnd = to === x.rows;
    const begins = shape.map((_, i) => (i === 1 ? (toEnd && rng.chance(0.7) ? from - x.rows : from) : 0));
    const ends = shape.map((d, i) =>
      i === 1 ? (to === x.rows ? rng.pick([0, to]) : rng.pick([to, to - x.rows])) : rng.pick([0, d]),
    );
    let beginMask = rng.pick([13, 0, rng.int(0, 15) & 13]);
    if (from === 0 && rng.chance(0.3)) beginMask |= 2;
    let endMask = rng.int(0, 15);
    if (toEnd) endMask |= 2;
    else endMask &= 13;
    if (toEnd && ends[1] === to && rng.chance(0.5)) endMask &= 13;
    for (const i of [0, 2, 3]) if (ends[i] === 0) endMask |= 1 << i;
    const indices = [begins, ends, [1, 1, 1, 1]].map((list, i) => this.constants(`index${i}`, list));
    this.op('STRIDED_SLICE', [x.id, ...indices], [y.id], {
      beginMask,
      endMask,
      ellipsisMask: 0,
      newAxisMask: 0,
      shrinkAxisMask: 0,
      offset: 0,
    });
    return y;
  }

  concat(parts: Flow[], axis: number, name = 'concat'): Flow {
    const sum = (key: 'rows' | 'f' | 'c') => parts.reduce((n, p) => n + p[key], 0);
    const first = parts[0] as Flow;
    const key = (['rows', 'f', 'c'] as const)[axis - 1] as 'rows' | 'f' | 'c';
    const y = this.flow(name, { ...first, [key]: sum(key) });
    const ids = parts.map((p) => p.id);
    this.op('CONCATENATION', ids, [y.id], { axis: this.rng.chance(0.3) ? axis - 4 : axis, activation: 0 });
    return y;
  }

  /**
   * Puts the `rows` earlier rows in front of the flow: READ, CONCAT, STRIDED_SLICE, ASSIGN in `v2`; the slice
   * comes before the concatenation in `v1`.
   */
  history(x: Flow, rows: number, order: 'v1' | 'v2'): Flow {
    if (rows === 0) return x;
    const { rng } = this;
    const n = this.states++;
    const name = this.tags.has('odd names')
      ? rng.pick([`${n}`, `é ${n}/α`, `a${' '.repeat(n)}b`, `${n}`.repeat(90)])
      : `stream_${n}/states`;
    const held = order === 'v1' ? rows + x.rows : rows;
    const options = { container: '', sharedName: name };
    const handle = this.tensor(name, 'resource', []);
    this.op('VAR_HANDLE', [], [handle], options);
    let second = handle;
    if (this.tags.has('two handles')) {
      second = this.tensor(name, 'resource', []);
      this.op('VAR_HANDLE', [], [second], options);
    }
    const read = this.flow(`${name}/ReadVariableOp`, { ...x, rows: held });
    this.op('READ_VARIABLE', [handle], [read.id]);
    const before = order === 'v1' ? this.rowsOf(read, x.rows, held) : read;
    const joined = this.concat([before, x], 1);
    const kept = order === 'v1' ? joined : this.rowsOf(joined, x.rows, joined.rows);
    this.op('ASSIGN_VARIABLE', [second, kept.id], []);
    this.#initialise(name, this.main.tensors[read.id] as TensorOf, x.zeroPoint);
    return joined;
  }

  #initialise(sharedName: string, like: TensorOf, zeroPoint: number): void {
    const { tensors, operators } = this.init;
    const random = this.tags.has('initial values');
    const data = Uint8Array.from({ length: elementsOf(like.shape) }, () => (random ? this.rng.int(0, 255) : zeroPoint));
    const handle = tensors.push({ name: sharedName, type: 'resource', shape: [] }) - 1;
    const value = tensors.push({ ...like, name: `${sharedName}/zeros`, data }) - 1;
    operators.push({ op: 'VAR_HANDLE', inputs: [], outputs: [handle], options: { container: '', sharedName } });
    operators.push({ op: 'ASSIGN_VARIABLE', inputs: [handle, value], outputs: [], options: {} });
  }

  /** Returns the file: its operators in a random valid order, its tensors renumbered. */
  file(): FileOf {
    const { main, init, rng } = this;
    if (this.states > 0 && !this.tags.has('no call once')) {
      main.operators.unshift({ op: 'CALL_ONCE', inputs: [], outputs: [], options: { subgraph: 1 } });
    }
    main.operators = this.tags.has('shuffled operators') ? shuffledOperators(main, rng) : main.operators;
    const subgraphs = this.states > 0 ? [main, init] : [main];
    return { description: 'test', subgraphs: subgraphs.map((g) => (this.tags.has('shuffled tensors') ? renumbered(g, rng) : g)) };
  }
}

/**
 * Returns the operators in a random order: every tensor is written before it is read, CALL_ONCE is first, and
 * a variable is read before it is assigned.
 */
export function shuffledOperators({ operators, tensors }: SubgraphOf, rng: Rng): OperatorOf[] {
  const nameOf = (o: OperatorOf) => tensors[o.inputs[0] ?? -1]?.name;
  const writer = new Map(operators.flatMap((o) => o.outputs.map((id) => [id, o] as const)));
  const reads = operators.filter((o) => o.op === 'READ_VARIABLE');
  const left = new Set(operators);
  const order: OperatorOf[] = [];
  const ready = (o: OperatorOf): boolean => {
    if (o.op === 'CALL_ONCE') return true;
    if ([...left].some((other) => other.op === 'CALL_ONCE')) return false;
    if (o.inputs.some((id) => left.has(writer.get(id) as OperatorOf))) return false;
    return o.op !== 'ASSIGN_VARIABLE' || !reads.some((r) => nameOf(r) === nameOf(o) && left.has(r));
  };
  while (left.size > 0) {
    const next = rng.pick([...left].filter(ready));
    left.delete(next);
    order.push(next);
  }
  return order;
}

/** Returns the same subgraph with its tensors in a random order. */
export function renumbered(graph: SubgraphOf, rng: Rng): SubgraphOf {
  const order = rng.shuffled(graph.tensors.map((_, id) => id));
  const to = new Map(order.map((old, id) => [old, id]));
  const moved = (ids: number[]) => ids.map((id) => to.get(id) ?? id);
  return {
    ...graph,
    tensors: order.map((old) => graph.tensors[old] as TensorOf),
    operators: graph.operators.map((o) => ({ ...o, inputs: moved(o.inputs), outputs: moved(o.outputs) })),
    inputs: moved(graph.inputs),
    outputs: moved(graph.outputs),
  };
}
