/**
 * examples/vite-microphone: type-checked, built by Vite, and run in Chromium. From the microphone it hears
 * the words that the session hears in the file.
 *
 * In: a piece of the zoo's recording with several words, which Chromium's fake microphone plays in a loop.
 * Out: words on the page.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { build as viteBuild } from 'vite';
import { LabelDetector, Listener, openSession } from '../../host/session/index.ts';
import { serveFolder } from '../../scripts/web/serve.ts';
import { chromiumPath, flags } from '../browser/page.ts';
import { wavBytes } from '../browser/web-page.ts';
import { root } from '../shared.ts';
import { installSession, typeCheck, Workspace } from './workspace.ts';

const example = 'vite-microphone';
const work = new Workspace(example);
const folder = work.at('examples', example);
const rateHz = 16000;

/** Returns the words in samples, and their times in seconds. */
async function wordsIn(samples: Float32Array): Promise<{ label: string; seconds: number }[]> {
  const session = await openSession(readFileSync(join(folder, 'public/kws.wasm')));
  const detector = new LabelDetector(session.manifest, (1000 * session.hop) / rateHz);
  const found: { label: string; seconds: number }[] = [];
  const heard = (_: unknown, { label, timeMs }: { label: string; timeMs: number }) =>
    found.push({ label, seconds: timeMs / 1000 });
  new Listener([{ name: 'kws', session, detector }], rateHz, { heard }).push(samples);
  return found;
}

test.before(async () => {
  await work.make(example);
  await installSession(work, example);
});

test('its types fit those of the session', () => typeCheck(work, example));

test('Vite builds a page, its script, the worker and the AudioWorklet', async () => {
  const made = await viteBuild({ root: folder, logLevel: 'error' });
  const names = ('output' in made ? made.output : []).map(({ fileName }) => fileName);
  for (const name of [/^index\.html$/, /^assets\/index-.*\.js$/, /^assets\/worker-.*\.js$/, /^assets\/capture-.*\.js$/, /\.css$/])
    assert.ok(
      names.some((file) => name.test(file)),
      `${name} in ${names}`,
    );
});

const title = 'in Chromium the page hears words from the microphone';
if (!chromiumPath) console.log(`skipped: ${title}: no Chromium; install the package chromium, or set CHROMIUM`);
(chromiumPath ? test : test.skip)(title, async () => {
  const bytes = readFileSync(join(root, 'models/zoo/kws/demo.wav'));
  const all = Float32Array.from(new Int16Array(bytes.buffer, bytes.byteOffset + 44, (bytes.length - 44) >> 1), (x) => x / 32768);
  const words = await wordsIn(all);
  assert.ok(words.length >= 3);
  const [first, last] = [words[0]?.seconds ?? 0, words[2]?.seconds ?? 0];
  const piece = all.slice(Math.max(0, Math.floor((first - 2) * rateHz)), Math.floor((last + 1) * rateHz));
  const wanted = (await wordsIn(piece)).map(({ label }) => label);
  writeFileSync(work.at('microphone.wav'), wavBytes(piece, rateHz));
  const served = await serveFolder(join(folder, 'dist'));
  const fake = ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'];
  const args = [...flags, ...fake, `--use-file-for-fake-audio-capture=${work.at('microphone.wav')}`];
  const browser = await chromium.launch({ executablePath: chromiumPath as string, args });
  try {
    const page = await browser.newPage();
    const errors: string[] = [];
    page.on('pageerror', (error) => errors.push(error.message));
    await page.goto(served.address);
    await page.locator('#start:enabled').click();
    assert.match((await page.textContent('#words')) ?? '', /^Say yes, no, up, .* go\.$/);
    let heardSoFar: string[] = [];
    const heard = () => page.locator('#heard b').allTextContents();
    const until = Date.now() + 60_000;
    while (wanted.some((label) => !heardSoFar.includes(label)) && Date.now() < until) {
      await page.waitForTimeout(200);
      heardSoFar = await heard();
    }
    assert.equal(errors, []);
    assert.is(await page.textContent('#state'), 'Listening.');
    for (const label of wanted) assert.ok(heardSoFar.includes(label), `${label} is not in ${heardSoFar}; the file has ${wanted}`);
  } finally {
    await browser.close();
    await served.close();
  }
});
test.run();
