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
import { isRunletError } from '../../models/error.ts';
import { isInt16 } from '../../models/graph/types.ts';
import { readOnnx } from '../../models/read/onnx/index.ts';
import { modes } from '../../models/stream/modes.ts';
import { planStream } from '../../models/stream/plan.ts';
import { writeModel } from '../../models/write/onnx/proto.ts';
import { type QuantPlan, quantPlan } from '../../quant/plan.ts';
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

/** Runs a network as C and compares its outputs with those of the module. @returns their bytes */
async function compared(quant: QuantPlan, what: string): Promise<number> {
  const bundle = await build(quant, { target: 'native' });
  const { frames, outputs } = await signalOf(bundle);
  const folder = new Folder(await buildC(quant, bundle.manifest), bundle, frames, outputs);
  try {
    const ran = await folder.onHost();
    assert.is(ran.differing, 0, `${what}: bytes that differ`);
    assert.is(ran.bytes, outputs.length, what);
    assert.ok(ran.bytes > 0, what);
    return ran.bytes;
  } finally {
    folder.remove();
  }
}

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
      bytes += await compared(quant, `network ${i}`);
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
    await compared(quant, name);
  }
});

(absent ? test.skip : test)('one kernel adds rows of RAM in one layer and constants of flash in another', async () => {
  const layer = {
    kernel: 3,
    stride: 1,
    dilation: 1,
    channels: 4,
    groups: 1,
    padding: 'causal',
    fn: 'tanh',
    relu: false,
  } as const;
  const layers = [
    { ...layer, kind: 'residual' },
    { ...layer, kind: 'position', stride: 2 },
    { ...layer, kind: 'residual' },
  ] as const;
  const [spec] = fc.sample(network, { numRuns: 1, seed });
  const graph = makeNetwork({ ...(spec as NonNullable<typeof spec>), window: 16, features: 1, channels: 4, layers: [...layers] });
  for (const mode of modes)
    for (const hop of [1, 2, 3])
      try {
        await compared(quantPlan(planStream(graph, { hop, mode })), `${mode}, hop ${hop}`);
      } catch (error) {
        if (!isRunletError(error) || !/^RN20/.test(error.code)) throw error;
      }
});

test.run();
