/** Random networks with recurrences and crops of time. Out: an arbitrary of NetworkSpec. */
import fc from 'fast-check';
import { type LayerSpec, layer, type NetworkSpec, network } from './random-network.ts';
import { recurrentKinds } from './recurrent-layers.ts';

const kind = fc.constantFrom(...recurrentKinds);
const recurrent: fc.Arbitrary<LayerSpec> = fc.tuple(layer, kind).map(([l, k]) => ({ ...l, kind: k }));
/** One recurrence at least, other layers around it. */
export const recurrentNetwork: fc.Arbitrary<NetworkSpec> = fc
  .tuple(network, fc.array(layer, { maxLength: 3 }), recurrent, fc.array(fc.oneof(layer, recurrent), { maxLength: 3 }))
  .map(([spec, before, cell, after]) => ({ ...spec, layers: [...before, cell, ...after] }));
