/**
 * Placements of the downsampling: all of them and no others, each with the costs of a network that was built
 * with these strides, and a Pareto front that no placement beats.
 */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { GraphBuilder } from '../../models/graph/builder.ts';
import { type Graph, noClamp } from '../../models/graph/types.ts';
import { placementsOf, sweepPlacements } from '../../models/report/placements.ts';
import { planStream } from '../../models/stream/plan.ts';
import { refusalOf } from '../read/refusal.ts';
import { tinyInputs } from './tiny-networks.ts';

const seed = Number(process.env.RUNLET_SEED ?? 1);

interface Layer {
  kind: 'conv' | 'maxpool' | 'avgpool';
  kernel: number;
  stride: number;
}

/** A chain of layers over [window][1][2], then a dense layer of 3 units, or a global average. */
function chain(layers: readonly Layer[], window: number, dense: boolean): Graph {
  const b = new GraphBuilder('chain');
  let x = b.input('x', { t: window, f: 1, c: 2 });
  for (const [i, { kind, kernel, stride }] of layers.entries()) {
    const same = { kernelT: kernel, kernelF: 1, strideT: stride, strideF: 1, padF: [0, 0] as const, clamp: noClamp };
    const padT = [kernel - 1, 0] as const;
    if (kind === 'conv') {
      const weights = { data: new Float32Array(4 * kernel).fill(0.1) };
      const attrs = { ...same, padT, dilationT: 1, dilationF: 1, groups: 1, outChannels: 2, weights, bias: null };
      x = b.node('conv', [x], attrs, `layer${i}`);
    } else if (kind === 'maxpool') x = b.node('maxpool', [x], { ...same, padT }, `layer${i}`);
    else x = b.node('avgpool', [x], { ...same, padT, countIncludePad: false }, `layer${i}`);
  }
  const { t, c } = b.shape(x);
  if (dense) {
    const weights = { data: new Float32Array(3 * t * c).fill(0.1) };
    b.output(b.node('dense', [x], { units: 3, weights, bias: null, clamp: noClamp }, 'head'), 'y');
  } else b.output(b.node('globalavg', [x], { overF: false, rule: 'mean', clamp: noClamp }, 'head'), 'y');
  return b.build();
}

/** Every list of strides whose product is `total`, with no stride above its kernel or the given stride. */
function byHand(layers: readonly Layer[], total: number): number[][] {
  const [first, ...rest] = layers;
  if (!first) return total === 1 ? [[]] : [];
  return Array.from({ length: total }, (_, i) => i + 1)
    .filter((s) => total % s === 0 && s <= Math.max(first.kernel, first.stride))
    .flatMap((s) => byHand(rest, total / s).map((others) => [s, ...others]));
}

const layers = fc.array(
  fc.record({
    kind: fc.constantFrom('conv' as const, 'maxpool' as const, 'avgpool' as const),
    kernel: fc.integer({ min: 1, max: 5 }),
    stride: fc.constantFrom(1, 1, 2, 2, 3),
  }),
  { minLength: 1, maxLength: 5 },
);

test('random chains: every placement by hand is found, with the costs of the network that has its strides', () => {
  fc.assert(
    fc.property(
      layers,
      fc.integer({ min: 40, max: 80 }),
      fc.boolean(),
      fc.integer({ min: 1, max: 9 }),
      (all, window, dense, hop) => {
        const graph = chain(all, window, dense);
        const total = all.reduce((product, { stride }) => product * stride, 1);
        const wanted = byHand(all, total);
        const found = placementsOf(graph);
        const lists = found.map((strides) => all.map((_, i) => strides.get(graph.nodes[i] as Graph['nodes'][number]) ?? 1));
        assert.equal(lists.map(String).sort(), wanted.map(String).sort());
        const { rows, refused } = sweepPlacements(graph, { hop });
        assert.equal([rows.length, refused], [wanted.length, []]);
        for (const { strides, macsPerHop, stateBytes, delayFrames, mode, given } of rows) {
          const own = all.map((layer, i) => ({ ...layer, stride: strides.find((s) => s.layer === `layer${i}`)?.stride ?? 1 }));
          const plan = planStream(chain(own, window, dense), { hop });
          assert.equal(
            [macsPerHop, stateBytes, delayFrames, mode],
            [plan.macsPerHop, plan.stateBytes, plan.delayFrames, plan.mode],
          );
          assert.is(given, own.every(({ stride }, i) => stride === all[i]?.stride)); // biome-ignore format: one line
        }
        for (const row of rows) {
          const beats = (other: typeof row) =>
            other.macsPerHop <= row.macsPerHop &&
            other.stateBytes <= row.stateBytes &&
            other.macsPerHop + other.stateBytes < row.macsPerHop + row.stateBytes;
          assert.is(row.good, !rows.some(beats));
        }
      },
    ),
    { numRuns: 60, seed },
  );
});

/** A residual block whose two branches have a stride of 2 each, behind a convolution. */
function residual(): Graph {
  const b = new GraphBuilder('residual');
  const x = b.input('x', { t: 40, f: 1, c: 2 });
  const conv = (from: number, kernel: number, stride: number, name: string) =>
    b.node(
      'conv',
      [from],
      {
        ...{ kernelT: kernel, kernelF: 1, strideT: stride, strideF: 1, padT: [kernel - 1, 0] as const, padF: [0, 0] as const },
        ...{ dilationT: 1, dilationF: 1, groups: 1, outChannels: 2, weights: { data: new Float32Array(4 * kernel) } },
        ...{ bias: null, clamp: noClamp },
      },
      name,
    );
  const first = conv(x, 3, 1, 'first');
  const sum = b.node('add', [conv(first, 3, 2, 'main'), conv(first, 2, 2, 'shortcut')], { clamp: noClamp }, 'sum');
  b.output(b.node('globalavg', [sum], { overF: false, rule: 'mean', clamp: noClamp }, 'head'), 'y');
  return b.build();
}

test('branches that meet have the same stride', () => {
  assert.is(placementsOf(residual()).length, 2);
  const { rows } = sweepPlacements(residual(), { hop: 2 });
  const texts = rows.map(({ strides }) => strides.map(({ layer, stride }) => `${layer} ${stride}`).join(', '));
  assert.equal(texts.sort(), ['first 2', 'main 2, shortcut 2']);
});

test('another total stride, a selection of many placements, and networks that have none', async () => {
  const graph = chain([{ kind: 'conv', kernel: 4, stride: 2 }, { kind: 'maxpool', kernel: 4, stride: 2 }], 64, true); // biome-ignore format: one line
  const of = (totals: number[]) =>
    sweepPlacements(graph, { hop: 4 }, totals).rows.map(({ total, strides }) => [total, strides.map((s) => s.stride).join()]);
  assert.equal(of([2]).map(String).sort(), ['2,2', '2,2']);
  assert.equal(of([1, 8]).map(String).sort(), ['1,', '8,2,4', '8,4,2']);
  const eleven = Array.from({ length: 11 }, (_, i): Layer => ({ kind: 'conv', kernel: 3, stride: i < 5 ? 2 : 1 }));
  const some = sweepPlacements(chain(eleven, 64, false), { hop: 32, mode: 'windowed' });
  assert.is(some.sampledOf, byHand(eleven, 32).length);
  assert.ok(some.rows.length > 200 && some.rows.length <= 257 && some.rows.some((r) => r.given));
  const refusal = async (run: () => unknown) => (await refusalOf(run)).message;
  assert.match(await refusal(() => sweepPlacements(tinyInputs(), { hop: 4 })), /RN211.*several inputs/);
  assert.match(await refusal(() => sweepPlacements({ ...graph, stateful: true }, { hop: 64 })), /RN211.*its own state/);
});

test.run();
