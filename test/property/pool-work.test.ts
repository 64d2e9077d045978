/**
 * Work of pooling heads: a hop over a long window costs what one over a short window costs, as executed
 * instructions of the compiled module. Their streams equal the windowed int8 model too.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { build } from '../../assembly/build.ts';
import { countHops } from '../../host/fit/counts.ts';
import { executedIn } from '../../host/fit/native-count.ts';
import { GraphBuilder } from '../../models/graph/builder.ts';
import { foldGraph } from '../../models/graph/fold.ts';
import { type Graph, kernelOfOne, noClamp } from '../../models/graph/types.ts';
import { planStream } from '../../models/stream/plan.ts';
import { uniform } from '../../models/xorshift.ts';
import { quantPlan } from '../../quant/plan.ts';
import { quantize } from '../../quant/quantize.ts';
import { seededNormal } from '../read/onnx-oracle.ts';
import { checkStream, compareStream } from './pooling-check.ts';

const seed = Number(process.env.RUNLET_SEED ?? 1);

const quant = { scale: 0.02, zeroPoint: -128 };

/** Returns the executed instructions of a hop, as a mean over hops. */
async function workOf(graph: Graph): Promise<number> {
  const plan = quantPlan(planStream(graph, { hop: 1 }));
  const counts = await countHops(await build(plan, { target: 'interp' }));
  const hops = executedIn(counts, counts.hops);
  return hops.reduce((sum, { narrow, wide }) => sum + narrow + wide, 0) / hops.length;
}

/** Checks that a hop over `many` rows costs what it costs over `few`. */
async function checkWork(graphOf: (rows: number) => Graph, few = 100, many = 1000): Promise<void> {
  const [short, long] = [await workOf(graphOf(few)), await workOf(graphOf(many))];
  console.log(`  ${short} and ${long} instructions`);
  assert.ok(long <= 1.05 * short, `${long} against ${short}`);
}

/** Returns a generalised mean of positive values. */
function generalised(powers: number[], rows: number): Graph {
  const b = new GraphBuilder('gem');
  const x = b.input('x', { t: rows, f: 1, c: powers.length }, { quant, hostType: 'int8' });
  const positive = b.node('activation', [x], { fn: 'abs', clamp: noClamp }, 'positive', quant);
  const attrs = { overF: false, clamp: noClamp, powers: Float32Array.from(powers) };
  b.output(b.node('gem', [positive], attrs, 'gem', quant), 'y');
  return b.build();
}

/**
 * Returns a convolution, a pyramid of 1, 2 and 4 parts, and a layer over each level of it. With `padded`, two
 * layers that pad time stand before the pyramid.
 */
function pyramid(op: 'avgpool' | 'maxpool', stride: number, rows: number, padded = false): Graph {
  const b = new GraphBuilder('pyramid');
  const padT: [number, number] = padded ? [1, 1] : [0, 0];
  const x = b.input('x', { t: (rows - 1) * stride + (padded ? 1 : 3), f: 1, c: 3 }, { quant, hostType: 'int8' });
  const layer = (outputs: number, taps: number) => {
    const data = Int8Array.from({ length: outputs * taps }, (_, i) => ((i * 37) % 255) - 127);
    const weights = { data, scales: new Float64Array(outputs).fill(0.01), scaleRule: 'per-channel' } as const;
    return { ...kernelOfOne, groups: 1, outChannels: outputs, weights, bias: null, clamp: noClamp };
  };
  const first = b.node('conv', [x], { ...layer(12, 9), kernelT: 3, strideT: stride, padT }, 'conv', quant);
  const y = padded ? b.node('conv', [first], { ...layer(12, 36), kernelT: 3, padT }, 'second', quant) : first;
  for (const parts of [1, 2, 4]) {
    const kernelT = rows / parts;
    const attrs = { kernelT, kernelF: 1, strideT: kernelT, strideF: 1, padT: [0, 0], padF: [0, 0], clamp: noClamp } as const;
    const pooled = b.node(op, [y], attrs, `${parts} parts`, quant);
    b.output(b.node('conv', [pooled], { ...layer(4, 12 * parts), kernelT: parts }, `scores ${parts}`, quant), `y${parts}`);
  }
  return b.build();
}

test('a generalised mean over 1,000 rows costs a hop what it costs over 100', async () => {
  for (const powers of [
    [3, 3, 3, 3],
    [1.5, 1.5, 4, 4],
  ])
    await checkWork((rows) => generalised(powers, rows));
});

test('a pyramid over 1,000 rows costs a hop what it costs over 100', async () => {
  for (const op of ['avgpool', 'maxpool'] as const)
    for (const stride of [1, 2]) {
      await checkWork((rows) => pyramid(op, stride, rows));
      const graph = pyramid(op, stride, 100);
      const draw = uniform(seed);
      const signal = Int8Array.from({ length: 3 * (graph.tensors[0]?.shape.t ?? 0) + 120 }, () => Math.floor(256 * draw()) - 128);
      for (const hop of [1, 3]) {
        const quant = quantPlan(planStream(graph, { hop }));
        const levels = quant.plan.steps.filter((step) => step.kind === 'fold' && step.fold.shared);
        assert.is(levels.length, 3, 'all levels read one ring');
        assert.ok((await compareStream(quant, [signal], true, `${op}, stride ${stride}, hop ${hop}`)) > 10);
      }
    }
});

test('behind two layers that pad time, a pyramid over 2,000 rows costs a hop what it costs over 1,000', async () => {
  for (const op of ['avgpool', 'maxpool'] as const)
    for (const stride of [1, 2]) await checkWork((rows) => pyramid(op, stride, rows, true), 1000, 2000);
});

/** Returns a convolution, and the means or maxima of seven bins of different lengths. */
function uneven(op: 'globalavg' | 'globalmax', rows: number): Graph {
  const b = new GraphBuilder('uneven');
  const x = b.input('x', { t: rows + 2, f: 1, c: 3 });
  const draw = uniform(5);
  const layer = (outputs: number, taps: number) => {
    const data = Float32Array.from({ length: outputs * taps }, () => draw() - 0.5);
    return { ...kernelOfOne, groups: 1, outChannels: outputs, weights: { data }, bias: null, clamp: noClamp };
  };
  const y = b.node('conv', [x], { ...layer(12, 9), kernelT: 3 }, 'conv');
  const bins = Array.from({ length: 7 }, (_, i) => [Math.floor((i * rows) / 7), Math.ceil(((i + 1) * rows) / 7)] as const);
  const pooled = bins.map(([from, to], i) => {
    const crop = b.node('history', [y], { before: -from, after: to - rows }, `bin ${i}`);
    return b.node(
      op,
      [crop],
      { overF: false, clamp: noClamp, ...(op === 'globalavg' && { rule: 'mean' as const }) },
      `pool ${i}`,
    );
  });
  b.output(b.node('concat', pooled, { axis: 'f' }, 'bins'), 'y');
  return foldGraph(b.build());
}

test('bins of different lengths over 1,000 rows cost a hop what they cost over 100', async () => {
  for (const op of ['globalavg', 'globalmax'] as const) {
    assert.equal(new Set(uneven(op, 100).nodes.map((node) => node.op)).size, 3, 'no crop is left');
    await checkWork((rows) => {
      const graph = uneven(op, rows);
      return quantize(graph, [Float32Array.from({ length: 3 * (rows + 60) }, seededNormal(2))], { hop: 1, noReport: true }).graph;
    });
    assert.ok((await checkStream(uneven(op, 100), 3, 2, true)) > 10);
  }
});

test.run();
