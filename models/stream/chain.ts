/**
 * A chain of two models: the outputs of the first model are the rows of the second model's window.
 *
 * In: two graphs with one input and one output each, both float or both int8; and the frames between two
 * rows.
 * Out: one graph with the output of the second model. Its window covers all windows of the first model that
 * the rows need. The first network slides over it: its layers make one row per window, so neighbouring
 * windows share rows. Error: RN210 if the first network cannot slide, or if the models do not fit together.
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
    what: `the model ${graph.name} cannot be part of a chain`,
    where,
    why,
    tryThis: tryThis ?? 'build each model as a separate bundle, and feed the outputs of the first to the second',
  });

/** Returns the operator that makes one row for every position of the window along a longer signal. */
function slid(graph: Graph, node: Node): Slid {
  const view = viewOf(graph);
  const rule = view.rule(node);
  const made = opOfNode(node).slid?.(node.attrs, view.shape(node.inputs[0] as number), isQuantised(graph));
  if (made) return made;
  if (rule.kind !== 'window') throw cannot(graph, node.name, `a ${node.op} reads the whole window and cannot slide along time`);
  if (rule.pad[0] !== 0 || rule.pad[1] !== 0)
    throw cannot(graph, node.name, 'it pads each window by itself, but in a chain rows of the signal would replace the padding');
  return 'strideT' in node.attrs ? ({ op: node.op, attrs: { ...node.attrs, strideT: rule.stride } } as Slid) : node;
}

/** Upper bound of the values of one tensor, because two small files can ask for any size. A choice. */
const maxElements = 2 ** 24;
function checkSize(graph: Graph, where: string, shape: Shape): void {
  if (elementsOf(shape) <= maxElements) return;
  throw cannot(
    graph,
    where,
    `it would have more than ${maxElements} values`,
    'a smaller step, or a shorter window of the second model',
  );
}

/** Copies the nodes of a graph. @param tensors new tensor ids by old ones; holds the inputs at first */
function copyNodes(to: GraphBuilder, graph: Graph, tensors: Map<number, number>, as: (node: Node) => Slid): void {
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((id) => tensors.get(id) as number);
    const { op, attrs } = as(node);
    const made = to.node(op, inputs, attrs as OpAttrs[OpName], node.name, viewOf(graph).quant(node.output));
    tensors.set(node.output, made);
    checkSize(graph, node.name, to.shape(made));
  }
}

/** Returns the only input and output. @throws RN210 if there are more, or if the model has its own state */
function ends(graph: Graph): { input: Graph['inputs'][number]; output: Graph['outputs'][number] } {
  const {
    inputs: [input, second],
    outputs: [output, other],
  } = graph;
  if (!input || !output || second || other)
    throw cannot(
      graph,
      'its ports',
      `it has ${graph.inputs.length} inputs and ${graph.outputs.length} outputs, but must have one of each`,
    );
  if (graph.stateful) throw cannot(graph, 'its state', 'it carries its own state from step to step');
  return { input, output };
}

/** Metadata keys of the input. A chain takes them from its first model, all other keys from the last. */
const ofInput = new Set(
  ['sample_rate_hz', 'columns', 'features', 'front_end', 'input_range', 'left_context', 'time_axis', 'frame'].map(
    (key) => `runlet.${key}`,
  ),
);
const picked = ({ metadata }: Graph, input: boolean) =>
  Object.fromEntries(Object.entries(metadata).filter(([key]) => ofInput.has(key) === input));

/**
 * Adds the first network and the nodes that turn its rows into the second network's input: every `every`-th
 * row, cropped to the window `wanted`, with its frame shape and its scale `into`.
 * @returns the tensor id of the rows
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
  // if the first network leaves frames at the end of its window unread, these give surplus rows
  const surplus = made.shape(rows).t - wanted.t;
  if (surplus > 0) add('history', { before: 0, after: -surplus });
  if (made.shape(rows).f !== wanted.f) add('regroup', { f: wanted.f });
  if (!sameParams(quant, into)) add('activation', { fn: 'identity', clamp: noClamp }, into);
  return rows;
}

/**
 * Joins two models into one.
 * @param step frames of the first model's input between two rows. Default: its total stride
 * @throws RunletError RN210 if a layer cannot slide, or if the models do not fit together
 */
export function chainGraphs(first: Graph, next: Graph, step?: number): Graph {
  const [a, b] = [ends(first), ends(next)];
  const [from, into] = [viewOf(first), viewOf(next)];
  const [given, row] = [from.rows(a.output.tensor), from.frame(a.output.tensor)];
  const wanted = into.shape(b.input.tensor);
  const stride = totalStride(first);
  const rowStep = step ?? stride;
  if (isQuantised(first) !== isQuantised(next)) {
    const why = `one of ${first.name} and ${next.name} is float, the other int8`;
    throw cannot(next, 'its number type', why, 'two float models, or two int8 ones');
  }
  if (given !== 1) throw cannot(first, `output ${a.output.name}`, `it gives ${given} rows for a window, but must give one`);
  if (row !== frameOf(wanted))
    throw cannot(next, `input ${b.input.name}`, `its rows have ${frameOf(wanted)} values, and ${first.name} gives ${row}`);
  if (rowStep % stride !== 0)
    throw cannot(
      first,
      `a step of ${rowStep} frames`,
      `its strides give a row every ${stride} frames`,
      `a multiple of ${stride}`,
    );

  const made = new GraphBuilder(next.name, next.format);
  const shape = from.shape(a.input.tensor);
  const window = shape.t + (wanted.t - 1) * rowStep;
  checkSize(first, `input ${a.input.name}`, { ...shape, t: window });
  const { tensor: _in, ...port } = a.input;
  const fileShape = [1, window, shape.f, shape.c];
  const quant = from.quant(a.input.tensor);
  made.input(port.name, { ...shape, t: window }, { ...port, fileShape, order: ['t', 'f', 'c'], quant });
  const rows = addRows(made, first, rowStep / stride, wanted, into.quant(b.input.tensor));
  const tensors = new Map([[b.input.tensor, rows]]);
  copyNodes(made, next, tensors, (node) => node);
  const { tensor: _out, ...out } = b.output;
  made.output(tensors.get(b.output.tensor) as number, out.name, out);
  // the default hop gives one output per row of the second model
  Object.assign(made.metadata, picked(next, false), picked(first, true), { 'runlet.hop': String(rowStep) });
  append(made.notes, [first.notes, next.notes].flat());
  return made.build();
}
