/**
 * Pools in place of depthwise layers, on random networks: only the replaced layers and scales change, a pool
 * has the kernel of its layer, and the streamed module equals its windowed int8 reference.
 *
 * Counts: RUNLET_SWAPS networks (default 400), of which a quarter is streamed and a tenth calibrated, and a
 * quarter as many models with their own state; seed RUNLET_SEED (default 1). RUNLET_SWAPS_ASC of the streamed
 * ones (default 8) are also compiled as calls.
 */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  elementsOf,
  frameOf,
  type Graph,
  isInt16,
  type Node,
  type NodeOf,
  sameParams,
  type Tensor,
} from '../../models/graph/types.ts';
import { opOf, opOfNode } from '../../models/ops/index.ts';
import { planStream } from '../../models/stream/plan.ts';
import { dequantise } from '../../quant/dequantise.ts';
import { legalise } from '../../quant/legalise.ts';
import { type QuantPlan, quantPlan } from '../../quant/plan.ts';
import { quantize } from '../../quant/quantize.ts';
import { runSignal, runWindow } from '../../quant/reference.ts';
import { poolNames, swapDepthwise } from '../../quant/swap-depthwise.ts';
import { judge } from '../oracle/judge.ts';
import { randomModel } from '../oracle/writer/random-model.ts';
import { writeFile } from '../oracle/writer/write.ts';
import { differing } from './harness.ts';
import { anyLayout } from './layouts.ts';
import { type LayerSpec, layerOf, makeNetwork, type NetworkSpec, networkOf, random } from './random-network.ts';
import { runStyles, spread } from './styles.ts';
import { randomFrames, widen } from './widen.ts';

const runs = Number(process.env.RUNLET_SWAPS ?? 400);
const streamed = Math.ceil(runs / 4);
const both = spread(Number(process.env.RUNLET_SWAPS_ASC ?? 8), streamed);
const seed = Number(process.env.RUNLET_SEED ?? 1);
const options = (numRuns: number) => ({ numRuns, seed, endOnFailure: process.env.RUNLET_SHRINK !== '1' });

const others = ['conv', 'maxpool', 'avgpool', 'activation', 'residual', 'branches', 'regroup', 'permute', 'layernorm'] as const;
const kinds = ['depthwise', 'depthwise', 'depthwise', 'depthwise', 'depthwise', ...others] as const;
/**
 * Three of four depthwise layers have the form that a pool replaces. Every eighth network begins with a layer
 * over all frames.
 */
const network = fc.tuple(networkOf(kinds), layerOf(['depthwise'])).map(([spec, first]): NetworkSpec => {
  const layers = spec.layers.map((layer, i) => {
    const plain = layer.kind === 'depthwise' && (spec.seed + i) % 4 > 0;
    return plain ? { ...layer, kernel: layer.kernel + 1, groups: 1, dilation: 1 } : layer;
  });
  if (spec.seed % 8 > 0) return { ...spec, layers };
  const whole: LayerSpec = { ...first, kernel: spec.window, groups: 1, dilation: 1, padding: 'valid' };
  return { ...spec, features: 1, layers: [whole, ...layers] };
});
const anyPool = fc.constantFrom(...poolNames);

const tensorsOf = ({ tensors }: Graph, node: Node) =>
  [...node.inputs, node.output].map((id) => tensors[id]) as [x: Tensor, y: Tensor];
const nodesByName = (graph: Graph) => new Map(graph.nodes.map((node) => [node.name, node]));

/** Returns the values of a depthwise layer with the weights of one tap. */
function tapOf(node: NodeOf<'depthwise'>, tap: number, x: Tensor, y: Tensor, data: Float32Array): Float32Array {
  const { c } = x.shape;
  const weights = { data: Float32Array.from(node.attrs.weights.data, (_, i) => (Math.floor(i / c) === tap ? 1 : 0)) };
  const clamp = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY] as const;
  return opOf('depthwise').float([{ data, shape: x.shape }], { ...node.attrs, weights, bias: null, clamp }, y.shape);
}

/** Compares a pool with the taps of the depthwise layer that it replaces, one after the other. */
function comparePool(node: NodeOf<'depthwise'>, pool: Node, x: Tensor, y: Tensor, rnd: () => number): void {
  const data = Float32Array.from({ length: elementsOf(x.shape) }, () => 2 * rnd() - 1);
  const ones = new Float32Array(data.length).fill(1);
  const taps = Array.from({ length: node.attrs.kernelT * node.attrs.kernelF }, (_, tap) => tap);
  const values = taps.map((tap) => tapOf(node, tap, x, y, data));
  const inside = taps.map((tap) => tapOf(node, tap, x, y, ones));
  const [low, high] = node.attrs.clamp;
  const found = opOfNode(pool).float([{ data, shape: x.shape }], pool.attrs as never, y.shape);
  assert.is(found.length, elementsOf(y.shape));
  for (let i = 0; i < found.length; i++) {
    const seen = values.flatMap((value, tap) => (inside[tap]?.[i] === 1 ? [value[i] as number] : []));
    const mean = seen.reduce((a, b) => a + b, 0) / seen.length;
    const wanted = pool.op.includes('max') ? Math.max(...seen) : mean;
    assert.ok(Math.abs(Math.min(high, Math.max(low, wanted)) - (found[i] as number)) < 1e-6, `${pool.name}, element ${i}`);
  }
}

const totals = { replaced: 0, global: 0, kept: 0, passed: 0 };

function compareGraphs(before: Graph, op: (typeof poolNames)[number], rnd: () => number): void {
  const copy = structuredClone(before);
  const { graph: after, replaced, kept } = swapDepthwise(before, op);
  assert.equal(before, copy, 'the argument does not change');
  assert.equal(
    after.tensors.map(({ quant: _, ...rest }) => rest),
    before.tensors.map(({ quant: _, ...rest }) => rest),
  );
  assert.is(after.nodes.length, before.nodes.length);
  const layers = before.nodes.filter((node) => node.op === 'depthwise');
  assert.equal([...replaced, ...kept.map(({ name }) => name)].sort(), layers.map(({ name }) => name).sort());
  for (const [i, node] of before.nodes.entries()) {
    const now = after.nodes[i] as Node;
    const [x, y] = tensorsOf(after, now);
    if (node.op !== 'depthwise' || !replaced.includes(node.name)) assert.is(now, node);
    else {
      assert.equal({ ...now, op: '', attrs: 0 }, { ...node, op: '', attrs: 0 });
      assert.ok([op, op.replace(/(max|avg)pool/, 'global$1')].includes(now.op));
      assert.ok(sameParams(x.quant, y.quant), 'a pool keeps the scale');
      assert.equal((now.attrs as { clamp: unknown }).clamp, node.attrs.clamp);
      assert.equal(opOfNode(now).shape([x.shape], now.attrs as never, now.name), y.shape);
      comparePool(node, now, x, y, rnd);
      totals.replaced++;
      if (now.op !== op) totals.global++;
    }
    const [, given] = tensorsOf(before, node);
    if (now === node && !sameParams(given.quant, y.quant)) totals.passed++;
    assert.is(isInt16(y.quant), isInt16(given.quant), 'no type changes');
  }
  totals.kept += kept.length;
  const legal = (graph: Graph) => legalise(graph, (shares) => shares !== 'joined').nodes.length - graph.nodes.length;
  assert.is(legal(after), legal(before), 'a changed scale needs no requantisation');
}

test(`only depthwise layers and scales change, in int8, int16 and float (${runs} networks, seed ${seed})`, () => {
  fc.assert(
    fc.property(network, anyPool, (spec, op) => {
      const rnd = random(spec.seed ^ 0x1234);
      const graph = makeNetwork(spec);
      compareGraphs(graph, op, rnd);
      compareGraphs(widen(graph, rnd), op, rnd);
      compareGraphs(dequantise(graph), op, rnd);
    }),
    options(runs),
  );
  console.log(`  ${JSON.stringify(totals)}`);
  for (const [name, count] of Object.entries(totals)) assert.ok(runs < 50 || count > 0, name);
});

/** Streams random frames and compares every output with the windowed model. */
async function compareStream(quant: QuantPlan, rnd: () => number, alsoCalls: boolean): Promise<number> {
  const { plan } = quant;
  const frame = frameOf(plan.graph.tensors[plan.graph.inputs[0]?.tensor ?? -1]?.shape ?? { t: 0, f: 0, c: 0 });
  const windows = Math.min(plan.period, 8) + 4;
  const signal = randomFrames(plan.graph, plan.window + (windows - 1) * plan.hop, rnd);
  let n = 0;
  for await (const got of runStyles(quant, signal, [1 + Math.floor(rnd() * plan.hop), plan.hop], alsoCalls)) {
    const window = signal.subarray(n * plan.hop * frame, (n * plan.hop + plan.window) * frame);
    assert.is(differing(runWindow(quant, window).outputs, got), 0, `window ${n} at hop ${plan.hop}`);
    n++;
  }
  assert.is(n, windows);
  return n;
}

test(`the streamed module equals its windowed int8 model (${streamed} networks, seed ${seed})`, async () => {
  let networks = 0;
  let outputs = 0;
  await fc.assert(
    fc.asyncProperty(network, anyPool, fc.integer({ min: 1, max: 20 }), async (spec, op, anyHop) => {
      const rnd = random(spec.seed ^ 0x77);
      const given = makeNetwork(spec);
      const { graph, replaced } = swapDepthwise(spec.seed % 4 === 0 ? widen(given, rnd) : given, op);
      if (replaced.length === 0) return;
      const { quant } = anyLayout(graph, 1 + (anyHop % (spec.window + 5)), rnd);
      outputs += await compareStream(quant, rnd, both(networks++));
    }),
    options(streamed),
  );
  console.log(`  ${networks} networks, ${outputs} outputs equal`);
  assert.ok(networks > streamed / 3);
});

const calibrated = Math.ceil(runs / 10);
test(`a float network with pools is calibrated and streams (${calibrated} networks, seed ${seed})`, async () => {
  let outputs = 0;
  await fc.assert(
    fc.asyncProperty(network, anyPool, async (spec, op) => {
      const rnd = random(spec.seed ^ 0x99);
      const { graph } = swapDepthwise(dequantise(makeNetwork(spec)), op);
      const { window, features, channels } = spec;
      const signal = Float32Array.from({ length: 3 * window * features * channels }, () => 4 * rnd() - 2);
      const { graph: int8 } = quantize(graph, signal, { hop: window, mode: 'windowed', preset: 'fast', noReport: true });
      outputs += await compareStream(anyLayout(int8, spec.hopSteps, rnd).quant, rnd, false);
    }),
    options(calibrated),
  );
  console.log(`  ${outputs} outputs equal`);
  assert.ok(outputs >= calibrated);
});

test(`models with their own state: the module equals the reference (seed ${seed})`, async () => {
  let swapped = 0;
  let past = 0;
  for (let i = 0; i < streamed; i++) {
    const { quant, signals } = await judge(writeFile(randomModel(seed * 1_000_003 + i).file), i);
    if (!quant?.plan.graph.stateful) continue;
    const { graph, replaced } = swapDepthwise(quant.plan.graph, poolNames[i % 2] as 'maxpool');
    if (replaced.length === 0) continue;
    swapped++;
    const now = quantPlan(planStream(graph, quant.plan.options));
    if (replaced.some((name) => nodesByName(graph).has(`${name}/padding`))) past++;
    for (const signal of signals) {
      const expected = [...runSignal(now, signal)];
      let n = 0;
      for await (const got of runStyles(now, signal, [1, 7], false))
        assert.is(differing(expected[n++]?.outputs ?? [], got), 0, `model ${i}, step ${n}`);
      assert.is(n, expected.length);
    }
  }
  console.log(`  ${swapped} models with pools, ${past} with pools over earlier steps`);
  assert.ok(streamed < 50 || (swapped > 0 && past > 0));
});

test.run();
