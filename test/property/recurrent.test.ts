/**
 * Networks with recurrent layers and crops of time: the wasm equals the integer reference in every mode, and
 * the windowed model in edge-exact and windowed.
 *
 * Counts: a tenth of RUNLET_NETWORKS (default 2,000), seed RUNLET_SEED (default 1). A twentieth are compiled.
 */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isRunletError } from '../../models/error.ts';
import { isRecurrent, withCarry } from '../../models/graph/recurrent.ts';
import { frameOf, type Graph } from '../../models/graph/types.ts';
import { planStream } from '../../models/stream/plan.ts';
import { totalStride } from '../../models/stream/timing.ts';
import { type QuantPlan, quantPlan } from '../../quant/plan.ts';
import { runSignal, runWindow } from '../../quant/reference.ts';
import { differing } from './harness.ts';
import { anyLayout } from './layouts.ts';
import { makeNetwork, type NetworkSpec, random } from './random-network.ts';
import { pooledNetwork, recurrentNetwork } from './recurrent-network.ts';
import { runStyles, spread } from './styles.ts';

const runs = Math.max(10, Math.floor(Number(process.env.RUNLET_NETWORKS ?? 2000) / 10));
const seed = Number(process.env.RUNLET_SEED ?? 1);
const both = spread(Math.ceil(runs / 20), runs);

/** Returns the number of bytes in one input frame. */
const frameBytes = ({ graph }: QuantPlan['plan']): number =>
  frameOf(graph.tensors[graph.inputs[0]?.tensor ?? -1]?.shape ?? { t: 0, f: 0, c: 0 });

function signalFor({ plan }: QuantPlan, outputs: number, rnd: () => number): Int8Array {
  const frames = plan.window + plan.delayFrames + (plan.warmUpHops + outputs) * plan.hop;
  return Int8Array.from({ length: frames * frameBytes(plan) }, () => Math.floor(rnd() * 256) - 128);
}

let count = 0;

/** Checks that the streamed outputs equal the reference and, if `windows`, the windowed model. */
async function check(quant: QuantPlan, windows: boolean, rnd: () => number): Promise<number> {
  const { plan } = quant;
  const signal = signalFor(quant, 6, rnd);
  const frame = frameBytes(plan);
  const expected = [...runSignal(quant, signal)];
  const chunks = Array.from({ length: 5 }, () => 1 + Math.floor(rnd() * plan.hop));
  let n = 0;
  for await (const got of runStyles(quant, signal, chunks, both(count++ % runs))) {
    const { outputs, index } = expected[n++] as (typeof expected)[number];
    assert.is(differing(outputs, got), 0, `output ${index}`);
    if (!windows) continue;
    const window = signal.subarray(index * plan.hop * frame, (index * plan.hop + plan.window) * frame);
    assert.is(differing(runWindow(quant, window).outputs, got), 0, `window ${index}`);
  }
  assert.is(n, expected.length);
  return n;
}

const recurs = ({ nodes }: Graph): boolean => nodes.some(isRecurrent);

test(`modes edge-exact and windowed equal the windowed model at any hop (${runs} networks, seed ${seed})`, async () => {
  let [outputs, withCells] = [0, 0];
  await fc.assert(
    fc.asyncProperty(recurrentNetwork, fc.integer({ min: 1, max: 20 }), async (spec, anyHop) => {
      const graph = makeNetwork(spec);
      const hop = 1 + (anyHop % (spec.window + 3));
      const rnd = random(spec.seed ^ 0x1234);
      outputs += await check(anyLayout(graph, hop, rnd).quant, true, rnd);
      outputs += await check(quantPlan(planStream(graph, { hop, mode: 'windowed' })), true, rnd);
      if (recurs(graph)) withCells++;
    }),
    { numRuns: runs, seed, endOnFailure: process.env.RUNLET_SHRINK !== '1' },
  );
  console.log(`  ${outputs} outputs equal; ${withCells} networks with cells`);
  assert.ok(withCells > runs / 3);
});

/** Returns the plan in mode stream; undefined if no rows before the signal replace the padding (RN209). */
function carriedPlan(spec: NetworkSpec): QuantPlan | undefined {
  const graph = makeNetwork(spec);
  const stride = totalStride(withCarry(graph, true));
  const [hop, parts] = [stride * spec.hopSteps, spec.hopSteps % spec.micro === 0 ? spec.micro : 1];
  try {
    return quantPlan(planStream(graph, { hop, mode: 'stream', microHop: hop / parts }));
  } catch (error) {
    if (!isRunletError(error) || error.code !== 'RN209') throw error;
    const pools = graph.nodes.filter(({ op }) => op === 'maxpool' || op === 'avgpool');
    assert.ok(
      pools.some(({ attrs }) => 'padT' in attrs && attrs.padT[0] > 0),
      error.message,
    );
    return undefined;
  }
}

const carries = ({ plan }: QuantPlan): boolean => plan.steps.some((s) => s.section === 'trunk' && isRecurrent(s.node));

/** Checks each network in mode stream, and returns how many carry a state on and how many are refused. */
async function checkCarried(networks: fc.Arbitrary<NetworkSpec>): Promise<{ carried: number; refused: number }> {
  let [outputs, carried, refused] = [0, 0, 0];
  await fc.assert(
    fc.asyncProperty(networks, async (spec) => {
      const quant = carriedPlan(spec);
      if (!quant) refused++;
      else outputs += await check(quant, false, random(spec.seed ^ 0x4321));
      if (quant && carries(quant)) carried++;
    }),
    { numRuns: runs, seed, endOnFailure: process.env.RUNLET_SHRINK !== '1' },
  );
  console.log(`  ${outputs} outputs equal; ${carried} networks carry a state on, ${refused} refused for their padding`);
  return { carried, refused };
}

test(`mode stream carries states on, like the model over the whole signal (${runs} networks, seed ${seed})`, async () => {
  const { carried } = await checkCarried(recurrentNetwork);
  assert.ok(carried > runs / 8);
});

test(`mode stream after padded pools equals that model, or is refused (${runs} networks, seed ${seed})`, async () => {
  const { carried, refused } = await checkCarried(pooledNetwork);
  assert.ok(carried > runs / 8);
  assert.ok(refused > 0);
});

test.run();
