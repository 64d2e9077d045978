/**
 * readTopology: reads the layers of a model.json and the references between them.
 *
 * In: the parsed JSON, which is not trusted.  Out: layers with their calls, inputs and outputs.  It reads
 * Keras 2 (as TensorFlow.js and its converter write it) and Keras 3 (`args` with `keras_history`,
 * `batch_shape`). Sequential models become chains; inner models are replaced by their layers (nested.ts).
 * Source: Keras' model JSON; tfjs-layers' deserialize.
 */
import { callsOf, maxCalls, nameOf, refOf } from './calls.ts';
import { malformed, tooLarge } from './fail.ts';
import { isObject, type Json, type Layer, type Ref, type Topology } from './model.ts';
import { inlined } from './nested.ts';

const maxLayers = 2000;
/** Deepest nesting of models. A choice: a base, a head and a model of both are three. */
const maxDepth = 8;

/** Checks whether a layer's class is a model. */
export const isModel = (className: string): boolean =>
  className === 'Sequential' || className === 'Functional' || className === 'Model';

export function readTopology(model: unknown): Topology {
  const outer = isObject(model) && isObject(model.model_config) ? model.model_config : model;
  if (!isObject(outer)) throw malformed('there is no model in the file', 'modelTopology');
  return modelOf(outer, 'modelTopology', 0);
}

/** Reads a model and its inner models as layers. */
function modelOf({ class_name, config }: Json, where: string, depth: number): Topology {
  const className = nameOf(class_name, 'class_name of the model');
  if (!isModel(className)) {
    const why = 'Sequential and Functional (Model) are read; what a class of your own computes is not in the file';
    throw malformed(
      `a model of class ${className}`,
      where,
      why,
      'export it to ONNX or TensorFlow Lite, which hold its operators',
    );
  }
  if (depth > maxDepth) throw tooLarge(`models in models, ${depth} deep`, where);
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
  return topology;
}

/** Reads the model that a layer holds. */
type ReadInner = (layer: Layer) => Topology;

function layersIn(list: unknown): Json[] {
  if (!Array.isArray(list) || list.length === 0) throw malformed('there are no layers', 'layers');
  if (list.length > maxLayers) throw tooLarge(`${list.length} layers`, 'layers');
  return list.map((layer, i) => (isObject(layer) ? layer : fail(`layer ${i}`)));
}

const fail = (where: string): never => {
  throw malformed('it is no layer', where);
};

function headOf(layer: Json, i: number): Omit<Layer, 'calls'> {
  const config = isObject(layer.config) ? layer.config : fail(`layer ${i}`);
  const className = nameOf(layer.class_name, `layer ${i}`);
  return {
    name: nameOf(layer.name ?? config.name, `layer ${i}`),
    className,
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

/**
 * Reads a chain of layers. Its input shape may be only in the first layer's config, or in that of the first
 * layer's model.
 */
function sequential(config: unknown, readInner: ReadInner): Topology {
  const layers: Layer[] = layersIn(isObject(config) ? config.layers : config).map((layer, i) => ({
    ...headOf(layer, i),
    calls: [],
  }));
  const inner = layers.map((layer) => (isModel(layer.className) ? readInner(layer) : undefined));
  const [first] = layers as [Layer];
  if (first.className !== 'InputLayer') {
    const inputConfig = inner[0]?.layers.find(({ name }) => name === inner[0]?.inputs[0]?.layer)?.config ?? first.config;
    const shape =
      inputConfig.batch_input_shape ?? inputConfig.batch_shape ?? (isObject(config) ? config.build_input_shape : undefined);
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

/** Reads references: a list, an object by the names in a model's function, or a single reference. */
function refsOf(given: unknown, where: string): Ref[] {
  const x = isObject(given) ? Object.values(given) : given;
  if (!Array.isArray(x) || x.length === 0) throw malformed(`the model has no ${where}`, where);
  return typeof x[0] === 'string' ? [refOf(x, where)] : x.map((y) => refOf(y, where));
}

function functional(config: unknown, readInner: ReadInner): Topology {
  if (!isObject(config)) throw malformed('the model has no config', 'modelTopology');
  const layers = layersIn(config.layers).map((layer, i): Layer => {
    const head = headOf(layer, i);
    return { ...head, ...(head.className === 'InputLayer' ? { calls: [[]] } : callsOf(layer.inbound_nodes, head.name)) };
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
