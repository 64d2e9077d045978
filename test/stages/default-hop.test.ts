/**
 * The default hop, on random networks: it is about a tenth of the window and can be planned, and the
 * suggested neighbours are cheaper.
 */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { RunletError } from '../../models/error.ts';
import { clockOf, gcd } from '../../models/graph/clock.ts';
import { savedText } from '../../models/report/print.ts';
import { cheaperHops, defaultHop } from '../../models/stream/default-hop.ts';
import { planStream } from '../../models/stream/plan.ts';
import { totalStride } from '../../models/stream/timing.ts';
import { makeNetwork, network } from '../property/random-network.ts';

const seed = Number(process.env.RUNLET_SEED ?? Date.now() % 1e6);
console.log(`  RUNLET_SEED=${seed}`);

const graphs = fc.sample(network, { seed, numRuns: 60 }).map(makeNetwork);

const workPerFrame = (graph: (typeof graphs)[number], hop: number): number => {
  try {
    return planStream(graph, { hop }).macsPerHop / hop;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
};

test('the default hop is about a tenth of the window, with few phases, and suggested hops are cheaper than their neighbours', () => {
  let cheap = 0;
  for (const graph of graphs) {
    const { window } = clockOf(graph);
    const { hop } = defaultHop(graph);
    const cheaper = cheaperHops(graph);
    assert.ok(Number.isInteger(hop) && hop >= 1 && hop <= window, `${hop} of ${window}`);
    assert.ok(hop <= Math.max(1, 0.14 * window) && hop >= Math.floor(0.07 * window), `${hop} of ${window}`);
    planStream(graph, { hop });
    const stride = totalStride(graph);
    for (let other = Math.ceil(0.07 * window); other <= 0.14 * window; other++)
      assert.ok(gcd(hop, stride) >= gcd(other, stride), `${hop}, ${other}, stride ${stride}`);
    for (const good of cheaper) {
      cheap++;
      assert.ok(good <= window);
      for (const next of [good - 1, good + 1])
        if (next >= 1 && next <= window) assert.ok(workPerFrame(graph, good) < workPerFrame(graph, next), `${good}, ${next}`);
    }
    assert.ok(cheaper.length <= 3);
  }
  assert.ok(cheap > 10, `${cheap} cheaper hops`);
});

test('in mode stream the default hop is a multiple of the total stride', () => {
  for (const graph of graphs) {
    const { window } = clockOf(graph);
    const stride = totalStride(graph);
    const { hop } = defaultHop(graph, { mode: 'stream' });
    assert.is(hop % stride, 0);
    assert.ok(hop <= window || hop === stride);
  }
});

test('no hop larger than the window is suggested', () => {
  let suggested = 0;
  for (const graph of graphs) {
    const { window } = clockOf(graph);
    for (let hop = 1; hop <= window; hop++)
      try {
        planStream(graph, { hop, mode: 'stream' });
      } catch (error) {
        const { code, parts } = error as RunletError;
        if (code !== 'RN201') continue;
        for (const found of parts.tryThis?.match(/\d+/g) ?? []) {
          suggested++;
          assert.ok(Number(found) <= window, `${parts.tryThis}, window ${window}`);
          planStream(graph, { hop: Number(found), mode: 'stream' });
        }
      }
  }
  assert.ok(suggested > 10, `${suggested}`);
});

test('the saving of a plan without reuse is given as nothing', () => {
  for (const graph of graphs) {
    const { window } = clockOf(graph);
    assert.match(savedText(planStream(graph, { hop: window })), /nothing/);
    assert.match(savedText(planStream(graph, { hop: window, mode: 'windowed' })), /nothing/);
    for (const hop of [1, defaultHop(graph).hop])
      assert.not.match(savedText(planStream(graph, { hop })), /(^|\D)1\.0[0-4] times/);
  }
});

test.run();
