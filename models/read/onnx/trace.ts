/**
 * traceInputs: finds the operators that fix the axes of each graph input.
 *
 * In: sorted nodes and the graph inputs' file shapes.  Out: for each input its anchors (the first operators
 * whose dimensions have a fixed meaning), with the reshapes and transpositions before them, and whether the
 * graph quantises activations (QDQ).
 */
import { unaryOperators } from '../../ops/unary.ts';
import type { ShapeStep } from '../layout.ts';
import { Attributes } from './attributes.ts';
import { branchOf, isIf } from './branches.ts';
import { type Budget, constantOf } from './constants.ts';
import { axesOf, flattenedDims, reshapedDims, sliceRanges, squeezedDims, unsqueezedDims } from './dims.ts';
import { foldNode } from './fold.ts';
import type { OnnxNode } from './proto.ts';
import { Unsupported } from './refuse.ts';
import { sortNodes } from './sort.ts';
import { type Const, countOf } from './tensor.ts';

/** The path from a graph input to a value. */
export interface Trail {
  input: string;
  /** File dims of the value, without padding and without the other parts of a Concat. */
  dims: number[];
  chain: ShapeStep[];
}

export interface Anchor extends Trail {
  node: OnnxNode;
  attributes: Attributes;
  constants: (Const | undefined)[];
}

export interface Trace {
  /** The anchors of each input, nearest first. */
  anchors: Map<string, Anchor[]>;
  /** True: a QuantizeLinear reads a value that is not constant. */
  quantised: boolean;
}

const passThrough = new Set([
  ...unaryOperators('onnx'),
  ...'Identity Dropout Cast Clip Max Min Pow PRelu HardSigmoid QuantizeLinear DequantizeLinear Pad Add Sub Mul Div Concat Neg'.split(
    ' ',
  ),
]);
const anchoring = new Set(
  [
    'Conv ConvTranspose MaxPool AveragePool GlobalAveragePool GlobalMaxPool BatchNormalization MatMul Gemm Einsum ReduceMean ReduceMax ReduceSum Softmax',
    'LSTM GRU RNN Scan STFT Cell LayerNormalization RMSNormalization SimplifiedLayerNormalization',
  ].flatMap((names) => names.split(' ')),
);

/** Largest number of anchors of an input. A choice: no network has more different first layers. */
const maxAnchors = 8;

/**
 * Follows graph inputs (name -> file shape) to their anchors. A node that cannot be followed ends a trail.
 */
export function traceInputs(
  nodes: readonly OnnxNode[],
  constants: ReadonlyMap<string, Const>,
  inputs: ReadonlyMap<string, number[]>,
  budget: Budget,
): Trace {
  const tracer = new Tracer(constants, inputs, budget);
  tracer.walk(nodes);
  return tracer;
}

class Tracer implements Trace {
  readonly anchors = new Map<string, Anchor[]>();
  quantised = false;
  private readonly known: Map<string, Const>;
  private readonly trails = new Map<string, Trail[]>();
  private readonly budget: Budget;
  private inLoop = false;

  constructor(constants: ReadonlyMap<string, Const>, inputs: ReadonlyMap<string, number[]>, budget: Budget) {
    this.known = new Map(constants);
    for (const [input, dims] of inputs) this.trails.set(input, [{ input, dims, chain: [] }]);
    this.budget = budget;
  }

  walk(nodes: readonly OnnxNode[]): void {
    for (const node of nodes) {
      try {
        this.take(node);
      } catch (error) {
        if (!(error instanceof Unsupported)) throw error;
      }
    }
  }

  private take(node: OnnxNode): void {
    const { known, trails, budget } = this;
    const values = node.inputs.map((name) => known.get(name));
    const [first = ''] = node.inputs;
    const [output] = node.outputs;
    if (output === undefined) return;
    if (node.op === 'Loop') this.firstIteration(node);
    const [condition] = values;
    if (isIf(node) && condition) {
      const { graph, nodes } = branchOf(node, condition);
      for (const { name, value } of graph.initializers) known.set(name, value);
      this.walk(nodes);
      return;
    }
    const dims = known.get(first)?.dims ?? trails.get(first)?.[0]?.dims;
    const folded = foldNode(node, { inputs: values, ...(dims ? { dims } : {}) }, budget.work);
    if (folded) {
      for (const [i, value] of folded.entries()) known.set(node.outputs[i] as string, budget.take(value, values, node.name));
      return;
    }
    if (node.op === 'QuantizeLinear') this.quantised = true;
    const here = node.inputs.flatMap((name) => trails.get(name) ?? []);
    if (here.length === 0) return;
    if (passThrough.has(node.op)) {
      trails.set(output, distinct(here));
      return;
    }
    const next = here.map((trail) => step(node, trail, values));
    if (next.every((t) => t !== undefined)) trails.set(output, next);
    else if (anchoring.has(node.op) || (node.op === 'Gather' && (this.inLoop || isFraming(values[1])))) {
      for (const trail of here) {
        const found = this.anchors.get(trail.input) ?? [];
        if (found.length >= maxAnchors) continue;
        this.anchors.set(trail.input, [...found, { ...trail, node, attributes: new Attributes(node), constants: values }]);
      }
    }
  }

  /** Follows the inputs through the first iteration of a loop. */
  private firstIteration(node: OnnxNode): void {
    const body = new Attributes(node).graph('body');
    if (!body) return;
    for (const { name, value } of body.initializers) this.known.set(name, value);
    for (const [i, { name }] of body.inputs.entries()) {
      const from = node.inputs[i] ?? '';
      const value = i === 0 ? constantOf([0], [], 'int64') : this.known.get(from);
      const trails = this.trails.get(from);
      if (value) this.known.set(name, value);
      if (trails) this.trails.set(name, trails);
    }
    this.inLoop = true;
    this.walk(sortNodes(body, () => true));
    this.inLoop = false;
  }
}

/** Checks whether indexes [frames][samples] gather frames of a signal. */
const isFraming = (indexes: Const | undefined): boolean => indexes?.dims.length === 2;

const distinct = (trails: Trail[]): Trail[] => trails.filter((t, i) => trails.findIndex((u) => u.input === t.input) === i);

/** Largest number of moves on a trail. A choice: no exporter writes so many before the first layer. */
const maxChain = 64;

/** Returns the target shape of a reshape of one padded row, with the length of the row before padding. */
function withoutPadding(dims: readonly number[], target: readonly number[]): number[] {
  const [row, more] = dims.filter((n) => n !== 1);
  const [wanted, others] = target.filter((n) => n !== 1);
  const isRow = row !== undefined && wanted !== undefined && wanted > row && more === undefined && others === undefined;
  return target.map((n) => (isRow && n === wanted ? row : n));
}

function step(node: OnnxNode, trail: Trail, values: (Const | undefined)[]): Trail | undefined {
  if (trail.chain.length >= maxChain) return undefined;
  const attributes = new Attributes(node);
  const reshape = (dims: number[]): Trail => ({ ...trail, dims, chain: [...trail.chain, { kind: 'reshape', from: trail.dims }] });
  switch (node.op) {
    case 'Reshape': {
      const target = values[1];
      const to = target && withoutPadding(trail.dims, [...target.data]);
      return to && reshape(reshapedDims(trail.dims, to, attributes.int('allowzero', 0) === 1));
    }
    case 'Flatten':
      return reshape(flattenedDims(trail.dims, attributes.int('axis', 1)));
    case 'Squeeze':
      return reshape(squeezedDims(trail.dims, axesOf(attributes, values[1])));
    case 'Unsqueeze': {
      const axes = axesOf(attributes, values[1]);
      return axes && reshape(unsqueezedDims(trail.dims, axes));
    }
    case 'Gather': {
      const at = attributes.int('axis', 0);
      const index = values[1];
      // a Gather of the only element of a dimension is a reshape
      if (trail.dims[at] !== 1 || index?.data.length !== 1 || index.dims.length > 1) return undefined;
      return index.dims.length === 0 ? reshape(trail.dims.toSpliced(at, 1)) : trail;
    }
    case 'Slice': {
      const ranges = sliceRanges(trail.dims, attributes, values);
      return ranges.every(({ step, count }, at) => step === 1 && count === trail.dims[at]) ? trail : undefined;
    }
    case 'Transpose': {
      const perm = attributes.ints('perm') ?? trail.dims.map((_, i) => trail.dims.length - 1 - i);
      const dims = perm.map((p) => trail.dims[p] ?? 0);
      if (countOf(dims) !== countOf(trail.dims)) return undefined;
      return { ...trail, dims, chain: [...trail.chain, { kind: 'transpose', perm }] };
    }
  }
  return undefined;
}
