/**
 * Weights of Keras' files by the names that the layers reader asks for.
 *
 * In: the root of the HDF5 file, and for .keras the topology.  Out: weights by `model/layer/weight`, made
 * when they are asked for. .h5: groups and datasets have the names of layers and weights.  .keras: groups
 * have the classes of layers, counted in the order of their model, and weights are numbered as the layer made
 * them, those that are trained first. Source: keras saving_lib (_save_state, _save_container_state,
 * save_own_variables), naming.to_snake_case.
 */
import { malformed } from '../tfjs/fail.ts';
import type { Weights } from '../tfjs/layers.ts';
import { isObject, type Json } from '../tfjs/model.ts';
import { isModel } from '../tfjs/topology.ts';
import type { Tensor } from '../tfjs/weights.ts';
import { Hdf5Error, type Hdf5Object } from './hdf5/index.ts';

/** Groups in groups. A choice: models are read 8 deep, and each has two groups. */
const deepest = 24;

const tensorOf =
  (dataset: Hdf5Object): (() => Tensor) =>
  () => ({ ...dataset.values(), whole: false });

/** All datasets of an .h5 file's weights, by path. */
export function namedWeights(root: Hdf5Object): Weights {
  const group = root.child('model_weights');
  if (!group) throw new Hdf5Error('it has no model_weights');
  const found = new Map<string, () => Tensor>();
  const walk = (at: Hdf5Object, path: string, depth: number): void => {
    if (depth > deepest) throw new Hdf5Error('its groups are nested too deeply');
    for (const name of at.links().keys()) {
      const child = at.child(name) as Hdf5Object;
      const own = path === '' ? name : `${path}/${name}`;
      if (child.isGroup) walk(child, own, depth + 1);
      else found.set(own, tensorOf(child));
    }
  };
  walk(group, '', 0);
  return found;
}

const gammaAndBeta = ({ scale, center }: Json): string[] => [
  ...(scale === false ? [] : ['gamma']),
  ...(center === false ? [] : ['beta']),
];
/** Names of a layer's weights in the order in which it makes them, by class. */
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

/** `LeakyReLU` is `leaky_re_lu`, as Keras names the groups of a container. */
export const snakeCase = (className: string): string =>
  className
    .replace(/\W+/g, '')
    .replace(/(.)([A-Z][a-z]+)/g, '$1_$2')
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase();

/** Keras 2.12 and 2.13 count a layer twice, as one of all and as one with weights. */
const countedTwice = '_layer_checkpoint_dependencies';

/** The layers of a model, each with its group. @param each numbers that a layer takes */
function* groupsOf(
  config: unknown,
  container: Hdf5Object | undefined,
  each = 1,
): Generator<[layer: Json, group: Hdf5Object | undefined]> {
  const layers = isObject(config) ? config.layers : config;
  const counts = new Map<string, number>();
  for (const layer of Array.isArray(layers) ? layers : []) {
    if (!isObject(layer) || typeof layer.class_name !== 'string') continue;
    const name = snakeCase(layer.class_name);
    const count = counts.get(name) ?? 0;
    counts.set(name, count + each);
    yield [layer, container?.child(count === 0 ? name : `${name}_${count}`)];
  }
}

/** The weights of a .keras file. @param model its config.json */
export function archiveWeights(model: Json, root: Hdf5Object): Weights {
  const found = new Map<string, () => Tensor>();
  const walk = ({ class_name, config }: Json, group: Hdf5Object | undefined, path: string, depth: number): void => {
    if (depth > deepest || !group || !isModel(String(class_name))) return;
    const layers = group.child('layers');
    for (const [layer, own] of groupsOf(config, layers ?? group.child(countedTwice), layers ? 1 : 2)) {
      const inner = isObject(layer.config) ? layer.config : {};
      const name = layer.name ?? inner.name;
      if (!own || typeof name !== 'string') continue;
      const at = `${path}${name}`;
      walk(layer, own, `${at}/`, depth + 1);
      addCells(found, own, String(layer.class_name), inner, at);
      addProjections(found, own, String(layer.class_name), at);
      const wrapped = isObject(inner.layer) ? inner.layer : undefined;
      const [from, of] = wrapped ? [own.child('layer'), wrapped] : [own, layer];
      if (from) addOwn(found, from, of, at);
    }
  };
  walk(model, root, '', 0);
  return found;
}

/** Those of these weights, numbered in their order, that are there. */
function addNumbered(found: Map<string, () => Tensor>, vars: Hdf5Object | undefined, names: string[], path: string): void {
  for (const [number, name] of names.entries()) {
    const weight = vars?.child(String(number));
    if (weight) found.set(`${path}/${name}`, tensorOf(weight));
  }
}

const cellWeights = ['kernel', 'recurrent_kernel', 'bias'];

/** The weights of a recurrent layer, which its cells have; of both directions, where it runs both ways. */
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
 * The projections of attention by their names in .h5 files, and what their layers are called in Keras 3;
 * Keras 2 has a _ before.
 */
const projections = { query: 'query_dense', key: 'key_dense', value: 'value_dense', attention_output: 'output_dense' };

function addProjections(found: Map<string, () => Tensor>, layer: Hdf5Object, className: string, path: string): void {
  if (className !== 'MultiHeadAttention') return;
  for (const [part, own] of Object.entries(projections)) {
    const vars = (layer.child(own) ?? layer.child(`_${own}`))?.child('vars');
    addNumbered(found, vars, usual(), `${path}/${part}`);
  }
}

/** The numbered weights of one layer. */
function addOwn(found: Map<string, () => Tensor>, group: Hdf5Object, layer: Json, path: string): void {
  const vars = group.child('vars');
  const config = isObject(layer.config) ? layer.config : {};
  if (!vars || vars.links().size === 0) return;
  const named = vars.text('name');
  if (named !== undefined && named !== config.name)
    throw malformed(`the weights are those of ${named}`, `layer ${path}`, 'layers and weights have another order');
  const names = (ordered[String(layer.class_name)] ?? usual)(config);
  for (const number of vars.links().keys()) {
    const name = names[Number(number)];
    if (name !== undefined) found.set(`${path}/${name}`, tensorOf(vars.child(number) as Hdf5Object));
  }
}
