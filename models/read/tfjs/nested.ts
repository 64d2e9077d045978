/**
 * inlined: turns a model with inner models into one list of layers.
 *
 * In: a topology, and those of the models among its layers, which hold no models.  Out: a topology without
 * models. A layer of an inner model is named `model/layer`; its number of calls is that of its model times
 * its own. Rule of node indexes: a model may count the node that it was built with as its call 0. Keras 2 and
 * older TensorFlow.js do so if it was built on an input, Keras 3 for Functional models. The config leaves
 * that node out and saves every other call that something reads. So the smallest index that is read is the
 * first call in the list. Indexes with a gap are refused.
 * Source: Keras' get_config (`kept_nodes`), Container.getConfig of tfjs-layers.
 */
import { maxOf, minOf } from '../../lists.ts';
import { malformed } from './fail.ts';
import type { Layer, Ref, Topology } from './model.ts';

interface Inner {
  layer: Layer;
  topology: Topology;
  /** Index of its first call. */
  first: number;
  /** Layers of the model by name. */
  byName: ReadonlyMap<string, Layer>;
}

/** @throws RN161 */
export function inlined(outer: Topology, models: ReadonlyMap<string, Topology>): Topology {
  const refs = [...outer.inputs, ...outer.outputs, ...outer.layers.flatMap(({ calls }) => calls.flat())];
  const inner = new Map<string, Inner>();
  for (const layer of outer.layers) {
    const topology = models.get(layer.name);
    if (topology) inner.set(layer.name, innerOf(layer, topology, refs));
  }
  if (inner.size === 0) return outer;
  const resolved = (ref: Ref): Ref => resolve(ref, inner);
  const layers = outer.layers.flatMap((layer) => {
    const found = inner.get(layer.name);
    return found ? layersOf(found, inner) : [{ ...layer, calls: layer.calls.map((call) => call.map(resolved)) }];
  });
  return { ...outer, layers, inputs: outer.inputs.map(resolved), outputs: outer.outputs.map(resolved) };
}

function innerOf(layer: Layer, topology: Topology, refs: readonly Ref[]): Inner {
  const read = refs.filter((ref) => ref.layer === layer.name).map((ref) => ref.call);
  const [first, last] = [minOf(read), maxOf(read)];
  if (read.length === 0 || first > 1 || last - first + 1 !== layer.calls.length)
    throw malformed(
      `its ${layer.calls.length} calls are read as ${[...new Set(read)].slice(0, 8).join(', ') || 'none'}`,
      `model ${layer.name}`,
    );
  for (const call of layer.calls)
    if (call.length !== topology.inputs.length)
      throw malformed(`a call gives ${call.length} values to ${topology.inputs.length} inputs`, `model ${layer.name}`);
  return { layer, topology, first, byName: new Map(topology.layers.map((l) => [l.name, l])) };
}

/** Returns reference `ref` of the model `of`, in its call `call`, as a reference into the list. */
function within(of: Inner, call: number, ref: Ref, inner: ReadonlyMap<string, Inner>): Ref {
  const input = inputAt(of, ref);
  if (input >= 0) return resolve(of.layer.calls[call]?.[input] as Ref, inner);
  const layer = of.byName.get(ref.layer);
  if (!layer || layer.className === 'InputLayer' || ref.call >= layer.calls.length)
    throw malformed(`call ${ref.call} of layer ${ref.layer} is not there`, `model ${of.layer.name}`);
  return { ...ref, layer: nameIn(of, layer), call: call * layer.calls.length + ref.call };
}

const inputAt = (of: Inner, ref: Ref): number => of.topology.inputs.findIndex(({ layer }) => layer === ref.layer);
const nameIn = (of: Inner, layer: Layer): string => `${of.layer.name}/${layer.name}`;

/** Largest number of outputs in a row that are inputs of their model. A choice: real files have none. */
const maxSteps = 100;

/** Returns a reference to a model's output as a reference to the layer that computes it. */
function resolve(given: Ref, inner: ReadonlyMap<string, Inner>): Ref {
  let ref = given;
  for (let steps = 0; steps < maxSteps; steps++) {
    const of = inner.get(ref.layer);
    if (!of) return ref;
    const call = ref.call - of.first;
    const output = of.topology.outputs[ref.output];
    if (!output || !of.layer.calls[call])
      throw malformed(`output ${ref.output} of call ${ref.call} is not there`, `model ${ref.layer}`);
    const input = inputAt(of, output);
    if (input < 0) return within(of, call, output, inner);
    ref = of.layer.calls[call]?.[input] as Ref;
  }
  throw malformed('models pass their inputs on in a circle', `model ${given.layer}`);
}

/** Returns the layers of an inner model, without its inputs. */
function layersOf(of: Inner, inner: ReadonlyMap<string, Inner>): Layer[] {
  const computing = of.topology.layers.filter(({ className }) => className !== 'InputLayer');
  return computing.map((layer) => ({
    ...layer,
    name: nameIn(of, layer),
    calls: of.layer.calls.flatMap((_, k) => layer.calls.map((call) => call.map((ref) => within(of, k, ref, inner)))),
    ...(layer.arguments && { arguments: of.layer.calls.flatMap(() => layer.arguments ?? []) }),
  }));
}
