/**
 * readOnnx: reads an ONNX file into a Graph.
 *
 * In: the file's bytes (ModelProto), as torch.onnx.export, tf2onnx and onnxruntime.quantization write them.
 * Out: a folded float Graph, or an int8 Graph if the file is quantised in the QDQ form. The file is not
 * trusted: any bytes give a Graph or a RunletError (RN150 to RN159). Source: ONNX intermediate representation
 * and operators, opsets 9 to 28.
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
import { withAdaptivePools } from './adaptive.ts';
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

/** The properties of a file format whose networks are lowered here. */
export interface Dialect {
  format: Graph['format'];
  /** True: the default order of the dimensions is [n, t, c]; false: [n, c, t]. */
  channelsLast: boolean;
  /** Returns advice on how to get a model with batch 1. @param dims of its input. */
  batchOfOne: (dims: readonly number[]) => string;
  /** Converts an error to the codes and advice of the format. */
  said: (error: RunletError) => RunletError;
}

const onnx: Dialect = {
  format: 'onnx',
  channelsLast: false,
  batchOfOne: (dims) => `export with batch 1: ${torchBatchOfOne(dims)}`,
  said: (error) => error,
};

/**
 * Reads an ONNX file. Input and output ports keep the file's shapes. `options.window` is the number of frames
 * for a symbolic time dimension. Throws RunletError: RN150 unsupported operators (all of them), RN151, RN152,
 * RN154 a damaged file, RN153 weights in another file that cannot be used, RN155 versions, RN156 and RN157
 * shapes and axes, RN158 float operators in a quantised graph, RN159 sizes, RN166 trees, RN169 several
 * errors.
 */
export const readOnnx = (bytes: Uint8Array, given: ReaderOptions = {}): Graph => lowerModel(readModel(bytes), given, onnx);

/**
 * Lowers a network of ONNX operators to a Graph. Other formats call it after rewriting their operators.
 * Throws the errors of readOnnx.
 */
export function lowerModel(model: OnnxModel, given: ReaderOptions, dialect: Dialect): Graph {
  refuseTrees(model);
  const asked = statesAsked(model, given);
  const states = new States();
  try {
    return lowerEither(model, asked, states, given, dialect);
  } catch (error) {
    // two signals may look like a signal and a state, so the second attempt has no states
    const areStates = given.states !== undefined || asked.some(({ name }) => isStateName(name)) || states.read().length > 0;
    if (asked.length === 0 || areStates) throw error;
    return lowerEither(model, [], new States(), given, dialect);
  }
}

/** Lowers with unrolled loops rolled up; if that fails, without. */
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

/** @param loops receives whether unrolled loops were found and rolled up; default: they stay unrolled. */
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
  const single = sortNodes({ ...model, nodes: rewritten(withoutRounding(hints, model.nodes), model) });
  const plain = sortNodes({ ...model, nodes: withAdaptivePools(single, model) });
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
 * Adds the graph inputs. If the shape or the axes of an input are unknown, the error is collected, and nodes
 * that read the input are skipped.
 * @returns true if the graph is quantised
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

/** Throws RN166 for models of scikit-learn, XGBoost and LightGBM that skl2onnx or onnxmltools wrote. */
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
 * Checks whether only Casts to float32 read a value: integer samples that the network uses as real values.
 */
function isCastToFloat(name: string, nodes: readonly OnnxNode[]): boolean {
  const readers = nodes.filter(({ inputs }) => inputs.includes(name));
  const toFloat = (node: OnnxNode): boolean =>
    node.op === 'Cast' && elementTypes[new Attributes(node).int('to', 0)] === 'float32';
  return readers.length > 0 && readers.every(toFloat);
}

/** Returns the type of the values that the host gives for an input. */
function inputType(value: OnnxValue, nodes: readonly OnnxNode[]): 'float32' | 'int8' | 'uint8' {
  const type = elementTypes[value.elementType];
  if (type && /^u?int/.test(type) && isCastToFloat(value.name, nodes)) return 'float32';
  if (type === 'float32' || type === 'int8' || type === 'uint8') return type;
  throw new RunletError('RN156', {
    what: `an input of type ${type ?? value.elementType}`,
    where: `graph input ${value.name}`,
    why: 'float32, int8 and uint8 are read, and other integers if a Cast to float32 follows directly',
    tryThis: /^u?int|^bool/.test(type ?? '')
      ? `--set ${value.name}=N if it is a number such as a sample rate; otherwise export the model in float32`
      : 'export the model in float32',
  });
}

/** Returns the outputs without those that are next values of states. */
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
      why: 'every element of a state needs its next value: from a recurrent layer, or from the newest rows of the signal after the state',
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
      builder.notes.push(`output ${output.name} is a constant and is left out`);
      continue;
    }
    if (value?.kind !== 'activation') throw badGraph(`output ${output.name} is not computed from the input`, 'graph');
    if (value.pads) problems.push({ op: 'output', name: output.name, reason: 'no layer applies its padding', mixed: false });
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
    // quantisers leave such operators in float at the end of a network
    if (fixed && tensor && !tensor.quant && builder.outputs.some((port) => port.tensor === node.output)) {
      tensor.quant = fixed;
      builder.notes.push(`${node.name}: the file does not quantise it; as an output it gets scale ${fixed.scale}`);
    }
    if (!ctx.quantOf(node.output))
      problems.push({ op: node.op, name: node.name, reason: 'its output is not quantised (no QuantizeLinear behind it)', mixed: true }); // biome-ignore format: one line
  }
  for (const port of builder.inputs) {
    if (!ctx.quantOf(port.tensor)) problems.push({ op: 'input', name: port.name, reason: 'it is not quantised', mixed: true });
  }
}
