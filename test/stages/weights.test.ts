/**
 * Weights in a separate file: the benchmark's networks in every home, their sizes, the checks of the session,
 * and damaged weights files.
 */

import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Bundle, build } from '../../assembly/build.ts';
import { parseManifest, readManifest, wasmSections } from '../../assembly/bundle/read.ts';
import { manifestBytes } from '../../assembly/bundle/write.ts';
import { type Home, homes } from '../../assembly/emit/home.ts';
import { customSection, moduleOf, sectionsOf } from '../../assembly/emit/patch.ts';
import { madeUpNetwork } from '../../host/bench/networks.ts';
import { openSession, type Session, type Stored, selfTest } from '../../host/session/index.ts';
import { makeFrontEnd } from '../../models/frontend/parameters.ts';
import { presetParameters } from '../../models/frontend/presets.ts';
import { readModel } from '../../models/read/index.ts';
import { planStream } from '../../models/stream/plan.ts';
import { type QuantPlan, quantPlan } from '../../quant/plan.ts';
import { runSignal } from '../../quant/reference.ts';
import { codeOf, fuzzCount, mutate, randomOf } from '../host/helpers.ts';
import { compareModule, framesFor, signalOf } from '../ops/run-case.ts';
import { shared } from '../shared.ts';

const source = (bytes: Uint8Array | undefined) => bytes as BufferSource | undefined;
const open = ({ wasm, weights }: Bundle): Promise<Session> => openSession(wasm as BufferSource, { weights: source(weights) });

const plans: [name: string, hop: number][] = [
  ['N1', 64],
  ['N1', 50],
  ['N2', 2],
  ['N1P', 32],
];
for (const [name, hop] of plans)
  test(`${name}, hop ${hop}: every home of weights equals the reference, and passes its self-test`, async () => {
    const { int8 } = madeUpNetwork(name);
    const quant = quantPlan(planStream(int8, { hop }));
    const signal = signalOf(int8, framesFor(quant, 4), hop);
    const expected = [...runSignal(quant, signal)];
    for (const target of ['interp', 'native'] as const)
      for (const weights of homes)
        for (const style of ['calls', 'table'] as const) {
          const bundle = await build(quant, { target, style, weights });
          const { differing, outputs } = compareModule(quant, bundle, signal, undefined, expected);
          assert.is(differing, 0, `${target} ${weights} ${style}: bytes that differ`);
          assert.is(outputs, 4);
          assert.ok((await selfTest(await open(bundle))).ok, `${target} ${weights} ${style}: self-test`);
          assert.equal(readManifest(bundle.wasm), bundle.manifest);
        }
    const simd = await build(quant, { target: 'simd', weights: 'linear' });
    assert.is(compareModule(quant, simd, signal, undefined, expected).differing, 0, 'simd linear');
  });

const network = quantPlan(planStream(madeUpNetwork('N2').int8, { hop: 2 }));
const bundles = new Map<Home, Bundle>();
test.before(async () => {
  for (const weights of homes) bundles.set(weights, await build(network, { target: 'native', weights }));
});
const bundle = (home: Home): Bundle => bundles.get(home) as Bundle;

test('the memory map is exact, weights are counted once, and a tile module is small', () => {
  for (const home of homes) {
    const { wasm, weights, manifest, memory, file } = bundle(home);
    const { weightBytes, memoryBytes } = manifest.bytes;
    assert.is(memory.end - memory.base, memoryBytes);
    assert.is(weights?.length, manifest.weights?.bytes);
    assert.is(weightBytes, home === 'tile' ? 0 : memory.weights.bytes);
    assert.is(file.fileBytes, wasm.length);
    // one segment from the program to the last table
    assert.is(file.dataBytes, memory.tables.address + memory.tables.bytes - memory.base);
    console.log(`  ${home}: file ${wasm.length}, separate weights ${weights?.length ?? 0}, memory ${memoryBytes}`);
  }
  const { wasm, manifest } = bundle('tile');
  assert.ok(wasm.length + manifest.bytes.memoryBytes < 13000);
});

test('sessions with all homes of weights accept each other’s snapshots', async () => {
  const signal = signalOf(network.plan.graph, framesFor(network, 12), 5);
  const half = signal.subarray(0, signal.length / 2 - ((signal.length / 2) % 80));
  const outputsOf = (session: Session, part: Int8Array) => {
    const found: Stored[] = [];
    session.pushAll(part, () => found.push(session.outputRaw().slice()));
    return found;
  };
  const whole = outputsOf(await open(bundle('embed')), signal);
  for (const [from, to] of [
    ['embed', 'tile'],
    ['tile', 'linear'],
    ['linear', 'embed'],
  ] as const) {
    const first = await open(bundle(from));
    const before = outputsOf(first, half);
    const second = await open(bundle(to));
    second.restore(first.snapshot());
    assert.equal([...before, ...outputsOf(second, signal.subarray(half.length))], whole, `${from} to ${to}`);
  }
});

test('a session requires the weights of its bundle and refuses others', async () => {
  const { wasm: embed } = bundle('embed');
  const other = await build(quantPlan(planStream(madeUpNetwork('N1').int8, { hop: 64 })), { target: 'native', weights: 'tile' });
  assert.is(await codeOf(() => openSession(embed as BufferSource, { weights: new Uint8Array(4) })), 'RN717');
  for (const home of ['linear', 'tile'] as const) {
    const { wasm, weights } = bundle(home);
    const openWith = (bytes?: Uint8Array) => codeOf(() => openSession(wasm as BufferSource, { weights: source(bytes) }));
    assert.is(await openWith(weights), 'none');
    assert.is(await openWith(), 'RN717');
    assert.is(await openWith(other.weights), 'RN717');
    assert.is(await openWith(new Uint8Array()), 'RN717');
    // a buffer, and a view into a larger one
    assert.is(await codeOf(() => openSession(wasm as BufferSource, { weights: weights?.slice().buffer as ArrayBuffer })), 'none');
    const wider = new Uint8Array([7, ...(weights ?? []), 7]);
    assert.is(await openWith(wider.subarray(1, -1)), 'none');
    // the session copies them: changing them later has no effect
    const own = weights?.slice() as Uint8Array;
    const session = await openSession(wasm as BufferSource, { weights: source(own) });
    own.fill(1);
    assert.ok((await selfTest(session)).ok);
  }
});

test('damaged weights files are refused', async () => {
  const random = randomOf(14);
  const count = Math.min(fuzzCount, 600);
  let refused = 0;
  for (let i = 0; i < count; i++) {
    const { wasm, weights } = bundle(i % 2 ? 'linear' : 'tile');
    const bytes = mutate(weights as Uint8Array, random);
    const same = Buffer.compare(bytes, weights as Uint8Array) === 0;
    const code = await codeOf(() => openSession(wasm as BufferSource, { weights: source(bytes) }));
    assert.is(code, same ? 'none' : 'RN717');
    if (!same) refused++;
  }
  console.log(`  ${refused} of ${count} refused, the others are unchanged`);
  assert.ok(refused > count / 2);
});

/** Returns the module with a changed manifest. */
function withManifest({ wasm, manifest }: Bundle, change: (m: Record<string, unknown>) => void): Uint8Array {
  const changed = JSON.parse(new TextDecoder().decode(manifestBytes(manifest))) as Record<string, unknown>;
  change(changed);
  const section = customSection('runlet', new TextEncoder().encode(JSON.stringify(changed)));
  return moduleOf([...sectionsOf(wasm).filter(({ id }) => id !== 0), section]);
}

test('imports that contradict the manifest are refused', async () => {
  const codes = async (wasm: Uint8Array, weights?: Uint8Array) => [
    await codeOf(() => readManifest(wasm)),
    await codeOf(() => openSession(wasm as BufferSource, { weights: source(weights) })),
  ];
  const tile = bundle('tile');
  const { weights: said } = tile.manifest;
  const bytesOf = (m: Record<string, unknown>) => m.bytes as Record<string, number>;
  assert.equal(await codes(tile.wasm, tile.weights), ['none', 'none']);
  const hidden = withManifest(tile, (m) => {
    delete m.weights;
  });
  assert.equal(await codes(hidden), ['RN607', 'RN701']);
  const claimed = withManifest(bundle('embed'), (m) => {
    m.weights = said;
    bytesOf(m).scratchBytes = (bytesOf(m).scratchBytes as number) + (bytesOf(m).weightBytes as number);
    bytesOf(m).weightBytes = 0;
  });
  assert.equal(await codes(claimed, tile.weights), ['RN607', 'RN701']);
  // a different import, or an additional one
  const text = (s: string) => [s.length, ...new TextEncoder().encode(s)];
  const own = wasmSections(tile.wasm).find(({ id }) => id === 2)?.bytes as Uint8Array;
  const type = own.at(-1) as number;
  for (const imports of [
    [1, ...text('runlet'), ...text('other'), 0, type],
    [1, ...text('env'), ...text('weights'), 0, type],
    [1, ...text('runlet'), ...text('weights'), 3, 0x7f, 0],
    [2, ...own.subarray(1), ...text('runlet'), ...text('weights'), 0, type],
  ]) {
    const body = Uint8Array.from(imports);
    const wasm = moduleOf(sectionsOf(tile.wasm).map((s) => (s.id === 2 ? { id: 2, body } : s)));
    const keptManifest = moduleOf([
      ...sectionsOf(wasm).filter(({ id }) => id !== 0),
      customSection('runlet', manifestBytes(tile.manifest)),
    ]);
    const [read, opened] = await codes(keptManifest, tile.weights);
    assert.is(read, 'RN607');
    assert.ok(opened === 'RN701' || opened === 'RN700', opened);
  }
});

test('a manifest with inconsistent weights is refused', async () => {
  const parsed = async (home: Home, change: (w: Record<string, unknown>) => void) =>
    codeOf(() => {
      const m = JSON.parse(new TextDecoder().decode(manifestBytes(bundle(home).manifest)));
      change(m.weights);
      parseManifest(new TextEncoder().encode(JSON.stringify(m)));
    });
  for (const [field, value, code] of [
    ['home', 'flash', 'RN605'],
    ['bytes', 0, 'RN605'],
    ['digest', 'ab', 'RN605'],
    ['home', 'linear', 'RN606'],
    ['tileBytes', undefined, 'RN605'],
    ['tileBytes', 1 << 20, 'RN605'],
  ] as const) {
    const got = await parsed('tile', (w) => {
      w[field] = value;
    });
    assert.is(got, code, `${field} ${value}`);
  }
  assert.is(await parsed('linear', (w) => { w.bytes = 5; }), 'RN606'); // biome-ignore format: one line
});

test('an unknown home, and a home that the target does not support, are refused', async () => {
  assert.is(await codeOf(() => build(network, { weights: 'flash' as Home })), 'RN508');
  assert.is(await codeOf(() => build(network, { weights: 'tile', target: 'simd' })), 'RN508');
});

const okayNabu = shared('models', 'mww', 'v2', 'okay_nabu', 'model.tflite');
(okayNabu ? test : test.skip)('okay_nabu stays within the limits of small devices: file, memory and pool', async () => {
  const graph = await readModel(new Uint8Array(readFileSync(okayNabu as string)), { name: 'okay_nabu' });
  const quant: QuantPlan = quantPlan(planStream(graph, { hop: 3 }));
  const { wasm, manifest, file } = await build(quant, { weights: 'tile' });
  const ram = wasm.length + manifest.bytes.memoryBytes;
  const [classic, fast] = [ram + 3700, Math.round(ram + 3800 + 2.8 * file.codeBytes)];
  console.log(`  file and memory ${ram}, with WAMR's classic interpreter about ${classic}, with the fast one ${fast}`);
  assert.ok(classic <= 20_000 && fast <= 32_000);
  // with the front end in the module, as calls and as a table
  const frontEnd = makeFrontEnd({ ...presetParameters('microwakeword'), stepSamples: 160 });
  for (const weights of homes)
    for (const style of ['calls', 'table'] as const) {
      const withSound = await build(quant, { weights, style, frontEnd });
      assert.ok((await selfTest(await open(withSound))).ok, `${weights}, ${style}, sound: self-test`);
    }
});

test.run();
