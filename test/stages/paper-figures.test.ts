/**
 * The figures of `npm run paper` that do not depend on trained weights, and docs/paper.md against the printed
 * sections.
 *
 * Source: StreamiNNC sections 1.3 to 1.6, 3.4 and 3.5. Weights and signals have the seeds of the page;
 * medians are over seeds 1 to 6.
 */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { contaminationOf } from '../../models/report/contamination.ts';
import { edgesOf } from '../../models/stream/edge/edges.ts';
import { boundsSection } from '../../scripts/paper/bounds.ts';
import { median } from '../../scripts/paper/deviation.ts';
import { Experiment } from '../../scripts/paper/experiments.ts';
import { fAcc, fEeg, fPpg, type PaperNetwork } from '../../scripts/paper/networks.ts';
import { paddingSection } from '../../scripts/paper/padding.ts';
import { introduction, notReproduced } from '../../scripts/paper/remarks.ts';
import { attentionMacs, speedUp, theorySection } from '../../scripts/paper/theory.ts';
import { transient, transientSection } from '../../scripts/paper/transient.ts';
import { makeNetwork, network } from '../property/random-network.ts';
import { textOf } from '../sources.ts';

const seed = Number(process.env.RUNLET_SEED ?? 1);
const percent = (share: number) => Math.round(10_000 * share) / 100;
const convs = ({ graph }: PaperNetwork) =>
  contaminationOf(graph).filter(({ node, rows }) => node.name.startsWith('conv') && rows > 1);

test('the probe gives the figures of the paper and the specification', () => {
  const probe = (net: PaperNetwork) => convs(net).map((c) => percent(c.probe));
  assert.equal(probe(fPpg(1, true)), [3.52, 7.03, 10.55, 25, 39.06, 53.13, 81.25, 100, 100]);
  assert.equal(probe(fPpg(1)), [3.13, 6.25, 9.38, 21.88, 34.38, 46.88, 71.88, 96.88, 100]);
  assert.equal(probe(fEeg(1)), [0.2, 0.78, 3.13]);
  assert.equal(probe(fAcc(1)), [0.21, 0.42, 0.63, 0.83, 1.04, 1.25]);
});

test('the structural count gives the rows at each edge, and counts more than the probe after maximum pooling', () => {
  const edges = (net: PaperNetwork) => convs(net).map((c) => [c.left, c.right]);
  assert.equal(
    edges(fPpg(1)),
    [8, 16, 24, 14, 22, 30, 23, 31, 32].map((left) => [left, 0]),
  );
  assert.equal(
    edges(fEeg(1)),
    [1, 2, 2].map((n) => [n, n]),
  );
  assert.equal(
    convs(fEeg(1)).map((c) => percent(c.share)),
    [0.2, 1.56, 6.25],
  );
  assert.equal(
    edges(fAcc(1)),
    [1, 2, 3, 4, 5, 6].map((n) => [n, n]),
  );
});

test('random networks: the count equals that of edge-exact, and the probe never counts more', () => {
  let layers = 0;
  fc.assert(
    fc.property(network, (spec) => {
      const graph = makeNetwork(spec);
      const edges = edgesOf(graph, 1);
      for (const { node, left, right, probeRows, share, rows } of contaminationOf(graph)) {
        const edge = edges.get(node.output);
        assert.equal([left, right], [edge?.left, edge?.right], node.name);
        assert.ok(probeRows <= Math.round(share * rows), node.name);
        layers++;
      }
    }),
    { numRuns: 300, seed },
  );
  assert.ok(layers > 300, `${layers} layers`);
});

const ppg = (windows: number) => new Experiment(fPpg(1), 1, windows);

test('f_PPG: windows with L_a = 320 >= RF - P earlier samples equal the stream in every bit; with 256 they do not', () => {
  const e = ppg(4);
  assert.is(e.receptiveField, 328);
  assert.is(e.context, 320);
  const stream = e.ofStream(e.streamed());
  for (const context of [320, 336]) assert.equal(e.compare(stream, e.padded(context)), { output: 0, embedding: 0 });
  assert.ok(e.compare(stream, e.padded(256)).embedding > 0);
});

test('f_PPG: only a hop that is a multiple of P = 16 is exact', () => {
  const e = ppg(5);
  const stream = e.ofStream(e.streamed());
  for (const [hop, exact] of [
    [64, true],
    [48, true],
    [16, true],
    [63, false],
    [60, false],
    [40, false],
  ] as const)
    for (const value of [e.shifted(hop, 'floored'), e.shifted(hop, 'by time'), stream])
      assert.is(e.compare(e.padded(320), value, hop).embedding === 0, exact, `hop ${hop}`);
});

test('f_PPG: all rows are correct after ceil((RF - P) / S) hops', () => {
  assert.equal(transient(1, 64, 6).perHop, [16, 16, 12, 8, 4, 0]);
  assert.is(transient(1, 64, 6).firstClean, 320);
  for (const hop of [16, 32, 48, 128]) {
    const expected = Math.ceil((328 - 16) / hop);
    assert.is(transient(2, hop, expected + 2).perHop.indexOf(0), expected, `hop ${hop}`);
  }
});

for (const [make, windows] of [
  [fEeg, 6],
  [fAcc, 4],
] as const) {
  test(`${make(1).name}: look-ahead deviates less than zeros after each hop, by the medians of 6 seeds`, () => {
    const found = [1, 2, 3, 4, 5, 6].map((s) => {
      const e = new Experiment(make(s), s, windows);
      return [e.streamed(), e.seams(true)].map((rows) => e.compare(e.windowed, e.ofStream(rows)));
    });
    for (const what of ['output', 'embedding'] as const) {
      const [ahead, zeros] = [0, 1].map((i) => median(found.map((pair) => pair[i]?.[what] ?? Number.NaN)));
      assert.ok((ahead as number) < (zeros as number), `${what}: ${ahead} and ${zeros}`);
    }
  });
}

test('the whole models have the expected speed-up at the hops of the paper', () => {
  assert.is(attentionMacs, 294_912);
  assert.is(speedUp(fPpg(1), 'stream', attentionMacs).toFixed(2), '3.49');
  assert.is(speedUp(fEeg(1), 'stream').toFixed(2), '3.90');
  assert.is(speedUp(fAcc(1), 'stream').toFixed(2), '5.97');
});

test('docs/paper.md contains the printed sections', () => {
  const page = textOf('docs/paper.md');
  for (const part of [introduction(), boundsSection(), paddingSection(), transientSection(), theorySection(), notReproduced()])
    assert.ok(page.includes(part), `run npm run paper -- --write; not on the page:\n${part.slice(0, 200)}`);
});

test.run();
