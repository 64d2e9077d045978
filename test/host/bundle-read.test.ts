/** Reads bundles: sections, byte accounting, every check of the manifest, and damaged files. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseManifest, readManifest, wasmBytes, wasmSections } from '../../assembly/bundle/read.ts';
import { errorCode } from '../error-code.ts';
import { compileTiny, tinyBundle, tinyManifest, withSection } from './tiny-bundle.ts';

const utf8 = (text: string) => new TextEncoder().encode(text);
const parsed = (change: (m: Record<string, unknown>) => void) => {
  const m = JSON.parse(JSON.stringify(tinyManifest())) as Record<string, unknown>;
  change(m);
  return errorCode(() => parseManifest(utf8(JSON.stringify(m))));
};

test('a manifest is read as it was written, and unknown fields are dropped', async () => {
  const expected = JSON.parse(JSON.stringify(tinyManifest({ labels: ['a'], sampleRateHz: 32, frontEnd: 'ppg' })));
  const wasm = await tinyBundle({ labels: ['a'], sampleRateHz: 32, frontEnd: 'ppg', manifest: (m) => ({ ...m, later: 1 }) });
  assert.equal(readManifest(wasm), expected);
});

const detector = { label: 'x', cutoff: 0.9, slidingWindow: 5, refractoryMs: 1000, output: 0 };

test('detector and features are read, and every field is checked, also against labels and outputs', () => {
  const read = (part: object) => parseManifest(utf8(JSON.stringify({ ...tinyManifest(), ...part })));
  const features = { preset: 'microwakeword', stepSamples: 160, sampleRateHz: 16000 };
  const full = read({ detector: { ...detector, voice: true, later: 1 }, features });
  assert.equal(full.detector, { ...detector, voice: true });
  assert.equal(full.features, features);
  for (const part of [
    { cutoff: 1.5 },
    { cutoff: '0.9' },
    { cutoff: null },
    { slidingWindow: 0 },
    { slidingWindow: 1e6 },
    { refractoryMs: -1 },
    { refractoryMs: 1e300 },
    { output: 1 },
    { output: -1 },
    { label: 3 },
    { voice: 'yes' },
    { cutoffs: { x: 2 } },
    { cutoffs: [1] },
  ])
    assert.is(
      errorCode(() => read({ detector: { ...detector, ...part } })),
      'RN605',
      JSON.stringify(part),
    );
  for (const part of [{ preset: 1 }, { stepSamples: 0.5 }, { sampleRateHz: 0 }])
    assert.is(
      errorCode(() => read({ features: { ...features, ...part } })),
      'RN605',
      JSON.stringify(part),
    );
  const classes = (part: object, labels: string[] | undefined = ['a', 'b']) =>
    errorCode(() =>
      parseManifest(utf8(JSON.stringify({ ...tinyManifest({ channels: 2, labels }), detector: { ...detector, ...part } }))),
    );
  assert.is(classes({ label: 'b', cutoffs: { a: 0.5 } }), 'none');
  assert.is(classes({ label: undefined }), 'none');
  assert.is(classes({ label: 'c' }), 'RN606');
  assert.is(classes({ label: undefined, cutoffs: { c: 0.5 } }), 'RN606');
  assert.is(classes({}, ['a']), 'RN606');
});

test('the bytes of a file are the sum of code, data and custom sections', async () => {
  const wasm = await compileTiny(
    `const table: usize = memory.data<u8>([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
     export function at(i: i32): i32 { return load<u8>(table + i); }`,
    ['--initialMemory', '1', '--maximumMemory', '1'],
  );
  const bundle = withSection(wasm, 'note', utf8('hello'));
  const bytes = wasmBytes(bundle);
  assert.is(bytes.fileBytes, bundle.length);
  assert.is(bytes.customBytes, bundle.length - wasm.length);
  assert.ok(bytes.dataBytes >= 10 && bytes.dataBytes <= 16, `${bytes.dataBytes}`);
  assert.is(bytes.codeBytes + bytes.dataBytes + bytes.customBytes, bytes.fileBytes);
  const sections = wasmSections(bundle);
  assert.is(8 + sections.reduce((sum, s) => sum + s.fileBytes, 0), bundle.length);
  assert.equal(new TextDecoder().decode(sections.find((s) => s.name === 'note')?.bytes), 'hello');
});

test('each error of the file has its code', async () => {
  const wasm = await tinyBundle();
  assert.is(
    errorCode(() => readManifest(utf8('PK'))),
    'RN600',
  );
  assert.is(
    errorCode(() => readManifest(wasm.subarray(0, wasm.length - 1))),
    'RN601',
  );
  assert.is(
    errorCode(() => readManifest(wasm.subarray(0, 8))),
    'RN602',
  );
  assert.is(
    errorCode(() => readManifest(withSection(wasm, 'runlet', utf8('{}')))),
    'RN602',
  );
  assert.is(
    errorCode(() => parseManifest(utf8('{'))),
    'RN603',
  );
  assert.is(
    errorCode(() => parseManifest(new Uint8Array([0x22, 0xff, 0x22]))),
    'RN603',
  );
});

test('each error of the manifest has its code', () => {
  assert.is(
    parsed(() => {}),
    'none',
  );
  assert.is(
    errorCode(() => parseManifest(utf8('[]'))),
    'RN605',
  );
  assert.is(
    errorCode(() => parseManifest(utf8('null'))),
    'RN605',
  );
  assert.is(parsed((m) => { m.abi = 2; }), 'RN604'); // biome-ignore format: one line
  assert.is(parsed((m) => { m.manifest = '1'; }), 'RN604'); // biome-ignore format: one line
  const bad: [string, unknown][] = [
    ['hop', 0], ['hop', 1.5], ['hop', '4'], ['window', 2 ** 31], ['microHop', 5], ['name', 3], ['mode', 'exact'], ['inputs', []],
    ['outputs', {}], ['layers', [{}]], ['stateDigest', 'AB'], ['sampleRateHz', -1], ['labels', [1]], ['golden', null], ['bytes', 7],
    ['warmUpHops', undefined], ['delayFrames', -1],
  ]; // biome-ignore format: a table
  for (const [field, value] of bad) assert.is(parsed((m) => { m[field] = value; }), 'RN605', field); // biome-ignore format: one line
  const port = (change: (p: Record<string, unknown>) => void) =>
    parsed((m) => change((m.inputs as Record<string, unknown>[])[0] as Record<string, unknown>));
  assert.is(port((p) => { p.scale = 1e-60; }), 'RN605'); // biome-ignore format: one line
  assert.is(port((p) => { p.zeroPoint = 128; }), 'RN605'); // biome-ignore format: one line
  assert.is(port((p) => { p.elements = 2; }), 'RN606'); // biome-ignore format: one line
  assert.is(port((p) => { p.order = ['t', 't']; }), 'RN606'); // biome-ignore format: one line
  assert.is(parsed((m) => { (m.bytes as Record<string, number>).ioBytes = 1; }), 'RN606'); // biome-ignore format: one line
  for (const [offset, words, expected] of [[16, 2, 'none'], [20, 2, 'RN605'], [0, 0, 'RN605'], [-4, 1, 'RN605']] as const) // biome-ignore format: one line
    assert.is(parsed((m) => { m.runningSums = [{ offset, words }]; }), expected, `${offset} ${words}`); // biome-ignore format: one line
  assert.is(parsed((m) => { m.runningSums = [1]; }), 'RN605'); // biome-ignore format: one line
});

test('damaged bundles give a manifest or a RunletError, never another error', async () => {
  const wasm = await tinyBundle();
  const count = Number(process.env.RUNLET_FUZZ_COUNT ?? 2000);
  let x = 99;
  const random = (below: number) => {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    return Math.floor((x / 2 ** 32) * below);
  };
  for (let n = 0; n < count; n++) {
    const bytes = wasm.slice(0, random(4) === 0 ? random(wasm.length) : wasm.length);
    for (let k = random(4); k >= 0; k--) if (bytes.length) bytes[random(bytes.length)] = random(256);
    errorCode(() => readManifest(bytes));
    errorCode(() => wasmBytes(bytes));
  }
});

test.run();
