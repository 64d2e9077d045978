/**
 * A small float classifier for tests of calibration, and signals for it.
 *
 * In: seeds.  Out: a graph of two convolutions, a maximum, an average and a softmax over three classes;
 * signals of three channels; the float outputs as classes.
 */
import { GraphBuilder } from '../../models/graph/builder.ts';
import { type Graph, kernelOfOne, type Moments, noClamp } from '../../models/graph/types.ts';
import { executeStream, type WindowResult } from '../../models/stream/execute.ts';
import { floatBlocks, floatRunner } from '../../models/stream/float.ts';
import { planStream } from '../../models/stream/plan.ts';
import { random } from '../property/random-network.ts';

export const window = 16;
export const channels = 3;

export function classifier(
  seed: number,
  options: { moments?: Moments; bias?: number; metadata?: Record<string, string> } = {},
): Graph {
  const rnd = random(seed);
  const weights = (n: number, scale = 1) => ({ data: Float32Array.from({ length: n }, () => scale * (2 * rnd() - 1)) });
  const biases = (n: number) => Float32Array.from({ length: n }, () => (options.bias ?? 0.3) * (2 * rnd() - 1));
  const sliding = { ...kernelOfOne, kernelT: 3 } as const;
  const b = new GraphBuilder('small');
  const x = b.input('signal', { t: window, f: 1, c: channels });
  const one = {
    ...sliding,
    groups: 1,
    outChannels: 6,
    weights: weights(6 * 3 * channels),
    bias: biases(6),
    clamp: [0, Number.POSITIVE_INFINITY] as const,
  };
  const a = b.node('conv', [x], { ...one, ...(options.moments && { moments: options.moments }) }, 'one');
  const { dilationT: _, dilationF: __, ...pooling } = sliding;
  const p = b.node('maxpool', [a], { ...pooling, kernelT: 2, strideT: 2, clamp: noClamp }, 'pool');
  const two = { ...sliding, groups: 1, outChannels: 3, weights: weights(3 * 3 * 6), bias: biases(3), clamp: noClamp };
  const c = b.node('conv', [p], two, 'two');
  const g = b.node('globalavg', [c], { overF: false, rule: 'mean', clamp: noClamp }, 'mean');
  b.output(b.node('softmax', [g], { beta: 1 }, 'classes'), 'classes');
  Object.assign(b.metadata, options.metadata);
  return b.build();
}

/**
 * Returns noise in [-1, 1) whose channels are strong in turn, so that the classifier gives different classes.
 */
export function noise(seed: number, frames: number): Float32Array {
  const rnd = random(seed);
  return Float32Array.from({ length: frames * channels }, (_, i) => {
    const turn = Math.floor(i / channels / window) % channels;
    return (i % channels === turn ? 1 : 0.2) * (2 * rnd() - 1);
  });
}

/** Returns the float classes of windows, each run separately. */
export function answersOf(graph: Graph, cuts: readonly Float32Array[]): number[] {
  const plan = planStream(graph, { hop: window, mode: 'windowed' });
  return cuts.map((cut) => {
    const [result] = [...executeStream(plan, floatBlocks(plan, cut), floatRunner)] as [WindowResult<Float32Array>];
    const out = [...(result.outputs[0] as Float32Array)];
    return out.indexOf(Math.max(...out));
  });
}

/**
 * Returns the first network from `seed` on that gives more than one class for the windows of the signal.
 * Random weights may give the same class for all.
 */
export function tellingClassifier(seed: number, signal: Float32Array): Graph {
  const frames = Math.floor(signal.length / channels / window);
  const cuts = Array.from({ length: frames }, (_, n) => signal.slice(n * window * channels, (n + 1) * window * channels));
  for (let next = seed; next < seed + 100; next++) {
    const graph = classifier(next);
    if (new Set(answersOf(graph, cuts)).size > 1) return graph;
  }
  throw new Error(`each of 100 networks from seed ${seed} on gives only one class`);
}

/** Yields a signal in chunks of `frames` frames. */
export function* inChunks(signal: Float32Array, frames: number): Generator<Float32Array> {
  for (let at = 0; at < signal.length; at += frames * channels) yield signal.subarray(at, at + frames * channels);
}
