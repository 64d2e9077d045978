/**
 * The WASI form: hops on standard input, outputs on standard output, in any pieces; the ends of a command and
 * their exit status. The file is still a bundle.
 */

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Bundle, build } from '../../assembly/build.ts';
import { buildFrontEnd } from '../../assembly/build-front-end.ts';
import { type Manifest, wasiFunctions } from '../../assembly/bundle/manifest.ts';
import { readManifest, wasmSections } from '../../assembly/bundle/read.ts';
import { manifestBytes } from '../../assembly/bundle/write.ts';
import { compile } from '../../assembly/emit/compile.ts';
import { customSection, moduleOf, sectionsOf, withData } from '../../assembly/emit/patch.ts';
import { targets } from '../../assembly/emit/target.ts';
import { wasiData } from '../../assembly/emit/wasi.ts';
import { REGION } from '../../assembly/runtime/numbers.ts';
import { frontEnd } from '../../host/demo/kws-model.ts';
import { openSession } from '../../host/session/index.ts';
import { planStream } from '../../models/stream/plan.ts';
import { quantPlan } from '../../quant/plan.ts';
import { codeOf } from '../host/helpers.ts';
import { runnable } from '../relaxed/dot-product.ts';
import { tinyEdge, tinyInputs, tinyStream } from '../stages/tiny-networks.ts';
import { signalOf } from '../wamr/signal.ts';
import { type Answer, runInNode, runOnHost } from './node-wasi.ts';

const form = 'wasi';
const all: Answer = (most) => most;
const hop = 12;
const quant = quantPlan(planStream(tinyStream(), { hop }));
const stream = await build(quant, { form });
const { frames, outputs } = await signalOf(stream);
const inputs = await build(quantPlan(planStream(tinyInputs(), { hop: 2 })), { form });

test("for every target and style, Node's WASI gives the session's bytes, and the session runs the same file", async () => {
  const bundles: [string, Bundle][] = [
    ['hop 3', await build(quantPlan(planStream(tinyEdge(), { hop: 3 })), { form })],
    ['hop 1', await build(quantPlan(planStream(tinyEdge(), { hop: 1 })), { form })],
    ['two inputs', inputs],
    ['two inputs, table', await build(quantPlan(planStream(tinyInputs(), { hop: 2 })), { form, style: 'table' })],
    ['front end', await buildFrontEnd(frontEnd, { form })],
  ];
  for (const target of targets)
    for (const style of ['calls', 'table'] as const)
      for (const kernels of style === 'table' ? (['used', 'every'] as const) : (['used'] as const))
        bundles.push([`${target} ${style} ${kernels}`, await build(quant, { target, style, kernels, form })]);
  for (const [name, built] of bundles) {
    const bundle = { ...built, wasm: runnable(built.wasm) };
    const expected = await signalOf(bundle);
    const { status, out, err } = await runInNode(bundle.wasm, expected.frames);
    assert.is(err, '', name);
    assert.is(status, 0, name);
    assert.ok(out.length > 0 && Buffer.from(out).equals(Buffer.from(expected.outputs)), `${name}: bytes that differ`);
  }
});

test('any pieces, interruptions and waiting give the same bytes', async () => {
  const again: Answer = (maxBytes, call) =>
    call % 3 === 0 ? { error: 27 } : call % 3 === 1 ? { error: 6 } : Math.min(maxBytes, 1);
  for (const [read, write] of [
    [all, all],
    [(maxBytes: number) => Math.min(maxBytes, 5), (maxBytes: number) => Math.min(maxBytes, 2)],
    [again, again],
  ] as [Answer, Answer][]) {
    const { status, out, err } = await runOnHost(stream.wasm, frames, read, write);
    assert.equal([status, err], [0, '']);
    assert.equal(out, new Uint8Array(outputs));
  }
});

test('the last hop may be shorter, by whole frames', async () => {
  const session = await openSession(stream.wasm as BufferSource);
  // 50 frames: a window of 48, and 2 of the next hop; the output is due with frame 48
  for (const count of [0, 47, 48, 50]) {
    session.reset();
    const expected: number[] = [];
    if (count > 0)
      session.pushAll(Int8Array.from(frames.subarray(0, 2 * count)) as never, () => expected.push(...session.outputRaw(0)));
    const { status, out } = await runOnHost(stream.wasm, frames.subarray(0, 2 * count), all, all);
    assert.is(status, 0);
    assert.equal([...new Int8Array(out.buffer, out.byteOffset, out.length)], expected, `${count} frames`);
  }
});

test('an input that ends inside a frame gives status 1 and a message, after the outputs before it', async () => {
  for (const run of [runInNode, (wasm: Uint8Array, input: Uint8Array) => runOnHost(wasm, input, all, all)]) {
    const cut = await run(stream.wasm, frames.subarray(0, 2 * (48 + 12 + 3) + 1));
    assert.equal([cut.status, cut.err], [1, 'runlet: the input ends inside a frame of 2 bytes\n']);
    assert.equal(cut.out, new Uint8Array(outputs.subarray(0, cut.out.length)));
    assert.is(cut.out.length, 6, 'two outputs of 3 bytes');
  }
});

test('with several inputs only whole hops are accepted', async () => {
  const signal = await signalOf(inputs);
  for (const bytes of [1, 12, 15, 16 + 12]) {
    const { status, err } = await runOnHost(inputs.wasm, signal.frames.subarray(0, bytes), all, all);
    assert.equal([status, err], [1, 'runlet: the input ends inside a hop of 16 bytes (12 + 4)\n'], `${bytes} bytes`);
  }
  assert.is((await runOnHost(inputs.wasm, signal.frames.subarray(0, 32), all, all)).status, 0);
});

test('a host that cannot read or write, or accepts nothing, gives status 2', async () => {
  const broken: Answer = (maxBytes, call) => (call > 2 ? { error: 8 } : maxBytes);
  const reads = await runOnHost(stream.wasm, frames, broken, all);
  assert.equal([reads.status, reads.err], [2, 'runlet: standard input cannot be read\n']);
  for (const write of [() => ({ error: 64 }), () => 0]) {
    const { status, err } = await runOnHost(stream.wasm, frames, all, write);
    assert.equal([status, err], [2, 'runlet: standard output cannot be written\n']);
  }
});

/** Returns a module of the ABI with one input and one output of one byte, whose rn_push returns `result`. */
async function pushing(result: number): Promise<Uint8Array> {
  const end = 16 + 16 + REGION;
  const info: [number, number][] = [[0, 1], [8, end], [9, 1], [10, 1], [16, 1], [17, 1], [64, 1], [65, 1]]; // biome-ignore format: a table
  const network = [
    'export { _start } from "./command";',
    'export function rn_reset(): void {}',
    'export function rn_input(which: i32): i32 { return 16; }',
    'export function rn_output(which: i32): i32 { return 16; }',
    `export function rn_push(frames: i32): i32 { return ${result}; }`,
    'export function rn_info(what: i32): i32 {',
    ...info.map(([what, is]) => `  if (what == ${what}) return ${is};`),
    '  return -1;',
    '}',
  ].join('\n');
  const entry = `export { _start } from "./runtime/network";\nexport { __heap_base, __data_end };\nmemory.data(${end - 16}, 16);\n`;
  const wasm = await compile({ 'module.ts': entry, 'runtime/network.ts': network }, end, 'interp');
  return withData(wasm, { address: 32, data: wasiData(32, info) });
}

test('errors of rn_push are the exit status', async () => {
  for (const [result, status] of [
    [-1, 11],
    [-2, 12],
  ] as const) {
    const ran = await runInNode(await pushing(result), Uint8Array.of(1, 2));
    assert.equal([ran.status, ran.err], [status, 'runlet: rn_push gave an error, 10 less the exit status\n']);
  }
  const fine = await runInNode(await pushing(1), Uint8Array.of(1, 2));
  assert.equal([fine.status, [...fine.out]], [0, [1, 2]]);
});

test('the longest messages fit their region', () => {
  // a module's memory is smaller than 2^28 bytes
  const rows = Array.from({ length: 6 }, (_, i): [number, number][] => [[17 + 8 * i, 99_999_999], [20 + 8 * i, 1]]); // biome-ignore format: a table
  for (const inputCount of [1, 2, 6]) {
    const data = wasiData(0, [[0, 1], [9, inputCount], ...rows.flat()]); // biome-ignore format: a table
    assert.ok(data.length <= REGION, `${data.length}`);
  }
});

test('the module has three more imports and a region more than the plain bundle', async () => {
  const plain = await build(quant);
  const { exports } = await WebAssembly.instantiate(await WebAssembly.compile(stream.wasm as BufferSource), {
    wasi_snapshot_preview1: Object.fromEntries(wasiFunctions.map((name) => [name, () => 0])),
  });
  assert.ok(typeof exports._start === 'function' && typeof exports.rn_push === 'function');
  assert.is((exports.rn_info as (what: number) => number)(8), 16 + stream.manifest.bytes.memoryBytes);
  const { bytes, form: said, ...rest } = stream.manifest;
  const { bytes: plainBytes, ...plainRest } = plain.manifest;
  assert.is(said, form);
  assert.equal(rest, plainRest, 'golden and state digest too');
  assert.is(bytes.ioBytes, plainBytes.ioBytes + REGION);
  assert.is(bytes.memoryBytes, plainBytes.memoryBytes + REGION);
});

test('form and imports must agree, and weights must be inside', async () => {
  const withManifest = ({ wasm, manifest }: Bundle, change: Partial<Manifest>): Uint8Array => {
    const section = customSection('runlet', manifestBytes({ ...manifest, ...change }));
    return moduleOf([...sectionsOf(wasm).filter(({ id }) => id !== 0), section]);
  };
  const codes = async (wasm: Uint8Array) => [
    await codeOf(() => readManifest(wasm)),
    await codeOf(() => openSession(wasm as BufferSource)),
  ];
  assert.equal(await codes(stream.wasm), ['none', 'none']);
  assert.equal(await codes(withManifest(stream, { form: undefined })), ['RN607', 'RN701']);
  assert.equal(await codes(withManifest(await build(quant), { form })), ['RN607', 'RN701']);
  assert.equal(await codes(withManifest(stream, { form: 'cgi' as 'wasi' })), ['RN605', 'RN605']);
  assert.is(wasmSections(stream.wasm).filter(({ id }) => id === 8).length, 0, 'no start function');
  for (const weights of ['linear', 'tile'] as const) assert.is(await codeOf(() => build(quant, { form, weights })), 'RN508');
});

test.run();
