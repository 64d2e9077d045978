/**
 * withoutMasks: removes masks of frames that the caller declares to be 1 everywhere.
 *
 * In: layers, and the names of Masking layers that are fixed at 1.
 * Out: the layers without the mask that Keras 3 adds: NotEqual and Any of the Masking layer's input, and the
 * argument `mask` of each later layer.
 */
import { lookup } from '../../lookup.ts';
import { type Arguments, type Layer, Place, type Topology } from './model.ts';

const marking = new Set(['NotEqual', 'Any']);

/** Removes the mask from a call; it is the last tensor that the call reads. */
function unmasked(reads: Layer['calls'][number], given: Arguments, marks: ReadonlySet<string>): [typeof reads, Arguments] {
  const { mask, ...kwargs } = given.kwargs;
  const isMask = mask instanceof Place && mask.input === reads.length - 1 && marks.has(reads[mask.input]?.layer ?? '');
  return isMask ? [reads.slice(0, -1), { ...given, kwargs }] : [reads, given];
}

export function withoutMasks(topology: Topology, fixed: Readonly<Record<string, number>>): Topology {
  const isFixed = ({ className, name }: Layer) => className === 'Masking' && lookup(fixed, name) === 1;
  if (!topology.layers.some(isFixed)) return topology;
  const marks = new Set(topology.layers.flatMap(({ className, name }) => (marking.has(className) ? [name] : [])));
  let layers = topology.layers.map((layer): Layer => {
    const made = layer.arguments?.map((given, call) => unmasked(layer.calls[call] ?? [], given, marks));
    return made ? { ...layer, calls: made.map(([calls]) => calls), arguments: made.map(([, given]) => given) } : layer;
  });
  // removes layers that compute a mask that nothing reads, the last first
  for (let left = -1; left !== layers.length; ) {
    left = layers.length;
    const read = new Set([...layers.flatMap(({ calls }) => calls.flat()), ...topology.outputs].map(({ layer }) => layer));
    layers = layers.filter(({ name }) => read.has(name) || !marks.has(name));
  }
  return { ...topology, layers };
}
