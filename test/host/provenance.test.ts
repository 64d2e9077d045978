/**
 * Provenance of a bundle: the manifest's field with its limits, what is read from a set of windows, and the
 * same bytes from the same files.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { build } from '../../assembly/build.ts';
import { checkManifest } from '../../assembly/bundle/check.ts';
import type { Manifest } from '../../assembly/bundle/manifest.ts';
import { checkProvenance, type ProvenanceManifest } from '../../assembly/bundle/provenance.ts';
import { readManifest } from '../../assembly/bundle/read.ts';
import { dataOf, provenanceLines, provenanceOf } from '../../host/command/provenance.ts';
import { writeWindowSet } from '../../host/remote/window-set.ts';
import { writeNpz } from '../../host/sources/npz.ts';
import { planStream } from '../../models/stream/plan.ts';
import { quantPlan } from '../../quant/plan.ts';
import { tinyStream } from '../stages/tiny-networks.ts';
import { each, signal, windowOf } from '../window-sets.ts';
import { codeOf } from './helpers.ts';
import { tinyManifest } from './tiny-bundle.ts';

const folder = mkdtempSync(join(tmpdir(), 'runlet-provenance-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));

const hex = '0123456789abcdef'.repeat(4);
const full: ProvenanceManifest = {
  replaces: hex,
  data: [
    { use: 'calibration', digest: hex, windows: 10, reasons: { random: 4, uncertain: 10 } },
    { use: 'evaluation', digest: hex },
  ],
  confirmed: 'Team Nord',
};
const checked = (provenance: unknown): ProvenanceManifest =>
  checkProvenance(checkManifest({ ...tinyManifest(), provenance }).provenance);

test('a manifest keeps its provenance, and a reader drops fields that it does not know', () => {
  assert.equal(checked(full), full);
  assert.equal(checked({ data: [] }), { data: [] });
  assert.is(checkManifest(tinyManifest()).provenance, undefined);
  const later = { ...full, place: 'x', data: full.data.map((one) => ({ ...one, lens: 3 })) };
  assert.equal(checked(later), full);
});

test('hostile provenance is refused, at each limit', async () => {
  const [first] = full.data;
  const names = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`r${'-'.repeat(i)}`, 1]));
  const cases: [string, unknown, unknown, string][] = [
    ['files', { data: new Array(16).fill(first) }, { data: new Array(17).fill(first) }, 'RN605'],
    ['letters', { data: [], confirmed: 'x'.repeat(120) }, { data: [], confirmed: 'x'.repeat(121) }, 'RN605'],
    ['name', { data: [], confirmed: 'x' }, { data: [], confirmed: ' ' }, 'RN605'],
    ['a name is text', { data: [] }, { data: [], confirmed: ['x'] }, 'RN605'],
    ['digest', { data: [], replaces: hex }, { data: [], replaces: hex.toUpperCase() }, 'RN605'],
    ['use', { data: [first] }, { data: [{ ...first, use: 'training' }] }, 'RN605'],
    ['windows', { data: [{ ...first, windows: 10 }] }, { data: [{ ...first, windows: 10.5 }] }, 'RN605'],
    ['count', { data: [first] }, { data: [{ ...first, reasons: { random: 11 } }] }, 'RN605'],
    ['no windows', { data: [{ ...first, reasons: {} }] }, { data: [{ ...first, windows: undefined }] }, 'RN605'],
    ['no count', { data: [first] }, { data: [{ ...first, reasons: { random: 0 } }] }, 'RN605'],
    ['reasons', { data: [{ ...first, reasons: names(16) }] }, { data: [{ ...first, reasons: names(17) }] }, 'RN605'],
    ['letters of a reason', { data: [{ ...first, reasons: { ['r'.repeat(32)]: 1 } }] }, { data: [{ ...first, reasons: { ['r'.repeat(33)]: 1 } }] }, 'RN605'], // biome-ignore format: one line
    ['reason', { data: [{ ...first, reasons: { constructor: 1 } }] }, { data: [{ ...first, reasons: { 'a\nb': 1 } }] }, 'RN605'],
    ['a list', { data: [] }, { data: {} }, 'RN605'],
    ['an object', { data: [] }, [], 'RN605'],
  ];
  for (const [about, right, wrong, code] of cases) {
    assert.is(await codeOf(() => checked(right)), 'none', about);
    assert.is(await codeOf(() => checked(wrong)), code, about);
  }
  const shown = checked({ data: [], confirmed: 'a\u001b[2J\u202e' }).confirmed;
  assert.is(shown, 'a\\u001b[2J\\u202e', 'control characters do not reach a terminal');
});

test('a set of windows states how many windows were chosen for which reason, and no annotator', async () => {
  const path = join(folder, 'set.npz');
  const labels = [{ annotator: 'Annegret Personal', label: 'walk' }];
  const windows = [
    windowOf(1, { labels }),
    windowOf(2, { reasons: ['random', 'uncertain'] }),
    windowOf(3, { reasons: ['drift'] }),
  ];
  await writeWindowSet(path, each(windows), { signal, maxBytes: 1e6 });
  const digest = createHash('sha256').update(readFileSync(path)).digest('hex');
  const data = { use: 'calibration', digest, windows: 3, reasons: { random: 2, drift: 1, uncertain: 1 } };
  assert.equal(await dataOf(path, 'calibration'), [data]);
  const { provenance } = await provenanceOf({ provenance: true, calib: path, evaluated: path, confirmedBy: 'Team Nord' });
  assert.equal(provenance, { data: [data, { ...data, use: 'evaluation' }], confirmed: 'Team Nord' });
  assert.not.ok(JSON.stringify(provenance).includes('Annegret'));
  assert.equal(await provenanceOf({ calib: path }), {}, 'nothing is stated unless an option asks for it');

  const plain = join(folder, 'plain.npz');
  writeFileSync(plain, await writeNpz(new Map([['windows', { shape: [2, 4, 3], data: new Float32Array(24) }]])));
  assert.is((await dataOf(plain, 'calibration'))[0]?.windows, 2);
  assert.is(await codeOf(() => provenanceOf({ provenance: true, calib: 'gen:sine' })), 'RN796');
  assert.is(await codeOf(() => provenanceOf({ provenance: true, calib: '-' })), 'RN796');
});

test('the same windows give the same file, and the same provenance the same bundle', async () => {
  const files = await Promise.all(
    ['a', 'b'].map(async (name) => {
      const path = join(folder, `${name}.npz`);
      await writeWindowSet(path, each([windowOf(1), windowOf(2)]), { signal, maxBytes: 1e6 });
      return readFileSync(path);
    }),
  );
  assert.ok(files[0]?.equals(files[1] as Buffer));
  assert.is(files[0]?.readUInt16LE(12), 0x21, 'the first day that ZIP can state, not today');
  const quant = quantPlan(planStream(tinyStream(), { hop: 8 }));
  const [one, two] = [await build(quant, { provenance: full }), await build(quant, { provenance: full })];
  assert.ok(Buffer.from(one.wasm).equals(two.wasm));
  const manifest = readManifest(one.wasm);
  assert.equal(manifest.provenance, full);
  const plain: Manifest = { ...manifest };
  delete plain.provenance;
  assert.equal(provenanceLines(plain), []);
  const lines = provenanceLines({ ...manifest, provenance: full });
  for (const text of ['10 windows (4 random, 10 uncertain; 40.0 % at random)', 'evaluation: a signal', 'by Team Nord'])
    assert.ok(
      lines.some((line) => line.includes(text)),
      text,
    );
});

test.run();
