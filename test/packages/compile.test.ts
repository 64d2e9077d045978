/**
 * runlet/compile from its sources: the bytes of the build with a compiler, with int8 and with int16
 * activations, and its refusals.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { build as compiledBuild } from '../../assembly/build.ts';
import { sha256 } from '../../assembly/bundle/digest.ts';
import { build, compile, isQuantised, openSession, quantize, quantPlan, readModel, writeGraph } from '../../compile.ts';
import { manifestFields } from '../../host/model-fields.ts';
import { readNpy } from '../../host/sources/npy.ts';
import { type Graph, isInt16 } from '../../models/graph/types.ts';
import { defaultHop } from '../../models/stream/default-hop.ts';
import { planStream } from '../../models/stream/plan.ts';
import { mixed } from '../../quant/mixed.ts';
import { codeOf } from '../host/helpers.ts';
import { cases as plain } from '../ops/add.cases.ts';
import { cases as norms } from '../ops/layernorm.cases.ts';
import { root } from '../shared.ts';

const zoo = join(root, 'models/zoo/har');
const file = new Uint8Array(readFileSync(join(zoo, 'har-watch.onnx')));
const calibration = readNpy(new Uint8Array(readFileSync(join(zoo, 'calib-watch.npy')))).data as Float32Array;
const hop = 16;
const table = { style: 'table', kernels: 'every' } as const;
const same = (a: Uint8Array, b: Uint8Array) => assert.is(Buffer.compare(a, b), 0, `${a.length} and ${b.length} bytes`);

test('int8: compile gives the bytes of the stages, and of build with the compiler', async () => {
  const graph = await readModel(file, { digest: await sha256(file) });
  const int8 = quantize(graph, calibration, { hop, noReport: true }).graph;
  const plan = quantPlan(planStream(int8, { hop }));
  const { wasm, manifest } = await compile(file, { hop, calibration });
  same(wasm, (await build(plan, manifestFields(graph))).wasm);
  same(wasm, (await compiledBuild(plan, { ...table, ...manifestFields(graph) })).wasm);
  assert.is(manifest.hop, hop);
  const session = await openSession(wasm as BufferSource);
  session.pushAll(calibration, () => {});
  assert.ok(session.labels.includes(session.result()?.label ?? ''), 'labels come from the file');
});

test('int16: a quantised file with int16 activations is compiled with the kernels that it needs', async () => {
  const graph = await readModel(file, { name: 'har' });
  const int8 = quantize(graph, calibration, { hop, noReport: true }).graph;
  const wide = mixed(planStream(int8, { hop }), [calibration], { budgetPercent: 100 }).graph;
  assert.ok(wide.tensors.some(({ quant }) => isInt16(quant)));
  const { wasm } = await compile(writeGraph(wide), { hop });
  const stored = await readModel(writeGraph(wide), { digest: await sha256(writeGraph(wide)) });
  assert.ok(isQuantised(stored));
  same(wasm, (await compiledBuild(quantPlan(planStream(stored, { hop })), { ...table, ...manifestFields(stored) })).wasm);
});

test('the third interpreter has the rare operators, and modules without them are not larger', async () => {
  const { length } = (await build(quantPlan(planStream(plain[0]?.graph as Graph, { hop: 1 })))).wasm;
  for (const [name, found] of [
    ['a difference', plain.find(({ name }) => name === 'a difference')],
    ['layernorm', norms[0]],
  ] as const) {
    if (!found) throw new Error(`no case ${name}`);
    const plan = quantPlan(planStream(found.graph, { hop: 1 }));
    const { wasm } = await build(plan);
    same(wasm, (await compiledBuild(plan, table)).wasm);
    assert.ok(wasm.length > length, name);
  }
});

test('the hop is the option, else that of the file, else about a tenth of the window; plan options and labels apply', async () => {
  const graph = await readModel(file, { name: 'har' });
  const hopOf = async (model: Parameters<typeof compile>[0], options = {}) =>
    (await compile(model, { calibration, ...options })).manifest.hop;
  assert.is(await hopOf(file), Number(graph.metadata['runlet.hop']));
  const { 'runlet.hop': _, ...metadata } = graph.metadata;
  const untold = { ...graph, metadata };
  assert.is(await hopOf(untold), defaultHop(untold).hop);
  assert.is.not(await hopOf(untold), Number(graph.metadata['runlet.hop']));
  const { manifest } = await compile(graph, { hop: 32, calibration, mode: 'windowed', labels: ['a', 'b', 'c', 'd', 'e'] });
  assert.equal([manifest.hop, manifest.mode, manifest.labels?.join('')], [32, 'windowed', 'abcde']);
});

test('a float model without calibration, mode misaligned, a file that is no model, and no WebCrypto are refused', async () => {
  assert.is(await codeOf(() => compile(file)), 'RN782');
  assert.is(await codeOf(() => compile(file, { hop: 5, calibration, mode: 'misaligned' })), 'RN501');
  assert.is(await codeOf(() => compile(new Uint8Array(9))), 'RN100');
  const { crypto } = globalThis;
  Object.defineProperty(globalThis, 'crypto', { value: {}, configurable: true });
  try {
    assert.is(await codeOf(() => compile(file, { calibration })), 'RN780');
  } finally {
    Object.defineProperty(globalThis, 'crypto', { value: crypto, configurable: true });
  }
});

test.run();
