/**
 * The page in headless Chromium: files give Node's bytes, models are compiled in the page, the microphone is
 * heard, errors are shown, and a second visit needs no server.
 */

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { build } from '../../assembly/build.ts';
import { manifestFields } from '../../host/command/load.ts';
import { producer } from '../../host/command/producer.ts';
import { ppgFrontEnd } from '../../host/features/ppg.ts';
import { LabelDetector, openSession } from '../../host/session/index.ts';
import { openSource } from '../../host/sources/index.ts';
import { readNpy } from '../../host/sources/npy.ts';
import { Resampler } from '../../host/sources/resample.ts';
import { writeGraph } from '../../models/graph/file.ts';
import type { Graph } from '../../models/graph/types.ts';
import { readModel } from '../../models/read/index.ts';
import { planStream } from '../../models/stream/plan.ts';
import { quantPlan } from '../../quant/plan.ts';
import { quantize } from '../../quant/quantize.ts';
import { root, shared } from '../shared.ts';
import { chromiumPath } from './page.ts';
import { labels, wordsFile, wordsGraph } from './web-model.ts';
import { sound, type Visit, WebPage, wavBytes } from './web-page.ts';
import { checkWebViews } from './web-views.ts';

if (!chromiumPath) console.log('skipped: no Chromium found; install the package chromium, or set CHROMIUM to its path');
const only = chromiumPath ? test : test.skip;
const zoo = join(root, 'models/zoo/ppg-hr');
let web: WebPage;

test.before(async () => {
  if (chromiumPath) web = await WebPage.open(wavBytes(sound(8, 48000), 48000));
});
test.after(async () => {
  await web?.close();
});

const visiting = (name: string, run: (visit: Visit) => Promise<void>) =>
  only(name, async () => {
    const visit = await web.visit();
    try {
      await run(visit);
      assert.equal(visit.faults, [], 'faults in the console');
    } finally {
      await visit.context.close();
    }
  });

const asset = (name: string): Uint8Array => new Uint8Array(readFileSync(join(web.folder, 'web', name)));

const digestOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Builds the same model here with the page's interpreter. */
async function builtHere(graph: Graph, hop: number): Promise<Uint8Array> {
  const options = { producer: producer(), style: 'table', kernels: 'every' } as const;
  return (await build(quantPlan(planStream(graph, { hop })), { ...options, ...manifestFields(graph) })).wasm;
}

/** Returns the outputs of a bundle on rows of one of the page's front ends, for sound of any rate. */
async function wordsHere(bundle: Uint8Array, frontEndFile: string, sound: Float32Array, rateHz: number): Promise<number[][]> {
  const frontEnd = await openSession(asset(frontEndFile) as BufferSource);
  const model = await openSession(bundle as BufferSource);
  const resampler = new Resampler(rateHz, 16000);
  const values: number[][] = [];
  for (const part of [resampler.push(sound), resampler.flush()])
    if (part.length > 0)
      frontEnd.pushAll(part, () => {
        model.pushAll(frontEnd.output(), () => values.push([...model.output()]));
      });
  return values;
}

async function saved(visit: Visit): Promise<Uint8Array> {
  const download = visit.page.waitForEvent('download');
  await visit.page.click('#save');
  return new Uint8Array(readFileSync(await (await download).path()));
}

visiting('ppg-hr on its demo recording gives the outputs of Node', async (visit) => {
  await visit.choose('ppg-hr', /demo\.csv/);
  const { values, times } = await visit.runAtOnce();
  const session = await openSession(asset('models/ppg-hr.wasm') as BufferSource);
  const source = await openSource(join(zoo, 'demo.csv'), { frameElements: 1, columns: ['ppg'] });
  const filter = ppgFrontEnd({ sampleRateHz: 32 });
  const here: number[][] = [];
  for await (const chunk of source.frames)
    session.pushAll(
      chunk.map((sample) => filter.push(sample)),
      () => here.push([...session.output()]),
    );
  assert.equal(values, here);
  assert.ok(here.length > 100 && new Set(here.map(String)).size > 20);
  assert.is(times.at(-1), 300);
  assert.match(await visit.text('#numbers'), /µs/);
  console.log(`  ${here.length} outputs, 0 differing values`);
});

visiting("a model of words is compiled in the page with Node's bytes, and hears a WAV file like Node", async (visit) => {
  const samples = sound(12, 44100, 2);
  await visit.drop(web.file('words.rnq', wordsFile()));
  await visit.model('words');
  const bundle = await saved(visit);
  assert.ok(
    Buffer.compare(bundle, await builtHere(await readModel(wordsFile(), { digest: digestOf(wordsFile()) }), 3)) === 0,
    'the bundle',
  );

  await visit.drop(web.file('sound.wav', wavBytes(samples, 44100, 2)));
  await visit.source(/sound\.wav/);
  const { values, times } = await visit.runAtOnce();
  const mixed = Float32Array.from({ length: samples.length / 2 }, (_, n) => {
    const [left, right] = [2 * n, 2 * n + 1].map((i) => Math.round(32768 * (samples[i] as number)) / 32768);
    return ((left as number) + (right as number)) / 2;
  });
  const here = await wordsHere(bundle, 'front-ends/microwakeword-20ms.wasm', mixed, 44100);
  assert.equal(values, here);
  assert.ok(here.length > 150 && new Set(here.map(String)).size > 50);

  const { manifest } = await openSession(bundle as BufferSource);
  const detector = new LabelDetector(manifest, 60);
  const heard = here.flatMap((row, i) => detector.push(Float32Array.from(row), 1000 * (times[i] as number)) ?? []);
  const shown = (await visit.page.$$eval('#heard-list b', (list) => list.map((b) => b.textContent))).reverse();
  assert.equal(shown, heard.map(({ label }) => label)); // biome-ignore format: one line
  assert.ok(heard.length > 2 && heard.every(({ label }) => labels.includes(label) && label !== '_silence_'));
  console.log(`  ${here.length} outputs from 44.1 kHz stereo, 0 differing values, ${heard.length} words`);
});

visiting('the page hears the microphone', async (visit) => {
  await visit.drop(web.file('words.rnq', wordsFile()));
  await visit.model('words');
  await visit.page.click('#microphone');
  await visit.source(/listening, 0:0[3-9]/);
  await visit.page.click('#microphone');
  const { values, times } = await visit.outputs();
  assert.ok(values.length >= 30, `${values.length} outputs`);
  assert.ok(new Set(values.map(String)).size > 10, 'it says different things');
  // the first output needs 30 rows of 20 ms, the last of 30 ms; then one follows every 60 ms
  assert.ok(times.every((t, i) => Math.abs(t - (0.61 + 0.06 * i)) < 1e-9));
});

const okayNabu = chromiumPath && shared('models', 'mww', 'v2', 'okay_nabu');
const recordings = okayNabu && shared('audio');
(recordings ? visiting : (name: string, _: unknown) => test.skip(name, () => {}))(
  'okay_nabu with its manifest hears its recordings and no other, with Node’s outputs',
  async (visit) => {
    const model = join(okayNabu as string, 'model.tflite');
    await visit.drop(model, join(okayNabu as string, 'manifest.json'));
    await visit.model('Okay Nabu');
    const bundle = await saved(visit);
    let count = 0;
    for (const name of ['okay_nabu_1', 'okay_nabu_2', 'okay_nabu_3', 'hey_jarvis_1', 'hey_jarvis_2']) {
      const path = join(recordings as string, `${name}.wav`);
      await visit.drop(path);
      await visit.source(new RegExp(name));
      const { values } = await visit.runAtOnce();
      const source = await openSource(path, { frameElements: 1, sound: true });
      const parts: Float32Array[] = [];
      for await (const part of source.frames) parts.push(part);
      const samples = Float32Array.from(parts.flatMap((part) => [...part]));
      assert.equal(values, await wordsHere(bundle, 'front-ends/microwakeword-10ms.wasm', samples, 16000), name);
      const words = await visit.page.$$eval('#heard-list b', (list) => list.length);
      // the third recording has the word twice
      assert.is(words, name === 'okay_nabu_3' ? 2 : Number(name.startsWith('okay')), name);
      count += values.length;
    }
    console.log(`  ${count} outputs of five recordings, 0 differing values`);
  },
);

visiting('a float model asks for a signal, is calibrated with it, and becomes the same bundle as in Node', async (visit) => {
  const onnx = join(zoo, 'ppg-hr.onnx');
  await visit.drop(onnx);
  const told = await visit.error();
  assert.is(told.code, 'RN782');
  assert.match(told.title as string, /float model/);
  await visit.drop(join(zoo, 'calib.npy'));
  await visit.page.waitForSelector('#models .own');
  const calib = readNpy(new Uint8Array(readFileSync(join(zoo, 'calib.npy')))).data as Float32Array;
  const file = new Uint8Array(readFileSync(onnx));
  const graph = await readModel(file, { name: 'ppg-hr', digest: digestOf(file) });
  const int8 = quantize(graph, calib, { hop: 64, noReport: true }).graph;
  const bundle = await saved(visit);
  assert.ok(Buffer.compare(bundle, await builtHere(int8, 64)) === 0, 'the bundle');
  // the same values from a CSV file
  await visit.drop(onnx);
  await visit.error();
  await visit.drop(web.file('calib.csv', `ppg,bpm_true\n${Array.from(calib, (x) => `${x},70`).join('\n')}`));
  await visit.page.waitForSelector('#lanes', { state: 'visible' });
  await visit.page.waitForSelector('#models .own');
  assert.ok(Buffer.compare(await saved(visit), bundle) === 0, 'the bundle of the CSV');
});

visiting(
  'har-watch shows six named traces and states with the script, and its CSV file gives the same outputs',
  async (visit) => {
    await visit.choose('har-watch', /demo-watch\.csv/);
    assert.is(await visit.text('#channels'), 'ax, ay, az, gx, gy, gz');
    const { values } = await visit.runAtOnce();
    assert.match(await visit.text('#numbers'), /9\d\.\d %of 353 answers right/);
    await visit.page.waitForTimeout(200);
    const colours = await visit.page.$eval('canvas[data-lane="wave"]', (canvas) => {
      const { width, height } = canvas as HTMLCanvasElement;
      const context = (canvas as HTMLCanvasElement).getContext('2d') as CanvasRenderingContext2D;
      return Array.from({ length: 6 }, (_, trace) => {
        const { data } = context.getImageData(0.2 * width, (trace * height) / 6, 0.8 * width, height / 6);
        let drawn = 0;
        for (let i = 0; i < data.length; i += 4)
          if (data[i + 3] === 255 && (data[i + 2] as number) > (data[i] as number) + 60) drawn++;
        return drawn;
      });
    });
    assert.ok(
      colours.every((drawn) => drawn > 300),
      `pixels of each trace: ${colours}`,
    );

    const lines = readFileSync(join(root, 'models/zoo/har/demo-watch.csv'), 'utf8').trim().split('\n');
    await visit.drop(web.file('mine.csv', `${lines.join('\n')}\n`));
    await visit.source(/mine\.csv/);
    assert.equal((await visit.runAtOnce()).values, values);
    const halved = lines.map((line, n) => (n === 0 ? line : line.replace(/^[^,]+/, `${n / 100}`)));
    await visit.drop(web.file('fast.csv', halved.join('\n')));
    assert.match((await visit.error()).why as string, /100 rows per second, but the model takes 50/);
    assert.ok(await visit.page.isHidden('#lanes'), 'the error stands where the picture would');
  },
);

visiting('ecg and kws are scored against the truth', async (visit) => {
  const figure = () => visit.page.$$eval('#numbers > div', (all) => all.map((one) => one.textContent ?? '').find((text) => text.startsWith('so far')) ?? ''); // biome-ignore format: one line
  await visit.choose('ecg', /demo/);
  await visit.runAtOnce();
  const [, right, all] = /so far(\d+) of (\d+)beats right/.exec(await figure()) ?? [];
  assert.ok(Number(all) > 160 && Number(right) >= 0.97 * Number(all), await figure());
  await visit.choose('kws', /demo\.wav/);
  await visit.runAtOnce();
  const before = await figure();
  assert.match(before, /so far\d+ of 20words right/);
  await visit.page.fill('#cutoff', '1');
  assert.match(await figure(), /so far0 of 20words right/);
});

visiting('the page asks for a rate and names that a file lacks, and writes them into the module', async (visit) => {
  const graph = wordsGraph();
  await visit.drop(web.file('nameless.rnq', writeGraph({ ...graph, metadata: { 'runlet.hop': '3' } })));
  await visit.page.waitForSelector('#question:not([hidden])');
  assert.ok((await visit.page.isHidden('#lanes')) && (await visit.page.isDisabled('#play')));
  assert.ok((await visit.page.$$('#rows option')).length > 2, 'front ends to choose from');
  await visit.page.fill('#rate', 'fast');
  await visit.page.keyboard.press('Enter');
  assert.ok(await visit.page.isVisible('#question'), 'that is no rate');
  const rows = Array.from({ length: 300 }, (_, n) => [
    n / 40,
    ...Array.from({ length: 40 }, (_, c) => ((n * 7 + c * 3) % 20) / 10),
  ]);
  const head = ['time_s', ...Array.from({ length: 40 }, (_, c) => `f${c}`)];
  const csv = web.file('rows.csv', [head, ...rows].map((row) => row.join(',')).join('\n'));
  await visit.page.fill('#rate', '40');
  await visit.page.keyboard.press('Enter');
  await visit.model('words');
  assert.match(await visit.text('#facts'), /40 channels at 40 Hz/);
  assert.ok(await visit.page.isVisible('#names'));
  await visit.page.fill('#labels', 'quiet,up,down');
  await visit.page.keyboard.press('Enter');
  assert.ok(await visit.page.isVisible('#names'), 'one name is missing');
  await visit.page.fill('#labels', 'quiet,up,down,left');
  await visit.page.keyboard.press('Enter');
  await visit.page.waitForSelector('#names', { state: 'hidden' });
  const { manifest } = await openSession((await saved(visit)) as BufferSource);
  assert.equal([manifest.sampleRateHz, manifest.labels], [40, ['quiet', 'up', 'down', 'left']]);
  await visit.drop(csv);
  await visit.source(/rows\.csv/);
  assert.ok((await visit.runAtOnce()).values.length === 91);
  // a time column also gives the rate
  await visit.drop(
    web.file('nameless.rnq', writeGraph({ ...graph, metadata: { 'runlet.hop': '3', 'runlet.labels': 'a,b,c,d' } })),
  );
  await visit.page.waitForSelector('#question:not([hidden])');
  await visit.page.selectOption('#rows', 'frames');
  await visit.drop(csv);
  await visit.page.waitForFunction(() => /40 channels at 40 Hz/.test(document.getElementById('facts')?.textContent ?? ''));
});

only('the first view plays without a click, a sound or a question, light and dark, on a desktop and a phone', () =>
  checkWebViews(web),
);

visiting('with the keyboard only, a model is chosen and run, and the picture moved and scaled', async (visit) => {
  const { keyboard } = visit.page;
  // registered early: a listener that is added at the key press may be too late
  visit.page.on('filechooser', () => {});
  const focused = () =>
    visit.page.evaluate(() => document.activeElement?.id || (document.activeElement as HTMLInputElement)?.name);
  const tabTo = async (id: string) => {
    for (let i = 0; i < 20 && (await focused()) !== id; i++) await keyboard.press('Tab');
    assert.is(await focused(), id);
  };
  const picture = () => visit.page.$eval('canvas[data-lane="axis"]', (canvas) => (canvas as HTMLCanvasElement).toDataURL());
  const after = async (key: string) => {
    const before = await picture();
    await keyboard.press(key);
    await visit.page.waitForTimeout(150);
    return (await picture()) !== before;
  };
  // stops the first view and chooses another model
  await tabTo('play');
  await keyboard.press('Enter');
  await visit.page.waitForSelector('#play[aria-pressed="false"]');
  for (let i = 0; (await focused()) !== 'model'; i++) {
    assert.ok(i < 20);
    await keyboard.press('Shift+Tab');
  }
  await keyboard.press('ArrowDown');
  await visit.source(/demo-watch\.csv/);
  // biome-ignore lint/suspicious/noExplicitAny: the page's own global
  assert.is(await visit.page.evaluate(() => (globalThis as any).runletPage.model), 'har-watch');
  await tabTo('open-recording');
  const chooser = visit.page.waitForEvent('filechooser');
  await keyboard.press('Enter');
  await (await chooser).setFiles(join(root, 'models/zoo/har/demo-phone.csv'));
  await visit.source(/demo-phone\.csv, 0:0\d of/);
  while ((await focused()) !== 'play') await keyboard.press('Shift+Tab');
  await keyboard.press('Enter');
  await visit.page.waitForSelector('#play[aria-pressed="false"]');
  await tabTo('all');
  await keyboard.press('Enter');
  // biome-ignore lint/suspicious/noExplicitAny: the page's own global
  await visit.page.waitForFunction(() => (globalThis as any).runletPage.ended > 0);
  await tabTo('lanes');
  for (const key of ['+', 'ArrowRight', 'ArrowLeft', '-']) assert.ok(await after(key), `key ${key}`);
});

visiting('errors say what, where, why and what to try', async (visit) => {
  await visit.choose('ppg-hr', /demo\.csv/);
  await visit.drop(web.file('notes.txt.md', '# no sound'));
  const { code, title, where, why, try: tryThis } = await visit.error();
  assert.is(code, 'RN787');
  assert.is(where, 'notes.txt.md');
  assert.ok((title?.length ?? 0) > 20 && (why?.length ?? 0) > 20 && /\.wav/.test(tryThis ?? ''));
  await visit.page.click('#error .close');
  assert.ok(await visit.page.isHidden('#error'));

  const bundle = asset('models/ppg-hr.wasm');
  await visit.drop(web.file('half.wasm', bundle.subarray(0, bundle.length / 2)));
  assert.is((await visit.error()).code, 'RN601');
  await visit.drop(web.file('broken.tflite', 'TFL3'));
  assert.match((await visit.error()).code as string, /^RN1/);
  await visit.drop(web.file('sound.wav', wavBytes(sound(1, 16000), 16000)));
  assert.match((await visit.error()).title as string, /does not listen to sound/);
  // the model that ran before still runs
  await visit.page.click('#error .close');
  assert.ok((await visit.runAtOnce()).values.length > 100);
});

visiting('without its server, a second visit has everything and requests nothing from elsewhere', async (visit) => {
  await visit.page.evaluate(async () => {
    const registration = await navigator.serviceWorker.ready;
    const worker = registration.active;
    if (worker?.state !== 'activated')
      await new Promise<void>((resolve) =>
        worker?.addEventListener('statechange', () => worker.state === 'activated' && resolve()),
      );
  });
  web.served.close();
  await visit.context.setOffline(true);
  await visit.page.reload();
  await visit.source(/demo/);
  await visit.drop(web.file('words.rnq', wordsFile()));
  await visit.model('words');
  await visit.drop(web.file('sound.wav', wavBytes(sound(3, 16000), 16000)));
  await visit.source(/sound\.wav/);
  assert.ok((await visit.runAtOnce()).values.length > 30);
  const hosts = new Set(visit.requests.map((url) => new URL(url).origin));
  assert.equal([...hosts], [new URL(web.served.address).origin]);
  // the browser's messages about the absent server
  visit.faults.splice(0, visit.faults.length, ...visit.faults.filter((fault) => !/net::ERR/.test(fault)));
});

test.run();
