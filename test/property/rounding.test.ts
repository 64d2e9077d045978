/**
 * Random networks whose layers round once (LiteRT's FULLY_CONNECTED): streamed wasm equals the integer
 * reference in every mode, on every target, in both styles and with every home of weights. quant/once.test.ts
 * compares that reference with doubles.
 *
 * Counts: RUNLET_ROUNDING networks (default 24), RUNLET_SEED (1). RUNLET_ROUNDING_ASC of them (default 4) are
 * also compiled.
 */

import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { build } from '../../assembly/build.ts';
import { isRunletError } from '../../models/error.ts';
import { hasWeights } from '../../models/graph/channels.ts';
import { readGraph, writeGraph } from '../../models/graph/file.ts';
import { roundingOf, withRounding } from '../../models/graph/rounding.ts';
import { frameOf, type Graph, type Node } from '../../models/graph/types.ts';
import type { Mode } from '../../models/stream/modes.ts';
import { planStream } from '../../models/stream/plan.ts';
import { isOnce } from '../../quant/fixed-point.ts';
import { type QuantPlan, quantPlan } from '../../quant/plan.ts';
import { runSignal, runWindow } from '../../quant/reference.ts';
import { differing, instantiate, poisonMemory, pushAll } from './harness.ts';
import { anyLayout } from './layouts.ts';
import { makeNetwork, type NetworkSpec, network, random } from './random-network.ts';
import { runStyles, spread } from './styles.ts';
import { randomFrames, widen } from './widen.ts';

const runs = Number(process.env.RUNLET_ROUNDING ?? 24);
const compiled = Math.min(runs, Number(process.env.RUNLET_ROUNDING_ASC ?? 4));
const seed = Number(process.env.RUNLET_SEED ?? 1);
const totals = { networks: 0, once: 0, differ: 0, outputs: 0 };

/** Changes every convolution and dense layer to the rounding of FULLY_CONNECTED. */
function onceEverywhere(graph: Graph): Graph {
  const nodes = graph.nodes.map((node): Node => {
    if (!hasWeights(node) || node.op === 'depthwise') return node;
    const weights = { ...node.attrs.weights, scaleRule: 'dense-once' as const };
    return { ...node, attrs: { ...node.attrs, weights } } as Node;
  });
  return { ...graph, nodes };
}

const onceOf = ({ params }: QuantPlan) => [...params.values()].filter((p) => 'shift' in p && isOnce(p.shift[0] as number)).length;

async function check(quant: QuantPlan, twice: QuantPlan, rnd: () => number, both: boolean): Promise<void> {
  const { plan } = quant;
  const signal = randomFrames(plan.graph, plan.window + plan.hop * 5, rnd);
  const wanted = [...runSignal(quant, signal)];
  const other = [...runSignal(twice, signal)];
  totals.networks++;
  totals.once += onceOf(quant);
  if (wanted.some(({ outputs }, n) => differing(outputs, other[n]?.outputs ?? []) > 0)) totals.differ++;
  const size = frameOf(plan.graph.tensors[plan.graph.inputs[0]?.tensor ?? -1]?.shape ?? { t: 0, f: 0, c: 0 });
  let n = 0;
  for await (const outputs of runStyles(quant, signal, [1, 3, plan.hop], both)) {
    assert.is(differing(wanted[n]?.outputs ?? [], outputs), 0, `output ${n} of mode ${plan.mode}`);
    if (plan.mode !== 'stream') {
      const window = signal.subarray(n * plan.hop * size, (n * plan.hop + plan.window) * size);
      assert.is(differing(runWindow(quant, window).outputs, outputs), 0, `window ${n}`);
    }
    n++;
    totals.outputs++;
  }
  assert.is(n, wanted.length);
}

/** Returns the plan of a mode. Mode stream uses the smallest hop that the strides allow. */
function planIn(mode: Mode, graph: Graph, spec: NetworkSpec, seed: number): QuantPlan | undefined {
  try {
    if (mode === 'edge-exact') return anyLayout(graph, spec.hopSteps, random(seed)).quant;
    if (mode === 'windowed') return quantPlan(planStream(graph, { hop: spec.hopSteps, mode }));
  } catch (error) {
    if (isRunletError(error) && error.code === 'RN444') return undefined;
    throw error;
  }
  for (let hop = spec.hopSteps; hop < spec.hopSteps + 512; hop++) {
    try {
      return quantPlan(planStream(graph, { hop, mode }));
    } catch (error) {
      if (!isRunletError(error) || !['RN201', 'RN206', 'RN444'].includes(error.code)) throw error;
    }
  }
  return undefined;
}

for (const mode of ['windowed', 'edge-exact', 'stream'] as const) {
  test(`${runs} networks that round once equal the reference in mode ${mode}`, async () => {
    const compiles = spread(compiled, runs);
    let i = 0;
    await fc.assert(
      fc.asyncProperty(network, async (spec) => {
        const rnd = random(spec.seed);
        const plain = makeNetwork(spec);
        const graph = i % 3 === 2 ? widen(plain, rnd) : plain;
        const [once, twice] = [onceEverywhere(graph), graph].map((g) => planIn(mode, g, spec, i));
        if (once && twice) await check(once, twice, rnd, compiles(i));
        i++;
      }),
      { numRuns: runs, seed, endOnFailure: true },
    );
  });
}

test('separate weights and weights fetched in tiles give the same bytes', async () => {
  let tried = 0;
  for (const spec of fc.sample(network, { numRuns: 40, seed })) {
    const quant = planIn('windowed', onceEverywhere(makeNetwork(spec)), spec, 0);
    if (!quant || onceOf(quant) === 0 || tried === 4) continue;
    const signal = randomFrames(quant.plan.graph, quant.plan.window + quant.plan.hop * 3, random(spec.seed));
    const wanted = [...runSignal(quant, signal)];
    const [target, weights] = (
      [
        ['interp', 'tile'],
        ['native', 'tile'],
        ['simd', 'linear'],
        ['native', 'linear'],
      ] as const
    )[tried++] as ['interp', 'tile'];
    const bundle = await build(quant, { target, weights });
    const exports = instantiate(bundle.wasm, bundle.weights);
    poisonMemory(exports, bundle.memory);
    exports.rn_reset();
    let n = 0;
    for (const outputs of pushAll(exports, quant, signal, [quant.plan.hop]))
      assert.is(differing(wanted[n++]?.outputs ?? [], outputs), 0, `${target} ${weights}, output ${n}`);
    assert.is(n, wanted.length);
  }
  assert.is(tried, 4);
});

test('a .rnq file keeps the rounding rule, which can be changed after reading', () => {
  let layers = 0;
  for (const spec of fc.sample(network, { numRuns: 20, seed })) {
    const graph = withRounding(makeNetwork(spec), 'litert');
    const back = readGraph(writeGraph(graph));
    assert.is(roundingOf(back), roundingOf(graph));
    if (roundingOf(graph) === undefined) continue;
    layers++;
    assert.is(roundingOf(withRounding(back, 'tflm')), 'tflm');
  }
  assert.ok(layers > 0);
});

test('the networks had layers that round once', () => {
  // outputs that depend on the rule are rare; quant/once.test.ts and the references test sums next to a step
  console.log(`  ${JSON.stringify(totals)}`);
  assert.ok(totals.once > 0);
});

test.run();
