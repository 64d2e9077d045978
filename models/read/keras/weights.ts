/**
 * Weights of Keras files, by the names that the layers reader uses.
 *
 * In: the root of the HDF5 file, and for .keras the topology.  Out: weights by `model/layer/weight`, decoded
 * on demand. In .h5 files, groups and datasets have the names of layers and weights. In .keras files, groups
 * have the class names of layers, numbered in the order of the model. Weights are numbered in the order in
 * which the layer made them, trainable weights first. Source: keras saving_lib (_save_state,
 * _save_container_state, save_own_variables), naming.to_snake_case.
 */
import { malformed } from '../tfjs/fail.ts';
import type { Weights } from '../tfjs/layers.ts';
import { isObject, type Json } from '../tfjs/model.ts';
import { isModel } from '../tfjs/topology.ts';
import type { Tensor } from '../tfjs/weights.ts';
import { Hdf5Error, type Hdf5Object } from './hdf5/index.ts';

/** Largest depth of groups. A choice: models are read up to 8 levels deep, and each level has two groups. */
const maxDepth = 24;

const tensorOf =
  (dataset: Hdf5Object): (() => Tensor) =>
  () => ({ ...dataset.values(), whole: false });

/** Returns all weight datasets of an .h5 file, by path. */
export function namedWeights(root: Hdf5Object): Weights {
  const group = root.child('model_weights');
  if (!group) throw new Hdf5Error('it has no model_weights');
  const found = new Map<string, () => Tensor>();
  const walk = (at: Hdf5Object, path: string, depth: number): void => {
    if (depth > maxDepth) throw new Hdf5Error('its groups are nested too deeply');
    for (const name of at.links().keys()) {
      const child = at.child(name) as Hdf5Object;
      const childPath = path === '' ? name : `${path}/${name}`;
      if (child.isGroup) walk(child, childPath, depth + 1);
      else found.set(childPath, tensorOf(child));
    }
  };
  walk(group, '', 0);
  return found;
}

const gammaAndBeta = ({ scale, center }: Json): string[] => [
  ...(scale === false ? [] : ['gamma']),
  ...(center === false ? [] : ['beta']),
];
/** Names of a layer's weights by class, in the order in which the layer makes them. */
const ordered: Readonly<Record<string, (config: Json) => string[]>> = {
  BatchNormalization: (config) => [...gammaAndBeta(config), 'moving_mean', 'moving_variance'],
  LayerNormalization: gammaAndBeta,
  GroupNormalization: gammaAndBeta,
  RMSNormalization: () => ['scale'],
  Attention: () => ['scale'],
  Normalization: () => ['mean', 'variance'],
  PReLU: () => ['alpha'],
  SeparableConv1D: () => ['depthwise_kernel', 'pointwise_kernel', 'bias'],
  SeparableConv2D: () => ['depthwise_kernel', 'pointwise_kernel', 'bias'],
};
const usual = (): string[] => ['kernel', 'bias'];

/** Converts a class name to the name of its group: `LeakyReLU` becomes `leaky_re_lu`. */
export const snakeCase = (className: string): string =>
  className
    .replace(/\W+/g, '')
    .replace(/(.)([A-Z][a-z]+)/g, '$1_$2')
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase();

/** Keras 2.12 and 2.13 count every layer twice: among all layers, and among layers with weights. */
const countedTwice = '_layer_checkpoint_dependencies';

/** Yields the layers of a model, each with its group. @param step numbers that a layer takes, default 1. */
function* groupsOf(
  config: unknown,
  container: Hdf5Object | undefined,
  step = 1,
): Generator<[layer: Json, group: Hdf5Object | undefined]> {
  const layers = isObject(config) ? config.layers : config;
  const counts = new Map<string, number>();
  for (const layer of Array.isArray(layers) ? layers : []) {
    if (!isObject(layer) || typeof layer.class_name !== 'string') continue;
    const name = snakeCase(layer.class_name);
    const count = counts.get(name) ?? 0;
    counts.set(name, count + step);
    yield [layer, container?.child(count === 0 ? name : `${name}_${count}`)];
  }
}

/** Returns the weights of a .keras file. @param model the file's config.json. */
export function archiveWeights(model: Json, root: Hdf5Object): Weights {
  const found = new Map<string, () => Tensor>();
  const walk = ({ class_name, config }: Json, group: Hdf5Object | undefined, path: string, depth: number): void => {
    if (depth > maxDepth || !group || !isModel(String(class_name))) return;
    const layers = group.child('layers');
    for (const [layer, layerGroup] of groupsOf(config, layers ?? group.child(countedTwice), layers ? 1 : 2)) {
      const inner = isObject(layer.config) ? layer.config : {};
      const name = layer.name ?? inner.name;
      if (!layerGroup || typeof name !== 'string') continue;
      const at = `${path}${name}`;
      walk(layer, layerGroup, `${at}/`, depth + 1);
      addCells(found, layerGroup, String(layer.class_name), inner, at);
      addProjections(found, layerGroup, String(layer.class_name), at);
      const wrapped = isObject(inner.layer) ? inner.layer : undefined;
      const [from, of] = wrapped ? [layerGroup.child('layer'), wrapped] : [layerGroup, layer];
      if (from) addOwn(found, from, of, at);
    }
  };
  walk(model, root, '', 0);
  return found;
}

/** Adds the weights `names`, which the file numbers in this order, as far as they are present. */
function addNumbered(found: Map<string, () => Tensor>, vars: Hdf5Object | undefined, names: string[], path: string): void {
  for (const [number, name] of names.entries()) {
    const weight = vars?.child(String(number));
    if (weight) found.set(`${path}/${name}`, tensorOf(weight));
  }
}

const cellWeights = ['kernel', 'recurrent_kernel', 'bias'];

/** Adds the weights of a recurrent layer's cells, for both directions if it is bidirectional. */
function addCells(found: Map<string, () => Tensor>, layer: Hdf5Object, className: string, { cell }: Json, path: string): void {
  const sides = className === 'Bidirectional' ? ['forward', 'backward'] : [''];
  if (!/^(Bidirectional|LSTM|GRU|RNN|SimpleRNN)$/.test(className)) return;
  const cells = isObject(cell) && isObject(cell.config) ? cell.config.cells : [];
  for (const [i, [, group]] of [...groupsOf(cells, layer.child('cell')?.child('cells'))].entries())
    addNumbered(found, group?.child('vars'), cellWeights, `${path}/cell${i}_`);
  for (const side of sides) {
    const vars = (side === '' ? layer : layer.child(`${side}_layer`))?.child('cell')?.child('vars');
    const at = [path, side, 'cell'].filter((part) => part !== '').join('/');
    addNumbered(found, vars, cellWeights, at);
  }
}

/**
 * The projections of attention: their names in .h5 files, and the names of their layers in Keras 3. Keras 2
 * puts a _ before the latter.
 */
const projections = { query: 'query_dense', key: 'key_dense', value: 'value_dense', attention_output: 'output_dense' };

function addProjections(found: Map<string, () => Tensor>, layer: Hdf5Object, className: string, path: string): void {
  if (className !== 'MultiHeadAttention') return;
  for (const [part, layerName] of Object.entries(projections)) {
    const vars = (layer.child(layerName) ?? layer.child(`_${layerName}`))?.child('vars');
    addNumbered(found, vars, usual(), `${path}/${part}`);
  }
}

/** Adds the numbered weights of one layer. */
function addOwn(found: Map<string, () => Tensor>, group: Hdf5Object, layer: Json, path: string): void {
  const vars = group.child('vars');
  const config = isObject(layer.config) ? layer.config : {};
  if (!vars || vars.links().size === 0) return;
  const named = vars.text('name');
  if (named !== undefined && named !== config.name)
    throw malformed(`the weights are those of ${named}`, `layer ${path}`, 'layers and weights are in different orders');
  const names = (ordered[String(layer.class_name)] ?? usual)(config);
  for (const number of vars.links().keys()) {
    const name = names[Number(number)];
    if (name !== undefined) found.set(`${path}/${name}`, tensorOf(vars.child(number) as Hdf5Object));
  }
}
