/**
 * A chain: one model's outputs are the rows of the next one's window.
 *
 * In: two graphs of one input each, both float or both int8, and how many frames lie between two rows.
 * Out: one graph that answers as the second does; its window is as long as that many windows of the first
 * need. The first network slides: its layers give a row for every window of theirs, so that what
 * neighbouring windows share is computed once. Error: RN210 where that is another network.
 */
import { RunletError } from '../error.ts';
import { GraphBuilder } from '../graph/builder.ts';
import {
  elementsOf,
  frameOf,
  type Graph,
  isQuantised,
  type Node,
  noClamp,
  type OpAttrs,
  type OpName,
  type QuantParams,
  type Shape,
  sameParams,
} from '../graph/types.ts';
import { viewOf } from '../graph/view.ts';
import { append } from '../lists.ts';
import { opOfNode } from '../ops/index.ts';
import type { Slid } from '../ops/op.ts';
import { windowPool } from '../ops/sliding.ts';
import { totalStride } from './timing.ts';

const cannot = (graph: Graph, where: string, why: string, tryThis?: string): RunletError =>
  new RunletError('RN210', {
    what: `the model ${graph.name} cannot stand in a chain`,
    where,
    why,
    tryThis: tryThis ?? 'run it as a bundle of its own, and feed its outputs to the next one',
  });

/** The node as it gives one row for each window of the network, not one for all. */
function slid(graph: Graph, node: Node): Slid {
  const view = viewOf(graph);
  const rule = view.rule(node);
  const made = opOfNode(node).slid?.(node.attrs, view.shape(node.inputs[0] as number), isQuantised(graph));
  if (made) return made;
  if (rule.kind !== 'window') throw cannot(graph, node.name, `a ${node.op} reads the whole window, and does not slide`);
  if (rule.pad[0] !== 0 || rule.pad[1] !== 0)
    throw cannot(graph, node.name, 'it pads each window by itself, and rows of the signal would stand there instead');
  return 'strideT' in node.attrs ? ({ op: node.op, attrs: { ...node.attrs, strideT: rule.stride } } as Slid) : node;
}

/** Values of one tensor: two files that are small by themselves may ask for any number. */
const mostElements = 2 ** 24;
function checkSize(graph: Graph, where: string, shape: Shape): void {
  if (elementsOf(shape) <= mostElements) return;
  throw cannot(
    graph,
    where,
    `it would have more than ${mostElements} values`,
    'a smaller step, or a shorter window of the next model',
  );
}

/** Copies the nodes of a graph; `tensors` knows its inputs. */
function copyNodes(to: GraphBuilder, graph: Graph, tensors: Map<number, number>, as: (node: Node) => Slid): void {
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((id) => tensors.get(id) as number);
    const { op, attrs } = as(node);
    const made = to.node(op, inputs, attrs as OpAttrs[OpName], node.name, viewOf(graph).quant(node.output));
    tensors.set(node.output, made);
    checkSize(graph, node.name, to.shape(made));
  }
}

/** The only input and output of a graph that carries no state of its own. */
function ends(graph: Graph): { input: Graph['inputs'][number]; output: Graph['outputs'][number] } {
  const {
    inputs: [input, second],
    outputs: [output, other],
  } = graph;
  if (!input || !output || second || other)
    throw cannot(
      graph,
      'its ports',
      `it has ${graph.inputs.length} inputs and ${graph.outputs.length} outputs, and may have one of each`,
    );
  if (graph.stateful) throw cannot(graph, 'its state', 'it takes its state from step to step');
  return { input, output };
}

/** What metadata say of a model's input; of the rest the last model's hold. */
const ofInput = new Set(
  ['sample_rate_hz', 'columns', 'features', 'front_end', 'input_range', 'left_context', 'time_axis', 'frame'].map(
    (key) => `runlet.${key}`,
  ),
);
const picked = ({ metadata }: Graph, input: boolean) =>
  Object.fromEntries(Object.entries(metadata).filter(([key]) => ofInput.has(key) === input));

/**
 * Adds the rows of the first network as the second takes them: every so many, no more than it has, with its
 * axes and scale.
 */
function addRows(made: GraphBuilder, first: Graph, every: number, wanted: Shape, into: QuantParams | undefined): number {
  const a = ends(first);
  const quant = viewOf(first).quant(a.output.tensor);
  const tensors = new Map([[a.input.tensor, 0]]);
  copyNodes(made, first, tensors, (node) => slid(first, node));
  let rows = tensors.get(a.output.tensor) as number;
  const add = <K extends OpName>(op: K, attrs: OpAttrs[K], scale = quant): void => {
    rows = made.node(op, [rows], attrs, `${first.name}/${op}`, scale);
  };
  if (every > 1) add('maxpool', { ...windowPool({ t: 1, f: 1, c: 1 }, false, noClamp), strideT: every });
  // a window may end with frames that no layer reads, of which the longer one makes rows
  const more = made.shape(rows).t - wanted.t;
  if (more > 0) add('history', { before: 0, after: -more });
  if (made.shape(rows).f !== wanted.f) add('regroup', { f: wanted.f });
  if (!sameParams(quant, into)) add('activation', { fn: 'identity', clamp: noClamp }, into);
  return rows;
}

/**
 * @param step frames of the first model's input between two rows; left out: as few as its strides allow
 * @throws RN210 what does not slide, or does not fit
 */
export function chainGraphs(first: Graph, next: Graph, step?: number): Graph {
  const [a, b] = [ends(first), ends(next)];
  const [from, into] = [viewOf(first), viewOf(next)];
  const [given, row] = [from.rows(a.output.tensor), from.frame(a.output.tensor)];
  const wanted = into.shape(b.input.tensor);
  const stride = totalStride(first);
  const apart = step ?? stride;
  if (isQuantised(first) !== isQuantised(next)) {
    const why = `one of ${first.name} and ${next.name} is float, the other int8`;
    throw cannot(next, 'its numbers', why, 'two float models, or two int8 ones');
  }
  if (given !== 1) throw cannot(first, `output ${a.output.name}`, `it gives ${given} rows for a window, and may give one`);
  if (row !== frameOf(wanted))
    throw cannot(next, `input ${b.input.name}`, `its rows have ${frameOf(wanted)} values, and ${first.name} gives ${row}`);
  if (apart % stride !== 0)
    throw cannot(first, `a step of ${apart} frames`, `its strides give a row every ${stride} frames`, `a multiple of ${stride}`);

  const made = new GraphBuilder(next.name, next.format);
  const shape = from.shape(a.input.tensor);
  const window = shape.t + (wanted.t - 1) * apart;
  checkSize(first, `input ${a.input.name}`, { ...shape, t: window });
  const { tensor: _in, ...port } = a.input;
  const fileShape = [1, window, shape.f, shape.c];
  const quant = from.quant(a.input.tensor);
  made.input(port.name, { ...shape, t: window }, { ...port, fileShape, order: ['t', 'f', 'c'], quant });
  const rows = addRows(made, first, apart / stride, wanted, into.quant(b.input.tensor));
  const tensors = new Map([[b.input.tensor, rows]]);
  copyNodes(made, next, tensors, (node) => node);
  const { tensor: _out, ...out } = b.output;
  made.output(tensors.get(b.output.tensor) as number, out.name, out);
  // an answer for every row of the second model
  Object.assign(made.metadata, picked(next, false), picked(first, true), { 'runlet.hop': String(apart) });
  append(made.notes, [first.notes, next.notes].flat());
  return made.build();
}
