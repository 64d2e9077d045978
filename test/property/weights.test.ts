/**
 * The home of the weights changes no byte: random networks and every operator case with weights in the
 * module, copied by the host, and fetched in tiles.
 *
 * Counts: RUNLET_NETWORKS / 8 networks per test (default 250), seed RUNLET_SEED. All run as layer tables, and
 * a tenth are also compiled as calls. One in RUNLET_SHARE operator cases (default: all).
 */

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type BuildOptions, type Bundle, build } from '../../assembly/build.ts';
import { homes } from '../../assembly/emit/home.ts';
import { frameOf, type Ints } from '../../models/graph/types.ts';
import { planStream } from '../../models/stream/plan.ts';
import { type QuantPlan, quantPlan } from '../../quant/plan.ts';
import { runWindow } from '../../quant/reference.ts';
import type { CaseFile, OpCase } from '../ops/case.ts';
import { compareModule, framesFor, signalOf, strideProduct } from '../ops/run-case.ts';
import { todays } from '../shared.ts';
import { differing, type Exports, instantiate, poisonMemory, pushAll, untouchedPastEnd } from './harness.ts';
import { anyLayout } from './layouts.ts';
import { makeNetwork, type NetworkSpec, network, random } from './random-network.ts';
import { spread } from './styles.ts';

const runs = Math.max(8, Math.floor(Number(process.env.RUNLET_NETWORKS ?? 2000) / 8));
const seed = Number(process.env.RUNLET_SEED ?? 1);
const alsoCalls = spread(Math.ceil(runs / 10), runs);

/** Widens the layers, so that some need several tiles and some one. */
const wider = (spec: NetworkSpec): NetworkSpec => ({
  ...spec,
  layers: spec.layers.map((l) => ({ ...l, channels: l.channels * (1 + (spec.seed % 5)) })),
});

interface Running {
  name: string;
  exports: Exports;
  bundle: Bundle;
  outputs: Generator<Ints[]>;
}

async function start(
  name: string,
  quant: QuantPlan,
  signal: Int8Array,
  chunks: number[],
  options: BuildOptions,
): Promise<Running> {
  const bundle = await build(quant, options);
  const exports = instantiate(bundle.wasm, bundle.weights);
  poisonMemory(exports, bundle.memory);
  exports.rn_reset();
  return { name, exports, bundle, outputs: pushAll(exports, quant, signal, chunks) };
}

const stateOf = ({ exports }: Running) => Buffer.from(exports.memory.buffer, exports.rn_state(), exports.rn_info(5));

test(`random networks, any hop and padding: no byte depends on the home of the weights (${runs} networks, seed ${seed})`, async () => {
  const counts = { networks: 0, bytes: 0, tiles: 0, fetched: 0, whole: 0 };
  await fc.assert(
    fc.asyncProperty(network, fc.integer({ min: 1, max: 20 }), async (spec, anyHop) => {
      const graph = makeNetwork(wider(spec));
      const hop = 1 + (anyHop % (spec.window + 5));
      const rnd = random(spec.seed ^ 0x33);
      const { quant } = anyLayout(graph, hop, rnd);
      const { plan } = quant;
      const frame = frameOf(plan.graph.tensors[plan.graph.inputs[0]?.tensor ?? -1]?.shape ?? { t: 0, f: 0, c: 0 });
      const windows = Math.min(plan.period, 6) + 3;
      const signal = Int8Array.from({ length: (plan.window + (windows - 1) * hop) * frame }, () => Math.floor(rnd() * 256) - 128);
      const chunks = [1 + Math.floor(rnd() * hop), hop];
      const target = (['interp', 'native'] as const)[counts.networks % 2];
      const table = { style: 'table', kernels: 'every', target } as const;
      const all = [
        ...(await Promise.all(homes.map((weights) => start(weights, quant, signal, chunks, { ...table, weights })))),
        ...(alsoCalls(counts.networks)
          ? await Promise.all(
              (['linear', 'tile'] as const).map((weights) =>
                start(`${weights}, calls`, quant, signal, chunks, { target, weights }),
              ),
            )
          : []),
      ];
      counts.networks++;
      for (let n = 0; n < windows; n++) {
        const window = signal.subarray(n * hop * frame, (n * hop + plan.window) * frame);
        const expected = runWindow(quant, window).outputs;
        for (const { name, outputs } of all) {
          const got = (outputs.next().value ?? []) as Int8Array[];
          assert.is(differing(expected, got), 0, `${name}: window ${n} at hop ${hop}`);
          counts.bytes += got.reduce((sum, output) => sum + output.length, 0);
        }
      }
      const [first] = all as [Running];
      for (const one of all) {
        assert.ok(one.outputs.next().done, `${one.name}: number of outputs`);
        assert.ok(stateOf(one).equals(stateOf(first)), `${one.name}: state`);
        assert.ok(untouchedPastEnd(one.exports, one.bundle.memory), `${one.name}: memory past the end`);
        assert.is(one.bundle.manifest.stateDigest, first.bundle.manifest.stateDigest);
      }
      const tile = all.find(({ name }) => name === 'tile')?.bundle;
      const { bytes = 0, tileBytes = 0 } = tile?.manifest.weights ?? {};
      if (tileBytes > 0 && tileBytes < bytes) counts.tiles++;
      if (tileBytes > 0) counts.fetched++;
      if (tile && quant.plan.steps.some(({ kind, node }) => kind === 'taps' || (kind === 'fold' && node.op === 'dense')))
        counts.whole++;
    }),
    { numRuns: runs, seed, endOnFailure: process.env.RUNLET_SHRINK !== '1' },
  );
  console.log(`  ${counts.networks} networks, ${counts.bytes} bytes equal`);
  console.log(
    `  ${counts.fetched} fetch weights, ${counts.tiles} in several tiles; ${counts.whole} have partial tap sums or waiting accumulators`,
  );
  assert.ok(counts.tiles > runs / 3 && (runs < 100 || counts.whole > 0));
});

const casesIn = join(import.meta.dirname, '../ops');
const files = readdirSync(casesIn).filter((file) => file.endsWith('.cases.ts'));
const cases: OpCase[] = [];
for (const file of files) cases.push(...((await import(join(casesIn, file))) as CaseFile).cases);

const chosen = todays(cases);

test(`${chosen.length} operator cases: weights in tiles give the bytes of the reference`, async () => {
  let bytes = 0;
  for (const { name, graph, hop } of chosen)
    for (const mode of ['windowed', 'stream'] as const)
      for (const target of ['interp', 'native'] as const) {
        const quant = quantPlan(planStream(graph, { hop: hop ?? strideProduct(graph.nodes), mode }));
        // calls are compiled with the features that a layer needs, the table with all kernels
        const calls = target === 'native' && mode === 'windowed';
        const style = calls ? ({ style: 'calls' } as const) : ({ style: 'table', kernels: 'every' } as const);
        const bundle = await build(quant, { target, ...style, weights: 'tile' });
        const result = compareModule(quant, bundle, signalOf(graph, framesFor(quant, 4), 0x51ed));
        assert.is(result.differing, 0, `${name}, ${mode}, ${target}`);
        bytes += result.bytes;
      }
  console.log(`  ${bytes} bytes equal`);
});

test.run();
