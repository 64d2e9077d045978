/**
 * readOnnx: an ONNX file as a Graph.
 *
 * In: the file's bytes (ModelProto), as torch.onnx.export, tf2onnx and onnxruntime.quantization write them.
 * Out: a folded float Graph, or an int8 Graph where the file is quantised in the QDQ form. The file is not
 * trusted: whatever its bytes, the answer is a Graph or a RunletError (RN150 to RN159). Source: ONNX
 * intermediate representation and operators, opsets 9 to 28.
 */
import { RunletError } from '../../error.ts';
import { GraphBuilder } from '../../graph/builder.ts';
import { foldGraph } from '../../graph/fold.ts';
import { stepGraph } from '../../graph/step-graph.ts';
import { elementsOf, type Graph, type Port } from '../../graph/types.ts';
import { append } from '../../lists.ts';
import { opOfNode } from '../../ops/index.ts';
import { refusal, trees } from '../foreign/found.ts';
import { fromScikit, torchBatchOfOne } from '../foreign/lines.ts';
import { hybridNote, roundsInputs } from '../hybrid.ts';
import { fileShapeOf, orderOf, shapeOfLayout, showLayout } from '../layout.ts';
import { type ReaderOptions, withMetadata } from '../options.ts';
import { weightedRows } from '../over-time.ts';
import { together } from '../problems.ts';
import { isStateName, mayBe, States } from '../states.ts';
import { Attributes } from './attributes.ts';
import { layoutOfInput } from './axes.ts';
import { withBranches } from './branches.ts';
import { withCells } from './cells.ts';
import { Budget } from './constants.ts';
import { Lowering, maxElements } from './context.ts';
import { placeExternal } from './external.ts';
import { applyRules, type Hints, hintedLayout, takeHints, withoutRounding } from './hints.ts';
import { withOrder } from './lower/regroup.ts';
import { lowerNodes, type Problem, unsupported } from './nodes.ts';
import { type OnnxModel, type OnnxNode, type OnnxValue, readModel } from './proto.ts';
import { badGraph, tooLarge } from './refuse.ts';
import { rewritten } from './rewritten.ts';
import { rolled } from './rolled.ts';
import { shapesOf } from './shapes.ts';
import { setInputs, statesAsked } from './side-inputs.ts';
import { sortNodes } from './sort.ts';
import { stateValue } from './states.ts';
import { elementTypes } from './tensor.ts';
import { traceInputs } from './trace.ts';
import type { Value } from './values.ts';

const namesOf = (values: readonly OnnxValue[]): string[] => values.map(({ name }) => name);

const oldestOpset = 9;
const newestOpset = 28;
const maxNodes = 10_000;
const maxInputs = 64;

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
 * Reads an ONNX file. Input and output ports keep the file's shapes; `options.window` gives a symbolic time
 * dimension its frames. Throws RunletError: RN150 unsupported operators (all of them), RN151, RN152, RN154 a
 * damaged file, RN153 weights in another file that cannot be used, RN155 versions, RN156 and RN157 shapes and
 * axes, RN158 float operators in a quantised graph, RN159 sizes, RN166 trees; RN169 where several of these
 * stand in the way.
 */
export const readOnnx = (bytes: Uint8Array, given: ReaderOptions = {}): Graph => lowerModel(readModel(bytes), given, onnx);

/**
 * A network in ONNX's operators as a Graph; other formats come here once their operators are rewritten.
 * Throws as readOnnx.
 */
export function lowerModel(model: OnnxModel, given: ReaderOptions, dialect: Dialect): Graph {
  refuseTrees(model);
  const asked = statesAsked(model, given);
  const states = new States();
  try {
    return lowerEither(model, asked, states, given, dialect);
  } catch (error) {
    // two signals may look like a signal and a state
    const are = given.states !== undefined || asked.some(({ name }) => isStateName(name)) || states.read().length > 0;
    if (asked.length === 0 || are) throw error;
    return lowerEither(model, [], new States(), given, dialect);
  }
}

/** With unrolled loops as such, or as the file has them. */
function lowerEither(
  model: OnnxModel,
  states: readonly OnnxValue[],
  carried: States,
  given: ReaderOptions,
  dialect: Dialect,
): Graph {
  const loops = { found: false };
  try {
    return lower(model, states, carried, given, dialect, loops);
  } catch (error) {
    if (!loops.found) throw error;
    try {
      return lower(model, states, new States(), given, dialect);
    } catch {
      throw error;
    }
  }
}

/** @param loops left out: unrolled loops stay as they are */
function lower(
  whole: OnnxModel,
  states: readonly OnnxValue[],
  carried: States,
  given: ReaderOptions,
  dialect: Dialect,
  loops?: { found: boolean },
): Graph {
  const errors: RunletError[] = [];
  const notes: string[] = [];
  const initializers = [...whole.initializers, ...setInputs(whole, given.set ?? {})];
  const model = withBranches({ ...whole, initializers });
  const metadata = { ...model.metadata };
  const options = withMetadata(given, metadata);
  const missing = placeExternal(model, options.external, options.path);
  if (missing) errors.push(missing);
  const hints = takeHints(metadata);
  const opset = checkVersions(model, errors);
  const plain = sortNodes({ ...model, nodes: rewritten(withoutRounding(hints, model.nodes), model) });
  const looped = loops ? rolled(model, plain) : plain;
  if (loops) loops.found = looped !== plain;
  if (plain.length > maxNodes) throw tooLarge(`${plain.length} nodes`, 'graph');
  const next = model.outputs.filter((output) => states.some((state) => mayBe(state, output)));
  const sorted = withCells(model, looped, namesOf(states), namesOf(next));
  const values = new Map<string, Value>(model.initializers.map((i) => [i.name, i.value]));
  for (const { name } of model.external) values.set(name, { kind: 'poisoned' });
  const budget = new Budget(model.initializers.reduce((sum, i) => sum + i.value.data.length, 0));
  const name =
    options.name ?? (/^(main_graph|torch_jit|torch-jit-export|tf2onnx|)$/.test(model.graphName) ? 'model' : model.graphName);
  const builder = new GraphBuilder(name, dialect.format, options.digest ?? '');
  Object.assign(builder.metadata, metadata);
  append(builder.notes, notes);
  for (const state of states) values.set(state.name, stateValue(carried, state));
  const quantised = bindInputs(model, sorted, hints, options, builder, values, budget, errors, dialect);
  const ctx = new Lowering(builder, opset, quantised, budget, carried);
  const problems: Problem[] = [];
  lowerNodes(ctx, sorted, model, values, problems);
  if (problems.length === 0 && errors.length === 0) addOutputs(ctx, model, values, problems);
  if (problems.length > 0) errors.push(unsupported(problems));
  if (errors.length > 0) throw together(errors.map(dialect.said));
  applyRules(hints, builder.nodes);
  if (ctx.hybrid.length > 0) builder.notes.push(hybridNote(ctx.hybrid, roundsInputs('onnxruntime')));
  builder.stateful = carried.read().length > 0;
  const graph = stepGraph(foldGraph(builder.build()));
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
        : layoutOfInput(given, trace.anchors.get(value.name) ?? [], options, dialect);
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

/**
 * Whether nothing but a Cast to float32 reads a value: integer samples that the network takes as real values.
 */
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
    tryThis: /^u?int|^bool/.test(type ?? '')
      ? `--set ${value.name}=N where it is a number, as a sample rate is; else export the model in float32`
      : 'export the model in float32',
  });
}

/** The outputs that go into states are none of the graph's. */
function signalOutputs({ states }: Lowering, { outputs }: OnnxModel, values: ReadonlyMap<string, Value>): OnnxValue[] {
  const open = new Set(states.read());
  const own = outputs.filter(({ name }) => {
    const value = values.get(name);
    const ids = value?.kind === 'activation' ? value.next : value?.kind === 'elements' ? value.ids : undefined;
    const state = ids && states.nextOf(ids.data);
    if (state) open.delete(state);
    return !state;
  });
  const [first] = open;
  if (first)
    throw new RunletError('RN157', {
      what: 'no output is the next value of this state',
      where: `graph input ${first.name}`,
      why: 'a state comes back element by element: what a recurrent layer keeps, or the newest rows of the signal that it stands before',
      tryThis: 'export the model with its states as inputs and outputs of one shape',
    });
  return own;
}

function addOutputs(ctx: Lowering, model: OnnxModel, values: ReadonlyMap<string, Value>, problems: Problem[]): void {
  const { builder } = ctx;
  for (const output of signalOutputs(ctx, model, values)) {
    const given = values.get(output.name);
    const made = given?.kind === 'weighted' ? ctx.made(weightedRows(ctx, given, output.name)) : given;
    const value = made?.kind === 'activation' ? withOrder(ctx, made, output.name) : made;
    if (value?.kind === 'const') {
      builder.notes.push(`output ${output.name} is a constant, and left out`);
      continue;
    }
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
