/**
 * graphOfLayers: reads a model of Keras layers into a float Graph, from a TensorFlow.js layers model or a
 * Keras file.
 *
 * In: the topology as JSON, which is not trusted, and the weights by name.  Out: a folded Graph, or a
 * RunletError (RN160 to RN165). All errors are collected and reported together.
 */

import { isRunletError, RunletError } from '../../error.ts';
import { GraphBuilder } from '../../graph/builder.ts';
import { foldGraph } from '../../graph/fold.ts';
import type { Graph } from '../../graph/types.ts';
import { lookup } from '../../lookup.ts';
import { fileShapeOf, orderOf, shapeOfLayout } from '../layout.ts';
import { inSomeForm } from '../onnx/lower/regroup.ts';
import type { Value as AnyValue } from '../onnx/values.ts';
import { type ReaderOptions, withMetadata } from '../options.ts';
import { listed, together } from '../problems.ts';
import { Context, type Value } from './context.ts';
import { said } from './dialect.ts';
import { malformed, Refusal, refuse } from './fail.ts';
import { Call, isEmpty } from './functions/call.ts';
import { functionName, functionOf } from './functions/index.ts';
import { layoutOfInput, shapeOfInput } from './input.ts';
import { joins, lowerings, operators, whyNot } from './lower/index.ts';
import { withoutMasks } from './masks.ts';
import { type Arguments, type Layer, Place, type Ref, type Topology } from './model.ts';
import { readTopology } from './topology.ts';
import type { Tensor } from './weights.ts';

/** Weights by name, decoded on request. */
export type Weights = ReadonlyMap<string, () => Tensor>;

export interface LayersFile {
  format: Graph['format'];
  /** The JSON of the outermost model. */
  model: unknown;
  metadata: Record<string, string>;
  /** True for Keras 3, whose hard_sigmoid differs from that of Keras 2 and TensorFlow.js. */
  keras3?: boolean;
  /** @throws RN162, which is collected: the layers are still checked */
  weights: () => Weights | Promise<Weights>;
}

/** Returns the calls of layers in the order in which the outputs need them. @throws RN161 */
function ordered(topology: Topology): { layer: Layer; call: number; inputs: Ref[] }[] {
  const byName = new Map(topology.layers.map((layer) => [layer.name, layer]));
  const key = (ref: Ref) => `${ref.call}:${ref.layer}`;
  const state = new Map<string, 'open' | 'done'>();
  const order: { layer: Layer; call: number; inputs: Ref[] }[] = [];
  const find = (ref: Ref) => {
    const layer = byName.get(ref.layer);
    const inputs = layer?.calls[ref.call];
    if (!layer || !inputs) throw malformed(`call ${ref.call} of layer ${ref.layer} is not there`, 'inbound_nodes');
    return { layer, call: ref.call, inputs };
  };
  const stack = [...topology.inputs, ...topology.outputs].reverse().map((ref) => ({ ref, entered: false }));
  while (stack.length > 0) {
    const top = stack.at(-1) as { ref: Ref; entered: boolean };
    if (top.entered || state.has(key(top.ref))) {
      stack.pop();
      if (top.entered) {
        state.set(key(top.ref), 'done');
        order.push(find(top.ref));
      } else if (state.get(key(top.ref)) === 'open')
        throw malformed('layers read each other in a circle', `layer ${top.ref.layer}`);
      continue;
    }
    top.entered = true;
    state.set(key(top.ref), 'open');
    const { inputs } = find(top.ref);
    for (const ref of [...inputs].reverse()) {
      if (state.get(key(ref)) === 'open') throw malformed('layers read each other in a circle', `layer ${ref.layer}`);
      stack.push({ ref, entered: false });
    }
  }
  return order;
}

const keyOf = ({ layer, call }: Omit<Ref, 'output'>): string => `${call}:${layer}`;
const nameOf = ({ layer, call, output }: Ref): string => `${layer}${call > 0 ? `:${call}` : ''}${output > 0 ? `#${output}` : ''}`;

/** Returns the value of a reference; undefined if its layer is unsupported. @throws RN161 */
function outputOf(values: ReadonlyMap<string, AnyValue[]>, ref: Ref): AnyValue | undefined {
  const outputs = values.get(keyOf(ref));
  if (outputs && outputs[ref.output] === undefined)
    throw malformed(`output ${ref.output} of it is read`, `layer ${ref.layer}`, `it has ${outputs.length}`);
  return outputs?.[ref.output];
}

export async function graphOfLayers(file: LayersFile, given: ReaderOptions): Promise<Graph> {
  const topology = withoutMasks(readTopology(file.model), given.set ?? {});
  const calls = ordered(topology);
  const builder = new GraphBuilder(given.name ?? topology.name, file.format, given.digest ?? '');
  Object.assign(builder.metadata, file.metadata);
  const options = withMetadata(given, builder.metadata);
  const errors: RunletError[] = [];
  const ctx = new Context(builder, await weightsOf(file, errors), file.keras3, given.set);
  const values = new Map<string, AnyValue[]>();
  const problems: string[] = [];
  for (const { layer, inputs } of calls) ctx.count(inputs.map(nameOf), layer.className);
  ctx.count(topology.outputs.map(nameOf), '');
  for (const { layer, call, inputs } of calls) {
    const xs = inputs.map((ref) => outputOf(values, ref));
    const given = layer.arguments?.[call];
    // a weight has the name of its layer, a value the name of its call
    const name = isFunction(layer, given) ? nameOf({ layer: layer.name, call, output: 0 }) : layer.name;
    const made = lowered(ctx, topology, { ...layer, name }, xs, given, options, problems, errors);
    const results = made.map((value, output) => ctx.name(value, nameOf({ layer: layer.name, call, output })));
    if (results.length > 0) values.set(keyOf({ layer: layer.name, call }), results);
  }
  if (problems.length === 0 && errors.length === 0) addOutputs(builder, topology, values, problems);
  if (problems.length > 0)
    errors.push(
      new RunletError('RN160', {
        what: `${problems.length} layer${problems.length > 1 ? 's are' : ' is'} not supported`,
        why: listed(problems),
        tryThis:
          'export the model to ONNX or TensorFlow Lite, where layers of your own are plain operators; or change these layers',
      }),
    );
  if (errors.length > 0) throw together(errors.map(said));
  const graph = foldGraph(builder.build());
  if (graph.nodes.length === 0) throw malformed('the model computes nothing', 'layers');
  return graph;
}

async function weightsOf({ weights }: LayersFile, errors: RunletError[]): Promise<Weights> {
  try {
    return await weights();
  } catch (error) {
    if (!isRunletError(error) || error.code !== 'RN162') throw error;
    errors.push(error);
    return new Map();
  }
}

/** Lowers one call of a layer or a function; returns nothing if it or an input of it is unsupported. */
function lowered(
  ctx: Context,
  topology: Topology,
  layer: Layer,
  xs: (AnyValue | undefined)[],
  given: Arguments | undefined,
  options: ReaderOptions,
  problems: string[],
  errors: RunletError[],
): AnyValue[] {
  try {
    if (layer.className === 'InputLayer') return [inputOf(ctx, topology, layer, options)];
    // without weights only the classes of layers can be checked
    const isReady = xs.every((x) => x !== undefined && x.kind !== 'poisoned') && !errors.some(({ code }) => code === 'RN162');
    return isFunction(layer, given) ? called(ctx, layer, xs, given, isReady) : applied(ctx, layer, xs, given, isReady);
  } catch (error) {
    if (isRunletError(error) && error.code === 'RN164') {
      errors.push(error);
      return [];
    }
    const unsupported = error instanceof Refusal || (isRunletError(error) && /^RN(12|30)/.test(error.code));
    if (!unsupported) throw error;
    const reason = isRunletError(error) ? [error.parts.what, error.parts.why].filter(Boolean).join(': ') : error.message;
    problems.push(`${functionName(layer.className, layer.config)} ${layer.name}: ${reason}`);
    return [];
  }
}

function inputOf({ builder }: Context, topology: Topology, layer: Layer, options: ReaderOptions): Value {
  const dims = shapeOfInput(layer, options);
  const { layout, note } = layoutOfInput(topology, layer, dims, options);
  const tensor = builder.input(layer.name, shapeOfLayout(layout), { fileShape: fileShapeOf(layout), order: orderOf(layout) });
  builder.notes.push(note);
  return { kind: 'activation', tensor, layout };
}

/** Checks whether a call is one of a function. Some share a layer's name; HDF5 files do not tell which. */
function isFunction({ className, config }: Layer, given: Arguments | undefined): boolean {
  const hasConstants = given?.args.flat(4).some((x) => !(x instanceof Place)) ?? false;
  return !lowerings.has(className) || hasConstants || config.newshape !== undefined;
}

/** @param isReady true if all inputs are there */
function called(
  ctx: Context,
  layer: Layer,
  xs: (AnyValue | undefined)[],
  given: Arguments | undefined,
  isReady: boolean,
): AnyValue[] {
  const name = functionName(layer.className, layer.config);
  const lower = functionOf(name) ?? refuse(whyNot({ className: name }, xs[0]));
  const places = xs.map((_, at) => new Place(at));
  if (!isReady) return [];
  const call = new Call(ctx, layer, given ?? { args: places, kwargs: {} }, xs as AnyValue[]);
  const made = lower(call);
  call.checkRead();
  return made;
}

function applied(
  ctx: Context,
  layer: Layer,
  xs: (AnyValue | undefined)[],
  given: Arguments | undefined,
  isReady: boolean,
): AnyValue[] {
  const lower = lowerings.get(layer.className) ?? refuse(whyNot(layer, xs[0]));
  const inputs = given ? inputsOf(layer, given).map((at) => xs[at]) : xs;
  if (inputs.length === 0) throw malformed('a layer reads nothing', `layer ${layer.name}`);
  if (!isReady) return [];
  if (inputs.length > 1 && !joins.has(layer.className)) refuse(`it reads ${inputs.length} values`);
  const view = ctx.view(layer.name, inputs as AnyValue[]);
  const values = operators.has(layer.className) ? inputs : inputs.map((_, at) => ctx.activation(view, at, { pads: true }));
  return inSomeForm(ctx, layer.name, values as Value[], (formed) => [lower(ctx, layer, formed, given?.kwargs ?? {})].flat());
}

/** Named arguments that are tensors, in the order in which layers take them. */
const named = ['value', 'key', 'y'];

/** Other arguments that lowerings read, or that have no effect, by the layer's class. */
const readArguments: Readonly<Record<string, readonly string[]>> = {
  Attention: ['use_causal_mask'],
  MultiHeadAttention: ['use_causal_mask', 'attention_mask'],
  Resizing: ['training'],
};

/** Returns the indexes of the tensors that a layer reads. */
function inputsOf(layer: Layer, { args, kwargs }: Arguments): number[] {
  const known = [...named, ...(lookup(readArguments, layer.className) ?? [])];
  const other = Object.keys(kwargs).find((name) => !known.includes(name) && !isEmpty(kwargs[name]));
  if (other !== undefined) refuse(`its argument ${other} is not read`);
  const mask = [kwargs.attention_mask].flat(4);
  if (mask.some((x) => x instanceof Place)) refuse('its argument attention_mask is a tensor');
  const places = [...args, ...named.map((name) => kwargs[name] ?? [])].flat(4);
  return places.map((x) => (x instanceof Place ? x.input : refuseArgument(layer)));
}

const refuseArgument = ({ name }: Layer): never => {
  throw malformed('an argument is no tensor', name);
};

function addOutputs(
  builder: GraphBuilder,
  topology: Topology,
  values: ReadonlyMap<string, AnyValue[]>,
  problems: string[],
): void {
  const names = new Set<string>();
  for (const [i, ref] of topology.outputs.entries()) {
    const value = outputOf(values, ref);
    if (!value) throw malformed(`output ${ref.layer} is not there`, 'output_layers');
    if (value.kind !== 'activation') {
      problems.push(
        `output ${ref.layer}: ${value.kind === 'const' ? 'it is a constant' : 'it is a product of rows and weights over time without their sum'}`,
      );
      continue;
    }
    if (value.pads) problems.push(`output ${ref.layer}: zeros were added to it`);
    const name = names.has(ref.layer) ? `${ref.layer}:${i}` : ref.layer;
    names.add(name);
    builder.output(value.tensor, name, { fileShape: fileShapeOf(value.layout), order: orderOf(value.layout) });
  }
}
