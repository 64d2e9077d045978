/**
 * Recurrent layers of random networks, and crops of time.
 *
 * In: a tensor and a LayerSpec.  Out: the layer's output, or the input if the layer does not fit.
 */
import { kernelOfOne, noClamp, type OpAttrs } from '../../models/graph/types.ts';
import { gateParams, gatesOf } from '../../models/ops/recurrent.ts';
import type { LayerSpec, Maker } from './random-network.ts';

export const recurrentKinds = ['lstm', 'gru', 'rnn', 'last', 'crop'] as const;
export type RecurrentKind = (typeof recurrentKinds)[number];

export const isRecurrentKind = (kind: string): kind is RecurrentKind => (recurrentKinds as readonly string[]).includes(kind);

/** Keeps the last frame, or drops some frames at both ends. */
function crop(m: Maker, x: number, kind: 'last' | 'crop', l: LayerSpec): number {
  const { t } = m.b.shape(x);
  const [before, after] = kind === 'last' ? [t - 1, 0] : [l.dilation - 1, l.groups - 1];
  if (t - before - after < 1 || before + after === 0) return x;
  return m.b.node('history', [x], { before: -before, after: -after }, m.name('history'), m.quantOf(x));
}

export function applyRecurrent(m: Maker, x: number, l: LayerSpec, kind: RecurrentKind): number {
  if (kind === 'last' || kind === 'crop') return crop(m, x, kind, l);
  const { f, c } = m.b.shape(x);
  const units = l.channels;
  const outChannels = gatesOf[kind] * units;
  const scales = (size: number) => Float64Array.from({ length: outChannels }, () => Math.fround(size * m.int(5, 20)));
  const data = (size: number) => Int8Array.from({ length: size }, () => m.int(-127, 127));
  const input = { data: data(outChannels * f * c), scales: scales(1e-3), scaleRule: 'gate' as const };
  const bias = Int32Array.from({ length: outChannels }, () => m.int(-9000, 9000));
  const attrs = { ...kernelOfOne, kernelF: f, groups: 1, outChannels, weights: input, bias, clamp: noClamp };
  const gates = m.b.node('conv', [x], attrs, m.name('gates'), {
    ...gateParams,
    scale: gateParams.scale * 2 ** m.int(0, 4),
  });
  const cell = {
    units,
    recurrent: { data: data(outChannels * units), scales: scales(1e-3) },
    recurrentBias: l.relu ? null : Int32Array.from({ length: outChannels }, () => m.int(-9000, 9000)),
    reverse: l.padding === 'odd',
    ...(l.fn === 'identity' && { slope: 0.2 }),
    ...(l.fn === 'leakyrelu' && { fn: 'relu' as const }),
    ...(l.fn === 'hardswish' && { fn: 'linear' as const }),
    ...(l.fn === 'tanh' && kind === 'lstm' && { clip: 0.7 }),
    resetAfter: l.stride === 1,
  };
  return m.b.node(kind, [gates], cell as OpAttrs[typeof kind], m.name(kind), m.quant(1 / 127));
}
