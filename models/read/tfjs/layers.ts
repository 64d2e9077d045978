/**
 * graphOfLayers: a model of Keras layers as a float Graph, from a TensorFlow.js layers model or a file of Keras.
 *
 * In: the topology as JSON, which is not trusted, and the weights by name.  Out: a folded Graph, or a RunletError (RN160 to RN165). What is
 * wrong is collected and said at once.
 */
import { isRunletError, RunletError } from '../../error.ts';
import { GraphBuilder } from '../../graph/builder.ts';
import { foldGraph } from '../../graph/fold.ts';
import type { Graph } from '../../graph/types.ts';
import { fileShapeOf, orderOf, shapeOfLayout } from '../layout.ts';
import { type ReaderOptions, withMetadata } from '../options.ts';
import { listed, together } from '../problems.ts';
import { Context, type Value } from './context.ts';
import { malformed, Refusal } from './fail.ts';
import { layoutOfInput, shapeOfInput } from './input.ts';
import { joins, lowerings, whyNot } from './lower/index.ts';
import type { Layer, Ref, Topology } from './model.ts';
import { readTopology } from './topology.ts';
import type { Tensor } from './weights.ts';

/** Weights by name, made when they are asked for. */
export type Weights = ReadonlyMap<string, () => Tensor>;

export interface LayersFile {
  format: Graph['format'];
  /** The JSON of the outermost model. */
  model: unknown;
  metadata: Record<string, string>;
  /** Keras 3 has another hard_sigmoid than Keras 2 and TensorFlow.js. */
  keras3?: boolean;
  /** @throws RN162, which is collected, so that the layers are looked at all the same */
  weights: () => Weights | Promise<Weights>;
}

/** Layers in the order in which the outputs need their calls. @throws RN161 */
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

export async function graphOfLayers(file: LayersFile, given: ReaderOptions): Promise<Graph> {
  const topology = readTopology(file.model);
  const calls = ordered(topology);
  const builder = new GraphBuilder(given.name ?? topology.name, file.format, given.digest ?? '');
  Object.assign(builder.metadata, file.metadata);
  const options = withMetadata(given, builder.metadata);
  const errors: RunletError[] = [];
  const ctx = new Context(builder, await weightsOf(file, errors), file.keras3);
  const values = new Map<string, Value>();
  const problems: string[] = [];
  const key = (layer: string, call: number) => `${call}:${layer}`;
  for (const { layer, call, inputs } of calls) {
    const xs = inputs.map((ref) => values.get(key(ref.layer, ref.call)));
    const value = lowered(ctx, topology, layer, xs, options, problems, errors);
    if (value) values.set(key(layer.name, call), value);
  }
  if (problems.length === 0 && errors.length === 0) addOutputs(builder, topology, values, problems);
  if (problems.length > 0)
    errors.push(
      new RunletError('RN160', {
        what: `${problems.length} layer${problems.length > 1 ? 's are' : ' is'} not supported`,
        why: listed(problems),
        tryThis: 'change these layers, or save the model without them and run them on the host',
      }),
    );
  if (errors.length > 0) throw together(errors);
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

/** One call of a layer; nothing where it or what it reads is unsupported. */
function lowered(
  ctx: Context,
  topology: Topology,
  layer: Layer,
  xs: (Value | undefined)[],
  options: ReaderOptions,
  problems: string[],
  errors: RunletError[],
): Value | undefined {
  const { builder } = ctx;
  try {
    if (layer.className === 'InputLayer') {
      const dims = shapeOfInput(layer, options);
      const { layout, note } = layoutOfInput(topology, layer, dims, options);
      const tensor = builder.input(layer.name, shapeOfLayout(layout), { fileShape: fileShapeOf(layout), order: orderOf(layout) });
      builder.notes.push(note);
      return { tensor, layout };
    }
    const lower = lowerings.get(layer.className);
    const [first] = xs;
    if (!lower) throw new Refusal(whyNot(layer, xs, first && ctx.dims(first)));
    if (xs.length === 0) throw malformed('a layer reads nothing', `layer ${layer.name}`);
    // without weights only the classes of layers can be told
    if (xs.some((x) => x === undefined) || errors.some(({ code }) => code === 'RN162')) return undefined;
    if (xs.length > 1 && !joins.has(layer.className)) throw new Refusal(`it reads ${xs.length} values`);
    return lower(ctx, layer, xs as Value[]);
  } catch (error) {
    if (isRunletError(error) && error.code === 'RN164') {
      errors.push(error);
      return undefined;
    }
    const unsupported = error instanceof Refusal || (isRunletError(error) && /^RN(12|30)/.test(error.code));
    if (!unsupported) throw error;
    const reason = isRunletError(error) ? [error.parts.what, error.parts.why].filter(Boolean).join(': ') : error.message;
    problems.push(`${layer.className} ${layer.name}: ${reason}`);
    return undefined;
  }
}

function addOutputs(builder: GraphBuilder, topology: Topology, values: ReadonlyMap<string, Value>, problems: string[]): void {
  const names = new Set<string>();
  for (const [i, ref] of topology.outputs.entries()) {
    const value = values.get(`${ref.call}:${ref.layer}`);
    if (!value) throw malformed(`output ${ref.layer} is not there`, 'output_layers');
    if (value.pads) problems.push(`output ${ref.layer}: zeros were added to it`);
    const name = names.has(ref.layer) ? `${ref.layer}:${i}` : ref.layer;
    names.add(name);
    builder.output(value.tensor, name, { fileShape: fileShapeOf(value.layout), order: orderOf(value.layout) });
  }
}
