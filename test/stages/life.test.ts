/**
 * The life of a stream: long gaps, counters set to high values, snapshots of other layouts.
 *
 * A shortened gap must leave exactly the state that pushing every frame leaves, also while slots of partial
 * results and phases of edge-exact rotate.
 */

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { build } from '../../assembly/build.ts';
import { openSession, type Session } from '../../host/session/index.ts';
import { packSnapshot, unpackSnapshot } from '../../host/session/snapshot.ts';
import type { Graph } from '../../models/graph/types.ts';
import { planStream } from '../../models/stream/plan.ts';
import type { PlanOptions } from '../../models/stream/types.ts';
import { quantPlan } from '../../quant/plan.ts';
import { codeOf } from '../host/helpers.ts';
import { random } from '../property/random-network.ts';
import { tinyEdge, tinyStream } from './tiny-networks.ts';

const networks: [name: string, graph: () => Graph, options: PlanOptions][] = [
  ['stream, partial results in 4 slots', tinyStream, { hop: 12, mode: 'stream' }],
  ['stream, micro-hops', tinyStream, { hop: 12, mode: 'stream', microHop: 4 }],
  ['stream, one row per push', tinyStream, { hop: 2, mode: 'stream' }],
  ['edge-exact, 4 phases', tinyEdge, { hop: 3, mode: 'edge-exact' }],
  ['edge-exact, running sums', tinyStream, { hop: 5, mode: 'edge-exact' }],
  ['edge-exact, hop 1', tinyEdge, { hop: 1, mode: 'edge-exact' }],
  ['windowed', tinyEdge, { hop: 7, mode: 'windowed' }],
];

async function opener(graph: Graph, options: PlanOptions): Promise<() => Promise<Session>> {
  const module = await WebAssembly.compile((await build(quantPlan(planStream(graph, options)))).wasm as BufferSource);
  return () => openSession(module);
}

const noise = (length: number, seed: number): Int8Array => {
  const rnd = random(seed);
  return Int8Array.from({ length }, () => Math.floor(256 * rnd()) - 128);
};

const parts = (s: Session) => {
  const { manifest: m } = s;
  return unpackSnapshot(s.snapshot(), m.stateDigest, m.bytes.stateBytes, m.inputs[0]?.elements ?? 0);
};

for (const [name, graph, options] of networks)
  test(`${name}: hold and zero leave the same state as pushing every frame`, async () => {
    const open = await opener(graph(), options);
    const { window, hop, manifest } = await open();
    const channels = manifest.inputs[0]?.elements ?? 1;
    const [one, two] = [await open(), await open()];
    const { period } = quantPlan(planStream(graph(), options)).plan;
    const base = 40 * (window + hop) + 5 * period * hop; // long enough for the state to repeat
    let shortened = 0;
    for (const cut of [0, 5, window + 3 * hop + 1])
      for (let length = base; length < base + 4 * hop + 3; length++) {
        const policy = length % 2 ? 'hold' : 'zero';
        for (const s of [one, two]) s.reset();
        const before = noise(cut * channels, cut + 1);
        if (cut) for (const s of [one, two]) s.pushAll(before, () => {});
        const zero = manifest.inputs[0]?.zeroPoint ?? 0;
        const frame = policy === 'zero' || cut === 0 ? new Array(channels).fill(zero) : [...before.slice(-channels)];
        shortened += one.gap(length, policy).leftOut;
        two.pushAll(Int8Array.from({ length: length * channels }, (_, i) => frame[i % channels]), () => {}); // biome-ignore format: one line
        const [a, b] = [parts(one), parts(two)];
        assert.equal([a.state, a.framesPushed, a.outputsDue], [b.state, b.framesPushed, b.outputsDue], `${cut} + ${length}`);
        assert.equal([...one.outputRaw()], [...two.outputRaw()], 'the latest output');
      }
    assert.ok(shortened > 0, 'part of the gap was skipped');
    // more than 10^10 hops wrap every running sum many times; the outputs after the gap equal those after a
    // gap that is shorter by whole periods
    const periods = 2 ** 33 * 4 * period; // 4: number of slots of partial results
    const after = noise((window + 30 * hop) * channels, 6);
    const [far, near]: [string[], string[]] = [[], []];
    for (const [s, list, more] of [
      [one, far, periods],
      [two, near, 0],
    ] as const) {
      s.gap(base + more * hop, 'hold');
      const n = s.outputIndex;
      s.pushAll(after, (index) => list.push(`${index - n}: ${s.outputRaw()}`));
    }
    assert.equal(far, near);
    assert.is(one.framesPushed - two.framesPushed, periods * hop);
  });

for (const [name, graph, options] of networks)
  test(`${name}: an output without replaced frames equals that of the whole signal`, async () => {
    const open = await opener(graph(), options);
    const [gapped, whole] = [await open(), await open()];
    const channels = gapped.manifest.inputs[0]?.elements ?? 1;
    const signal = noise(900 * channels, 3);
    const expected = new Map<number, string>();
    whole.pushAll(signal, (n) => expected.set(n, String(whole.outputRaw())));
    let [clean, touched, differ] = [0, 0, 0];
    const check = (n: number) => {
      const equal = String(gapped.outputRaw()) === expected.get(n);
      if (gapped.gapFramesInWindow + gapped.gapFramesInContext > 0) {
        touched++;
        if (!equal) differ++;
        return;
      }
      assert.ok(equal, `output ${n}`);
      clean++;
    };
    for (const [from, to] of [
      [0, 251],
      [270, 555],
      [556, 900],
    ] as const) {
      if (from > gapped.framesPushed) gapped.gap(from - gapped.framesPushed, 'hold', check);
      gapped.pushAll(signal.slice(from * channels, to * channels), check);
    }
    assert.ok(clean > 20 && differ > 0, `${clean} clean, ${differ} of ${touched} others differ`);
  });

test('an output with replaced frames only in its look-ahead has no gap in its window, but one in its context', async () => {
  const session = await (await opener(tinyStream(), { hop: 12, mode: 'stream' }))();
  const { delayFrames } = session.manifest;
  assert.ok(delayFrames > 0);
  session.pushAll(noise((session.warmUp.framesLeft - 1) * 2, 4), () => assert.unreachable('it is not due yet'));
  const heard: unknown[] = [];
  session.gap(1, 'hold', (n, inGap) => heard.push(n, inGap));
  assert.equal(heard, [1, false]);
  assert.equal([session.gapFramesInWindow, session.gapFramesInContext], [0, 1]);
});

for (const [name, graph, options] of networks)
  test(`${name}: frame counters past 2^31, 2^32 and 2^40 give the same outputs`, async () => {
    const open = await opener(graph(), options);
    const near = await open();
    const channels = near.manifest.inputs[0]?.elements ?? 1;
    const signal = noise(600 * channels, 8);
    near.pushAll(signal.slice(0, 301 * channels), () => {});
    const snapshot = parts(near);
    const bytes = near.snapshot();
    for (const place of [2 ** 31, 2 ** 32, 2 ** 40]) {
      near.restore(bytes);
      const far = await open();
      const hops = Math.floor((place - 400) / near.hop);
      const framesPushed = snapshot.framesPushed + hops * near.hop;
      far.restore(packSnapshot({ ...snapshot, framesPushed, outputsDue: snapshot.outputsDue + hops }));
      const [here, there]: [string[], string[]] = [[], []];
      near.pushAll(signal.slice(301 * channels), (n) => here.push(`${n}: ${near.outputRaw()}`));
      far.pushAll(signal.slice(301 * channels), (n) => there.push(`${n - hops}: ${far.outputRaw()}`));
      assert.equal(there, here);
      assert.ok(here.length >= 20 && far.framesPushed > place && framesPushed < place, 'crossed on the way');
    }
  });

test('the manifest of the network with running sums lists them', async () => {
  const { manifest } = await build(quantPlan(planStream(tinyStream(), { hop: 5, mode: 'edge-exact' })));
  assert.ok((manifest.runningSums?.length ?? 0) > 0);
});

test('a snapshot of another layout, mode, network or scale is refused', async () => {
  const reweighted = tinyEdge(3);
  const sessions: Session[] = [];
  for (const [graph, options] of [
    ...networks.map(([, graph, options]) => [graph(), options] as const),
    [reweighted, { hop: 3, mode: 'edge-exact' }] as const,
    [tinyStream(3), { hop: 12, mode: 'stream' }] as const,
    [tinyStream(), { hop: 24, mode: 'stream' }] as const,
  ])
    sessions.push(await (await opener(graph, options))());
  for (const [i, from] of sessions.entries())
    for (const [j, to] of sessions.entries())
      assert.is(await codeOf(() => to.restore(from.snapshot())), i === j ? 'none' : 'RN712', `${i} into ${j}`);
  const digests = sessions.map((s) => s.manifest.stateDigest);
  assert.is(new Set(digests).size, digests.length, 'all state digests differ');
});

test.run();
