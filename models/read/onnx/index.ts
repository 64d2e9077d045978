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
import { elementsOf, type Graph, type Port } from '../../graph/types.ts';
import { opOfNode } from '../../ops/index.ts';
import { refusal, trees } from '../foreign/found.ts';
import { fromScikit, torchBatchOfOne } from '../foreign/lines.ts';
import { fileShapeOf, orderOf, shapeOfLayout, showLayout } from '../layout.ts';
import type { Norm } from '../norm/find.ts';
import { type ReaderOptions, withMetadata } from '../options.ts';
import { listed, together } from '../problems.ts';
import { feedback, feedsBack, streamingReason } from '../refused.ts';
import { Attributes } from './attributes.ts';
import { layoutOfInput } from './axes.ts';
import { Budget, foldConstant } from './constants.ts';
import { Lowering, maxElements } from './context.ts';
import { placeExternal } from './external.ts';
import { applyRules, type Hints, hintedLayout, takeHints, withoutRounding } from './hints.ts';
import { lowerings } from './lower/index.ts';
import { lowerNorm } from './lower/norm.ts';
import { normsOf } from './norms.ts';
import { type OnnxModel, type OnnxNode, type OnnxValue, readModel } from './proto.ts';
import { foldQuantised } from './quantised-constants.ts';
import { badGraph, MixedFloat, refuse, tooLarge, Unsupported } from './refuse.ts';
import { shapesOf } from './shapes.ts';
import { sortNodes } from './sort.ts';
import { elementTypes } from './tensor.ts';
import { traceInputs } from './trace.ts';
import { dimsOf, type Value } from './values.ts';

const oldestOpset = 9;
const newestOpset = 28;
const maxNodes = 10_000;
const maxInputs = 64;

const shapeArithmetic = new Set(['Shape', 'Size', 'Gather', 'Expand', 'ConstantOfShape', 'ReduceProd']);

/** An operator, or what stands in its place, and why it is refused. */
interface Problem {
  op: string;
  name: string;
  reason: string;
  mixed: boolean;
}

/** What differs between the formats whose networks are lowered here. */
export interface Dialect {
  format: Graph['format'];
  /** The order of the dimensions that is usual where nothing says it: [n, t, c], not [n, c, t]. */
  channelsLast: boolean;
  /** How a model gets the batch 1. @param dims of its input */
  batchOfOne: (dims: readonly number[]) => string;
  /** An error with the codes and advice of the format. */
  said: (error: RunletError) => RunletError;
}

const onnx: Dialect = {
  format: 'onnx',
  channelsLast: false,
  batchOfOne: (dims) => `export with batch 1: ${torchBatchOfOne(dims)}`,
  said: (error) => error,
};

/**
 * Reads an ONNX file. Input and output ports keep the file's shapes; `options.window` gives a symbolic time dimension its
 * frames. Throws RunletError: RN150 unsupported operators (all of them), RN151, RN152, RN154 a damaged file,
 * RN153 weights in another file that cannot be used, RN155 versions, RN156 and RN157 shapes and axes, RN158 float operators in a
 * quantised graph, RN159 sizes, RN166 trees; RN169 where several of these stand in the way.
 */
export const readOnnx = (bytes: Uint8Array, given: ReaderOptions = {}): Graph => lowerModel(readModel(bytes), given, onnx);

/** A network in ONNX's operators as a Graph; other formats come here once their operators are rewritten. Throws as readOnnx. */
export function lowerModel(model: OnnxModel, given: ReaderOptions, dialect: Dialect): Graph {
  const errors: RunletError[] = [];
  refuseTrees(model);
  const metadata = { ...model.metadata };
  const options = withMetadata(given, metadata);
  const missing = placeExternal(model, options.external, options.path);
  if (missing) errors.push(missing);
  const hints = takeHints(metadata);
  const opset = checkVersions(model, errors);
  const sorted = sortNodes({ ...model, nodes: withoutRounding(hints, model.nodes) });
  if (sorted.length > maxNodes) throw tooLarge(`${sorted.length} nodes`, 'graph');
  const { nodes, norms } = normsOf(sorted, model);
  const values = new Map<string, Value>(model.initializers.map((i) => [i.name, i.value]));
  for (const { name } of model.external) values.set(name, { kind: 'poisoned' });
  const budget = new Budget(model.initializers.reduce((sum, i) => sum + i.value.data.length, 0));
  const name =
    options.name ?? (/^(main_graph|torch_jit|torch-jit-export|tf2onnx|)$/.test(model.graphName) ? 'model' : model.graphName);
  const builder = new GraphBuilder(name, dialect.format, options.digest ?? '');
  Object.assign(builder.metadata, metadata);
  const quantised = bindInputs(model, sorted, hints, options, builder, values, budget, errors, dialect);
  const readers = new Map<string, number>();
  for (const used of [...nodes.flatMap((n) => n.inputs), ...model.outputs.map((o) => o.name)])
    readers.set(used, (readers.get(used) ?? 0) + 1);
  const ctx = new Lowering(builder, opset, quantised, readers, budget);
  const problems: Problem[] = [];
  for (const node of nodes) lowerNode(ctx, node, values, problems, norms.get(node));
  if (problems.length === 0 && errors.length === 0) addOutputs(ctx, model, values, problems);
  if (problems.length > 0) errors.push(unsupported(problems));
  if (errors.length > 0) throw together(errors.map(dialect.said));
  applyRules(hints, builder.nodes);
  const graph = foldGraph(builder.build());
  if (graph.nodes.length === 0) throw badGraph('the graph computes nothing', 'graph');
  return graph;
}

/**
 * Adds the graph inputs; an input that is not known enough is collected, and what reads it is passed over.
 * @returns whether the graph is quantised
 */
function bindInputs(
  model: OnnxModel,
  nodes: readonly OnnxNode[],
  hints: Hints | undefined,
  options: ReaderOptions,
  builder: GraphBuilder,
  values: Map<string, Value>,
  budget: Budget,
  errors: RunletError[],
  dialect: Dialect,
): boolean {
  const inputs = model.inputs.filter((i) => !values.has(i.name));
  if (inputs.length > maxInputs) throw tooLarge(`${inputs.length} inputs`, 'graph');
  const shapes = shapesOf(inputs, options, errors);
  const constants = new Map(model.initializers.map((i) => [i.name, i.value]));
  const trace = traceInputs(nodes, constants, new Map([...shapes].map(([name, s]) => [name, s.dims])), budget);
  const typeOf = (i: OnnxValue) => (isCastToFloat(i.name, nodes) ? 'float32' : elementTypes[i.elementType]);
  const asked = options.timeAxis !== undefined || options.frame !== undefined;
  for (const value of inputs) {
    const given = shapes.get(value.name);
    values.set(value.name, { kind: 'poisoned' });
    try {
      const hostType = inputType(value, nodes);
      if (!given) continue;
      const hinted = asked ? undefined : hintedLayout(hints, value.name, given.dims);
      const { layout, note } = hinted
        ? { layout: hinted, note: `input ${value.name}: axes ${showLayout(hinted)}, as the file says` }
        : layoutOfInput(given, trace.anchors.get(value.name), options, dialect);
      const shape = shapeOfLayout(layout);
      if (elementsOf(shape) > maxElements)
        throw tooLarge(`an input of ${elementsOf(shape)} elements`, `graph input ${value.name}`);
      const port: Partial<Port> = { hostType, fileShape: fileShapeOf(layout), order: orderOf(layout) };
      const tensor = builder.input(value.name, shape, port);
      values.set(value.name, { kind: 'activation', tensor, layout, ...(hostType === 'float32' ? {} : { integer: hostType }) });
      builder.notes.push(note);
    } catch (error) {
      if (!(error instanceof RunletError) || !/^RN15[67]$/.test(error.code)) throw error;
      errors.push(error);
    }
  }
  return trace.quantised || inputs.some((i) => ['int8', 'uint8'].includes(typeOf(i) ?? ''));
}

/** RN166: models of scikit-learn, XGBoost and LightGBM, as skl2onnx and onnxmltools write them. */
function refuseTrees({ nodes }: OnnxModel): void {
  const found = nodes.find(
    ({ domain, op }) => domain === 'ai.onnx.ml' && /^(TreeEnsemble|SVM|LinearClassifier|LinearRegressor)/.test(op),
  );
  if (!found) return;
  throw refusal(
    found.op.startsWith('Tree')
      ? trees(`a tree model (${found.op})`, fromScikit(undefined))
      : {
          what: `a model of scikit-learn (${found.op})`,
          why: 'it computes one answer from the features of one window, so there is nothing to stream',
          tryThis: `compute the features on the host and compile it to C: ${fromScikit(undefined)}`,
        },
    `operator ${found.name}`,
  );
}

function checkVersions(model: OnnxModel, errors: RunletError[]): number {
  const fail = (what: string, why: string, tryThis: string): void => {
    errors.push(new RunletError('RN155', { what, where: `model by ${model.producer || 'an unnamed producer'}`, why, tryThis }));
  };
  const opset = model.opsets.get('') ?? 0;
  if (!(opset >= oldestOpset && opset <= newestOpset)) {
    fail(`opset ${opset}`, `opsets ${oldestOpset} to ${newestOpset} are read`, 'export with opset_version=17');
  }
  if (model.functions > 0)
    fail('the model has functions of its own', 'only ONNX operators are read', 'onnx.inliner.inline_local_functions');
  return opset;
}

/** Whether nothing but a Cast to float32 reads a value: integer samples that the network takes as real values. */
function isCastToFloat(name: string, nodes: readonly OnnxNode[]): boolean {
  const readers = nodes.filter(({ inputs }) => inputs.includes(name));
  const toFloat = (node: OnnxNode): boolean =>
    node.op === 'Cast' && elementTypes[new Attributes(node).int('to', 0)] === 'float32';
  return readers.length > 0 && readers.every(toFloat);
}

/** What the host gives for an input. */
function inputType(value: OnnxValue, nodes: readonly OnnxNode[]): 'float32' | 'int8' | 'uint8' {
  const type = elementTypes[value.elementType];
  if (type && /^u?int/.test(type) && isCastToFloat(value.name, nodes)) return 'float32';
  if (type === 'float32' || type === 'int8' || type === 'uint8') return type;
  throw new RunletError('RN156', {
    what: `an input of type ${type ?? value.elementType}`,
    where: `graph input ${value.name}`,
    why: 'float32, int8 and uint8 are read, other integers where a Cast to float32 follows at once',
    tryThis: 'export the model in float32',
  });
}

/** Lowers one node into the builder; a reason against it is collected, and its outputs are poisoned. */
function lowerNode(ctx: Lowering, node: OnnxNode, values: Map<string, Value>, problems: Problem[], norm: Norm | undefined): void {
  let results: Value[] = [];
  try {
    results = resultsOf(ctx, node, values, norm);
  } catch (error) {
    if (!(error instanceof Unsupported) && !(error instanceof RunletError && error.code !== 'RN159')) throw error;
    const reason = error instanceof RunletError ? [error.parts.what, error.parts.why].filter(Boolean).join(': ') : error.message;
    problems.push({ op: node.from ?? node.op, name: node.name, reason, mixed: error instanceof MixedFloat });
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
function resultsOf(ctx: Lowering, node: OnnxNode, values: ReadonlyMap<string, Value>, norm: Norm | undefined): Value[] {
  const inputs = node.inputs.map((input) => (input === '' ? undefined : values.get(input)));
  if (node.refused !== undefined) refuse(node.refused);
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
  const { name, op, inputs: inputNames, outputs } = node;
  const view = { name, op, inputs, inputNames, outputs, attributes };
  const results = norm ? lowerNorm(ctx, view, norm) : lower(ctx, view);
  attributes.finish();
  return results;
}

function addOutputs(ctx: Lowering, model: OnnxModel, values: ReadonlyMap<string, Value>, problems: Problem[]): void {
  const { builder } = ctx;
  for (const output of model.outputs) {
    const value = values.get(output.name);
    if (value?.kind !== 'activation') throw badGraph(`output ${output.name} is no result of the input`, 'graph');
    if (value.pads) problems.push({ op: 'output', name: output.name, reason: 'it is padded by a Pad', mixed: false });
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
    const fixed = opOfNode(node).fixed?.(node.attrs);
    // what quantisers leave in float at the end of a network
    if (fixed && tensor && !tensor.quant && builder.outputs.some((port) => port.tensor === node.output)) {
      tensor.quant = fixed;
      builder.notes.push(`${node.name}: it is not quantised in the file; as an output it takes scale ${fixed.scale}`);
    }
    if (!ctx.quantOf(node.output))
      problems.push({ op: node.op, name: node.name, reason: 'its output is not quantised (no QuantizeLinear behind it)', mixed: true }); // biome-ignore format: one line
  }
  for (const port of builder.inputs) {
    if (!ctx.quantOf(port.tensor)) problems.push({ op: 'input', name: port.name, reason: 'it is not quantised', mixed: true });
  }
}

/** Nodes of one operator and reason that a message names. A choice: a line of a terminal. */
const mostNames = 8;

/** One text for each operator and reason. */
function grouped(problems: readonly Problem[]): string[] {
  const groups = new Map<string, { op: string; reason: string; names: string[] }>();
  for (const { op, name, reason } of problems) {
    const group = groups.get(`${op}\0${reason}`) ?? { op, reason, names: [] };
    groups.set(`${op}\0${reason}`, group);
    group.names.push(name);
  }
  return [...groups.values()].map(({ op, reason, names }) => {
    const more = names.length > mostNames ? ` and ${names.length - mostNames} more` : '';
    return `${op} ${names.slice(0, mostNames).join(', ')}${more}: ${reason}`;
  });
}

function unsupported(problems: Problem[]): RunletError {
  const why = listed(grouped(problems));
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
