/**
 * Target relaxed on engines with different semantics of the dot product: the module gives the reference's
 * bytes, or refuses and the session opens the next module.
 *
 * The test tries every semantics that WebAssembly allows, with modules in which the instruction is replaced,
 * and that of this engine.
 */
import { spawnSync } from 'node:child_process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Bundle, build } from '../../assembly/build.ts';
import { Chain, madeUpNetwork, noiseOf } from '../../host/bench/networks.ts';
import { openSession } from '../../host/session/index.ts';
import { isRunletError } from '../../models/error.ts';
import type { Graph } from '../../models/graph/types.ts';
import { planStream } from '../../models/stream/plan.ts';
import { type QuantPlan, quantPlan } from '../../quant/plan.ts';
import { quantize } from '../../quant/quantize.ts';
import { runSignal } from '../../quant/reference.ts';
import { chromiumPath, runInChromium } from '../browser/page.ts';
import { compareModule, framesFor, signalOf } from '../ops/run-case.ts';
import { instantiate } from '../property/harness.ts';
import { doubled, type Meaning, meanings, withMeaning } from './dot-product.ts';

const outputs = 4;
/** Semantics that are exact for all bytes of the second operand. */
const exact: Meaning[] = ['unsigned exact', 'signed exact'];
/** Semantics that are exact without -128: two products exceed 16 bits only if all four bytes are -128. */
const withoutLowest: Meaning[] = ['signed saturating', 'signed wrapping'];

const planOf = (int8: Graph, hop: number): QuantPlan => quantPlan(planStream(int8, { hop }));

/** Returns convolutions of every kind. With `weight`, the first weights of each layer have this value. */
function layers(weight?: number): Graph {
  const net = new Chain('kinds', 96, 5, 3)
    .conv(20, 3, { same: true })
    .depthwise(5)
    .conv(33, 1)
    .maxpool(2)
    .conv(12, 4, { dilationT: 2 });
  const { graph } = quantize(net.globalavg().dense(7).done(), noiseOf(2 * 96 * 5), {
    hop: 8,
    mode: 'windowed',
    preset: 'fast',
    noReport: true,
  });
  for (const { attrs } of graph.nodes)
    if (weight !== undefined && 'weights' in attrs) (attrs.weights.data as Int8Array).fill(weight, 0, 8);
  return graph;
}

/** Returns the number of differing bytes, or 'refused' if the module refuses a push. */
function judge(quant: QuantPlan, bundle: Bundle, meaning: Meaning | typeof doubled): number | 'refused' {
  const wasm = withMeaning(bundle.wasm, meaning);
  const module = instantiate({ ...bundle, wasm }.wasm);
  assert.is(module.rn_info(12), 0, 'before rn_reset');
  module.rn_reset();
  const form = module.rn_info(12);
  if (form === 0) {
    assert.is(module.rn_push(1), -3);
    return 'refused';
  }
  assert.is(form, meaning.startsWith('signed') ? 2 : 1);
  const signal = signalOf(quant.plan.graph, framesFor(quant, outputs), 5);
  return compareModule(quant, { ...bundle, wasm }, signal, undefined, [...runSignal(quant, signal)]).differing;
}

for (const [name, graph, lowest] of [
  ['layers of every kind', () => layers(), false],
  ['weights of -128', () => layers(-128), true],
  ['N1', () => madeUpNetwork('N1').int8, false],
  ['N2', () => madeUpNetwork('N2').int8, false],
] as const)
  test(`${name}: exact semantics give the bytes of the reference, others are refused`, async () => {
    const int8 = graph();
    const wanted = lowest ? exact : [...exact, ...withoutLowest];
    for (const hop of [2, 16])
      for (const style of ['calls', 'table'] as const) {
        const quant = planOf(int8, hop);
        const bundle = await build(quant, { target: 'relaxed', style });
        for (const meaning of [...meanings, doubled] as const)
          assert.is(
            judge(quant, bundle, meaning),
            wanted.includes(meaning as Meaning) ? 0 : 'refused',
            `hop ${hop}, ${style}, ${meaning}`,
          );
      }
  });

test('a network without weights has no dot product and runs on every engine', async () => {
  const { graph } = quantize(new Chain('mean', 32, 4, 1).maxpool(2).globalavg().done(), noiseOf(2 * 32 * 4), {
    hop: 8,
    mode: 'windowed',
    preset: 'fast',
    noReport: true,
  });
  const { wasm } = await build(planOf(graph, 8), { target: 'relaxed' });
  const session = await openSession(wasm);
  assert.ok(session.pushAll(new Float32Array(32 * 4), () => {}) > 0);
});

test('openSession opens the next module if the engine is not exact', async () => {
  const quant = planOf(layers(), 8);
  const [relaxed, simd] = [await build(quant, { target: 'relaxed' }), await build(quant, { target: 'simd' })];
  for (const meaning of [...meanings, doubled] as const) {
    const wasm = withMeaning(relaxed.wasm, meaning);
    const isExact = [...exact, ...withoutLowest].includes(meaning as Meaning);
    assert.is((await openSession([wasm, simd.wasm])).manifest.target, isExact ? 'relaxed' : 'simd', meaning);
    if (isExact) continue;
    const error = await openSession(wasm).catch((reason) => reason);
    assert.ok(isRunletError(error) && error.code === 'RN700', meaning);
    assert.match(error.message, /does not run the module exactly/);
  }
});

/** Opens the modules of the environment variable, and prints which one was opened. */
const inNode = `
import { openSession } from ${JSON.stringify(new URL('../../host/session/index.ts', import.meta.url).href)};
const [relaxed, simd] = JSON.parse(process.env.MODULES).map((text) => Buffer.from(text, 'base64'));
const run = async (list) => {
  const session = await openSession(list);
  const frames = Float32Array.from({ length: 96 * 5 * 3 }, (_, i) => Math.sin(i * i));
  const all = [];
  session.pushAll(frames, () => all.push([...session.outputRaw()]));
  return { target: session.manifest.target, all };
};
const found = await run([relaxed, simd]);
if (JSON.stringify(found.all) !== JSON.stringify((await run([simd])).all)) throw new Error('outputs differ');
console.log(found.target);
`;

for (const flags of [[], ['--liftoff-only'], ['--no-liftoff']])
  test(`this engine${flags.length > 0 ? ` with ${flags.join(' ')}` : ''} gives the bytes of simd, with relaxed or simd`, async () => {
    const quant = planOf(layers(), 8);
    const modules = await Promise.all(
      (['relaxed', 'simd'] as const).map(async (target) => Buffer.from((await build(quant, { target })).wasm).toString('base64')),
    );
    const versions = process.versions.node.startsWith('20.') ? ['--experimental-wasm-relaxed-simd'] : [];
    const { stdout, stderr, status } = spawnSync(
      process.execPath,
      [...versions, ...flags, '--import', 'tsx', '--input-type=module', '--eval', inNode],
      { encoding: 'utf8', env: { ...process.env, MODULES: JSON.stringify(modules) }, cwd: new URL('../..', import.meta.url) },
    );
    assert.is(status, 0, stderr);
    console.log(`  Node ${process.version}: ${stdout.trim()} was opened`);
  });

(chromiumPath ? test : test.skip)('Chromium gives the bytes of the reference, or the module is refused', async () => {
  const quant = planOf(layers(), 8);
  const signal = signalOf(quant.plan.graph, framesFor(quant, outputs), 5);
  const { wasm } = await build(quant, { target: 'relaxed' });
  const found = await runInChromium(wasm, [{ frames: signal }]).catch((error) => error as Error);
  if (found instanceof Error) assert.match(found.message, /RN700.*does not run the module exactly/);
  else
    assert.equal(
      found.runs[0]?.outputs,
      [...runSignal(quant, signal)].map(({ outputs: [y] }) => [...(y ?? [])]),
    );
  console.log(`  Chromium: ${found instanceof Error ? 'refused' : 'exact'}`);
});
if (!chromiumPath) console.log('skipped: no Chromium found; install the package chromium, or set CHROMIUM to its path');

test.run();
