/**
 * runlet page: what it serves, what it refuses, and how it ends. The page itself:
 * test/browser/page-verb.test.ts.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Manifest } from '../../assembly/bundle/manifest.ts';
import { beatsOf } from '../../host/cli/page-beats.ts';
import type { Catalogue } from '../../host/web/protocol.ts';
import { wavBytes } from '../browser/web-page.ts';
import { root } from '../shared.ts';
import { runCli } from './helpers.ts';
import { startPage } from './page-verb.ts';
import { tinyBundle } from './tiny-bundle.ts';

const folder = mkdtempSync(join(tmpdir(), 'runlet-page-'));
test.after(() => rmSync(folder, { recursive: true }));
const zoo = (path: string) => join(root, 'models/zoo', path);
const watch = zoo('har/demo-watch.csv');

test.before(async () => {
  const made = await runCli(folder, [
    ...['build', zoo('har/har-watch.onnx'), '--calib', zoo('har/calib-watch.npy'), '--preset', 'fast', '-o', 'watch.wasm'],
  ]);
  assert.is(made.code, 0, made.stderr);
  const labels = Array.from({ length: 40 }, (_, i) => `c${i}`);
  for (const name of ['rows', 'other']) {
    const manifest = (m: Manifest) => ({ ...m, name, frontEnd: 'log-mel' });
    writeFileSync(join(folder, `${name}.wasm`), await tinyBundle({ channels: 40, hostType: 'int8', labels, manifest }));
  }
});

/** Sends a request with the given path and headers unchanged. */
const request = (address: string, path: string, headers: Record<string, string> = {}, method = 'GET') =>
  new Promise<{ status?: number; type?: string; body: Buffer }>((resolve, reject) => {
    const { hostname, port } = new URL(address);
    get({ hostname, port, path, headers, method }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('end', () =>
        resolve({ status: response.statusCode, type: response.headers['content-type'], body: Buffer.concat(parts) }),
      );
    }).on('error', reject);
  });

test('page serves the page, its catalogue, the bundle and the recording with its truth, and nothing else or to other sites', async () => {
  const page = await startPage(folder, 'watch.wasm', watch);
  try {
    assert.match(page.address, /^http:\/\/127\.0\.0\.1:\d+\/$/);
    const index = await request(page.address, '/');
    assert.is(index.status, 200);
    assert.match(index.body.toString(), /src="page\.js"/);
    assert.match((await request(page.address, '/page.css')).body.toString(), /--/);
    const catalogue = JSON.parse((await request(page.address, '/catalogue.json')).body.toString()) as Catalogue;
    assert.is(catalogue.models.length, 1);
    const [model] = catalogue.models;
    assert.equal(model?.demo?.channels, ['ax', 'ay', 'az', 'gx', 'gy', 'gz']);
    assert.is(model?.demo?.rateHz, 50);
    const bundle = await request(page.address, `/${model?.file}`);
    assert.ok(bundle.body.equals(readFileSync(join(folder, 'watch.wasm'))));
    const lines = readFileSync(watch, 'utf8').trim().split('\n').slice(1);
    const values = async (file = '') => new Float32Array(Uint8Array.from((await request(page.address, `/${file}`)).body).buffer);
    const samples = await values(model?.demo?.file);
    assert.is(samples.length, 6 * lines.length);
    assert.is(samples[7], Math.fround(Number(lines[1]?.split(',')[2])));
    assert.equal(
      [...(await values(model?.demo?.truth?.file))],
      lines.map((line) => Number(line.split(',')[7])),
    );
    for (const path of [
      '/watch.wasm',
      '/../package.json',
      '//recording.f32',
      '/page',
      'http://x/',
      '/%2e%2e/index.js',
      '/*',
      '//',
    ])
      assert.is((await request(page.address, path)).status, 404, path);
    for (const host of ['evil.example', '127.0.0.1.evil.example', 'localhost.evil:80', '10.0.0.1'])
      assert.is((await request(page.address, '/catalogue.json', { host })).status, 403, `Host ${host}`);
    assert.is((await request(page.address, '/', { host: 'localhost:9000' })).status, 200, 'through a tunnel');
    assert.is((await request(page.address, '/', {}, 'POST')).status, 405);
  } finally {
    assert.is(await page.interrupt(), 130);
  }
  await assert.not.ok(
    await request(page.address, '/').then(
      () => true,
      () => false,
    ),
    'the port is closed',
  );
});

test('page works without a recording and with --json, and refuses wrong options and files', async () => {
  const bare = await startPage(folder, 'watch.wasm', '--json');
  const { address } = JSON.parse(bare.address) as { address: string };
  const { models } = JSON.parse((await request(address, '/catalogue.json')).body.toString()) as Catalogue;
  assert.is(models[0]?.demo, undefined);
  const port = new URL(address).port;
  const second = await startPage(folder, 'watch.wasm', '--port', port);
  assert.match(second.stderr(), /RN764.*port/);
  assert.is(await bare.interrupt(), 130);

  writeFileSync(join(folder, 'short.csv'), 'ax,ay,az,gx,gy,gz\n1,2,3,4,5,6\n');
  const cases: [string[], RegExp][] = [
    [['watch.wasm', 'short.csv', '--truth', 'activity'], /RN726/],
    [['watch.wasm', '--truth', 'activity'], /RN740.*--truth/],
    [['watch.wasm', 'short.csv', '--columns', 'ax,ay'], /RN722/],
    [['watch.wasm', zoo('ppg-hr/demo.csv')], /RN722/],
    [['watch.wasm', 'short.csv', '--labels', 'a,b'], /RN755/],
    [['watch.wasm', 'short.csv', '--port', '70000'], /RN740/],
    [['watch.wasm', 'short.csv', 'watch.wasm'], /RN741.*last argument/],
    [['watch.wasm', 'short.csv', 'short.csv'], /RN741.*last argument/],
    [['rows.wasm', 'other.wasm', 'short.csv', '--gate', 'rows=other:c1>0.5'], /RN740.*--gate.*not a sound file/s],
    [['rows.wasm', 'other.wasm', '--gate', 'rows=other>0.5'], /RN778.*several values/s],
    [['rows.wasm', 'other.wasm', '--gate', 'rows=rows:c1>0.5'], /RN778.*circle/s],
    [['rows.wasm', '--gate', 'rows:c1>0.5'], /RN778.*no model to gate/],
    [['rows.wasm', 'watch.wasm', '--gate', 'rows=har-watch:seated>0.5'], /RN775/],
    [['short.csv'], /RN60\d/],
  ];
  for (const [args, error] of cases) {
    const refused = await startPage(folder, ...args);
    if (refused.address) await refused.interrupt();
    assert.is(refused.address, '', args.join(' '));
    assert.match(refused.stderr(), error, args.join(' '));
    assert.ok([2, 4].includes(refused.child.exitCode ?? 0), `${args.join(' ')}: exit code ${refused.child.exitCode}`);
  }
});

test('page serves several models with one front end for the same rows, and the gate between them', async () => {
  writeFileSync(join(folder, 'sound.wav'), wavBytes(new Float32Array(16000), 16000));
  const page = await startPage(folder, 'rows.wasm', 'other.wasm', 'watch.wasm', 'sound.wav');
  assert.is(page.address, '', 'a watch takes no sound');
  assert.match(page.stderr(), /RN72\d/);
  const gated = await startPage(folder, 'rows.wasm', 'other.wasm', 'sound.wav', '--gate', 'other:c1>=0.5 for 2 s');
  try {
    assert.match(gated.address, /^http/, gated.stderr());
    const catalogue = JSON.parse((await request(gated.address, '/catalogue.json')).body.toString()) as Catalogue;
    const { models, frontEnds } = catalogue;
    assert.equal(models.map(({ name, file }) => [name, file]), [['rows', 'model.wasm'], ['other', '2/model.wasm']]); // biome-ignore format: one line
    assert.equal(models[0]?.gate, { by: 'other', output: 0, element: 1, threshold: 0.5, orEqual: true, holdMs: 2000 });
    assert.is(models[1]?.gate, undefined);
    assert.is(frontEnds.length, 1);
    assert.equal(models.map(({ options }) => options?.frontEnd), [frontEnds[0]?.id, frontEnds[0]?.id]); // biome-ignore format: one line
    assert.equal(models.map(({ demo }) => demo?.file), ['recording.wav', 'recording.wav']); // biome-ignore format: one line
    for (const { file } of models) assert.is((await request(gated.address, `/${file}`)).status, 200, file);
  } finally {
    assert.is(await gated.interrupt(), 130);
  }
});

test('page gives each model its own frames of a recording that is not sound', async () => {
  const page = await startPage(folder, 'watch.wasm', 'watch.wasm', watch);
  try {
    const { models } = JSON.parse((await request(page.address, '/catalogue.json')).body.toString()) as Catalogue;
    assert.equal(models.map(({ name }) => name), ['har-watch', 'har-watch-2']); // biome-ignore format: one line
    assert.equal(models.map(({ demo }) => demo?.file), ['recording.f32', '2/recording.f32']); // biome-ignore format: one line
    const [one, two] = await Promise.all(models.map(({ demo }) => request(page.address, `/${demo?.file}`)));
    assert.ok(one && two && one.body.equals(two.body) && one.body.length > 1000);
  } finally {
    assert.is(await page.interrupt(), 130);
  }
});

test("the zoo's ECG model, known by its digest, has beats and their true positions, and no other model has", async () => {
  const digest = createHash('sha256')
    .update(readFileSync(zoo('ecg/ecg.onnx')))
    .digest('hex');
  const beats = await beatsOf({ sourceDigest: digest } as Manifest);
  assert.equal(beats?.script([0, 1, 0, 3]), [
    { word: 'N', start: 1 / 180, end: 1 / 180 },
    { word: 'V', start: 3 / 180, end: 3 / 180 },
  ]);
  assert.is(await beatsOf({ sourceDigest: `${digest.slice(1)}0` } as Manifest), undefined);
});

test.run();
