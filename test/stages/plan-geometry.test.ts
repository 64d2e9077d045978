/**
 * The planner's geometry without a module: which rows touch a window's edge, how far a row reaches, which
 * rows are kept, and which mode is the default. Random networks are checked by following every tap, small
 * ones against known values.
 */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isRunletError } from '../../models/error.ts';
import { GraphBuilder } from '../../models/graph/builder.ts';
import { lcm } from '../../models/graph/clock.ts';
import { stepTrunk } from '../../models/graph/stateful.ts';
import { type Graph, noClamp, type QuantParams } from '../../models/graph/types.ts';
import { viewOf } from '../../models/graph/view.ts';
import { poolingBound } from '../../models/report/bound.ts';
import { contaminationOf } from '../../models/report/contamination.ts';
import { checkClock } from '../../models/stream/check-clock.ts';
import { choose } from '../../models/stream/edge/choose.ts';
import { edgesOf } from '../../models/stream/edge/edges.ts';
import { periodOf } from '../../models/stream/edge/reuse.ts';
import { streamFold } from '../../models/stream/fold.ts';
import { planStream } from '../../models/stream/plan.ts';
import { trunkNodes } from '../../models/stream/sections.ts';
import { timingOf } from '../../models/stream/timing.ts';
import type { PlanOptions, TensorLayout } from '../../models/stream/types.ts';
import { makeNetwork, network } from '../property/random-network.ts';

const seed = Number(process.env.RUNLET_SEED ?? 1);
const graphs = fc.sample(network, { numRuns: 150, seed }).map(makeNetwork);
const rowsOf = (graph: Graph, id: number): number => graph.tensors[id]?.shape.t ?? 0;

test('a row touches an edge of the window if one of its taps is outside, or on such a row', () => {
  let touching = 0;
  for (const graph of graphs) {
    const touches = new Map<number, { left: boolean[]; right: boolean[] }>();
    for (const { tensor } of graph.inputs) {
      const none = new Array<boolean>(rowsOf(graph, tensor)).fill(false);
      touches.set(tensor, { left: none, right: none });
    }
    const edges = edgesOf(graph, 3);
    for (const node of graph.nodes) {
      const rule = viewOf(graph).rule(node);
      const inputs = node.inputs.map((id) => touches.get(id));
      const edge = edges.get(node.output);
      if (rule.kind !== 'window' || !edge || inputs.some((x) => !x)) continue;
      const rows = rowsOf(graph, node.output);
      const on = (side: 'left' | 'right') =>
        Array.from({ length: rows }, (_, row) =>
          inputs.some((x, i) => {
            const length = rowsOf(graph, node.inputs[i] as number);
            return Array.from({ length: rule.kernel }, (_, k) => row * rule.stride - rule.pad[0] + k * rule.dilation).some((t) =>
              t < 0 ? side === 'left' : t >= length ? side === 'right' : x?.[side][t],
            );
          }),
        );
      const found = { left: on('left'), right: on('right') };
      touches.set(node.output, found);
      // the count covers all rows up to the last that touches
      const left = found.left.lastIndexOf(true) + 1;
      const right = found.right.includes(true) ? rows - found.right.indexOf(true) : 0;
      assert.equal([edge.left, edge.right], [left, right], `${node.name}`);
      touching += left + right;
    }
  }
  assert.ok(touching > 100, `${touching} rows touch an edge`);
});

test('the first and last input frame of a row equal those found by following every tap', () => {
  for (const graph of graphs) {
    const reach = new Map<number, (row: number) => [number, number]>();
    for (const { tensor } of graph.inputs) reach.set(tensor, (row) => [row, row]);
    const timing = timingOf(graph, () => true);
    for (const node of graph.nodes) {
      const rule = viewOf(graph).rule(node);
      const t = timing.get(node.output);
      const inputs = node.inputs.map((id) => reach.get(id));
      if (rule.kind !== 'window' || !t || inputs.some((x) => !x)) continue;
      const of = (row: number): [number, number] => {
        const ends = inputs.flatMap((x) =>
          [0, rule.kernel - 1].map((k) =>
            (x as (row: number) => [number, number])(row * rule.stride - rule.pad[0] + k * rule.dilation),
          ),
        );
        return [Math.min(...ends.map(([a]) => a)), Math.max(...ends.map(([, b]) => b))];
      };
      reach.set(node.output, of);
      assert.equal(of(50), [50 * t.jump - t.lead, 50 * t.jump + t.need - 1], node.name);
    }
  }
});

interface Layer {
  k: number;
  pad: readonly [number, number];
  stride?: number;
  dilation?: number;
}
const q: QuantParams = { scale: 0.1, zeroPoint: 0 };
/** Returns a chain of convolutions over 64 frames. */
function chain(layers: Layer[], metadata: Record<string, string> = {}, input: QuantParams = q, int8 = false): Graph {
  const b = new GraphBuilder('chain');
  let x = b.input('x', { t: 64, f: 1, c: 2 }, int8 ? { quant: input } : {});
  for (const [i, { k, pad, stride = 1, dilation = 1 }] of layers.entries()) {
    const weights = int8
      ? { data: new Int8Array(4 * k).fill(1), scales: Float64Array.of(1, 1), scaleRule: 'per-channel' as const }
      : { data: new Float32Array(4 * k).fill(1) };
    const attrs = { kernelT: k, kernelF: 1, strideT: stride, strideF: 1, dilationT: dilation, dilationF: 1, padT: pad, padF: [0, 0] as const, groups: 1, outChannels: 2, weights, bias: null, clamp: noClamp }; // biome-ignore format: one line
    x = b.node('conv', [x], attrs, `conv${i}`, int8 ? q : undefined);
  }
  b.output(x, 'y');
  Object.assign(b.metadata, metadata);
  return b.build();
}
const modeOf = (graph: Graph, hop: number) => planStream(graph, { hop }).mode;
const codeOf = (graph: Graph, options: PlanOptions): string => {
  try {
    planStream(graph, options);
  } catch (error) {
    if (isRunletError(error)) return error.code;
    throw error;
  }
  return 'none';
};
const context = (frames: number) => ({ 'runlet.left_context': `${frames}` });

test('the default mode is exact: stream requires the full left context of training, no look-ahead, and an aligned hop', () => {
  const causal = (frames: number) =>
    chain(
      [
        { k: 6, pad: [5, 0] },
        { k: 6, pad: [5, 0] },
      ],
      context(frames),
    );
  assert.is(modeOf(causal(10), 4), 'stream');
  assert.is(modeOf(causal(1000), 4), 'stream');
  assert.not.equal(modeOf(causal(9), 4), 'stream');
  // left context and look-ahead: the training saw padding after the window
  for (const frames of [4, 5, 1000])
    assert.not.equal(modeOf(chain([{ k: 6, pad: [4, 1] }], context(frames)), 4), 'stream', `${frames}`);
  assert.not.equal(
    modeOf(
      chain(
        [
          { k: 2, pad: [0, 0], stride: 2 },
          { k: 5, pad: [0, 4] },
        ],
        context(1000),
      ),
      4,
    ),
    'stream',
  );
  assert.is(modeOf(chain([{ k: 3, pad: [0, 0] }]), 5), 'stream');
  const strided = chain([{ k: 2, pad: [0, 0], stride: 2 }]);
  assert.is(modeOf(strided, 6), 'stream');
  assert.not.equal(modeOf(strided, 5), 'stream');
});

test('look-ahead after a stride is counted in input frames', () => {
  const graph = chain([
    { k: 2, pad: [0, 0], stride: 2 },
    { k: 3, pad: [1, 1] },
  ]);
  const t = timingOf(graph, () => true).get(graph.outputs[0]?.tensor ?? -1);
  assert.equal([t?.jump, t?.lead, t?.lookAhead], [2, 2, 2]);
});

test('a plan has the expected history and warm-up, and only aligned micro-hops', () => {
  const graph = chain([
    { k: 3, dilation: 4, pad: [8, 0] },
    { k: 4, pad: [3, 0] },
  ]);
  const plan = planStream(graph, { hop: 4, mode: 'stream' });
  const kept = graph.nodes.map((node) => plan.tensors.get(node.inputs[0] as number)?.historyRows);
  assert.equal(kept, [8, 3]);
  assert.equal([plan.leftContextFrames, plan.warmUpHops, plan.delayFrames], [11, 3, 0]);
  // windows start at even frames; the first with all 7 frames before it starts at frame 8, in the third hop
  const early = planStream(chain([{ k: 8, pad: [7, 0], stride: 2 }]), { hop: 3, mode: 'misaligned' });
  assert.equal([early.leftContextFrames, early.warmUpHops], [7, 3]);
  const strided = chain([
    { k: 4, pad: [0, 0], stride: 4 },
    { k: 2, pad: [0, 0], stride: 2 },
  ]);
  for (const [microHop, code] of [[8, 'none'], [16, 'none'], [4, 'RN201'], [2, 'RN201'], [3, 'RN202']] as const) assert.is(codeOf(strided, { hop: 16, mode: 'stream', microHop }), code, `${microHop}`); // biome-ignore format: a table
});

test('a padded layer is streamed even if its window is not longer than the hop: its padding is at the ends of the signal', () => {
  const trunk = (pad: readonly [number, number]) => trunkNodes(chain([{ k: 3, pad }]), 'stream', 64).size;
  assert.equal([trunk([2, 0]), trunk([0, 2]), trunk([0, 0])], [1, 1, 0]);
});

test('in a stateful model padding before a step is the past of the stream, and padding after it is refused', () => {
  const step = (pad: readonly [number, number]): Graph => ({ ...chain([{ k: 3, pad }]), stateful: true });
  assert.is(stepTrunk(step([2, 0])).size, 1);
  for (const pad of [[2, 1], [1, 1], [0, 2]] as const) // biome-ignore format: a table
    assert.throws(
      () => stepTrunk(step(pad)),
      (e: unknown) => isRunletError(e) && e.code === 'RN302',
    );
});

test('every open window has an accumulator: two for 10 rows with 4 per hop', () => {
  for (const [rows, news, slots] of [
    [10, 4, 2],
    [12, 4, 2],
    [13, 4, 3],
    [5, 4, 1],
  ] as const) {
    // biome-ignore format: a table
    const b = new GraphBuilder('max');
    const x = b.input('x', { t: rows, f: 1, c: 2 });
    b.output(b.node('globalmax', [x], { overF: false, clamp: noClamp }, 'max'), 'y');
    const graph = b.build();
    const plan = { tensor: x, windowRows: rows, newRows: news, jump: 1 } as TensorLayout;
    assert.is(streamFold(graph, graph.nodes[0] as Graph['nodes'][number], plan)?.slots, slots, `${rows} ${news}`);
  }
});

test('a clock uses least common multiples, and allows at most six inputs', () => {
  for (const [a, b, m] of [[4, 6, 12], [6, 4, 12], [5, 7, 35], [8, 2, 8], [1, 9, 9]] as const) assert.is(lcm(a, b), m); // biome-ignore format: a table
  const inputs = (n: number) => {
    const b = new GraphBuilder('inputs');
    for (let i = 0; i < n; i++) b.input(`x${i}`, { t: 16, f: 1, c: 1 });
    return b.build();
  };
  checkClock(inputs(6));
  assert.throws(
    () => checkClock(inputs(7)),
    (e: unknown) => isRunletError(e) && e.code === 'RN203',
  );
});

test('layouts stay within both budgets, their period is a multiple of all phases, and only int8 has partial tap sums', () => {
  const graph = chain(
    [
      { k: 5, pad: [2, 2] },
      { k: 2, pad: [0, 0], stride: 2 },
      { k: 3, pad: [1, 1] },
    ],
    {},
    q,
    true,
  );
  const free = choose(graph, { hop: 3, prefer: 'work' });
  const least = choose(graph, { hop: 3, budgetMacs: Number.MAX_SAFE_INTEGER });
  if (!free || !least) throw new Error('no layout');
  assert.ok(least.stateBytes < free.stateBytes && least.macs > free.macs);
  for (const budgetRam of [least.stateBytes, least.stateBytes + 40, free.stateBytes])
    assert.ok((choose(graph, { hop: 3, budgetRam })?.stateBytes ?? 0) <= budgetRam);
  assert.is(choose(graph, { hop: 3, budgetRam: least.stateBytes, budgetMacs: free.macs }), undefined);
  for (const hop of [3, 5, 7]) {
    const layout = choose(graph, { hop, prefer: 'work' })?.layout;
    if (!layout) throw new Error('no layout');
    for (const { phases } of layout.streams.values()) assert.is(periodOf(layout) % phases, 0, `hop ${hop}`);
    for (const taps of layout.taps.values()) assert.is(taps.records, taps.cutAhead - taps.completeAhead + 1);
  }
  const wide: QuantParams = { scale: 0.001, zeroPoint: 0, type: 'int16' };
  const first = [
    { k: 5, pad: [2, 2] },
    { k: 3, pad: [1, 1] },
  ] as const;
  const taps = (input: QuantParams) =>
    planStream(chain([...first], {}, input, true), { hop: 4, mode: 'edge-exact', prefer: 'work' }).layout?.taps.size;
  assert.equal([taps(q), taps(wide)], [1, 0]);
});

test('planning time depends on the number of layers, not on the number of paths', () => {
  const b = new GraphBuilder('doubled');
  let x = b.input('x', { t: 4, f: 1, c: 1 });
  // 2^60 paths
  for (let i = 0; i < 60; i++) x = b.node('add', [x, x], { clamp: [-1, 1] }, `add${i}`);
  b.output(x, 'y');
  for (const mode of ['windowed', 'edge-exact', 'stream'] as const)
    assert.ok(planStream(b.build(), { hop: 1, mode }).steps.every(({ exact }) => exact));
});

test('contamination counts each edge on its side, and the bound of an average covers only rows that two windows do not share', () => {
  const [left] = contaminationOf(chain([{ k: 5, pad: [4, 0] }]));
  const [right] = contaminationOf(chain([{ k: 5, pad: [0, 4] }]));
  assert.equal([left?.left, left?.right, right?.left, right?.right], [4, 0, 0, 4]);
  const band = { poolLength: 4, hop: 2, amplitude: 3, maxFrequencyHz: 1e6, sampleRateHz: 1 };
  assert.equal([poolingBound(band, 'average'), poolingBound(band)], [3, 6]);
});

test.run();
