/**
 * Windows of several lengths from one network: each streamed output equals the windowed model over its own
 * window, byte for byte. The model of a window is built apart, with the same weights. A network whose layers
 * do not pad computes its features once.
 *
 * Counts: RUNLET_WINDOWS networks (default 60), seed RUNLET_SEED (default 1).
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { GraphBuilder } from '../../models/graph/builder.ts';
import { type Graph, kernelOfOne, noClamp } from '../../models/graph/types.ts';
import { planStream } from '../../models/stream/plan.ts';
import { withWindows } from '../../models/stream/windows.ts';
import { uniform } from '../../models/xorshift.ts';
import { quantPlan } from '../../quant/plan.ts';
import { runWindow } from '../../quant/reference.ts';
import { differing } from './harness.ts';
import { runStyles } from './styles.ts';

const runs = Number(process.env.RUNLET_WINDOWS ?? 60);
const seed = Number(process.env.RUNLET_SEED ?? 1);
const quant = { scale: 0.05, zeroPoint: -3 };

/** Makes the network of a seed for a window. Its weights do not depend on the window. */
function network(own: number, window: number, pads: boolean): { graph: Graph; stride: number; channels: number } {
  const draw = uniform(own);
  const int = (min: number, max: number): number => min + Math.floor(draw() * (max - min + 1));
  const b = new GraphBuilder('windows');
  const channels = int(1, 3);
  let x = b.input('x', { t: window, f: 1, c: channels }, { quant, hostType: 'int8' });
  const conv = (outputs: number, kernelT: number, strideT: number, padT: readonly [number, number]): void => {
    const data = Int8Array.from({ length: outputs * kernelT * b.shape(x).c }, () => int(-127, 127));
    const weights = { data, scales: new Float64Array(outputs).fill(0.01), scaleRule: 'per-channel' } as const;
    const attrs = {
      ...kernelOfOne,
      kernelT,
      strideT,
      padT,
      groups: 1,
      outChannels: outputs,
      weights,
      bias: null,
      clamp: noClamp,
    };
    x = b.node('conv', [x], attrs, `conv ${b.nodes.length}`, quant);
  };
  let stride = 1;
  for (let layers = int(1, 3); layers > 0; layers--) {
    const [kernel, step, left] = [int(1, 4), int(1, 2), int(0, 2)];
    conv(int(2, 6), kernel, step, pads ? [Math.min(left, kernel - 1), kernel >> 1] : [0, 0]);
    stride *= step;
  }
  const attrs = { overF: false, clamp: noClamp };
  const [mean, largest] = [b.node('globalavg', [x], attrs, 'mean', quant), b.node('globalmax', [x], attrs, 'largest', quant)];
  x = int(0, 1) === 0 ? mean : b.node('concat', [mean, largest], { axis: 'c' }, 'both', quant);
  conv(3, 1, 1, [0, 0]);
  b.output(x, 'scores', { hostType: 'int8' });
  return { graph: b.build(), stride, channels };
}

/** Streams one network and compares all windows. Returns the number of outputs. */
async function compare(own: number, pads: boolean, hop: number, lengths: [number, ...number[]]): Promise<number> {
  const [window] = lengths;
  const { graph, channels } = network(own, window, pads);
  const chosen = planStream(withWindows(graph, lengths), { hop });
  const exact = chosen.steps.every((step) => step.exact);
  const all = quantPlan(exact ? chosen : planStream(chosen.graph, { hop, mode: 'edge-exact' }));
  const apart = lengths.map((length) => quantPlan(planStream(network(own, length, pads).graph, { hop, mode: 'windowed' })));
  const draw = uniform(own + 1);
  const signal = Int8Array.from({ length: (window + 9 * hop) * channels }, () => Math.floor(256 * draw()) - 128);
  let n = 0;
  for await (const got of runStyles(all, signal, [hop], false)) {
    const end = (n * hop + window) * channels;
    const wanted = apart.flatMap(
      (one, i) => runWindow(one, signal.subarray(end - (lengths[i] as number) * channels, end)).outputs,
    );
    assert.is(differing(wanted, got), 0, `seed ${own}, pads ${pads}, hop ${hop}, windows ${lengths}, output ${n}`);
    n++;
  }
  return n * lengths.length;
}

test(`${runs} random networks, each for up to three windows (seed ${seed})`, async () => {
  let outputs = 0;
  for (let i = 0; i < runs; i++) {
    const own = seed * 100_003 + i;
    const draw = uniform(own + 2);
    const { stride } = network(own, 60, false);
    const length = (): number => 16 + Math.floor(40 * draw());
    // two equal lengths are one window
    const lengths = [...new Set([60, length(), length()])].sort((a, b) => b - a) as [number, ...number[]];
    for (const hop of new Set([1, 3, stride])) outputs += await compare(own, i % 3 === 2, hop, lengths);
  }
  console.log(`  ${outputs} outputs equal`);
  assert.ok(outputs > 10 * runs);
});

test('three windows of a network without padding take at most 1.1 times the work of the longest', () => {
  for (let own = 1; own <= 20; own++) {
    const { graph, stride } = network(own, 200, false);
    // at multiples of the stride the rows of all windows are the same
    const lengths = [200, 200 - 8 * stride, 200 - 16 * stride];
    const work = (one: Graph): number => planStream(one, { hop: stride, mode: 'stream' }).macsPerHop;
    const heads =
      graph.nodes.at(-1)?.op === 'conv' ? 2 * 3 * (graph.tensors[graph.nodes.at(-1)?.inputs[0] ?? 0]?.shape.c ?? 0) : 0;
    assert.is(work(withWindows(graph, lengths)), work(graph) + heads, `seed ${own}`);
  }
});

test('what does not fit is refused with its reason', () => {
  const { graph } = network(1, 60, false);
  const refuses = (lengths: number[], why: RegExp): void => assert.throws(() => withWindows(graph, lengths), why);
  refuses([61], /RN212.*61 frames do not lie in its window of 60/s);
  refuses([0], /RN212/);
  refuses([2.5], /RN212/);
  refuses(
    Array.from({ length: 17 }, (_, i) => 20 + i),
    /RN212.*there are 17 lengths/s,
  );
  refuses([1], /RN212.*does not fit a window of 1 frames/s);
});

test.run();
