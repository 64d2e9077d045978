/**
 * Random networks as C on this machine, with the address and undefined-behaviour sanitizers and all warnings
 * as errors: streamed and edge-exact, they give the bytes of the module and of the integer reference.
 *
 * RUNLET_BARE networks (default 12), seed RUNLET_SEED.
 */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { build } from '../../assembly/build.ts';
import { buildC } from '../../assembly/c/build-c.ts';
import { isInt16 } from '../../models/graph/types.ts';
import { readOnnx } from '../../models/read/onnx/index.ts';
import { writeModel } from '../../models/write/onnx/proto.ts';
import { anyLayout } from '../property/layouts.ts';
import { plannedPooling } from '../property/pooling-check.ts';
import { type HeadName, heads, poolingNetwork } from '../property/pooling-network.ts';
import { makeNetwork, network, random } from '../property/random-network.ts';
import { widen } from '../property/widen.ts';
import { signalOf } from '../wamr/signal.ts';
import { Folder, missing } from './run.ts';

const count = Number(process.env.RUNLET_BARE ?? 12);
const seed = Number(process.env.RUNLET_SEED ?? 1);
const absent = missing(['gcc']);
if (absent) console.log(absent);

(absent ? test.skip : test)(
  `${count} random networks as C give the reference's bytes for any hop and padding (seed ${seed})`,
  async () => {
    let bytes = 0;
    let int16 = 0;
    for (const [i, spec] of fc.sample(network, { numRuns: count, seed }).entries()) {
      const wider = { ...spec, layers: spec.layers.map((l) => ({ ...l, channels: l.channels * (1 + (spec.seed % 5)) })) };
      const rnd = random(spec.seed ^ 0x33);
      // a third of the networks has int16 in random places
      const graph = i % 3 === 2 ? widen(makeNetwork(wider), rnd, 0.7) : makeNetwork(wider);
      if (graph.tensors.some((t) => isInt16(t.quant))) int16++;
      const { quant } = anyLayout(graph, 1 + Math.floor(rnd() * (spec.window + 5)), rnd);
      const bundle = await build(quant, { target: 'native' });
      const { frames, outputs } = await signalOf(bundle);
      const folder = new Folder(await buildC(quant, bundle.manifest), bundle, frames, outputs);
      try {
        const ran = await folder.onHost();
        assert.is(ran.differing, 0, `network ${i}: bytes that differ`);
        assert.is(ran.bytes, outputs.length);
        bytes += ran.bytes;
      } finally {
        folder.remove();
      }
    }
    assert.ok(bytes > count);
    console.log(`  ${count} networks, ${int16} with int16, ${bytes} bytes equal`);
    assert.ok(int16 > 0 || count < 3);
  },
);

(absent ? test.skip : test)("networks with each kind of pooling as C give the reference's bytes", async () => {
  for (const [i, name] of (Object.keys(heads) as HeadName[]).entries()) {
    const { model, stride } = poolingNetwork(name, seed + i);
    const { quant } = plannedPooling(readOnnx(writeModel(model)), stride, seed);
    const bundle = await build(quant, { target: 'native' });
    const { frames, outputs } = await signalOf(bundle);
    const folder = new Folder(await buildC(quant, bundle.manifest), bundle, frames, outputs);
    try {
      const ran = await folder.onHost();
      assert.is(ran.differing, 0, name);
      assert.ok(ran.bytes > 0);
    } finally {
      folder.remove();
    }
  }
});

test.run();
