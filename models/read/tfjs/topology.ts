/**
 * readTopology: the layers of a model.json and who reads whom.
 *
 * In: the parsed JSON, which is not trusted.  Out: layers with their calls, inputs and outputs.  Keras 2 (as TensorFlow.js saves, and its converter writes)
 * and Keras 3 (`args` with `keras_history`, `batch_shape`); Sequential models become chains. Source: Keras' model JSON; tfjs-layers' deserialize.
 */
import { malformed, tooLarge } from './fail.ts';

export type Json = Record<string, unknown>;

/** The output of a layer's call. */
export interface Ref {
  layer: string;
  call: number;
}

export interface Layer {
  name: string;
  className: string;
  config: Json;
  /** What each call reads; an input layer has one call that reads nothing. */
  calls: Ref[][];
}

export interface Topology {
  name: string;
  layers: Layer[];
  inputs: Ref[];
  outputs: Ref[];
}

const maxLayers = 2000;
const maxCalls = 4000;

export const isObject = (x: unknown): x is Json => typeof x === 'object' && x !== null && !Array.isArray(x);

const nameOf = (x: unknown, where: string): string => {
  if (typeof x === 'string' && x !== '' && x.length <= 500) return x;
  throw malformed('a name is missing', where);
};

export function readTopology(model: unknown): Topology {
  const outer = isObject(model) && isObject(model.model_config) ? model.model_config : model;
  if (!isObject(outer)) throw malformed('there is no model in the file', 'modelTopology');
  const className = nameOf(outer.class_name, 'class_name of the model');
  const { config } = outer;
  if (className === 'Sequential') return sequential(config);
  if (className === 'Functional' || className === 'Model') return functional(config);
  throw malformed(`a model of class ${className}`, 'modelTopology', 'Sequential and Functional (Model) are read');
}

function layersIn(list: unknown): Json[] {
  if (!Array.isArray(list) || list.length === 0) throw malformed('there are no layers', 'layers');
  if (list.length > maxLayers) throw tooLarge(`${list.length} layers`, 'layers');
  return list.map((layer, i) => (isObject(layer) ? layer : fail(`layer ${i}`)));
}

const fail = (where: string): never => {
  throw malformed('it is no layer', where);
};

function headOf(layer: Json, i: number): { name: string; className: string; config: Json } {
  const config = isObject(layer.config) ? layer.config : fail(`layer ${i}`);
  return {
    name: nameOf(layer.name ?? config.name, `layer ${i}`),
    className: nameOf(layer.class_name, `layer ${i}`),
    config,
  };
}

function unique(layers: readonly Layer[]): void {
  const seen = new Set<string>();
  for (const { name } of layers) {
    if (seen.has(name)) throw malformed(`two layers are named ${name}`, 'layers');
    seen.add(name);
  }
}

/** A chain; its input may stand in the first layer's config alone. */
function sequential(config: unknown): Topology {
  const layers: Layer[] = layersIn(isObject(config) ? config.layers : config).map((layer, i) => ({
    ...headOf(layer, i),
    calls: [],
  }));
  const [first] = layers as [Layer];
  if (first.className !== 'InputLayer') {
    const shape =
      first.config.batch_input_shape ?? first.config.batch_shape ?? (isObject(config) ? config.build_input_shape : undefined);
    layers.unshift({ name: `${first.name}_input`, className: 'InputLayer', config: { batch_input_shape: shape }, calls: [] });
  }
  unique(layers);
  for (const [i, layer] of layers.entries()) layer.calls = [i === 0 ? [] : [{ layer: (layers[i - 1] as Layer).name, call: 0 }]];
  const at = (layer: Layer | undefined): Ref[] => [{ layer: (layer as Layer).name, call: 0 }];
  return {
    name: isObject(config) && typeof config.name === 'string' ? config.name : 'model',
    layers,
    inputs: at(layers[0]),
    outputs: at(layers.at(-1)),
  };
}

/** [name, call, output] or [name, call, output, kwargs]. */
function refOf(x: unknown, where: string): Ref {
  if (!Array.isArray(x)) throw malformed('a reference to a layer is malformed', where);
  const [layer, call, output] = x as unknown[];
  if (typeof call !== 'number' || !Number.isInteger(call) || call < 0 || output !== 0)
    throw malformed('a reference to a layer is malformed', where, 'layers of one output are read');
  return { layer: nameOf(layer, where), call };
}

/** All `keras_history` in the positional arguments of a Keras 3 call, in order. */
function historiesIn(x: unknown, where: string, depth = 0): Ref[] {
  if (depth > 4) throw malformed('arguments are nested too deeply', where);
  if (Array.isArray(x)) return x.flatMap((y) => historiesIn(y, where, depth + 1));
  if (!isObject(x)) throw malformed('an argument is no tensor', where);
  if (x.class_name !== '__keras_tensor__' || !isObject(x.config)) throw malformed('an argument is no tensor', where);
  return [refOf(x.config.keras_history, where)];
}

function callsOf(nodes: unknown, where: string): Ref[][] {
  if (!Array.isArray(nodes)) throw malformed('inbound_nodes are missing', where);
  return nodes.map((node) => {
    if (isObject(node)) return historiesIn(node.args, where);
    if (!Array.isArray(node)) throw malformed('inbound_nodes are malformed', where);
    // one input may stand without its list
    return typeof node[0] === 'string' ? [refOf(node, where)] : node.map((x) => refOf(x, where));
  });
}

/** A list of references, or one alone. */
function refsOf(x: unknown, where: string): Ref[] {
  if (!Array.isArray(x) || x.length === 0) throw malformed(`the model has no ${where}`, where);
  return typeof x[0] === 'string' ? [refOf(x, where)] : x.map((y) => refOf(y, where));
}

function functional(config: unknown): Topology {
  if (!isObject(config)) throw malformed('the model has no config', 'modelTopology');
  const layers = layersIn(config.layers).map((layer, i): Layer => {
    const head = headOf(layer, i);
    const calls = head.className === 'InputLayer' ? [[]] : callsOf(layer.inbound_nodes, head.name);
    return { ...head, calls };
  });
  unique(layers);
  if (layers.reduce((n, l) => n + l.calls.length, 0) > maxCalls)
    throw tooLarge(`more than ${maxCalls} calls of layers`, 'layers');
  return {
    name: typeof config.name === 'string' ? config.name : 'model',
    layers,
    inputs: refsOf(config.input_layers, 'input_layers'),
    outputs: refsOf(config.output_layers, 'output_layers'),
  };
}
