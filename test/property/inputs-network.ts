/**
 * Random int8 networks with two or three inputs of different rates on one clock.
 *
 * In: an InputsSpec.  Out: an int8 Graph.  The branches are combined after strides have made their rates
 * equal, or after a head per branch.
 */
import fc from 'fast-check';
import type { Graph } from '../../models/graph/types.ts';
import { applyHead, applyLayer, conv, type LayerSpec, layer, Maker, type NetworkSpec } from './random-network.ts';

export interface InputsSpec {
  seed: number;
  /** Number of ticks in a window. */
  window: number;
  rates: number[];
  channels: number;
  /** Operator that combines the branches, or the head of each branch. */
  join: 'add' | 'concat' | 'dense' | 'globalavg';
  /** Padding of the layer that strides to the common rate. With `valid`, its kernel has `strides` strides. */
  padding: 'valid' | 'causal' | 'same';
  strides: number;
  before: LayerSpec[];
  after: LayerSpec[];
  head: NetworkSpec['head'];
  hop: number;
  micro: number;
}

/** @param layer generator of their layers. */
export const inputsNetworkOf = (layer: fc.Arbitrary<LayerSpec>): fc.Arbitrary<InputsSpec> =>
  fc.record({
    seed: fc.integer({ min: 1, max: 0x7fffffff }),
    window: fc.integer({ min: 3, max: 24 }),
    rates: fc.constantFrom([1, 1], [2, 1], [1, 2], [3, 2], [2, 3], [4, 1], [1, 1, 1], [2, 1, 3], [3, 2, 2]),
    channels: fc.integer({ min: 1, max: 3 }),
    join: fc.constantFrom('add', 'concat', 'concat', 'dense', 'globalavg'),
    padding: fc.constantFrom('valid', 'causal', 'same'),
    strides: fc.integer({ min: 1, max: 2 }),
    before: fc.array(layer, { minLength: 0, maxLength: 3 }),
    after: fc.array(layer, { minLength: 0, maxLength: 4 }),
    head: fc.constantFrom('none', 'dense', 'globalavg', 'globalmax', 'globalavg+dense', 'softmax', 'mean'),
    hop: fc.integer({ min: 1, max: 20 }),
    micro: fc.integer({ min: 1, max: 3 }),
  });
export const inputsNetwork = inputsNetworkOf(layer);

/** Changes a layer so that it keeps a branch's length, which the combination with others requires. */
const keeping = (l: LayerSpec): LayerSpec => ({
  ...l,
  kind: l.kind === 'maxpool' || l.kind === 'avgpool' ? 'conv' : l.kind,
  stride: 1,
  padding: l.padding === 'causal' ? 'causal' : 'same',
});

export function makeInputsNetwork(spec: InputsSpec): Graph {
  const m = new Maker(spec.seed);
  const inputs = spec.rates.map((rate, i) =>
    m.b.input(
      `x${i}`,
      { t: spec.window * rate, f: 1, c: 1 + ((spec.channels + i) % 3) },
      { quant: m.quant(0.05), hostType: 'int8' },
    ),
  );
  const byStrides = spec.join === 'add' || spec.join === 'concat';
  const branches = inputs.map((input, i) => {
    const rate = spec.rates[i] as number;
    // every branch has different layers: the list is rotated by the input's index
    const own = spec.before.map((_, k) => spec.before[(k + i) % spec.before.length] as LayerSpec);
    let x = input;
    for (const l of own) x = applyLayer(m, x, byStrides ? keeping(l) : l);
    if (!byStrides) return applyHead(m, x, spec.join as 'dense' | 'globalavg');
    const kernel = spec.padding === 'valid' ? rate * spec.strides : rate + spec.strides;
    const strided: LayerSpec = {
      ...(spec.before[0] ?? { fn: 'identity', relu: true }),
      kind: 'conv',
      kernel,
      stride: rate,
      dilation: 1,
      channels: spec.join === 'add' ? 2 : 1 + (i % 2),
      groups: 1,
      padding: spec.padding,
    };
    return conv(m, x, strided);
  });
  const channels = new Set(branches.map((b) => m.b.shape(b).c));
  const lengths = new Set(branches.map((b) => m.b.shape(b).t));
  let x = branches[0] as number;
  if (lengths.size > 1) throw new Error(`branches of ${[...lengths]} rows do not meet`);
  if (spec.join === 'add' && channels.size === 1)
    for (const b of branches.slice(1))
      x = m.b.node('add', [x, b], { clamp: [0, Number.POSITIVE_INFINITY] }, m.name('add'), m.quant());
  else x = m.b.node('concat', branches, { axis: 'c' }, m.name('concat'), m.quant());
  for (const l of byStrides ? spec.after : []) x = applyLayer(m, x, l);
  if (spec.head !== 'none') x = applyHead(m, x, spec.head);
  m.b.output(x, 'y', { hostType: 'int8' });
  return m.b.build();
}
