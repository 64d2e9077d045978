/**
 * The zoo's vad: the scores of PyTorch with the state carried on, and sound pushed in pieces of any length
 * against the integer reference.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { build } from '../../assembly/build.ts';
import { targets } from '../../assembly/emit/target.ts';
import { realRows } from '../../host/demo/kws-model.ts';
import { frontEnd, hop, mode, readFloat, readSound, toInt8 } from '../../host/demo/vad-model.ts';
import { floatScores, zooArray, zooFile } from '../../host/demo/zoo.ts';
import { openSession } from '../../host/session/index.ts';
import { fitFrontEnd } from '../../models/frontend/fit.ts';
import { carries } from '../../models/graph/recurrent.ts';
import { maxOf } from '../../models/lists.ts';
import { planStream } from '../../models/stream/plan.ts';
import { featureRows } from '../../quant/frontend/reference.ts';
import { quantPlan } from '../../quant/plan.ts';
import { runSignal } from '../../quant/reference.ts';
import { runnable } from '../relaxed/dot-product.ts';

const int8 = toInt8(await readFloat());

for (const [name, golden, units] of [
  ['vad', 'golden-out.npy', 32],
  ['vad-small', 'golden-out-small.npy', 16],
] as const) {
  const graph = await readFloat(name);

  test(`${name}.onnx gives the scores of PyTorch over 20 s with its state carried on`, () => {
    const rows = zooArray('vad', 'golden-in.npy').data as Int8Array;
    const expected = zooArray('vad', golden).data as Float32Array;
    const found = floatScores(graph, hop, realRows(rows), mode).map((s) => s[0] as number);
    assert.is(found.length, expected.length);
    assert.ok(found.length > 900);
    assert.ok(maxOf(found.map((v, i) => Math.abs(v - (expected[i] as number)))) < 1e-5);
  });

  test(`${name}: the plan has one row of each layer per hop, the GRU’s state in the trunk, and no warm-up`, () => {
    const plan = planStream(toInt8(graph), { hop, mode });
    assert.ok(plan.steps.some(({ node, section }) => section === 'trunk' && carries(node)));
    assert.is(plan.macsPerHop, 3 * 40 * units + 3 * units * units + 2 * (3 * units * units) + units);
    assert.is(plan.warmUpHops + plan.delayFrames, 0);
  });
}

test('demo.wav in pieces of any length gives the bytes of the reference on every target', async () => {
  const pcm = await readSound(zooFile('vad', 'demo.wav'));
  const quant = quantPlan(planStream(int8, { hop, mode }));
  const expected = [...runSignal(quant, featureRows(fitFrontEnd(int8, frontEnd), pcm))].map(({ outputs }) => outputs[0]?.[0]);
  assert.is(expected.length, Math.floor((pcm.length - frontEnd.windowSamples) / frontEnd.stepSamples) - 3);
  for (const target of targets) {
    const { wasm } = await build(quant, { target, frontEnd });
    const session = await openSession(runnable(wasm) as BufferSource);
    const found: number[] = [];
    for (let at = 0, n = 0; at < pcm.length; n++) {
      const take = [320, 1, 77, 319, 160][n % 5] as number;
      if (session.push(pcm.subarray(at, at + take))) found.push(session.outputRaw()[0] as number);
      at += take;
    }
    assert.equal(found, expected, target);
  }
});

test.run();
