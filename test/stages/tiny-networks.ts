/**
 * Small networks: two whose streams have every kind of state (histories, partial results, phases), and one
 * with two inputs.
 *
 * In: a seed.  Out: int8 Graphs with random weights. `tinyStream` has look-ahead, left context and a global
 * average; `tinyEdge` has a total stride of 4, so that a hop of 3 gives 4 phases.
 */
import { GraphBuilder } from '../../models/graph/builder.ts';
import { type Clamp, type Graph, noClamp, type QuantParams } from '../../models/graph/types.ts';
import { Maker } from '../property/random-network.ts';

const relu: Clamp = [0, Number.POSITIVE_INFINITY];

/** Returns parameters with a quantiser's usual zero point: the bottom after a ReLU, otherwise the middle. */
const at = (quant: QuantParams, zeroPoint: number): QuantParams => ({ ...quant, zeroPoint });

function conv(m: Maker, x: number, channels: number, kernel: number, padT: [number, number]): number {
  const { c } = m.b.shape(x);
  const { quant, ...mac } = m.mac(x, kernel * c, channels, channels * kernel * c);
  const same = { strideT: 1, strideF: 1, dilationT: 1, dilationF: 1, kernelF: 1, padF: [0, 0] as const, groups: 1 };
  const attrs = { ...same, kernelT: kernel, padT, outChannels: channels, clamp: relu, ...mac };
  return m.b.node('conv', [x], attrs, m.name('conv'), at(quant, -128));
}

function pool(m: Maker, x: number): number {
  const attrs = { kernelT: 2, kernelF: 1, strideT: 2, strideF: 1, padT: [0, 0] as const, padF: [0, 0] as const, clamp: noClamp };
  return m.b.node('maxpool', [x], attrs, m.name('maxpool'), m.quantOf(x));
}

function dense(m: Maker, x: number, units: number): number {
  const { t, f, c } = m.b.shape(x);
  const { quant, ...mac } = m.mac(x, t * f * c, units, units * t * f * c);
  return m.b.node('dense', [x], { units, clamp: noClamp, ...mac }, m.name('dense'), at(quant, 0));
}

/**
 * Window of 48 frames with 2 channels, for hop 12: conv k3 causal, max pool 2, conv k3 'same', global
 * average, dense 3; partial results in 4 slots.
 */
export function tinyStream(seed = 1): Graph {
  const m = new Maker(seed);
  let x = m.b.input('x', { t: 48, f: 1, c: 2 }, { quant: at(m.quant(0.05), 0), hostType: 'int8' });
  x = pool(m, conv(m, x, 4, 3, [2, 0]));
  x = conv(m, x, 4, 3, [1, 1]);
  const mean = { overF: true, rule: 'mean' as const, clamp: noClamp };
  x = m.b.node('globalavg', [x], mean, 'globalavg', at(m.quant(m.quantOf(x).scale / 2), -128));
  m.b.output(dense(m, x, 3), 'y', { hostType: 'int8' });
  return m.b.build();
}

/** Window of 41 frames with 1 channel, hop 3: twice (conv k3 'same', max pool 2), then dense 2. */
export function tinyEdge(seed = 2): Graph {
  const m = new Maker(seed);
  let x = m.b.input('x', { t: 41, f: 1, c: 1 }, { quant: at(m.quant(0.05), 0), hostType: 'int8' });
  x = pool(m, conv(m, x, 3, 3, [1, 1]));
  x = pool(m, conv(m, x, 4, 3, [1, 1]));
  m.b.output(dense(m, x, 2), 'y', { hostType: 'int8' });
  return m.b.build();
}

/**
 * Inputs a (3 frames per tick, 2 channels) and b (2 frames per tick, 1 channel). Each is averaged over a
 * tick, then they are concatenated, and the output is the maximum over the window.
 */
export function tinyInputs(): Graph {
  const b = new GraphBuilder('two');
  const quant = { scale: Math.fround(0.1), zeroPoint: 3 };
  const other = { scale: Math.fround(0.05), zeroPoint: -7 };
  const pool = { kernelF: 1, strideF: 1, padT: [0, 0], padF: [0, 0], clamp: [-1e9, 1e9] } as const;
  const x = b.input('a', { t: 24, f: 1, c: 2 }, { quant });
  const y = b.input('b', { t: 16, f: 1, c: 1 }, { quant: other });
  const xs = b.node('avgpool', [x], { ...pool, kernelT: 3, strideT: 3 }, 'of a', quant);
  const ys = b.node('avgpool', [y], { ...pool, kernelT: 2, strideT: 2 }, 'of b', other);
  const joined = b.node('concat', [xs, ys], { axis: 'c' }, 'join', quant);
  b.output(b.node('globalmax', [joined], { overF: false, clamp: [-1e9, 1e9] }, 'largest', quant), 'y');
  return b.build();
}
