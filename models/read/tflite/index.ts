/**
 * readTflite: converts a TensorFlow Lite file to a Graph.
 *
 * In: the file's bytes (untrusted) and options.
 * Out: a float or an integer Graph in time-major normal form.
 * Errors: RN101 to RN107 (damaged or inconsistent file), RN110 (lists all operators that cannot be read),
 * RN112 / RN113 (time axis), RN301 (shapes), RN169 (several of these).
 * Source: tensorflow/lite/schema/schema.fbs; the 8-bit quantisation specification.
 */

import { RunletError } from '../../error.ts';
import { GraphBuilder } from '../../graph/builder.ts';
import { foldGraph } from '../../graph/fold.ts';
import type { Graph, Port } from '../../graph/types.ts';
import { kerasBatchOfOne } from '../foreign/lines.ts';
import { hybridNote, roundsInputs } from '../hybrid.ts';
import { fileShapeOf, orderOf, shapeOfLayout } from '../layout.ts';
import { type ReaderOptions, withMetadata } from '../options.ts';
import { listed, together } from '../problems.ts';
import { asLine } from '../rows.ts';
import { isStateName, States } from '../states.ts';
import { layoutOfInput, withWindow } from './anchor.ts';
import { asFloat, readAsFloat } from './as-float.ts';
import { oneSignal } from './batch.ts';
import { readDequantised } from './constants.ts';
import { Context, type Elements, maxElements, Refusal, type Value } from './context.ts';
import { densified } from './densify.ts';
import { framesTogether } from './each-frame.ts';
import { movedElements } from './elements.ts';
import { foldIntegers } from './integers.ts';
import { live } from './live.ts';
import { lowerings, reasonFor } from './lower/index.ts';
import { checkAssigns } from './lower/state.ts';
import { ofZeros } from './lower/zeros.ts';
import { foldMask } from './masks.ts';
import { inconsistent, isInt8Model, readModelFile, type TfModel, type TfOperator, type TfTensor } from './model.ts';
import { withPieces } from './pieces.ts';
import { activationQuant, showTensor } from './quantisation.ts';
import { frontEndOf, isSignal } from './signal/index.ts';
import { bindStates, inOrder, signalOutputs, statesAsked } from './states.ts';
import { withTables } from './tables.ts';

interface Unsupported {
  op: TfOperator;
  reason: string;
}

/** Returns RN114 for a file that is a front end. Throws RN114 if its Signal operators do not form one. */
function noNetwork(model: TfModel): RunletError {
  const { windowSamples, channels } = frontEndOf(model);
  return new RunletError('RN114', {
    what: 'the model is an audio front end, not a network',
    where: model.operators.find(isSignal)?.name,
    why: `it turns ${windowSamples} samples into ${channels} features`,
    tryThis: 'runlet build makes a module of it; readFrontEnd reads it in a program',
  });
}

/** Reads a file; see the header. The graph shares no memory with `bytes`. */
export function readTflite(bytes: Uint8Array, given: ReaderOptions = {}): Graph {
  const read = oneSignal(live(withTables(framesTogether(withPieces(densified(readModelFile(bytes)))))));
  const model = readAsFloat(read) ? asFloat(read) : read;
  if (model.operators.some(isSignal)) throw noNetwork(model);
  const options = withMetadata(given, model.metadata);
  const stateTensors = statesAsked(model, options);
  const inputStates = new States();
  try {
    return lower(model, options, stateTensors, inputStates);
  } catch (error) {
    // two signals may look like a signal and a state
    const areStates =
      options.states !== undefined || stateTensors.some(({ name }) => isStateName(name)) || inputStates.read().length > 0;
    if (stateTensors.length === 0 || areStates) throw error;
    return lower(model, options, [], new States());
  }
}

function lower(model: TfModel, options: ReaderOptions, states: readonly TfTensor[], inputStates: States): Graph {
  const builder = new GraphBuilder(options.name ?? (model.name || 'model'), 'tflite', options.digest ?? '');
  const context = new Context(model, builder, isInt8Model(model), inputStates);
  markShapeArithmetic(context);
  if (model.fromInt8) foldConstants(context);
  const errors: RunletError[] = [...model.bad];
  bindStates(context, states);
  bindInputs(context, options, errors);
  const unsupported: Unsupported[] = [];
  for (const { op, lower } of inOrder(context, states)) lowerOne(context, op, unsupported, errors, lower);
  if (errors.length === 0) checkAssigns(context, (op, reason) => unsupported.push({ op, reason }));
  if (unsupported.length > 0) errors.push(unsupportedError(model, unsupported));
  if (errors.length > 0) throw together(errors);
  for (const index of signalOutputs(context)) bindOutput(context, model.tensors[index] as TfTensor);
  if (builder.nodes.length === 0) throw inconsistent('no operator computes anything', 'subgraph 0', 'a model with layers');
  for (const tensor of builder.tensors) {
    if (context.isInt8 && !tensor.quant) throw inconsistent(`'${tensor.name}' is float in an int8 model`, 'graph inputs');
  }
  if (model.description) builder.metadata.description = model.description.slice(0, 4096);
  Object.assign(builder.metadata, model.metadata);
  if (model.signals) builder.notes.push(`the file computes ${model.signals} signals at a time; one is read`);
  if (model.subgraphs > 1 && !context.stateful)
    builder.notes.push(`the file has ${model.subgraphs} subgraphs; the first is read`);
  if (context.hybrid.length > 0)
    builder.notes.push(hybridNote(context.hybrid, model.fromInt8 ? roundsAll : roundsInputs('TensorFlow Lite')));
  return states.length > 0 || context.folds ? foldGraph(builder.build()) : builder.build();
}

/** Note on an int8 file with loops. */
const roundsAll =
  'the file is int8 and has loops, so all of it is read as float. TensorFlow Lite rounds every value to int8, so its outputs differ by that rounding';

/** Dequantises the constants of an int8 file that is read as float. Weights are read as stored. */
function foldConstants(context: Context): void {
  for (const op of context.model.operators)
    for (const index of op.inputs) {
      const tensor = context.model.tensors[index];
      if (tensor?.constant && tensor.quant && !context.folded.has(index))
        context.folded.set(index, readDequantised(context, op, tensor));
    }
}

/** Marks operators that compute integers from shapes and constants only. */
function markShapeArithmetic(context: Context): void {
  const { tensors, operators } = context.model;
  const results = new Set<number>();
  const isInteger = (index: number) => ['int32', 'int64', 'bool'].includes(tensors[index]?.type ?? '');
  for (const op of operators) {
    const fromShapes = op.inputs.every((i) => tensors[i]?.constant !== undefined || results.has(i) || i === -1);
    if (op.outputs.length === 0 || !op.outputs.every(isInteger) || !(op.op === 'SHAPE' || fromShapes)) continue;
    context.shapeArithmetic.add(op.index);
    for (const index of op.outputs) results.add(index);
  }
}

/** Adds the graph inputs and collects their errors; operators that read a refused input are skipped. */
function bindInputs(context: Context, options: ReaderOptions, errors: RunletError[]): void {
  for (const index of context.model.inputs) {
    if (context.elements.has(index) || isOutputShape(context, index)) continue;
    context.refused.add(index);
    try {
      bindInput(context, index, options);
      context.refused.delete(index);
    } catch (error) {
      if (!(error instanceof RunletError)) throw error;
      if (isNewError(context, error)) errors.push(error);
    }
  }
}

/** Checks for an input that is an output's shape, which the file states; the host passes no such input. */
function isOutputShape(context: Context, index: number): boolean {
  const readers = context.consumers.get(index) ?? [];
  const is = readers.length > 0 && readers.every((op) => op.op === 'TRANSPOSE_CONV' && op.inputs.lastIndexOf(index) === 0);
  if (is)
    context.builder.notes.push(
      `the input ${showTensor(context.model.tensors[index] as TfTensor)} only holds a shape that the file states; it is left out`,
    );
  return is;
}

/** Returns false for an RN105 on parameters that were already reported. */
const isNewError = ({ model }: Context, { code }: RunletError): boolean => model.bad.length === 0 || code !== 'RN105';

function bindInput(context: Context, index: number, options: ReaderOptions): void {
  const { builder, isInt8, model } = context;
  const tensor = withWindow(model.tensors[index] as TfTensor, options);
  model.tensors[index] = tensor;
  const { type, name, shape } = tensor;
  const isPort = type === 'float32' || (isInt8 && (type === 'int8' || type === 'uint8' || type === 'int16'));
  if (!isPort)
    throw new RunletError('RN103', {
      what: `an input of type ${type}`,
      where: showTensor(tensor),
      why: 'float32 is read, and int8, uint8 and int16 of integer models',
      tryThis: 'a float32 or an int8 model',
    });
  if (shape.length === 0 || shape.includes(0)) throw inconsistent('a graph input has no shape', showTensor(tensor));
  if ((shape[0] as number) !== 1 && shape.length > 1)
    throw new RunletError('RN103', {
      what: `the batch is ${shape[0]}`,
      where: `${showTensor(tensor)} [${shape.join(', ')}]`,
      why: `a stream has one signal: dimension 0 has to be 1${model.joined ? `; ${model.joined} does not keep signals apart` : ''}`,
      tryThis: `convert with batch 1: ${kerasBatchOfOne(shape)}`,
    });
  if (shape.reduce((a, b) => a * b, 1) > maxElements)
    throw inconsistent(`an input of [${shape.join(', ')}]`, showTensor(tensor), 'a shorter window');
  const layout = layoutOfInput(context, tensor, options, builder);
  const quant = type === 'int8' || type === 'int16' ? activationQuant(tensor) : undefined;
  const port: Partial<Port> = { hostType: type, fileShape: shape, order: orderOf(layout) };
  const id = builder.input(name, shapeOfLayout(layout), quant ? { ...port, quant } : port);
  context.values.set(index, { id, layout, type });
}

function bindOutput(context: Context, tensor: TfTensor): void {
  const bound = context.values.get(tensor.index);
  const value = bound && context.turned(context.laid(context.whole(tensor.index, bound)), tensor.name);
  if (!value || value.pad || value.batched) throw inconsistent('a graph output has no value', showTensor(tensor));
  if (!context.isInt8 && value.type !== 'float32')
    throw inconsistent(`a graph output of ${value.type} in a float model`, showTensor(tensor), 'a float32 or an int8 model');
  const order = orderOf(value.layout);
  context.builder.output(value.id, tensor.name, { hostType: value.type, fileShape: fileShapeOf(value.layout), order });
}

/**
 * Lowers one operator into the builder. Collects the reason if it is refused; operators that read its outputs
 * are skipped. @param group lowers the group of operators that ends with `op`
 */
function lowerOne(context: Context, op: TfOperator, unsupported: Unsupported[], errors: RunletError[], group?: () => void): void {
  const skip = () => {
    context.refusedOps.add(op);
    for (const index of op.outputs) context.refused.add(index);
  };
  const refuse = (reason: string) => {
    unsupported.push({ op, reason });
    skip();
  };
  if (context.shapeArithmetic.has(op.index)) {
    const values = foldMask(context, op) ? undefined : foldIntegers(context, op);
    if (values) context.integers.set(op.outputs[0] as number, values);
    return;
  }
  const lower = group ?? ofZeros(context, op) ?? (Object.hasOwn(lowerings, op.op) ? lowerings[op.op] : undefined);
  if (!lower) {
    refuse(reasonFor(context, op));
    return;
  }
  if (op.inputs.some((index) => context.refused.has(index))) {
    skip();
    return;
  }
  let moved: Elements[] | undefined;
  try {
    moved = group ? undefined : movedElements(context, op);
    if (!moved || moved[0]?.when === 'next') lowered(context, op, lower);
  } catch (error) {
    if (error instanceof Refusal) {
      // an operator that only moves state elements needs no value
      if (!moved) refuse(error.message);
    } else if (error instanceof RunletError) {
      if (isNewError(context, error)) errors.push(error);
      skip();
    } else throw error;
  }
  for (const [i, elements] of (moved ?? []).entries()) {
    const index = op.outputs[i] as number;
    const value = context.values.get(index);
    if (value) context.values.set(index, { ...value, next: elements.ids });
    else context.elements.set(index, elements);
  }
}

/**
 * Lowers an operator. If it is refused, retries with inputs that hold frames and features in one dimension
 * rearranged as rows.
 */
function lowered(context: Context, op: TfOperator, lower: (context: Context, op: TfOperator) => void): void {
  try {
    lower(context, op);
  } catch (error) {
    if (!(error instanceof Refusal) || context.stateful) throw error;
    const lines = op.inputs.flatMap((index, i): [number, Value][] => {
      const value = context.values.get(index);
      if (!value || value.pad || value.batched || value.history || value.weighted) return [];
      const { tensor: id, layout } = asLine(context, { tensor: value.id, layout: value.layout }, `${op.name}/${i}`);
      return id === value.id ? [] : [[index, { ...value, id, layout }]];
    });
    if (lines.length === 0) throw error;
    for (const [index, value] of lines) context.values.set(index, value);
    lower(context, op);
  }
}

/** Number of nodes that a message names for one reason. A choice: they fill a line of a terminal. */
const maxNodes = 32;

/** Returns one error for all operators that cannot be read, grouped by operator and reason. */
function unsupportedError(model: TfModel, unsupported: Unsupported[]): RunletError {
  const groups = new Map<string, number[]>();
  for (const { op, reason } of unsupported) {
    const key = `${op.op} (${reason})`;
    const nodes = groups.get(key);
    if (nodes) nodes.push(op.index);
    else groups.set(key, [op.index]);
  }
  const numbers = (nodes: number[]): string =>
    nodes.length > maxNodes ? `${nodes.slice(0, maxNodes).join(', ')} and ${nodes.length - maxNodes} more` : nodes.join(', ');
  const list = [...groups].map(([key, nodes]) => `${key} at ${nodes.length > 1 ? 'nodes' : 'node'} ${numbers(nodes)}`);
  return new RunletError('RN110', {
    what: `${unsupported.length} of ${model.operators.length} operators cannot be read`,
    where: listed(list),
    tryThis: 'replace these layers and convert the model again',
  });
}
