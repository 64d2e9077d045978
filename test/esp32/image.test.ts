/**
 * Model images: the reader in C finds exactly what `runlet image` writes. A changed image is refused, and
 * nothing is read outside of it.
 *
 * 20,000 changed images (RUNLET_IMAGE_FUZZ). Most have a corrected checksum, to reach the later checks.
 */

import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Bundle, build } from '../../assembly/build.ts';
import { crc32, type ImageParts, imageHeaderBytes, makeImage } from '../../assembly/bundle/image.ts';
import { planStream } from '../../models/stream/plan.ts';
import { quantPlan } from '../../quant/plan.ts';
import { absent, answer, run } from '../mcu/tools.ts';
import { root } from '../shared.ts';
import { tinyStream } from '../stages/tiny-networks.ts';
import { at, program } from './programs.ts';

if (absent) console.log(`skipped: ${absent}`);
const only = absent ? test.skip : test;

interface Found {
  bytes: number;
  moduleBytes: number;
  moduleCrc: number;
  weightBytes: number;
  weightsCrc: number;
  aligned: boolean;
  frameRate: number;
  name: string;
  unit: string;
  detects: number;
  voice: number;
  output: number;
  window: number;
  refractoryMs: number;
  labels: [string, number][];
}

const tiny = (options: Parameters<typeof build>[1] = {}): Promise<Bundle> =>
  build(quantPlan(planStream(tinyStream(), { hop: 12 })), { sampleRateHz: 31.25, unit: 'm/s²', ...options });

const detectorOf = ({ manifest }: Bundle) => {
  const elements = manifest.outputs[0]?.elements ?? 0;
  const words = Array.from({ length: elements - 1 }, (_, i) => ({ element: i + 1, label: `word ${i}`, cutoff: 0.7 + i / 100 }));
  return { output: 0, slidingWindow: 4, refractoryMs: 1000.5, voice: false, words };
};

/** Returns a network of several outputs, so that the detector can leave one out. */
async function parts(weights: 'embed' | 'linear' | 'tile', detects: boolean): Promise<ImageParts> {
  const bundle = await tiny({ weights });
  return { ...bundle, detector: detects ? detectorOf(bundle) : undefined };
}

function write(name: string, bytes: Uint8Array): string {
  writeFileSync(at(name), bytes);
  return at(name);
}

test('the checksum is that of zip', () => {
  assert.is(crc32(new TextEncoder().encode('123456789')), 0xcbf43926);
  assert.is(crc32(new Uint8Array()), 0);
});

test('the header has the layout of docs/esp32.md', async () => {
  const given = await parts('tile', true);
  const image = makeImage(given);
  const view = new DataView(image.buffer);
  const u32 = (offset: number) => view.getUint32(offset, true);
  assert.is(new TextDecoder().decode(image.subarray(0, 4)), 'RNLI');
  assert.is(u32(4), 1);
  assert.is(u32(8), image.length);
  assert.is(u32(12), crc32(image.subarray(16)));
  assert.equal(image.slice(u32(16), u32(16) + u32(20)), given.wasm);
  assert.equal(image.slice(u32(24), u32(24) + u32(28)), given.weights);
  assert.is(view.getFloat64(32, true), 31.25);
  assert.is(u32(64), imageHeaderBytes);
  assert.is(u32(24) % 16, 0);
  assert.is(u32(16) % 16, 0);
  const rows = [...readFileSync(join(root, 'docs/esp32.md'), 'utf8').matchAll(/^\| (\d+) \| (?:4|8) \|/gm)].map(([, n]) =>
    Number(n),
  );
  assert.equal(rows, [0, 4, 8, 12, 16, 20, 24, 28, 32, 40, 48, 52, 56, 60, 64, 68, 72, 76], 'the table of docs/esp32.md');
});

only('the reader in C finds what was written, from every home of weights', async () => {
  for (const home of ['embed', 'linear', 'tile'] as const)
    for (const detects of [false, true]) {
      const given = await parts(home, detects);
      const image = makeImage(given);
      const found = answer<Found>(program('image'), 'print', write('image', image));
      const { manifest, wasm, weights, detector } = given;
      assert.is(found.bytes, image.length);
      assert.is(found.moduleBytes, wasm.length);
      assert.is(found.moduleCrc, crc32(wasm));
      assert.is(found.weightBytes, weights?.length ?? 0);
      assert.is(found.weightsCrc, weights ? crc32(weights) : 0);
      assert.ok(found.aligned);
      assert.is(found.frameRate, 31.25);
      assert.is(found.name, manifest.name);
      assert.is(found.unit, 'm/s²');
      assert.is(found.detects, Number(detects));
      if (!detector) continue;
      assert.is(found.window, 4);
      assert.is(found.refractoryMs, 1000.5);
      assert.equal(found.labels, [['', -1], ...detector.words.map(({ label, cutoff }) => [label, cutoff])]);
    }
});

only('a longer partition is accepted; a shorter one, an erased one and every flipped bit are refused', async () => {
  const image = makeImage(await parts('tile', true));
  const erased = new Uint8Array(4096).fill(255);
  const refusal = (bytes: Uint8Array, partition = bytes.length): string => {
    const { stderr, ended } = run(program('image'), 'print', write('image', bytes), partition);
    return ended === 'exit 0' ? 'nothing' : stderr.trim();
  };
  const longer = new Uint8Array(image.length + 4096).fill(255);
  longer.set(image);
  assert.is(refusal(longer), 'nothing');
  assert.match(refusal(image, image.length - 1), /^-4 the image is longer than its partition/);
  assert.match(refusal(image, 79), /^-4/);
  assert.match(refusal(erased), /^-2 there is no model image/);
  assert.is(answer(program('image'), 'flips', write('image', image)), image.length);
});

only('changed images cause no read outside, and reach each check', async () => {
  const count = Number(process.env.RUNLET_IMAGE_FUZZ ?? 20_000);
  const codes = new Array<number>(9).fill(0);
  for (const [seed, [home, detects]] of (
    [
      ['tile', true],
      ['embed', false],
      ['linear', true],
    ] as const
  ).entries()) {
    // biome-ignore format: a table
    const path = write('image', makeImage(await parts(home, detects)));
    const found = answer<{ codes: number[] }>(program('image'), 'fuzz', path, seed + 1, Math.ceil(count / 3));
    for (const [i, n] of found.codes.entries()) codes[i] = (codes[i] as number) + n;
  }
  console.log(`  accepted ${codes[0]}; refused: ${codes.slice(1).map((n, i) => `-${i + 1} ${n}`).join(', ')}`); // biome-ignore format: one line
  // -1 is a misaligned address, which no changed byte causes
  for (const [i, n] of codes.entries()) if (i !== 1) assert.ok(n > 0, `code -${i} was never reached`);
});

test('RN615 and RN616: bundles and options that make no image', async () => {
  const code = (given: ImageParts): string => {
    try {
      makeImage(given);
      return 'none';
    } catch (error) {
      return (error as { code: string }).code;
    }
  };
  const good = await parts('tile', true);
  const { detector } = good;
  if (!detector) throw new Error('no detector');
  assert.is(code(good), 'none');
  const size = makeImage(good).length;
  assert.is(code({ ...good, partitionBytes: size }), 'none');
  assert.is(code({ ...good, partitionBytes: size - 1 }), 'RN616');
  assert.is(code({ ...good, weights: undefined }), 'RN615');
  assert.is(code({ ...good, weights: good.weights?.subarray(4) }), 'RN615');
  assert.is(code({ ...(await tiny({ target: 'simd' })) }), 'RN615');
  assert.is(code({ ...good, manifest: { ...good.manifest, name: 'x'.repeat(128) } }), 'RN615');
  assert.is(code({ ...good, manifest: { ...good.manifest, name: 'x'.repeat(127) } }), 'none');
  assert.is(code({ ...good, manifest: { ...good.manifest, name: 'a\0b' } }), 'RN615');
  for (const wrong of [
    { slidingWindow: 0 },
    { slidingWindow: 4097 },
    { slidingWindow: 1.5 },
    { refractoryMs: -1 },
    { refractoryMs: Number.NaN },
    { refractoryMs: Number.POSITIVE_INFINITY },
    { words: [] },
    { words: [{ element: 99, label: 'x', cutoff: 0.5 }] },
    { words: [{ element: 1, label: 'x', cutoff: 1.5 }] },
  ])
    assert.is(code({ ...good, detector: { ...detector, ...wrong } }), 'RN615', JSON.stringify(wrong));
});

test('runlet image has files, options and sizes', async () => {
  const bundle = await tiny({ weights: 'tile' });
  write('m.wasm', bundle.wasm);
  write('m.weights.bin', bundle.weights as Uint8Array);
  const cli = (...args: string[]) => execFileSync(process.execPath, ['host/cli/bin.js', 'image', at('m.wasm'), ...args], { cwd: root, encoding: 'utf8', stdio: 'pipe' }); // biome-ignore format: one line
  assert.match(cli('-o', at('m.bin')), /hears {4}nothing/);
  assert.equal(new Uint8Array(readFileSync(at('m.bin'))), makeImage(bundle));
  const json = JSON.parse(cli('--json', '--partition-bytes', '65536')) as { imageBytes: number; output: string };
  assert.is(json.imageBytes, makeImage(bundle).length);
  assert.is(json.output, at('m.bin'));
  try {
    cli('--partition-bytes', '100');
    assert.unreachable();
  } catch (error) {
    const { status, stderr } = error as { status: number; stderr: string };
    assert.is(status, 4);
    assert.match(stderr, /RN616 the image of .* does not fit the partition/);
  }
});

test.run();
