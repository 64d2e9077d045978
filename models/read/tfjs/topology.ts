/**
 * readTopology: the layers of a model.json and who reads whom.
 *
 * In: the parsed JSON, which is not trusted.  Out: layers with their calls, inputs and outputs.  Keras 2 (as TensorFlow.js saves, and its converter writes)
 * and Keras 3 (`args` with `keras_history`, `batch_shape`); Sequential models become chains, models in models become their layers (nested.ts).
 * Source: Keras' model JSON; tfjs-layers' deserialize.
 */
import { lookup } from '../../lookup.ts';
import { malformed, tooLarge } from './fail.ts';
import type { Json, Layer, Ref, Topology } from './model.ts';
import { inlined } from './nested.ts';

export type { Json, Layer, Ref, Topology } from './model.ts';

const maxLayers = 2000;
const maxCalls = 4000;
/** Models in models. A choice: a base, a head and both in one are three. */
const deepest = 8;

export const isObject = (x: unknown): x is Json => typeof x === 'object' && x !== null && !Array.isArray(x);

const nameOf = (x: unknown, where: string): string => {
  if (typeof x === 'string' && x !== '' && x.length <= 500) return x;
  throw malformed('a name is missing', where);
};

/** Whether a layer's class is that of a model. */
export const isModel = (className: string): boolean =>
  className === 'Sequential' || className === 'Functional' || className === 'Model';

export function readTopology(model: unknown): Topology {
  const outer = isObject(model) && isObject(model.model_config) ? model.model_config : model;
  if (!isObject(outer)) throw malformed('there is no model in the file', 'modelTopology');
  return modelOf(outer, 'modelTopology', 0);
}

/** A model and the models in it, all as layers. */
function modelOf({ class_name, config }: Json, where: string, depth: number): Topology {
  const className = nameOf(class_name, 'class_name of the model');
  if (!isModel(className)) throw malformed(`a model of class ${className}`, where, 'Sequential and Functional (Model) are read');
  if (depth > deepest) throw tooLarge(`models in models, ${depth} deep`, where);
  const inner = new Map<string, Topology>();
  const topology = (className === 'Sequential' ? sequential : functional)(config, (layer) => {
    const found = modelOf({ class_name: layer.className, config: layer.config }, `layer ${layer.name}`, depth + 1);
    inner.set(layer.name, found);
    return found;
  });
  return bounded(inlined(topology, inner));
}

function bounded(topology: Topology): Topology {
  const { layers } = topology;
  unique(layers);
  if (layers.length > maxLayers) throw tooLarge(`${layers.length} layers`, 'layers');
  if (layers.reduce((n, l) => n + l.calls.length, 0) > maxCalls)
    throw tooLarge(`more than ${maxCalls} calls of layers`, 'layers');
  for (const ref of [...topology.outputs, ...layers.flatMap(({ calls }) => calls.flat())])
    if (ref.output !== 0)
      throw malformed(`output ${ref.output} of it is read`, `layer ${ref.layer}`, 'layers of one output are read');
  return topology;
}

/** Reads the model that a layer is. */
type ReadInner = (layer: Layer) => Topology;

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

/** A chain; its input may stand in the first layer's config alone, or in that of the model that the first layer is. */
function sequential(config: unknown, readInner: ReadInner): Topology {
  const layers: Layer[] = layersIn(isObject(config) ? config.layers : config).map((layer, i) => ({
    ...headOf(layer, i),
    calls: [],
  }));
  const inner = layers.map((layer) => (isModel(layer.className) ? readInner(layer) : undefined));
  const [first] = layers as [Layer];
  if (first.className !== 'InputLayer') {
    const own = inner[0]?.layers.find(({ name }) => name === inner[0]?.inputs[0]?.layer)?.config ?? first.config;
    const shape = own.batch_input_shape ?? own.batch_shape ?? (isObject(config) ? config.build_input_shape : undefined);
    layers.unshift({ name: `${first.name}_input`, className: 'InputLayer', config: { batch_input_shape: shape }, calls: [] });
  }
  unique(layers);
  const at = (layer: Layer | undefined): Ref[] => [{ layer: (layer as Layer).name, call: 0, output: 0 }];
  for (const [i, layer] of layers.entries()) layer.calls = [i === 0 ? [] : at(layers[i - 1])];
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
  const counts = [call, output].every((n) => typeof n === 'number' && Number.isInteger(n) && n >= 0);
  if (!counts) throw malformed('a reference to a layer is malformed', where, 'it has a name and two indices');
  return { layer: nameOf(layer, where), call: call as number, output: output as number };
}

/** All `keras_history` in the positional arguments of a Keras 3 call, in order. */
function historiesIn(x: unknown, where: string, depth = 0): Ref[] {
  if (depth > 4) throw malformed('arguments are nested too deeply', where);
  if (Array.isArray(x)) return x.flatMap((y) => historiesIn(y, where, depth + 1));
  if (!isObject(x)) throw malformed('an argument is no tensor', where);
  if (x.class_name !== '__keras_tensor__' || !isObject(x.config)) throw malformed('an argument is no tensor', where);
  return [refOf(x.config.keras_history, where)];
}

/** Arguments that Keras' functional calls may name, in the order in which their layers take them. */
const named = ['value', 'key', 'y'];
const isTensor = (x: unknown): boolean => isObject(x) || (Array.isArray(x) && typeof x[0] === 'string');

/** Functions that Keras 2 calls as layers of class TFOpLambda, and the layers that they are. */
const functions: Readonly<Record<string, string>> = {
  '__operators__.add': 'Add',
  'math.add': 'Add',
  'math.subtract': 'Subtract',
  'math.multiply': 'Multiply',
};

/**
 * A function called as a layer, as the layer that it is; `operand` of its config: the constant that is its
 * second argument.
 */
function ofFunction(layer: Omit<Layer, 'calls'>, nodes: unknown): Omit<Layer, 'calls'> {
  const className = lookup(functions, String(layer.config.function));
  if (layer.className !== 'TFOpLambda' || !className || !Array.isArray(nodes) || nodes.length !== 1) return layer;
  const [node] = nodes as [unknown];
  const [first] = Array.isArray(node) ? node : [];
  // one input may stand without its list
  const kwargs = Array.isArray(first) ? first[3] : (node as unknown[])[3];
  const operand = isObject(kwargs) && !isTensor(kwargs.y) ? { operand: kwargs.y } : {};
  return { ...layer, className, config: { ...layer.config, ...operand } };
}

/** Tensors among the named arguments of a call. @param refs of one argument */
function namedIn(kwargs: unknown, where: string, refs: (x: unknown) => Ref[]): Ref[] {
  if (!isObject(kwargs)) return [];
  if (kwargs.use_causal_mask === true) throw malformed('it asks for a causal mask', where, 'attention over all rows is read');
  const known = named.flatMap((name) => (isTensor(kwargs[name]) ? refs(kwargs[name]) : []));
  const rest = Object.entries(kwargs).filter(([name]) => !named.includes(name));
  if (JSON.stringify(rest).includes('"__keras_tensor__"'))
    throw malformed('a tensor is given by its name', where, 'tensors are read in their order');
  return known;
}

function callsOf(nodes: unknown, where: string): Ref[][] {
  if (!Array.isArray(nodes)) throw malformed('inbound_nodes are missing', where);
  return nodes.map((node) => {
    if (isObject(node)) return [...historiesIn(node.args, where), ...namedIn(node.kwargs, where, (x) => historiesIn(x, where))];
    if (!Array.isArray(node)) throw malformed('inbound_nodes are malformed', where);
    // one input may stand without its list; named arguments stand behind each
    const refs: unknown[] = typeof node[0] === 'string' ? [node] : node;
    return refs.flatMap((x) => [refOf(x, where), ...namedIn((x as unknown[])[3], where, (y) => [refOf(y, where)])]);
  });
}

/** A list of references, or one alone. */
function refsOf(x: unknown, where: string): Ref[] {
  if (!Array.isArray(x) || x.length === 0) throw malformed(`the model has no ${where}`, where);
  return typeof x[0] === 'string' ? [refOf(x, where)] : x.map((y) => refOf(y, where));
}

function functional(config: unknown, readInner: ReadInner): Topology {
  if (!isObject(config)) throw malformed('the model has no config', 'modelTopology');
  const layers = layersIn(config.layers).map((layer, i): Layer => {
    const head = ofFunction(headOf(layer, i), layer.inbound_nodes);
    const calls = head.className === 'InputLayer' ? [[]] : callsOf(layer.inbound_nodes, head.name);
    return { ...head, calls };
  });
  unique(layers);
  for (const layer of layers) if (isModel(layer.className)) readInner(layer);
  return {
    name: typeof config.name === 'string' ? config.name : 'model',
    layers,
    inputs: refsOf(config.input_layers, 'input_layers'),
    outputs: refsOf(config.output_layers, 'output_layers'),
  };
}
