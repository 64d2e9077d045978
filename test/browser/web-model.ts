/**
 * A small int8 model of words, as files: rows of 40 features in, four probabilities out.
 *
 * In: a seed.  Out: a .rnq file whose metadata has front end, labels and detector. The weights are random, so
 * its words mean nothing, but they vary.
 */
import { writeGraph } from '../../models/graph/file.ts';
import { type Clamp, type Graph, noClamp } from '../../models/graph/types.ts';
import { writeModel } from '../../models/write/onnx/proto.ts';
import { Maker } from '../property/random-network.ts';

export const labels = ['_silence_', 'up', 'down', 'left'];

export function wordsGraph(seed = 2): Graph {
  const m = new Maker(seed);
  const relu: Clamp = [0, Number.POSITIVE_INFINITY];
  const conv = (x: number, channels: number, kernelT: number): number => {
    const { c } = m.b.shape(x);
    const { quant, ...mac } = m.mac(x, kernelT * c, channels, channels * kernelT * c);
    const one = { strideT: 1, strideF: 1, dilationT: 1, dilationF: 1, kernelF: 1, padF: [0, 0] as const, groups: 1 };
    const attrs = { ...one, kernelT, padT: [0, 0] as const, outChannels: channels, clamp: relu, ...mac };
    return m.b.node('conv', [x], attrs, m.name('conv'), { ...quant, zeroPoint: -128 });
  };
  const input = { quant: { scale: Math.fround(26 / 255), zeroPoint: -128 }, hostType: 'int8' as const };
  let x = m.b.input('rows', { t: 30, f: 1, c: 40 }, input);
  x = conv(conv(x, 8, 3), 8, 5);
  const { t, c } = m.b.shape(x);
  const { quant, ...mac } = m.mac(x, t * c, 4, 4 * t * c);
  const scores = { ...quant, zeroPoint: 0 };
  x = m.b.node('dense', [x], { units: 4, clamp: noClamp, ...mac }, m.name('dense'), scores);
  // one step of a score changes the probability by a factor of exp(0.06)
  x = m.b.node('softmax', [x], { beta: 0.06 / scores.scale }, m.name('softmax'), { scale: 1 / 256, zeroPoint: -128 });
  m.b.output(x, 'words', { hostType: 'int8' });
  const graph = m.b.build();
  const features = { preset: 'microwakeword', stepSamples: 320, sampleRateHz: 16000 };
  const detector = { cutoff: 0.6, slidingWindow: 2, refractoryMs: 300, output: 0 };
  const metadata = {
    'runlet.hop': '3',
    'runlet.labels': labels.join(','),
    'runlet.features': JSON.stringify(features),
    'runlet.detector': JSON.stringify(detector),
  };
  return { ...graph, name: 'words', metadata: { ...graph.metadata, ...metadata } };
}

export const wordsFile = (): Uint8Array => writeGraph(wordsGraph());

/** Returns an ONNX file that leaves open how many frames a window has, and a number that divides them. */
export const openModel = (): Uint8Array =>
  writeModel({
    nodes: [
      { op: 'Cast', inputs: ['rate'], outputs: ['r'], attributes: { to: 1 } },
      { op: 'Div', inputs: ['x', 'r'], outputs: ['d'] },
      { op: 'Conv', name: 'c', inputs: ['d', 'w'], outputs: ['y'] },
    ],
    inputs: [
      { name: 'x', type: 'float32', dims: [1, 2, 'time'] },
      { name: 'rate', type: 'int64', dims: [] },
    ],
    outputs: ['y'],
    tensors: { w: { dims: [2, 2, 3], floats: new Array<number>(12).fill(0.01) } },
    opset: 17,
  });
