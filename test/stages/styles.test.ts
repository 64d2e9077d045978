/**
 * The two styles of a module: they have one ABI, give the same bytes, and exchange snapshots. Which style is
 * smaller depends on the network (docs/adr/0008).
 *
 * Networks: an edge-exact one with queues and folds, a streamed one with partial results, and a chain of 50
 * layers.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Bundle, build } from '../../assembly/build.ts';
import { compile, nodeTools } from '../../assembly/emit/compile.ts';
import { everyKernel } from '../../assembly/emit/interpreters.ts';
import { kernels } from '../../assembly/emit/kernels.ts';
import { sectionsOf, sleb, withMemory } from '../../assembly/emit/patch.ts';
import { stackBytes } from '../../assembly/emit/static-memory.ts';
import { openSession, selfTest } from '../../host/session/index.ts';
import { type Graph, noClamp } from '../../models/graph/types.ts';
import { readTflite } from '../../models/read/tflite/index.ts';
import { planStream } from '../../models/stream/plan.ts';
import type { PlanOptions } from '../../models/stream/types.ts';
import { type QuantPlan, quantPlan } from '../../quant/plan.ts';
import { instantiate } from '../property/harness.ts';
import { Maker, makeNetwork, type NetworkSpec, random } from '../property/random-network.ts';
import { shared } from '../shared.ts';

/** Returns `layers` layers with four channels: convolution, depthwise, table, residual, in turn. */
function chain(layers: number): Graph {
  const m = new Maker(7);
  let x = m.b.input('x', { t: 64, f: 1, c: 4 }, { quant: m.quant(0.05), hostType: 'int8' });
  for (let i = 0; i < layers; i++) {
    const from = x;
    const kind = i % 5;
    if (kind === 3) {
      x = m.b.node('activation', [x], { fn: 'tanh', alpha: 0.1, clamp: noClamp }, m.name('tanh'), m.quant());
      continue;
    }
    const { quant, ...mac } = m.mac(x, kind === 1 ? 3 : 12, 4, kind === 1 ? 12 : 48);
    const time = { kernelT: 3, kernelF: 1, strideT: 1, strideF: 1, dilationT: 1, dilationF: 1 };
    const attrs = { ...time, padT: [1, 1] as const, padF: [0, 0] as const, clamp: noClamp, ...mac };
    x =
      kind === 1
        ? m.b.node('depthwise', [x], { ...attrs, multiplier: 1 }, m.name('depthwise'), quant)
        : m.b.node('conv', [x], { ...attrs, groups: 1, outChannels: 4 }, m.name('conv'), quant);
    if (kind === 4) x = m.b.node('add', [x, from], { clamp: noClamp }, m.name('add'), m.quant());
  }
  x = m.b.node('globalavg', [x], { overF: true, clamp: noClamp, rule: 'avgpool' }, 'globalavg', m.quantOf(x));
  m.b.output(x, 'y', { hostType: 'int8' });
  return m.b.build();
}

const conv = { kind: 'conv', kernel: 3, stride: 1, dilation: 1, channels: 3, groups: 1, fn: 'tanh', relu: true } as const;
const spec = (padding: 'same' | 'causal', window: number): NetworkSpec => ({
  ...{ seed: 11, window, features: 1, channels: 2, head: 'globalavg', hopSteps: 1, micro: 1 },
  layers: [
    { ...conv, padding },
    { ...conv, padding, kernel: 4 },
  ],
});

const networks: [name: string, graph: Graph, options: PlanOptions][] = [
  ['edge-exact', makeNetwork(spec('same', 40)), { hop: 5, mode: 'edge-exact' }],
  ['partial results', makeNetwork(spec('causal', 24)), { hop: 8, mode: 'stream', microHop: 4 }],
  ['50 layers', chain(50), { hop: 8, mode: 'edge-exact' }],
];

const plans = networks.map(([name, graph, options]) => [name, quantPlan(planStream(graph, options))] as const);
const styles = ['calls', 'table'] as const;
const built = new Map<QuantPlan, Promise<Record<(typeof styles)[number], Bundle>>>();
/** Builds both styles, each with only the kernels that it needs. */
function both(quant: QuantPlan) {
  const make = async () => ({
    calls: await build(quant, { style: 'calls' }),
    table: await build(quant, { style: 'table' }),
  });
  const found = built.get(quant) ?? make();
  built.set(quant, found);
  return found;
}

test('both styles export only the ABI and the memory, whose size is fixed and whose end is declared', async () => {
  const abi = ['abi', 'info', 'input', 'output', 'push', 'reset', 'state'].map((name) => `rn_${name}`);
  for (const [name, quant] of plans)
    for (const { wasm, memory } of Object.values(await both(quant))) {
      const module = new WebAssembly.Module(wasm as BufferSource);
      const names = WebAssembly.Module.exports(module).map((e) => e.name);
      assert.equal(names.sort(), ['__data_end', '__heap_base', 'memory', ...abi].sort(), name);
      assert.equal(WebAssembly.Module.imports(module), []);
      const exports = instantiate(wasm) as unknown as Record<'__data_end' | '__heap_base', WebAssembly.Global>;
      assert.is(exports.__data_end.value, memory.end);
      assert.is(exports.__heap_base.value, memory.end + stackBytes);
      const pages = Math.ceil(memory.end / 65536);
      assert.equal([...(sectionsOf(wasm).find((s) => s.id === 5)?.body ?? [])], [1, 1, pages, pages]);
      const { rn_push, rn_info, rn_input, rn_output } = instantiate(wasm);
      assert.equal([rn_push(1), rn_info(11), rn_info(-1), rn_input(1), rn_output(-1), rn_output(1)], [-1, -1, -1, 0, 0, 0]);
    }
});

test('memory patches work for large memories, and refuse a global that is not an i32 constant', async () => {
  const [, quant] = plans[0] as (typeof plans)[number];
  const { table } = await both(quant);
  const far = withMemory(table.wasm, 2000, { __data_end: 131_000_000, __heap_base: -16 });
  const exports = instantiate(far) as unknown as { memory: WebAssembly.Memory } & Record<string, WebAssembly.Global>;
  assert.is(exports.memory.buffer.byteLength, 2000 * 65536);
  assert.equal([exports.__data_end?.value, exports.__heap_base?.value], [131_000_000, -16]);
  assert.equal(sleb(-16), [0x70]);
  const f32 = Uint8Array.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 6, 9, 1, 0x7d, 0, 0x43, 0, 0, 0, 0, 0x0b]);
  assert.throws(() => withMemory(f32, 1, {}), /RN502/);
});

test('both styles accept each other’s snapshots', async () => {
  for (const [name, quant] of plans) {
    const { calls, table } = await both(quant);
    assert.is(calls.manifest.stateDigest, table.manifest.stateDigest, name);
    assert.equal([calls.manifest.style, table.manifest.style], [undefined, 'table']);
    const rnd = random(5);
    const signal = Int8Array.from({ length: 300 * (calls.manifest.inputs[0]?.elements ?? 1) }, () => 256 * rnd() - 128);
    const split = signal.length / 2;
    const run = async (from: Bundle, to: Bundle) => {
      const outputs: number[][] = [];
      const first = await openSession(from.wasm as BufferSource);
      first.pushAll(signal.subarray(0, split), () => outputs.push([...first.output()]));
      const second = await openSession(to.wasm as BufferSource);
      second.restore(first.snapshot());
      second.pushAll(signal.subarray(split), () => outputs.push([...second.output()]));
      return outputs;
    };
    const expected = await run(calls, calls);
    assert.ok(expected.length > 10);
    assert.equal(await run(calls, table), expected, `${name}: calls to table`);
    assert.equal(await run(table, calls), expected, `${name}: table to calls`);
  }
});

test('a module with every kernel passes its self-test, and building it again gives the same bytes', async () => {
  assert.ok(everyKernel('interp').length >= 21);
  for (const fn of everyKernel('interp'))
    assert.ok(nodeTools.sources()[`kernels/${kernels[fn].file}.ts`]?.includes(`function ${fn}(`));
  for (const [, quant] of plans) {
    const every = await build(quant, { style: 'table', kernels: 'every' });
    assert.ok((await selfTest(await openSession(every.wasm as BufferSource))).ok);
    assert.equal((await build(quant, { style: 'table', kernels: 'every' })).wasm, every.wasm);
  }
});

const folder = shared('models');
const kws = folder && new Uint8Array(readFileSync(join(folder, 'mlperf-tiny/kws_ref_model/model.tflite')));

test('the compiler sizes the memory for static data that ends close to a page boundary', async () => {
  for (const [end, pages] of [
    [65504, 1],
    [65520, 1],
    [65536, 2],
    [65552, 2],
  ] as const) {
    const source = `export { __heap_base, __data_end };\nmemory.data(${end - 16}, 16);\nexport function f(): void {}\n`;
    const module = await WebAssembly.compile((await compile({ 'module.ts': source }, end, 'interp')) as BufferSource);
    const { exports } = await WebAssembly.instantiate(module);
    assert.is((exports.__data_end as WebAssembly.Global).value, end);
    assert.is((exports.__heap_base as WebAssembly.Global).value, end + 8);
    assert.is((exports.memory as WebAssembly.Memory).buffer.byteLength, 65536 * pages);
  }
});

test('calls are smaller for few layers, a table for many, and `smallest` selects the smaller', async () => {
  const cases = [...plans];
  if (kws) for (const hop of [1, 2]) cases.push([`kws hop ${hop}`, quantPlan(planStream(readTflite(kws), { hop }))]);
  cases.push(['50 layers, windowed', quantPlan(planStream(chain(50), { hop: 8, mode: 'windowed' }))]);
  cases.push(['200 layers', quantPlan(planStream(chain(200), { hop: 8, mode: 'stream' }))]);
  for (const [name, quant] of cases) {
    const { calls, table } = await both(quant);
    for (const { wasm } of [calls, table]) assert.ok((await selfTest(await openSession(wasm as BufferSource))).ok);
    const sizes = styles.map((style) => {
      const { file, memory } = style === 'calls' ? calls : table;
      return `${style} ${file.fileBytes} (code ${file.codeBytes}, program ${memory.program.bytes})`;
    });
    console.log(`  ${name}: ${sizes.join(', ')}`);
    if (name.startsWith('kws')) assert.ok(calls.wasm.length < table.wasm.length);
    if (name === '200 layers') assert.ok(table.wasm.length < calls.wasm.length);
  }
  const [, few] = plans[0] as (typeof plans)[number];
  const [, many] = plans[2] as (typeof plans)[number];
  assert.is((await build(few, { style: 'smallest' })).manifest.style, undefined);
  assert.is((await build(many, { style: 'smallest' })).manifest.style, 'table');
});

test.run();
