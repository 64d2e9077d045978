/**
 * Bundles without a compiler: numbers and sections of WebAssembly, limits of the manifest, signatures and
 * images, each at its exact limit. The modules are sections written by hand, which no engine runs.
 */
import { crc32 as zipCrc } from 'node:zlib';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { build } from '../../assembly/build.ts';
import { checkManifest } from '../../assembly/bundle/check.ts';
import { crc32, type ImageParts, makeImage, maxImageLabels, maxTextBytes } from '../../assembly/bundle/image.ts';
import { join, newKeyPair, publicPem, readPublicKeys, readSecretKey, secretPem, secretRaw } from '../../assembly/bundle/keys.ts';
import { type Manifest, manifestSection } from '../../assembly/bundle/manifest.ts';
import { Cursor, readManifest, wasmBytes, wasmSections } from '../../assembly/bundle/read.ts';
import { signBundle, signers, unsigned, verifyBundle } from '../../assembly/bundle/sign.ts';
import { leb, readLeb, sleb, withMemory } from '../../assembly/emit/patch.ts';
import { planStream } from '../../models/stream/plan.ts';
import { quantPlan } from '../../quant/plan.ts';
import { tinyStream } from '../stages/tiny-networks.ts';
import { codeOf, utf8 } from './helpers.ts';
import { tinyManifest } from './tiny-bundle.ts';

const section = (id: number, ...content: number[]): number[] => [id, ...leb(content.length), ...content];
const named = (text: string): number[] => [...leb(utf8(text).length), ...utf8(text)];
const custom = (name: string, content: Uint8Array | number[]): number[] => section(0, ...named(name), ...content);
const moduleOf = (...sections: number[][]): Uint8Array => Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, ...sections.flat());
const json = (value: unknown): Uint8Array => utf8(JSON.stringify(value));
const manifest = custom(manifestSection, json(tinyManifest()));
/** Returns an import section of functions `module.name`, of type 0. */
const imports = (...names: [string, string][]): number[] =>
  section(2, names.length, ...names.flatMap(([from, name]) => [...named(from), ...named(name), 0, 0]));

test('a LEB128 number has at most 32 bits, checked to the last byte', async () => {
  const read = (...bytes: number[]) => new Cursor(Uint8Array.from(bytes), 0, bytes.length).u32('n');
  for (const [value, bytes] of [
    [127, [0x7f]],
    [128, [0x80, 1]],
    [0xffffffff, [0xff, 0xff, 0xff, 0xff, 0x0f]],
  ] as const) {
    assert.is(read(...bytes), value);
    assert.equal(leb(value), [...bytes]);
    assert.equal(readLeb(Uint8Array.from(bytes), 0), [value, bytes.length]);
  }
  for (const bytes of [[0xff, 0xff, 0xff, 0xff, 0x1f], [0x80, 0x80, 0x80, 0x80, 0x80, 1], [0x80], []])
    assert.is(await codeOf(() => read(...bytes)), 'RN601', `${bytes}`);
  // signed numbers: bit 6 of the last byte is the sign
  for (const [value, bytes] of [
    [63, [63]],
    [64, [0xc0, 0]],
    [-64, [0x40]],
    [-65, [0xbf, 0x7f]],
    [8192, [0x80, 0xc0, 0]],
  ] as const)
    assert.equal(sleb(value), [...bytes], `${value}`);
});

test('sections have known kinds, are complete, and have names in UTF-8', async () => {
  assert.equal(wasmSections(moduleOf(section(1, 0), section(13, 0))).length, 2);
  assert.is(await codeOf(() => wasmSections(moduleOf(section(14, 0)))), 'RN601');
  assert.is(await codeOf(() => wasmSections(moduleOf([1, 2, 0]))), 'RN601');
  assert.is(await codeOf(() => wasmSections(moduleOf(section(0, 1, 0xff)))), 'RN601');
  assert.is(await codeOf(() => wasmSections(moduleOf(section(0, 9, 65)))), 'RN601');
  const data = section(11, 1, 0, 0x41, 16, 0x0b, 3, 7, 8, 9);
  const bytes = wasmBytes(moduleOf(data, custom('x', [1, 2])));
  assert.equal([bytes.dataBytes, bytes.customBytes], [3, custom('x', [1, 2]).length]);
  assert.is(bytes.codeBytes + bytes.dataBytes + bytes.customBytes, bytes.fileBytes);
  assert.is(await codeOf(() => wasmBytes(moduleOf(section(11, 1, 3, 0x41, 16, 0x0b, 1, 7)))), 'RN601');
});

test('a bundle has one manifest, and only imports that the manifest explains', async () => {
  assert.is(readManifest(moduleOf(manifest)).name, tinyManifest().name);
  assert.is(await codeOf(() => readManifest(moduleOf(section(1, 0)))), 'RN602');
  assert.is(await codeOf(() => readManifest(moduleOf(manifest, manifest))), 'RN602');
  assert.is(await codeOf(() => readManifest(moduleOf(imports(['runlet', 'weights']), manifest))), 'RN607');
  assert.is(await codeOf(() => readManifest(moduleOf(imports(['env', 'abort']), manifest))), 'RN607');
  // a second import section, and the import of a memory
  assert.is(await codeOf(() => readManifest(moduleOf(imports(), imports(['a', 'b']), manifest))), 'RN607');
  assert.is(
    await codeOf(() => readManifest(moduleOf(section(2, 1, ...named('env'), ...named('memory'), 2, 0, 1), manifest))),
    'RN607',
  );
  assert.equal(readManifest(moduleOf(imports(), manifest)).form, undefined);
});

const change = (edit: (m: Manifest & Record<string, unknown>) => void): Promise<string> => {
  const copy = JSON.parse(JSON.stringify(tinyManifest())) as Manifest & Record<string, unknown>;
  edit(copy);
  return codeOf(() => checkManifest(copy));
};

test('each limit of the manifest is checked on both sides', async () => {
  const both = async (right: (m: Manifest) => void, wrong: (m: Manifest) => void, code: string, about: string) => {
    assert.is(await change(right as never), 'none', `${about}: right`);
    assert.is(await change(wrong as never), code, `${about}: wrong`);
  };
  const input = (m: Manifest) => m.inputs[0] as Manifest['inputs'][number];
  await both((m) => { m.microHop = m.hop; }, (m) => { m.microHop = m.hop + 1; }, 'RN605', 'micro-hop'); // biome-ignore format: one line
  for (const frames of [-1, 1]) assert.is(await change(((m: Manifest) => { input(m).rate = 1; (input(m).shape as number[])[0] = m.window + frames; }) as never), 'RN606', 'frames of a window'); // biome-ignore format: one line
  await both((m) => { input(m).zeroPoint = -128; }, (m) => { input(m).zeroPoint = -129; }, 'RN605', 'zero point'); // biome-ignore format: one line
  await both((m) => { m.golden.hops = 1 << 20; }, (m) => { m.golden.hops = (1 << 20) + 1; }, 'RN605', 'golden'); // biome-ignore format: one line
  await both((m) => { m.golden.seed = 1; }, (m) => { m.golden.seed = 0; }, 'RN605', 'a seed of 0 gives zeros'); // biome-ignore format: one line
  await both((m) => { m.sequence = 0; }, (m) => { m.sequence = 2 ** 53; }, 'RN605', 'sequence'); // biome-ignore format: one line
  await both((m) => { m.accuracy = 0; }, (m) => { m.accuracy = -0.01; }, 'RN605', 'accuracy'); // biome-ignore format: one line
  await both((m) => { m.accuracy = 100; }, (m) => { m.accuracy = 100.01; }, 'RN605', 'accuracy'); // biome-ignore format: one line
  for (const accuracy of ['92', null, true, [92]]) assert.is(await change((m) => { m.accuracy = accuracy as never; }), 'RN605', `accuracy ${accuracy}`); // biome-ignore format: one line
  await both((m) => { input(m).rate = 1; }, (m) => { input(m).rate = 2; }, 'RN606', 'rate and window'); // biome-ignore format: one line
  await both((m) => { input(m).type = 'int16'; }, (m) => { input(m).type = 'int16'; input(m).zeroPoint = 1; }, 'RN606', 'int16'); // biome-ignore format: one line
  const output = (m: Manifest) => m.outputs[0] as Manifest['outputs'][number];
  await both((m) => { output(m).type = 'int16'; output(m).zeroPoint = 0; }, (m) => { output(m).type = 'int16'; output(m).zeroPoint = 1; }, 'RN606', 'an int16 output'); // biome-ignore format: one line
  await both((m) => { input(m).hostType = 'int16'; }, (m) => { input(m).hostType = 'int16'; input(m).type = 'int16'; }, 'RN606', 'the stored type differs from the host type'); // biome-ignore format: one line
  const tiles = (m: Manifest, tileBytes: number) => {
    m.weights = { home: 'tile', bytes: 100, digest: '0'.repeat(64), tileBytes };
    m.bytes.scratchBytes += 64;
    m.bytes.memoryBytes += 64;
  };
  await both((m) => tiles(m, 64), (m) => tiles(m, 65), 'RN606', 'tiles fit the scratch'); // biome-ignore format: one line
  const linear = (m: Manifest, bytes: number) => {
    m.weights = { home: 'linear', bytes, digest: '0'.repeat(64) };
    m.bytes.weightBytes += 64;
    m.bytes.memoryBytes += 64;
  };
  await both((m) => linear(m, 64), (m) => linear(m, 63), 'RN606', 'the memory has room for the weights of the file'); // biome-ignore format: one line
  for (const digest of ['A'.repeat(64), '0'.repeat(63), '0'.repeat(65)])
    assert.is(await change((m) => { m.stateDigest = digest; }), 'RN605', digest); // biome-ignore format: one line
});

test('a signature covers every byte after it, for its key only', async () => {
  const [pair, other] = [await newKeyPair(), await newKeyPair()];
  const wasm = moduleOf(section(1, 0), manifest, custom('end', [1, 2, 3]));
  const signed = await signBundle(wasm, pair);
  assert.equal(await verifyBundle(signed, [other.publicKey, pair.publicKey]), pair.publicKey);
  assert.equal(unsigned(signed), wasm);
  const at = signed.length - wasm.length + 8;
  for (let i = 8; i < signed.length; i++) {
    const changed = signed.with(i, (signed[i] as number) ^ 1);
    assert.not.equal(await codeOf(() => verifyBundle(changed, [pair.publicKey])), 'none', `byte ${i}`);
  }
  assert.is(
    await codeOf(() => verifyBundle(join(signed, section(1, 0)), [pair.publicKey])),
    'RN610',
    'a section added at the end',
  );
  assert.is(await codeOf(() => verifyBundle(signed, [other.publicKey])), 'RN610');
  assert.is(await codeOf(() => verifyBundle(wasm, [pair.publicKey])), 'RN608');
  const second = join(signed.slice(0, 8), section(1, 0), signed.slice(8, at), signed.slice(at));
  assert.is(await codeOf(() => verifyBundle(second, [pair.publicKey])), 'RN608', 'a signature that is not the first section');
  // without a key id every trusted key is tried; with the id of another key, none matches
  const plain = await signBundle(wasm, pair, { id: false });
  assert.equal(signers(plain), ['']);
  assert.equal(await verifyBundle(plain, [other.publicKey, pair.publicKey]), pair.publicKey);
});

test('a key file is PEM or raw and has one secret key only', async () => {
  const [pair, other] = [await newKeyPair(), await newKeyPair()];
  assert.equal((await readSecretKey(utf8(secretPem(pair)))).publicKey, pair.publicKey);
  assert.equal((await readSecretKey(secretRaw(pair))).publicKey, pair.publicKey);
  assert.is(await codeOf(() => readSecretKey(utf8(secretPem(pair) + secretPem(other)))), 'RN611');
  assert.equal(readPublicKeys(utf8(publicPem(pair) + publicPem(other))), [pair.publicKey, other.publicKey]);
  // one key of another kind makes the whole file invalid
  const longer = publicPem(other).replace('MCow', 'MCoA');
  assert.is(await codeOf(() => readPublicKeys(utf8(publicPem(pair) + longer))), 'RN611');
});

const image = (more: Partial<ImageParts> = {}, edit: (m: Manifest) => void = () => {}): Uint8Array => {
  const made = JSON.parse(JSON.stringify(tinyManifest())) as Manifest;
  edit(made);
  return makeImage({ wasm: moduleOf(manifest), manifest: made, ...more });
};

test('an image has a checksum and alignment, limits of names and labels, and an exact partition size', async () => {
  for (const text of ['', 'a', '123456789', 'é'.repeat(300)]) assert.is(crc32(utf8(text)), zipCrc(utf8(text)));
  const bytes = image();
  const view = new DataView(bytes.buffer);
  assert.is(view.getUint32(8, true), bytes.length);
  assert.is(view.getUint32(12, true), zipCrc(bytes.subarray(16)));
  // weights are read in place by words, so they are aligned after texts of any length
  for (let length = 1; length <= 16; length++) {
    const made = image({ weights: new Uint8Array(length) }, (m) => {
      m.name = 'n'.repeat(length);
      m.weights = { bytes: length, sha256: '0'.repeat(64) } as never;
    });
    const at = new DataView(made.buffer);
    assert.equal([at.getUint32(16, true) % 16, at.getUint32(24, true) % 16], [0, 0], `a name of ${length}`);
  }
  assert.is(image({ partitionBytes: bytes.length }).length, bytes.length);
  assert.is(await codeOf(() => image({ partitionBytes: bytes.length - 1 })), 'RN616');
  image({}, (m) => { m.name = 'n'.repeat(maxTextBytes); }); // biome-ignore format: one line
  assert.is(await codeOf(() => image({}, (m) => { m.name = 'n'.repeat(maxTextBytes + 1); })), 'RN615'); // biome-ignore format: one line
  assert.is(await codeOf(() => image({}, (m) => { m.name = 'a\0b'; })), 'RN615'); // biome-ignore format: one line
  assert.is(await codeOf(() => image({}, (m) => { m.target = 'simd'; })), 'RN615'); // biome-ignore format: one line
  const labelled = (count: number) =>
    image({}, (m) => {
      const [output] = m.outputs as [Manifest['outputs'][number]];
      output.elements = count;
      m.labels = Array.from({ length: count }, (_, i) => `${i}`);
    });
  labelled(maxImageLabels);
  assert.is(await codeOf(() => labelled(maxImageLabels + 1)), 'RN615');
  const detector = { output: 0, slidingWindow: 4, refractoryMs: 0, voice: false, words: [{ element: 0, label: 'x', cutoff: 1 }] };
  image({ detector });
  for (const wrong of [{ slidingWindow: 0 }, { slidingWindow: 4097 }, { words: [] }, { refractoryMs: -1 }])
    assert.is(await codeOf(() => image({ detector: { ...detector, ...wrong } })), 'RN615', JSON.stringify(wrong));
  for (const word of [{ element: 1 }, { element: -1 }, { cutoff: 1.01 }, { cutoff: -0.01 }])
    assert.is(
      await codeOf(() => image({ detector: { ...detector, words: [{ element: 0, label: 'x', cutoff: 1, ...word }] } })),
      'RN615',
    );
});

test('a memory patch changes the named memory and globals, and no others', () => {
  const global = (...value: number[]) => [0x7f, 0, 0x41, ...value, 0x0b];
  const exported = (name: string, index: number) => [...named(name), 3, index];
  const wasm = moduleOf(
    section(5, 1, 0, 1),
    section(6, 2, ...global(7), ...global(9)),
    section(7, 2, ...exported('one', 0), ...exported('two', 1)),
  );
  const patched = withMemory(wasm, 300, { two: -70000 });
  const bodies = new Map(wasmSections(patched).map(({ id, bytes }) => [id, [...bytes]]));
  assert.equal(bodies.get(5), [1, 1, ...leb(300), ...leb(300)]);
  assert.equal(bodies.get(6), [2, ...global(7), ...global(...sleb(-70000))]);
});

test('work that is no whole number per hop, as in mode misaligned, is rounded', async () => {
  const quant = quantPlan(planStream(tinyStream(), { hop: 12 }));
  const { wasm } = await build({ ...quant, plan: { ...quant.plan, macsPerHop: 1528.5 } });
  assert.is(readManifest(wasm).macsPerHop, 1529);
});

test.run();
