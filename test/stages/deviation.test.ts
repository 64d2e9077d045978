/**
 * Deviation of the modes on a signal: 0 if a mode is exact; otherwise equal to an independent computation,
 * and within its bounds.
 */

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isRunletError } from '../../models/error.ts';
import { GraphBuilder } from '../../models/graph/builder.ts';
import { type Graph, noClamp } from '../../models/graph/types.ts';
import { type Deviation, type DeviationLimits, deviationOf } from '../../models/report/deviation.ts';
import { floatRunner } from '../../models/stream/float.ts';
import type { Mode } from '../../models/stream/modes.ts';
import { planStream } from '../../models/stream/plan.ts';
import { quantPlan } from '../../quant/plan.ts';
import { intRunner, signalBlock } from '../../quant/reference.ts';
import { makeNetwork, random } from '../property/random-network.ts';

interface Spec {
  kernel: number;
  pad: readonly [number, number];
  stride?: number;
  /** Kernel and stride of a pool after the convolution. Default: none. */
  pool?: number;
  op?: 'maxpool' | 'avgpool';
}

const channels = 2;

/** Returns convolutions and pools over [window][1][2], followed by an average over time. */
function network(layers: Spec[], window: number, seed = 1): { graph: Graph; weights: Float32Array[] } {
  const rnd = random(seed);
  const b = new GraphBuilder('deviation');
  let x = b.input('x', { t: window, f: 1, c: channels });
  const weights: Float32Array[] = [];
  for (const { kernel, pad, stride = 1, pool = 1, op = 'maxpool' } of layers) {
    const data = Float32Array.from({ length: channels * kernel * channels }, () => rnd() - 0.5);
    weights.push(data);
    const one = { strideF: 1, dilationT: 1, dilationF: 1, kernelF: 1, padF: [0, 0] as const, groups: 1 };
    const attrs = { ...one, strideT: stride, kernelT: kernel, padT: pad, outChannels: channels, bias: null, clamp: noClamp };
    x = b.node('conv', [x], { ...attrs, weights: { data } }, `conv${b.nodes.length}`);
    const sub = { kernelT: pool, kernelF: 1, strideT: pool, strideF: 1, padT: [0, 0] as const, padF: [0, 0] as const };
    if (pool > 1) x = b.node(op, [x], { ...sub, clamp: noClamp }, `pool${b.nodes.length}`);
  }
  b.output(b.node('globalavg', [x], { overF: true, rule: 'mean', clamp: noClamp }, 'average'), 'y');
  return { graph: b.build(), weights };
}

function noise(frames: number, seed = 7): Float32Array {
  const rnd = random(seed);
  let [a, b] = [0, 0];
  return Float32Array.from({ length: frames * channels }, (_, i) => {
    if (i % 2 === 0) [a, b] = [0.9 * a + rnd() - 0.5, 0.8 * b + rnd() - 0.5];
    return i % 2 === 0 ? a : b;
  });
}

function measure(graph: Graph, hop: number, signal: Float32Array, limits?: DeviationLimits): Deviation {
  const block = { data: signal, shape: { t: signal.length / channels, f: 1, c: channels } };
  return deviationOf(graph, hop, { signal: block, run: floatRunner, real: (_, data) => data }, limits);
}

const mode = (d: Deviation, name: Mode) => d.modes.find((m) => m.mode === name);

test('exact modes deviate by 0, and stream is exact if no layer pads time', () => {
  const { graph } = network(
    [
      { kernel: 3, pad: [0, 0], pool: 2 },
      { kernel: 3, pad: [0, 0] },
    ],
    34,
  );
  const d = measure(graph, 8, noise(400));
  for (const name of ['windowed', 'edge-exact', 'stream'] as const) {
    const { exact, outputNrmse, maxDifference } = mode(d, name) as NonNullable<ReturnType<typeof mode>>;
    assert.equal([exact, outputNrmse, maxDifference], [true, 0, 0], name);
  }
  assert.ok(d.layers.every((l) => l.nrmse.stream === 0 && l.contaminated === 0));
  assert.is(mode(d, 'misaligned'), undefined, 'at an aligned hop misaligned is the same as stream');
  assert.equal(
    d.refused.map((r) => [r.mode, r.code]),
    [['approx', 'RN206']],
  );
  assert.is(d.windows, 46);
});

test('zero-padded streaming and approx equal an independent computation', () => {
  const [window, hop, frames] = [24, 6, 300];
  const { graph, weights } = network([{ kernel: 3, pad: [1, 1] }], window);
  const [w] = weights as [Float32Array];
  const x = noise(frames);
  /** Returns the mean over a window's rows. A tap is 0 if `inside` returns false. */
  const output = (start: number, o: number, inside: (t: number, row: number) => boolean): number => {
    let sum = 0;
    for (let row = start; row < start + window; row++)
      for (let k = 0; k < 3; k++) {
        const t = row + k - 1;
        if (t < 0 || t >= frames || !inside(t, row)) continue;
        for (let i = 0; i < channels; i++) sum += (w[(o * 3 + k) * channels + i] as number) * (x[t * channels + i] as number);
      }
    return sum / window;
  };
  const inWindow = (start: number) => (t: number) => t >= start && t < start + window;
  const inHop = (t: number, row: number) => Math.floor(t / hop) === Math.floor(row / hop);
  const d = measure(graph, hop, x, { windows: 1000 });
  // stream waits for one frame of look-ahead, and holds back one output
  const indexes = Array.from({ length: Math.floor((frames - window - 1) / hop) }, (_, i) => i + 1);
  assert.is(d.windows, indexes.length);
  for (const [name, inside] of [
    ['stream', () => true],
    ['approx', inHop],
  ] as const) {
    let nrmse = 0;
    let max = 0;
    for (let o = 0; o < channels; o++) {
      const pairs = indexes.map((n) => [output(n * hop, o, inWindow(n * hop)), output(n * hop, o, inside)] as const);
      const want = pairs.map(([a]) => a);
      const mean = pairs.reduce((sum, [a, b]) => sum + (a - b) ** 2, 0) / pairs.length;
      nrmse += Math.sqrt(mean) / (Math.max(...want) - Math.min(...want)) / channels;
      max = Math.max(max, ...pairs.map(([a, b]) => Math.abs(a - b)));
    }
    const found = mode(d, name);
    assert.ok(max > 0 && found && !found.exact);
    assert.ok(Math.abs((found?.outputNrmse ?? 0) / nrmse - 1) < 1e-4, `${name}: ${found?.outputNrmse} and ${nrmse}`);
    assert.ok(Math.abs((found?.maxDifference ?? 0) / max - 1) < 1e-4, `${name}: ${found?.maxDifference} and ${max}`);
  }
  const [layer] = d.layers;
  assert.equal([layer?.contaminated, layer?.probe], [2 / 24, 2 / 24]);
  assert.ok((layer?.nrmse.stream ?? 0) > 0 && (layer?.nrmse.approx ?? 0) > (layer?.nrmse.stream ?? 0));
});

test('misaligned: the first strided layer stays within r x slope, and reaches more than half of it', () => {
  let nearest = 0;
  for (let seed = 1; seed <= 24; seed++) {
    const pool = 2 + (seed % 4);
    const strided = seed % 3 === 0;
    const first: Spec = strided
      ? { kernel: 3, pad: [0, 0], stride: pool }
      : { kernel: 3, pad: seed % 2 ? [1, 1] : [0, 0], pool, op: seed % 4 < 2 ? 'maxpool' : 'avgpool' };
    const second = seed > 12 ? 2 : 1;
    const { graph } = network([first, { kernel: 2, pad: [0, 0], pool: second }], 40, seed);
    const hop = pool * 3 + 1 + (seed % (pool - 1 || 1));
    const d = measure(graph, hop, noise(600, seed), { windows: 1000 });
    const found = mode(d, 'misaligned');
    assert.ok(found && found.maxDifference > 0 && !found.exact, `seed ${seed}`);
    const proven = d.layers.filter((l) => l.misaligned?.proven);
    assert.is(proven.length, strided ? 1 : 2);
    for (const { layer, misaligned } of proven) {
      const { bound, early, maxDifference = 0 } = misaligned as NonNullable<typeof misaligned>;
      assert.ok(early >= 1 && early < pool * second, `${layer}: ${early}`);
      assert.ok(maxDifference > 0 && maxDifference <= bound * (1 + 1e-6), `seed ${seed}, ${layer}: ${maxDifference} > ${bound}`);
      nearest = Math.max(nearest, maxDifference / bound);
    }
  }
  assert.ok(nearest > 0.5, `${nearest}`);
});

test('partial: streaming only the first layers deviates less than streaming all', () => {
  const layers: Spec[] = [
    { kernel: 3, pad: [2, 0], pool: 2 },
    { kernel: 5, pad: [4, 0] },
    { kernel: 5, pad: [4, 0] },
  ];
  const d = measure(network(layers, 64).graph, 16, noise(1000));
  assert.is(d.partial?.layers, 2);
  assert.is(d.partial?.contaminated, 1 / 32);
  assert.ok((d.partial?.outputNrmse ?? 0) > 0 && (d.partial?.outputNrmse ?? 1) < (mode(d, 'stream')?.outputNrmse ?? 0));
});

test('the deviation of an int8 network is measured in its integers', () => {
  const layer = { kernel: 3, stride: 1, dilation: 1, channels: 3, groups: 1, fn: 'identity', relu: true } as const;
  const graph = makeNetwork({
    seed: 5,
    window: 32,
    features: 1,
    channels,
    layers: [
      { ...layer, kind: 'conv', padding: 'same' },
      { ...layer, kind: 'maxpool', kernel: 2, stride: 2, padding: 'valid' },
    ],
    head: 'globalavg+dense',
    hopSteps: 1,
    micro: 1,
  });
  const quant = quantPlan(planStream(graph, { hop: 8, mode: 'windowed' }));
  const rnd = random(3);
  const signal = Int8Array.from({ length: 400 * channels }, () => Math.floor(rnd() * 256) - 128);
  const d = deviationOf(quant.plan.graph, 8, {
    signal: signalBlock(quant, signal),
    run: intRunner(quant.params),
    real: (_, data) => data,
  });
  assert.equal([mode(d, 'edge-exact')?.maxDifference, mode(d, 'windowed')?.maxDifference], [0, 0]);
  assert.ok((mode(d, 'stream')?.maxDifference ?? 0) >= 1 && Number.isInteger(mode(d, 'stream')?.maxDifference));
});

test('the number of compared windows is limited, and a signal that is too short is refused', () => {
  const { graph } = network([{ kernel: 3, pad: [2, 0], pool: 4 }], 32);
  const d = measure(graph, 6, noise(4000), { windows: 10 });
  // the step shares no factor with the phases, so there may be fewer windows
  assert.ok(d.windows >= 7 && d.windows <= 10, `${d.windows}`);
  assert.ok(d.frames > 2000, 'the windows are spread over the signal');
  assert.match(d.notes[0] ?? '', /^\d+ windows of 662 were compared, one in \d+/);
  try {
    measure(graph, 6, noise(33));
    assert.unreachable();
  } catch (error) {
    assert.ok(isRunletError(error));
    assert.is(error.code, 'RN207');
    assert.match(error.message, /33 frames .* 38 frames/);
  }
});

test.run();
