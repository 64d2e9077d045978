/**
 * Generates random networks of the kinds that are usual on microcontrollers.
 *
 * In: a seed, a family.  Out: a float Graph, its window and hop. Family `made` has six kinds: plain
 * convolutions, depthwise-separable ones, two-dimensional ones over features, 'same' padding, residual
 * blocks, only dense layers. `spectrogram` has two-dimensional layers with large kernels, 'same' padding and
 * several filters per channel. `few` has one to three layers of any kind; with one layer of a kind, a
 * compiler inlines the kernel and makes different code. Networks are small, because a kernel's code does not
 * depend on sizes. The same seed gives the same network.
 */
import { GraphBuilder } from '../../models/graph/builder.ts';
import { type Clamp, type Graph, noClamp } from '../../models/graph/types.ts';
import { random } from '../../test/property/random-network.ts';

const relu: Clamp = [0, Number.POSITIVE_INFINITY];
const kinds = ['plain', 'separable', 'planar', 'same', 'residual', 'dense'] as const;

export interface MadeNetwork {
  graph: Graph;
  /** Number of frames in a window, and of values in a frame. */
  window: number;
  frame: number;
  hop: number;
}

export type Family = 'made' | 'spectrogram' | 'few';

type Kind = (typeof kinds)[number];

/** Adds random layers after one input; `#x` is the latest tensor. */
class Drawing {
  readonly family: Family;
  readonly kind: Kind;
  readonly planar: boolean;
  readonly window: number;
  readonly frame: number;
  readonly rnd: () => number;
  readonly #b: GraphBuilder;
  #x: number;
  #names = 0;

  constructor(seed: number, family: Family) {
    const few = family === 'few';
    this.family = family;
    this.rnd = random(Math.imul(seed, 2654435761) ^ (few ? 0x3c6ef372 : 0x5bd1e995));
    for (let i = 0; i < 8; i++) this.rnd(); // similar seeds have similar first numbers
    const spectrogram = family === 'spectrogram';
    const isSame = spectrogram || (few && this.rnd() < 0.4);
    this.kind = isSame ? 'same' : few ? 'plain' : (kinds[seed % kinds.length] as Kind);
    this.#b = new GraphBuilder(`made-${seed}`);
    this.planar = this.kind === 'planar' || spectrogram || (few && this.rnd() < 0.6);
    this.window = this.kind === 'dense' ? this.pick(1, 4, 10) : (few ? 8 : 16) * this.int(2, 8);
    const f = this.planar ? (few ? this.pick(8, 10, 16, 20, 40) : this.pick(10, 16, 20)) : 1;
    const c = this.planar ? 1 : this.pick(1, 3, 4, 6, 10, 16, 40);
    this.frame = f * c;
    this.#x = this.#b.input('x', { t: this.window, f, c });
  }

  int = (min: number, max: number): number => min + Math.floor(this.rnd() * (max - min + 1));
  pick = <T>(...of: T[]): T => of[this.int(0, of.length - 1)] as T;
  width = (): number => this.pick(4, 5, 8, 10, 12, 16, 20, 24, 32);

  #weights(outputs: number, taps: number) {
    const data = Float32Array.from({ length: outputs * taps }, () => (this.rnd() - 0.5) * Math.sqrt(12 / taps));
    return { weights: { data }, bias: Float32Array.from({ length: outputs }, () => (this.rnd() - 0.5) * 0.2) };
  }

  #hasRoom = (kernel: number, dilation: number): boolean => this.#b.shape(this.#x).t > 2 * ((kernel - 1) * dilation + 1);

  #sliding(kernelT: number, same: boolean, dilationT = 1, strideT = 1) {
    const { planar, pick } = this;
    const { f: features } = this.#b.shape(this.#x);
    const kernelF = planar && features > 4 ? (this.family === 'made' ? pick(3, 4, 5) : pick(3, 4, 5, 8)) : 1;
    const extent = (kernelT - 1) * dilationT;
    const padT = same ? ([extent >> 1, extent - (extent >> 1)] as const) : ([0, 0] as const);
    const padF = planar && this.rnd() < 0.5 ? ([(kernelF - 1) >> 1, kernelF >> 1] as const) : ([0, 0] as const);
    return { kernelT, kernelF, strideT, strideF: planar ? pick(1, 2) : 1, dilationT, dilationF: 1, padT, padF };
  }

  conv(outChannels: number, kernel: number, clamp = relu, stride = 1, dilation = 1, same = this.kind === 'same'): void {
    if (!same && !this.#hasRoom(kernel, dilation)) return;
    const at = this.#sliding(kernel, same, dilation, stride);
    const taps = kernel * at.kernelF * this.#b.shape(this.#x).c;
    const attrs = { ...at, groups: 1, outChannels, clamp, ...this.#weights(outChannels, taps) };
    this.#x = this.#b.node('conv', [this.#x], attrs, `conv${this.#names++}`);
  }

  depthwise(kernel: number, multiplier = 1, stride = 1): void {
    const same = this.kind === 'same';
    if (!same && !this.#hasRoom(kernel, 1)) return;
    const at = this.#sliding(kernel, same, 1, stride);
    const channels = this.#b.shape(this.#x).c;
    const clamp = this.pick(relu, relu, noClamp);
    const attrs = { ...at, multiplier, clamp, ...this.#weights(channels * multiplier, kernel * at.kernelF) };
    this.#x = this.#b.node('depthwise', [this.#x], attrs, `depthwise${this.#names++}`);
  }

  maxpool(): void {
    if (this.#b.shape(this.#x).t < 4) return;
    const attrs = { kernelT: 2, strideT: 2, kernelF: 1, strideF: 1, padT: [0, 0], padF: [0, 0], clamp: noClamp } as const;
    this.#x = this.#b.node('maxpool', [this.#x], attrs, `maxpool${this.#names++}`);
  }

  dense(units: number, clamp = noClamp): void {
    const { t, f, c } = this.#b.shape(this.#x);
    this.#x = this.#b.node('dense', [this.#x], { units, clamp, ...this.#weights(units, t * f * c) }, `dense${this.#names++}`);
  }

  residual(): void {
    const before = this.#x;
    this.conv(this.#b.shape(this.#x).c, this.pick(3, 5), noClamp, 1, this.pick(1, 2), true);
    this.#x = this.#b.node('add', [before, this.#x], { clamp: relu }, `add${this.#names++}`);
  }

  mean(): void {
    this.#x = this.#b.node('globalavg', [this.#x], { overF: true, rule: 'mean', clamp: noClamp }, 'mean');
  }

  softmax(): void {
    this.#x = this.#b.node('softmax', [this.#x], { beta: 1 }, 'softmax');
  }

  done(): Graph {
    this.#b.output(this.#x, 'y');
    return this.#b.build();
  }
}

/** Adds one to three layers of any kind. */
function drawFew(net: Drawing): void {
  const { pick } = net;
  for (let i = net.int(1, 3); i > 0; i--) {
    const layer = net.rnd();
    if (layer < 0.35) net.depthwise(pick(3, 4, 5, 8, 9, 10), pick(1, 1, 2, 4, 8), pick(1, 1, 2));
    else if (layer < 0.8) net.conv(net.width(), pick(1, 3, 4, 5, 8), pick(relu, relu, noClamp), pick(1, 1, 2), pick(1, 1, 1, 2));
    else net.maxpool();
  }
}

/** Adds a random number of layers of the network's kind; returns the number. */
function drawLayers(net: Drawing): number {
  const { kind, planar, pick } = net;
  const spectrogram = net.family === 'spectrogram';
  const layers = kind === 'dense' ? 0 : spectrogram ? net.int(0, 2) : net.int(1, 4);
  if (kind === 'separable') net.conv(net.width(), pick(3, 5), relu, pick(1, 2, 3));
  if (kind === 'planar' && net.rnd() < 0.5) net.depthwise(pick(4, 6, 8), pick(1, 4, 8));
  if (spectrogram) net.depthwise(pick(4, 8, 10), pick(1, 4, 8), pick(1, 2));
  for (let i = 0; i < layers; i++) {
    if (kind === 'separable' || (planar && net.rnd() < 0.4)) {
      net.depthwise(pick(3, 5, 9));
      net.conv(net.width(), 1);
    } else if (kind === 'residual' && i > 0) net.residual();
    else net.conv(net.width(), pick(1, 3, 5), pick(relu, relu, noClamp), pick(1, 1, 2), pick(1, 1, 2));
    if (kind !== 'residual' && net.rnd() < 0.4) net.maxpool();
  }
  return layers;
}

export function madeNetwork(seed: number, family: Family = 'made'): MadeNetwork {
  const net = new Drawing(seed, family);
  const { kind, window, frame, pick } = net;
  const few = family === 'few';
  if (few) drawFew(net);
  const layers = few ? 0 : drawLayers(net);
  const head = net.rnd();
  if ((layers > 0 || few) && head < (few ? 0.3 : 0.4)) net.mean();
  if (layers === 0 || head < 0.85) {
    for (let i = kind === 'dense' ? net.int(1, 3) : net.int(0, 1); i > 0; i--) net.dense(pick(8, 16, 24), relu);
    net.dense(pick(1, 2, 4, 6, 12));
  }
  if (few ? net.rnd() < 0.5 : head < 0.25) net.softmax();
  const graph = net.done();
  const hop = kind === 'dense' ? window : pick(1, 2, 4, 8, 16);
  return { graph, window, frame, hop };
}
