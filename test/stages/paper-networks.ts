/**
 * The paper's f_EEG and f_ACC with random int8 weights (StreamiNNC section 3.1).
 *
 * In: a seed.  Out: int8 Graphs, 'same' convolutions with batch norm folded, ReLU.
 */
import { type Clamp, noClamp, type QuantParams } from '../../models/graph/types.ts';
import { Maker } from '../property/random-network.ts';

const relu: Clamp = [0, Number.POSITIVE_INFINITY];

/**
 * Returns parameters with the usual zero point of a quantiser: the bottom of int8 for a ReLU's output,
 * otherwise the middle.
 */
const usual = (quant: QuantParams, clamp: Clamp): QuantParams => ({ ...quant, zeroPoint: clamp === relu ? -128 : 0 });

function conv(m: Maker, x: number, channels: number, kernel: number, pad: [number, number], clamp: Clamp, dilationT = 1): number {
  const { c } = m.b.shape(x);
  const { quant, ...mac } = m.mac(x, kernel * c, channels, channels * kernel * c);
  const same = { strideT: 1, strideF: 1, dilationT, dilationF: 1, kernelF: 1, padF: [0, 0] as const, groups: 1 };
  return m.b.node(
    'conv',
    [x],
    { ...same, kernelT: kernel, padT: pad, outChannels: channels, clamp, ...mac },
    m.name('conv'),
    quant,
  );
}

function dense(m: Maker, x: number, units: number, clamp: Clamp): number {
  const { t, f, c } = m.b.shape(x);
  const { quant, ...mac } = m.mac(x, t * f * c, units, units * t * f * c);
  return m.b.node('dense', [x], { units, clamp, ...mac }, m.name('dense'), usual(quant, clamp));
}

/** Window 1024 x 18, hop 256: 3 x (conv k3 128, max pool 4), conv k16 100, conv k1 2. */
export function fEeg(seed: number, embedding = false) {
  const m = new Maker(seed);
  let x = m.b.input('eeg', { t: 1024, f: 1, c: 18 }, { quant: m.quant(), hostType: 'int8' });
  for (let i = 0; i < 3; i++) {
    x = conv(m, x, 128, 3, [1, 1], relu);
    const pool = { kernelT: 4, kernelF: 1, strideT: 4, strideF: 1, padT: [0, 0] as const, padF: [0, 0] as const, clamp: noClamp };
    x = m.b.node('maxpool', [x], pool, m.name('maxpool'), m.quantOf(x));
  }
  const last = x;
  x = conv(m, x, 100, 16, [0, 0], noClamp);
  x = conv(m, x, 2, 1, [0, 0], noClamp);
  m.b.output(x, 'logits', { hostType: 'int8' });
  if (embedding) m.b.output(last, 'embedding', { hostType: 'int8' });
  return m.b.build();
}

/**
 * Window 256 x 1, hop 64: 3 x (3 x causal conv k5 d2, average pool 4, 2, 2) with 32, 48 and 64 channels,
 * dense 32, dense 1. The paper's attention and LayerNorm, which belong to the head, are omitted.
 */
export function fPpg(seed: number, embedding = false) {
  const m = new Maker(seed);
  let x = m.b.input('ppg', { t: 256, f: 1, c: 1 }, { quant: m.quant(), hostType: 'int8' });
  for (const [channels, pool] of [
    [32, 4],
    [48, 2],
    [64, 2],
  ] as const) {
    for (let i = 0; i < 3; i++) x = conv(m, x, channels, 5, [8, 0], relu, 2);
    const attrs = { kernelT: pool, kernelF: 1, strideT: pool, strideF: 1, padT: [0, 0] as const, padF: [0, 0] as const };
    x = m.b.node('avgpool', [x], { ...attrs, countIncludePad: false, clamp: noClamp }, m.name('avgpool'), m.quantOf(x));
  }
  const last = x;
  x = dense(m, x, 32, relu);
  x = dense(m, x, 1, noClamp);
  m.b.output(x, 'bpm', { hostType: 'int8' });
  if (embedding) m.b.output(last, 'embedding', { hostType: 'int8' });
  return m.b.build();
}

/** A fully convolutional network for any window: 4 x conv k3 'same', global average. */
export function fullyConvolutional(window: number) {
  const m = new Maker(1);
  let x = m.b.input('x', { t: window, f: 1, c: 4 }, { quant: m.quant(), hostType: 'int8' });
  for (const channels of [16, 16, 32, 32]) x = conv(m, x, channels, 3, [1, 1], relu);
  const q = m.quant(m.quantOf(x).scale / 2);
  x = m.b.node('globalavg', [x], { overF: true, rule: 'mean', clamp: noClamp }, m.name('globalavg'), q);
  m.b.output(x, 'y', { hostType: 'int8' });
  return m.b.build();
}

/** Window 960 x 4, hop 160: 6 x conv k3 'same' 8..256, global average, dense 256, 128, 64, 2. */
export function fAcc(seed: number, embedding = false) {
  const m = new Maker(seed);
  let x = m.b.input('acc', { t: 960, f: 1, c: 4 }, { quant: m.quant(), hostType: 'int8' });
  for (const channels of [8, 16, 32, 64, 128, 256]) x = conv(m, x, channels, 3, [1, 1], relu);
  const last = x;
  x = m.b.node(
    'globalavg',
    [x],
    { overF: true, rule: 'mean', clamp: noClamp },
    m.name('globalavg'),
    m.quant(m.quantOf(x).scale / 2),
  );
  for (const units of [256, 128, 64]) x = dense(m, x, units, units === 256 ? noClamp : relu);
  x = dense(m, x, 2, noClamp);
  m.b.output(x, 'logits', { hostType: 'int8' });
  if (embedding) m.b.output(last, 'embedding', { hostType: 'int8' });
  return m.b.build();
}
