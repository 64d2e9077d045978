/**
 * readOnnx: an ONNX file as a Graph.
 *
 * In: the file's bytes (ModelProto), as torch.onnx.export, tf2onnx and onnxruntime.quantization write them.  Out: a folded
 * float Graph, or an int8 Graph where the file is quantised in the QDQ form. The file is not trusted: whatever its bytes, the
 * answer is a Graph or a RunletError (RN150 to RN159). Source: ONNX intermediate representation and operators, opsets 9 to 28.
 */
import { RunletError } from '../../error.ts';
import { GraphBuilder } from '../../graph/builder.ts';
import { foldGraph } from '../../graph/fold.ts';
import { elementsOf, type Graph, type Port, type QuantParams } from '../../graph/types.ts';
import { fileShapeOf, orderOf, shapeOfLayout, showLayout } from '../layout.ts';
import type { ReadOptions } from '../options.ts';
import { feedback, feedsBack, streamingReason } from '../refused.ts';
import { Attributes } from './attributes.ts';
import { type InputShape, layoutOfInput } from './axes.ts';
import { Budget, foldConstant } from './constants.ts';
import { Lowering, maxElements } from './context.ts';
import { applyRules, hintedLayout, takeHints, withoutRounding } from './hints.ts';
import { lowerings } from './lower/index.ts';
import { type OnnxModel, type OnnxNode, type OnnxValue, readModel } from './proto.ts';
import { foldQuantised } from './quantised-constants.ts';
import { badGraph, MixedFloat, refuse, tooLarge, Unsupported } from './refuse.ts';
import { sortNodes } from './sort.ts';
import { elementTypes } from './tensor.ts';
import { traceInputs } from './trace.ts';
import { dimsOf, type Value } from './values.ts';

const oldestOpset = 9;
const newestOpset = 28;
const maxNodes = 10_000;
const maxInputs = 64;

const shapeArithmetic = new Set(['Shape', 'Size', 'Gather', 'Expand', 'ConstantOfShape', 'ReduceProd']);

interface Problem {
  text: string;
  mixed: boolean;
}

/**
 * Reads an ONNX file. Input and output ports keep the file's shapes; `options.window` gives a symbolic time dimension its
 * frames. Throws RunletError: RN150 unsupported operators (all of them), RN151 to RN154 a damaged file, RN155 versions,
 * RN156 and RN157 shapes and axes, RN158 float operators in a quantised graph, RN159 sizes.
 */
export function readOnnx(bytes: Uint8Array, options: ReadOptions = {}): Graph {
  const model = readModel(bytes);
  try {
    return lowerModel(model, options, false);
  } catch (error) {
    // with the other spatial dimension as time the operators may fit; if not, the first answer is the better one
    if (!(error instanceof RunletError) || error.code !== 'RN150' || options.timeAxis !== undefined) throw error;
    try {
      return lowerModel(model, options, true);
    } catch {
      throw error;
    }
  }
}

function lowerModel(model: OnnxModel, options: ReadOptions, other: boolean): Graph {
  const opset = checkVersions(model);
  const metadata = { ...model.metadata };
  const hints = takeHints(metadata);
  const nodes = sortNodes({ ...model, nodes: withoutRounding(hints, model.nodes) });
  if (nodes.length > maxNodes) throw tooLarge(`${nodes.length} nodes`, 'graph');
  const constants = new Map(model.initializers.map((i) => [i.name, i.value]));
  const inputs = model.inputs.filter((i) => !constants.has(i.name));
  if (inputs.length > maxInputs) throw tooLarge(`${inputs.length} inputs`, 'graph');
  const shapes = new Map(inputs.map((value) => [value.name, shapeOfInput(value, options)]));
  const budget = new Budget(model.initializers.reduce((sum, i) => sum + i.value.data.length, 0));
  const trace = traceInputs(nodes, constants, new Map([...shapes].map(([name, s]) => [name, s.dims])), budget);
  const integers = inputs.some((i) => ['int8', 'uint8'].includes(elementTypes[i.elementType] ?? ''));

  const name =
    options.name ?? (/^(main_graph|torch_jit|torch-jit-export|tf2onnx|)$/.test(model.graphName) ? 'model' : model.graphName);
  const builder = new GraphBuilder(name, 'onnx', options.digest ?? '');
  Object.assign(builder.metadata, metadata);
  const asked = options.timeAxis !== undefined || options.frame !== undefined;
  const values = new Map<string, Value>(constants);
  for (const value of inputs) {
    const given = shapes.get(value.name) as InputShape;
    const hinted = asked ? undefined : hintedLayout(hints, value.name, given.dims);
    const { layout, note } = hinted
      ? { layout: hinted, note: `input ${value.name}: axes ${showLayout(hinted)}, as the file says` }
      : layoutOfInput(given, trace.anchors.get(value.name), options, other);
    const shape = shapeOfLayout(layout);
    if (elementsOf(shape) > maxElements) throw tooLarge(`an input of ${elementsOf(shape)} elements`, `graph input ${value.name}`);
    const hostType = inputType(value);
    const port: Partial<Port> = { hostType, fileShape: fileShapeOf(layout), order: orderOf(layout) };
    const tensor = builder.input(value.name, shape, port);
    values.set(value.name, { kind: 'activation', tensor, layout, ...(hostType === 'float32' ? {} : { integer: hostType }) });
    builder.notes.push(note);
  }

  const readers = new Map<string, number>();
  for (const used of [...nodes.flatMap((n) => n.inputs), ...model.outputs.map((o) => o.name)])
    readers.set(used, (readers.get(used) ?? 0) + 1);
  const ctx = new Lowering(builder, opset, trace.quantised || integers, readers, budget);
  const problems: Problem[] = [];
  for (const node of nodes) lowerNode(ctx, node, values, problems);
  if (problems.length === 0) addOutputs(ctx, model, values, problems);
  if (problems.length > 0) throw unsupported(problems);
  applyRules(hints, builder.nodes);
  const graph = foldGraph(builder.build());
  if (graph.nodes.length === 0) throw badGraph('the graph computes nothing', 'graph');
  return graph;
}

function checkVersions(model: OnnxModel): number {
  const fail = (what: string, why: string, tryThis: string): never => {
    throw new RunletError('RN155', { what, where: `model by ${model.producer || 'an unnamed producer'}`, why, tryThis });
  };
  const opset = model.opsets.get('') ?? 0;
  if (!(opset >= oldestOpset && opset <= newestOpset)) {
    fail(`opset ${opset}`, `opsets ${oldestOpset} to ${newestOpset} are read`, 'export with opset_version=17');
  }
  if (model.functions > 0)
    fail('the model has functions of its own', 'only ONNX operators are read', 'onnx.inliner.inline_local_functions');
  return opset;
}

function inputType(value: OnnxValue): 'float32' | 'int8' | 'uint8' {
  const type = elementTypes[value.elementType];
  if (type === 'float32' || type === 'int8' || type === 'uint8') return type;
  throw new RunletError('RN156', {
    what: `an input of type ${type ?? value.elementType}`,
    where: `graph input ${value.name}`,
    why: 'float32, int8 and uint8 are read',
    tryThis: 'export the model in float32',
  });
}

/** Fixes the symbolic dimensions: the batch is 1, one other is the window. Throws RN156. */
function shapeOfInput(value: OnnxValue, options: ReadOptions): InputShape {
  const fail = (what: string, why: string, tryThis: string): never => {
    throw new RunletError('RN156', { what, where: `graph input ${value.name}`, why, tryThis });
  };
  if (!value.dims) return fail('an input without a shape', 'the window has to be known', 'export with an example input');
  let dynamic = -1;
  const dims = value.dims.map((d, i) => {
    if (typeof d === 'number' && d > 0) {
      if (!Number.isSafeInteger(d) || d > maxElements) throw tooLarge(`a dimension of ${d}`, `graph input ${value.name}`);
      return d;
    }
    if (typeof d === 'number' && d < -1) fail(`a dimension of ${d}`, 'a shape is positive', 'export the model again');
    if (i === 0) return 1;
    if (dynamic >= 0)
      fail(
        'more than one symbolic dimension besides the batch',
        'only time may be open',
        'export with fixed channels and features',
      );
    dynamic = i;
    const window = options.windows?.[value.name] ?? options.window;
    if (window === undefined) {
      fail(
        `dimension ${i} (${d || 'unnamed'}) is symbolic`,
        'a window needs its number of frames',
        'the option window, for example --window 128, or --window accel=64,ppg=128 for several inputs',
      );
      return 0;
    }
    if (!(Number.isInteger(window) && window >= 1 && window <= maxElements))
      fail(`a window of ${window} frames`, 'it has to be a whole number', 'another window');
    return window;
  });
  return { name: value.name, dims, dynamic };
}

/** Lowers one node into the builder; a reason against it is collected, and its outputs are poisoned. */
function lowerNode(ctx: Lowering, node: OnnxNode, values: Map<string, Value>, problems: Problem[]): void {
  let results: Value[] = [];
  try {
    results = resultsOf(ctx, node, values);
  } catch (error) {
    if (!(error instanceof Unsupported) && !(error instanceof RunletError && error.code !== 'RN159')) throw error;
    const reason = error instanceof RunletError ? [error.parts.what, error.parts.why].filter(Boolean).join(': ') : error.message;
    problems.push({ text: `${node.op} ${node.name}: ${reason}`, mixed: error instanceof MixedFloat });
  }
  for (const [i, name] of node.outputs.entries()) if (name !== '') values.set(name, results[i] ?? { kind: 'poisoned' });
}

/** The rule of streaming that an operator without a lowering breaks, with numbers; nothing where it is merely unknown. */
function whyNot(node: OnnxNode, inputs: readonly (Value | undefined)[]): string | undefined {
  const activations = inputs.filter((v) => v?.kind === 'activation');
  const [first, second] = activations;
  const attributes = new Attributes(node);
  const axis = attributes.has('axis') ? attributes.int('axis', -1) : undefined;
  const axes = attributes.ints('axes');
  const over = axes ?? (axis === undefined ? undefined : node.op === 'LpNormalization' ? [axis] : { from: axis });
  const direction = node.op === 'LSTM' || node.op === 'GRU' || node.op === 'RNN' ? attributes.string('direction', 'forward') : '';
  const seen = { ...(first && { layout: first.layout, dims: dimsOf(first) }), ...(over && { over }), direction };
  const frames = first && second && feedsBack(first.layout, second.layout);
  return streamingReason(node.op, seen) ?? (frames ? feedback(frames) : undefined);
}

/** The node's values; none where one of its inputs is poisoned. Throws Unsupported. */
function resultsOf(ctx: Lowering, node: OnnxNode, values: ReadonlyMap<string, Value>): Value[] {
  const inputs = node.inputs.map((input) => (input === '' ? undefined : values.get(input)));
  if (node.domain !== '') refuse(whyNot(node, inputs) ?? `operators of domain ${node.domain} are not supported`);
  const known = inputs.map((v) => (v?.kind === 'const' ? v : undefined));
  const [first] = inputs;
  const dims = first && first.kind !== 'poisoned' ? dimsOf(first) : undefined;
  const folded = foldConstant(node, { inputs: known, ...(dims ? { dims } : {}) }) ?? foldQuantised(node, known);
  if (folded) return [ctx.budget.take(folded, known, node.name)];
  const lower = lowerings.get(node.op);
  const poisoned = inputs.some((v) => v?.kind === 'poisoned');
  // arithmetic on shapes is folded; behind an unsupported operator the shape is not known
  if (!lower && !(poisoned && shapeArithmetic.has(node.op))) refuse(whyNot(node, inputs) ?? 'the operator is not supported');
  if (!lower || poisoned) return [];
  const attributes = new Attributes(node);
  const results = lower(ctx, {
    name: node.name,
    op: node.op,
    inputs,
    inputNames: node.inputs,
    outputs: node.outputs,
    attributes,
  });
  attributes.finish();
  return results;
}

function addOutputs(ctx: Lowering, model: OnnxModel, values: ReadonlyMap<string, Value>, problems: Problem[]): void {
  const { builder } = ctx;
  for (const output of model.outputs) {
    const value = values.get(output.name);
    if (value?.kind !== 'activation') throw badGraph(`output ${output.name} is no result of the input`, 'graph');
    if (value.pads) problems.push({ text: `output ${output.name}: it is padded by a Pad`, mixed: false });
    const fileShape = fileShapeOf(value.layout);
    const declared = output.dims;
    if (
      declared &&
      (declared.length !== fileShape.length || declared.some((d, i) => typeof d === 'number' && d > 0 && d !== fileShape[i]))
    ) {
      throw badGraph(
        `output ${output.name} is declared [${declared.join(', ')}]`,
        'graph',
        `its operators give [${fileShape.join(', ')}]`,
      );
    }
    builder.output(value.tensor, output.name, { hostType: value.integer ?? 'float32', fileShape, order: orderOf(value.layout) });
  }
  if (!ctx.quantised) return;
  for (const node of builder.nodes) {
    const tensor = builder.tensors[node.output];
    const fixed = fixedScales[node.op === 'activation' ? node.attrs.fn : node.op];
    if (fixed && tensor && !tensor.quant && builder.outputs.some((port) => port.tensor === node.output)) {
      tensor.quant = fixed;
      builder.notes.push(`${node.name}: it is not quantised in the file; as an output it takes scale ${fixed.scale}`);
    }
    if (!ctx.quantOf(node.output))
      problems.push({ text: `${node.op} ${node.name}: its output is not quantised (no QuantizeLinear behind it)`, mixed: true });
  }
  for (const port of builder.inputs) {
    if (!ctx.quantOf(port.tensor)) problems.push({ text: `input ${port.name}: it is not quantised`, mixed: true });
  }
}

/** Scales that the int8 specification fixes, for what quantisers leave in float at the end of a network. */
const fixedScales: Readonly<Record<string, QuantParams>> = {
  softmax: { scale: 1 / 256, zeroPoint: -128 },
  sigmoid: { scale: 1 / 256, zeroPoint: -128 },
  tanh: { scale: 1 / 128, zeroPoint: 0 },
};

function unsupported(problems: Problem[]): RunletError {
  const why = problems.map((p) => p.text).join('; ');
  if (problems.every((p) => p.mixed)) {
    return new RunletError('RN158', {
      what: `${problems.length} operator${problems.length > 1 ? 's compute' : ' computes'} in float in a quantised graph`,
      why,
      tryThis: 'quantize_static over all operators (op_types_to_quantize unset), or give Runlet the float model',
    });
  }
  return new RunletError('RN150', {
    what: `${problems.length} operator${problems.length > 1 ? 's are' : ' is'} not supported`,
    why,
    tryThis: 'change these layers, or export without them and run them on the host',
  });
}
