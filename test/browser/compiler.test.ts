/**
 * The compiler in the page, in headless Chromium. A dropped model file becomes code with the bytes that Node
 * builds, for every target. Weights can be next to a bundle. The compiler is fetched on demand, then cached.
 */

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { build } from '../../assembly/build.ts';
import { type Target, targets } from '../../assembly/emit/target.ts';
import { manifestFields } from '../../host/command/load.ts';
import { producer } from '../../host/command/producer.ts';
import { readNpy } from '../../host/sources/npy.ts';
import type { Graph } from '../../models/graph/types.ts';
import { readModel } from '../../models/read/index.ts';
import { planStream } from '../../models/stream/plan.ts';
import { quantPlan } from '../../quant/plan.ts';
import { quantize } from '../../quant/quantize.ts';
import { root } from '../shared.ts';
import { chromiumPath } from './page.ts';
import { wordsFile } from './web-model.ts';
import { sound, type Visit, WebPage, wavBytes } from './web-page.ts';

if (!chromiumPath) console.log('skipped: no Chromium found; install the package chromium, or set CHROMIUM to its path');
const only = chromiumPath ? test : test.skip;
const zoo = join(root, 'models/zoo/ppg-hr');
let web: WebPage;
let visit: Visit;

test.before(async () => {
  if (!chromiumPath) return;
  web = await WebPage.open(wavBytes(sound(1, 48000), 48000));
  visit = await web.visit();
});
test.after(async () => {
  if (!chromiumPath) return;
  assert.equal(visit.faults, [], 'faults in the console');
  await web.close();
});

const digestOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const builtHere = async (graph: Graph, hop: number, target: Target): Promise<Uint8Array> =>
  (await build(quantPlan(planStream(graph, { hop })), { producer: producer(), target, ...manifestFields(graph) })).wasm;

async function saved(): Promise<Uint8Array> {
  const download = visit.page.waitForEvent('download');
  await visit.page.click('#save');
  return new Uint8Array(readFileSync(await (await download).path()));
}

/** Compiles the running model for another target. */
async function compileFor(target: Target | ''): Promise<void> {
  if (!(await visit.page.$eval('#options', (details) => (details as HTMLDetailsElement).open)))
    await visit.page.click('#options summary');
  await visit.page.selectOption('#code', target);
  await visit.page.click('#options-form button');
  const text = target === '' ? 'a layer table' : `code for ${target}`;
  await visit.page.waitForFunction((t) => document.getElementById('facts')?.textContent?.includes(t), text, { timeout: 120_000 });
}

/** Returns the requests for scripts that contain the compiler. */
const large = () =>
  visit.requests.filter((url) => /part-/.test(url) && readFileSync(join(web.folder, 'web', new URL(url).pathname)).length > 4e6);

only('ppg-hr is compiled from its model file for every target, with the bytes of Node', async () => {
  const onnx = join(zoo, 'ppg-hr.onnx');
  await visit.drop(onnx, join(zoo, 'calib.npy'));
  await visit.page.waitForSelector('#models .own');
  assert.equal(large(), [], 'the compiler was not asked for');
  const calib = readNpy(new Uint8Array(readFileSync(join(zoo, 'calib.npy')))).data as Float32Array;
  const file = new Uint8Array(readFileSync(onnx));
  const graph = await readModel(file, { name: 'ppg-hr', digest: digestOf(file) });
  const int8 = quantize(graph, calib, { hop: 64, noReport: true }).graph;
  const bundles = new Set<string>();
  // a page cannot find out before it compiles whether its engine has relaxed SIMD
  const offered = targets.filter((target) => target !== 'relaxed');
  for (const target of offered) {
    const started = performance.now();
    await compileFor(target);
    const ms = performance.now() - started;
    const bytes = await saved();
    assert.ok(Buffer.compare(bytes, await builtHere(int8, 64, target)) === 0, `${target}: the bundle`);
    console.log(`  ${target}: ${bytes.length} bytes, none differs; ${ms.toFixed(0)} ms`);
    bundles.add(digestOf(bytes));
  }
  assert.is(bundles.size, offered.length);
  assert.is(new Set(large()).size, 1);
});

only('a model of words that is compiled for simd hears the same words as its layer table', async () => {
  await visit.drop(web.file('words.rnq', wordsFile()));
  await visit.model('words');
  await visit.drop(web.file('sound.wav', wavBytes(sound(6, 16000), 16000)));
  await visit.source(/sound\.wav/);
  const table = await visit.runAtOnce();
  await compileFor('simd');
  const bundle = await saved();
  const graph = await readModel(wordsFile(), { digest: digestOf(wordsFile()) });
  assert.ok(Buffer.compare(bundle, await builtHere(graph, 3, 'simd')) === 0, 'the bundle');
  assert.equal(await visit.runAtOnce(), table);
  assert.ok(table.values.length > 80);
  await compileFor('');
});

only('a bundle with separate weights runs, and without them the error says what is missing', async () => {
  const graph = await readModel(wordsFile(), { digest: digestOf(wordsFile()) });
  for (const home of ['linear', 'tile'] as const) {
    const { wasm, weights = new Uint8Array() } = await build(quantPlan(planStream(graph, { hop: 3 })), {
      weights: home,
      ...manifestFields(graph),
    });
    const module = web.file(`${home}.wasm`, wasm);
    await visit.drop(module);
    const told = await visit.error();
    assert.is(told.code, 'RN717');
    assert.match(told.try ?? '', /weights\.bin/);
    await visit.page.click('#error .close');
    await visit.drop(module, web.file(`${home}.weights.bin`, weights));
    await visit.page.waitForFunction(() => /sound\.wav/.test(document.getElementById('source')?.textContent ?? ''));
    assert.ok((await visit.runAtOnce()).values.length > 80);
  }
});

test.run();
