/** Random networks with recurrent layers and crops of time. Out: an arbitrary of NetworkSpec. */
import fc from 'fast-check';
import { type LayerSpec, layer, type NetworkSpec, network } from './random-network.ts';
import { recurrentKinds } from './recurrent-layers.ts';

const kind = fc.constantFrom(...recurrentKinds);
const recurrent: fc.Arbitrary<LayerSpec> = fc.tuple(layer, kind).map(([l, k]) => ({ ...l, kind: k }));
/** A recurrent layer or a crop, with other layers before and after it. */
export const recurrentNetwork: fc.Arbitrary<NetworkSpec> = fc
  .tuple(network, fc.array(layer, { maxLength: 3 }), recurrent, fc.array(fc.oneof(layer, recurrent), { maxLength: 3 }))
  .map(([spec, before, cell, after]) => ({ ...spec, layers: [...before, cell, ...after] }));

const cells = recurrent.filter(({ kind }) => kind !== 'last' && kind !== 'crop').map((l) => ({ ...l, padding: 'same' as const }));
const pool: fc.Arbitrary<LayerSpec> = fc
  .tuple(layer, fc.constantFrom('maxpool' as const, 'avgpool' as const), fc.constantFrom('same' as const, 'causal' as const))
  .map(([l, k, padding]) => ({ ...l, kind: k, padding, kernel: Math.max(2, l.kernel) }));

/** A padded pool directly before the only recurrent layer, after another layer or at the input. */
export const pooledNetwork: fc.Arbitrary<NetworkSpec> = fc
  .tuple(network, fc.array(layer, { maxLength: 1 }), pool, cells)
  .map(([spec, before, pooled, cell]) => ({ ...spec, layers: [...before, pooled, cell] }));
