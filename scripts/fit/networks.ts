/**
 * Made-up networks of the kinds that people put on microcontrollers, from a seed.
 *
 * Out: a float Graph, its window and hop. Six kinds: plain convolutions, depthwise-separable ones,
 * two-dimensional ones over features, 'same' padding, residual blocks, dense layers alone; and, asked for by
 * name, spectrograms: two-dimensional, large kernels, 'same' padding, several filters a channel; and few: one
 * to three layers of any kind, for with one layer of a kind a compiler inlines its kernel, and makes other
 * code of it. Small, since a kernel's code does not depend on sizes. The same seed gives the same network.
 */
import { GraphBuilder } from '../../models/graph/builder.ts';
import { type Clamp, type Graph, noClamp } from '../../models/graph/types.ts';
import { random } from '../../test/property/random-network.ts';

const relu: Clamp = [0, Number.POSITIVE_INFINITY];
const kinds = ['plain', 'separable', 'planar', 'same', 'residual', 'dense'] as const;

export interface MadeNetwork {
  graph: Graph;
  /** Frames of a window, and values of a frame. */
  window: number;
  frame: number;
  hop: number;
}

export type Family = 'made' | 'spectrogram' | 'few';

export function madeNetwork(seed: number, family: Family = 'made'): MadeNetwork {
  const spectrogram = family === 'spectrogram';
  const few = family === 'few';
  const rnd = random(Math.imul(seed, 2654435761) ^ (few ? 0x3c6ef372 : 0x5bd1e995));
  for (let i = 0; i < 8; i++) rnd(); // the first numbers of seeds close to one another are close
  const int = (min: number, max: number) => min + Math.floor(rnd() * (max - min + 1));
  const pick = <T>(...of: T[]) => of[int(0, of.length - 1)] as T;
  const kind =
    spectrogram || (few && rnd() < 0.4) ? 'same' : few ? 'plain' : (kinds[seed % kinds.length] as (typeof kinds)[number]);
  const b = new GraphBuilder(`made-${seed}`);
  const planar = kind === 'planar' || spectrogram || (few && rnd() < 0.6);
  const window = kind === 'dense' ? pick(1, 4, 10) : (few ? 8 : 16) * int(2, 8);
  const f = planar ? (few ? pick(8, 10, 16, 20, 40) : pick(10, 16, 20)) : 1;
  const c = planar ? 1 : pick(1, 3, 4, 6, 10, 16, 40);
  let x = b.input('x', { t: window, f, c });
  let names = 0;
  const weights = (outputs: number, taps: number) => ({
    weights: { data: Float32Array.from({ length: outputs * taps }, () => (rnd() - 0.5) * Math.sqrt(12 / taps)) },
    bias: Float32Array.from({ length: outputs }, () => (rnd() - 0.5) * 0.2),
  });
  const room = (kernel: number, dilation: number) => b.shape(x).t > 2 * ((kernel - 1) * dilation + 1);
  const sliding = (kernelT: number, same: boolean, dilationT = 1, strideT = 1) => {
    const { f: features } = b.shape(x);
    const kernelF = planar && features > 4 ? (spectrogram || few ? pick(3, 4, 5, 8) : pick(3, 4, 5)) : 1;
    const extent = (kernelT - 1) * dilationT;
    const padT = same ? ([extent >> 1, extent - (extent >> 1)] as const) : ([0, 0] as const);
    const padF = planar && rnd() < 0.5 ? ([(kernelF - 1) >> 1, kernelF >> 1] as const) : ([0, 0] as const);
    return { kernelT, kernelF, strideT, strideF: planar ? pick(1, 2) : 1, dilationT, dilationF: 1, padT, padF };
  };
  const conv = (outChannels: number, kernel: number, clamp = relu, stride = 1, dilation = 1, same = kind === 'same') => {
    if (!same && !room(kernel, dilation)) return;
    const at = sliding(kernel, same, dilation, stride);
    const taps = kernel * at.kernelF * b.shape(x).c;
    x = b.node('conv', [x], { ...at, groups: 1, outChannels, clamp, ...weights(outChannels, taps) }, `conv${names++}`);
  };
  const depthwise = (kernel: number, multiplier = 1, stride = 1) => {
    if (kind !== 'same' && !room(kernel, 1)) return;
    const at = sliding(kernel, kind === 'same', 1, stride);
    const channels = b.shape(x).c;
    const clamp = pick(relu, relu, noClamp);
    const attrs = { ...at, multiplier, clamp, ...weights(channels * multiplier, kernel * at.kernelF) };
    x = b.node('depthwise', [x], attrs, `depthwise${names++}`);
  };
  const maxpool = () => {
    if (b.shape(x).t < 4) return;
    const attrs = { kernelT: 2, strideT: 2, kernelF: 1, strideF: 1, padT: [0, 0], padF: [0, 0], clamp: noClamp } as const;
    x = b.node('maxpool', [x], attrs, `maxpool${names++}`);
  };
  const dense = (units: number, clamp = noClamp) => {
    const shape = b.shape(x);
    x = b.node('dense', [x], { units, clamp, ...weights(units, shape.t * shape.f * shape.c) }, `dense${names++}`);
  };
  const residual = () => {
    const before = x;
    conv(b.shape(x).c, pick(3, 5), noClamp, 1, pick(1, 2), true);
    x = b.node('add', [before, x], { clamp: relu }, `add${names++}`);
  };
  const width = () => pick(4, 5, 8, 10, 12, 16, 20, 24, 32);
  if (few)
    for (let i = int(1, 3); i > 0; i--) {
      const layer = rnd();
      if (layer < 0.35) depthwise(pick(3, 4, 5, 8, 9, 10), pick(1, 1, 2, 4, 8), pick(1, 1, 2));
      else if (layer < 0.8) conv(width(), pick(1, 3, 4, 5, 8), pick(relu, relu, noClamp), pick(1, 1, 2), pick(1, 1, 1, 2));
      else maxpool();
    }
  const layers = kind === 'dense' || few ? 0 : spectrogram ? int(0, 2) : int(1, 4);
  if (kind === 'separable') conv(width(), pick(3, 5), relu, pick(1, 2, 3));
  if (kind === 'planar' && rnd() < 0.5) depthwise(pick(4, 6, 8), pick(1, 4, 8));
  if (spectrogram) depthwise(pick(4, 8, 10), pick(1, 4, 8), pick(1, 2));
  for (let i = 0; i < layers; i++) {
    if (kind === 'separable' || (planar && rnd() < 0.4)) {
      depthwise(pick(3, 5, 9));
      conv(width(), 1);
    } else if (kind === 'residual' && i > 0) residual();
    else conv(width(), pick(1, 3, 5), pick(relu, relu, noClamp), pick(1, 1, 2), pick(1, 1, 2));
    if (kind !== 'residual' && rnd() < 0.4) maxpool();
  }
  const head = rnd();
  if ((layers > 0 || few) && head < (few ? 0.3 : 0.4))
    x = b.node('globalavg', [x], { overF: true, rule: 'mean', clamp: noClamp }, 'mean');
  if (layers === 0 || head < 0.85) {
    for (let i = kind === 'dense' ? int(1, 3) : int(0, 1); i > 0; i--) dense(pick(8, 16, 24), relu);
    dense(pick(1, 2, 4, 6, 12));
  }
  if (few ? rnd() < 0.5 : head < 0.25) x = b.node('softmax', [x], { beta: 1 }, 'softmax');
  b.output(x, 'y');
  const hop = kind === 'dense' ? window : pick(1, 2, 4, 8, 16);
  return { graph: b.build(), window, frame: f * c, hop };
}
