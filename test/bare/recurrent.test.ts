/**
 * Recurrent networks as C, in modes edge-exact and stream: on this machine with the sanitizers, and some on
 * cores in QEMU.
 *
 * RUNLET_BARE networks (default 12; a third of them on cores), seed RUNLET_SEED.
 */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { build } from '../../assembly/build.ts';
import { buildC } from '../../assembly/c/build-c.ts';
import { isRecurrent, withCarry } from '../../models/graph/recurrent.ts';
import type { Graph } from '../../models/graph/types.ts';
import { planStream } from '../../models/stream/plan.ts';
import { totalStride } from '../../models/stream/timing.ts';
import { type QuantPlan, quantPlan } from '../../quant/plan.ts';
import { makeNetwork, type NetworkSpec } from '../property/random-network.ts';
import { recurrentNetwork } from '../property/recurrent-network.ts';
import { signalOf } from '../wamr/signal.ts';
import { coreTools, Folder, missing } from './run.ts';

const count = Number(process.env.RUNLET_BARE ?? 12);
const onCores = Math.ceil(count / 3);
const seed = Number(process.env.RUNLET_SEED ?? 1);

/** Returns random networks with a recurrent cell. */
const graphs = (numRuns: number): { graph: Graph; spec: NetworkSpec }[] =>
  fc
    .sample(recurrentNetwork, { numRuns: 4 * numRuns, seed })
    .map((spec) => ({ spec, graph: makeNetwork(spec) }))
    .filter(({ graph }) => graph.nodes.some(isRecurrent))
    .slice(0, numRuns);

function planned({ graph, spec }: { graph: Graph; spec: NetworkSpec }, stream: boolean): QuantPlan {
  const hop = stream ? totalStride(withCarry(graph, true)) * spec.hopSteps : spec.hopSteps;
  return quantPlan(planStream(graph, { hop, mode: stream ? 'stream' : 'edge-exact' }));
}

async function folderOf(quant: QuantPlan): Promise<{ folder: Folder; bytes: number }> {
  const bundle = await build(quant, { target: 'native' });
  const { frames, outputs } = await signalOf(bundle);
  return { folder: new Folder(await buildC(quant, bundle.manifest), bundle, frames, outputs), bytes: outputs.length };
}

const absent = missing(['gcc']);
if (absent) console.log(absent);
(absent ? test.skip : test)(`${count} recurrent networks as C give the reference's bytes (seed ${seed})`, async () => {
  for (const [i, network] of graphs(count).entries()) {
    const { folder, bytes } = await folderOf(planned(network, i % 2 === 0));
    try {
      const ran = await folder.onHost();
      assert.is(ran.differing, 0, `network ${i}: bytes that differ`);
      assert.is(ran.bytes, bytes);
    } finally {
      folder.remove();
    }
  }
});

for (const core of ['rv32', 'm4'] as const) {
  const without = missing(coreTools(core));
  if (without) console.log(without);
  (without ? test.skip : test)(
    `${onCores} recurrent networks on ${core} keep their states from hop to hop (seed ${seed})`,
    async () => {
      for (const [i, network] of graphs(onCores).entries()) {
        const { folder } = await folderOf(planned(network, true));
        try {
          assert.is((await folder.onCore(core, ['-O2'])).differing, 0, `network ${i}: bytes that differ`);
        } finally {
          folder.remove();
        }
      }
    },
  );
}

test.run();
