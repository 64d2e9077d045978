/**
 * The page /label in headless Chromium: two annotators label by keyboard alone; values and sound; back, skip
 * and delete; light and dark, wide and on a phone, without a finding of axe-core and without a request to
 * anywhere else.
 */
import { type Browser, chromium, type Page } from 'playwright-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Door } from '../../host/gateway/http/door.ts';
import { type Served, serve } from '../../host/gateway/http/serve.ts';
import { addPage } from '../../host/gateway/page/page.ts';
import { defaultIntake, Intake } from '../../host/gateway/streams/intake.ts';
import { Tracker } from '../../host/gateway/watch/tracker.ts';
import type { Label } from '../../host/learn/label-schema.ts';
import { axeFindings, shot, stickingOut } from '../browser/accessible.ts';
import { chromiumPath, flags } from '../browser/page.ts';
import { CrashDisk } from './crash-disk.ts';
import { type Kind, labelGateway, names, recordOf } from './label-fixture.ts';

if (!chromiumPath) console.log('skipped: no Chromium found; install the package chromium, or set CHROMIUM to its path');
const only = chromiumPath ? test : test.skip;
const token = 'a-token-of-some-length';
const { gateway, app, add, close } = await labelGateway(new CrashDisk());
let served: Served;
let browser: Browser | undefined;
let end = close;

test.before(async () => {
  const intake = new Intake(gateway, defaultIntake);
  const tracker = new Tracker(gateway);
  addPage(app, { gateway, intake, tracker, wires: { lines: [] } });
  served = await serve({ app, door: new Door({ token }), host: '127.0.0.1', port: 0 });
  if (chromiumPath) browser = await chromium.launch({ executablePath: chromiumPath, args: flags });
  end = async () => {
    await browser?.close();
    await served.stop();
    tracker.close();
    intake.close();
    await close();
  };
});
test.before.each(async () => {
  for (const slot of ['main', 'sound', 'pulse'] as const) await gateway.collection.slot(slot).windows.clear();
});
test.after(() => end());

const labelsOf = (slot: Kind, id: number): Promise<Label[]> => gateway.collection.slot(slot).windows.labels(id);

/** Opens the page as a new visitor. Every fault of the page is listed. */
async function visit(path: string, scheme: 'light' | 'dark' = 'light', width = 1280): Promise<{ page: Page; faults: string[] }> {
  const context = await (browser as Browser).newContext({ colorScheme: scheme, viewport: { width, height: 844 } });
  const page = await context.newPage();
  const faults: string[] = [];
  page.on('console', (one) => one.type() === 'error' && !/status of 401/.test(one.text()) && faults.push(one.text()));
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('request', (request) => new URL(request.url()).host !== new URL(served.url).host && !request.url().startsWith('data:') && faults.push(request.url())); // biome-ignore format: one line
  await page.goto(`${served.url}${path}`);
  return { page, faults };
}

/** Logs in with keys alone: the token, then the name. */
async function enter(page: Page, annotator: string): Promise<void> {
  await page.waitForSelector('#ask:not([hidden])');
  await page.focus('#token');
  await page.keyboard.type(token);
  await page.keyboard.press('Enter');
  await page.waitForSelector('#who:not([hidden])');
  await page.waitForFunction(() => document.activeElement?.id === 'name');
  await page.keyboard.type(annotator);
  await page.keyboard.press('Enter');
  await shownWindow(page);
}

const text = (page: Page, selector: string) => page.$eval(selector, (node) => node.textContent ?? '');
/** Waits until a window is drawn, and returns its stream and time. */
async function shownWindow(page: Page, before?: string): Promise<string> {
  await page.waitForFunction(
    (old) => {
      const now = `${document.getElementById('title')?.textContent} ${document.getElementById('about')?.textContent}`;
      return (
        document.querySelector('#signal canvas') &&
        document.querySelector('#work:not([hidden])[aria-busy="false"]') &&
        now !== old
      );
    },
    before,
    { timeout: 10_000 },
  );
  return `${await text(page, '#title')} ${await text(page, '#about')}`;
}
const emptied = (page: Page) => page.waitForSelector('#empty:not([hidden])');

only('two annotators label three windows with keys alone; the answers are stored with their seconds', async () => {
  const ids = await add('main', ...[1, 2, 3].map((n) => recordOf('main', n, ['uncertain'])));
  const anna = await visit('/label');
  await enter(anna.page, 'Anna');
  assert.match(await text(anna.page, '#left'), /^3 windows left, 0 answered by you$/);
  for (const key of ['3', '4', '0']) {
    const before = await shownWindow(anna.page);
    await anna.page.keyboard.press(key);
    if (key !== '0') await shownWindow(anna.page, before);
  }
  await emptied(anna.page);
  const said = async () => (await Promise.all(ids.map((id) => labelsOf('main', id)))).map((all) => all.map(({ annotator, label }) => [annotator, label])); // biome-ignore format: one line
  assert.equal(await said(), [[['Anna', false]], [['Anna', 'run']], [['Anna', 'walk']]]);

  const ben = await visit('/label');
  await enter(ben.page, 'Ben');
  for (const key of ['3', '?', '6']) {
    const before = await shownWindow(ben.page);
    await ben.page.keyboard.press(key);
    if (key !== '6') await shownWindow(ben.page, before);
  }
  await emptied(ben.page);
  assert.equal(await said(), [
    [['Anna', false], ['Ben', 'down']],
    [['Anna', 'run'], ['Ben', null]],
    [['Anna', 'walk'], ['Ben', 'walk']],
  ]); // biome-ignore format: a table
  for (const id of ids)
    for (const { seconds } of await labelsOf('main', id))
      assert.ok(seconds !== undefined && seconds > 0 && seconds < 60, `${seconds}`);
  await ben.page.reload();
  await emptied(ben.page);
  assert.ok(await ben.page.isHidden('#who'), 'the name is asked for once');
  await ben.page.waitForSelector('#agreement table');
  assert.match(await text(ben.page, '#agreement'), /Anna30[\d.]+ sBen31[\d.]+ sAnna and Ben: kappa 0\.33, 2 windows/);
  for (const { page, faults } of [anna, ben]) {
    assert.equal(faults, []);
    await page.context().close();
  }
});

only('what the model says is hidden until the answer, unless the annotator wants to see it', async () => {
  await add('main', recordOf('main', 1), recordOf('main', 3, ['disagree', 'random'], { otherDigest: 'beef'.repeat(16), other: new Uint8Array(Float32Array.of(0, 0, 0.9, 0, 0, 0.1).buffer) })); // biome-ignore format: one line
  const { page, faults } = await visit('/label');
  await enter(page, 'Anna');
  const before = await shownWindow(page);
  assert.not.match(await text(page, '#side'), /1\.1\.0|0\.7|disagree/);
  await page.keyboard.press('1');
  await shownWindow(page, before);
  assert.match(
    await text(page, '#last'),
    /^You said sit, after [\d.]+ s\.1\.1\.0, digest c0ffee.*run0\.7.*on trial, digest beefbeefbeef.*walk0\.9.*disagree/,
  );
  assert.not.match(await text(page, '#said'), '1.1.0');
  await page.click('#blind');
  assert.match(await text(page, '#said'), /1\.1\.0, digest c0ffee.*stand0\.7/);
  await page.reload();
  await shownWindow(page);
  assert.match(await text(page, '#said'), '1.1.0', 'the choice is kept');
  assert.equal(faults, []);
  await page.context().close();
});

only('many channels are a picture, and several inputs have a plot each', async () => {
  const input = { hostType: 'int8', scale: 0.1, zeroPoint: 0 } as const;
  const signal = Uint8Array.from({ length: 256 * 42 }, (_, i) => (7 * i) % 120);
  const inputs = [
    { name: 'mel', elements: 40, ...input },
    { name: 'pair', elements: 2, ...input },
  ];
  await add('main', recordOf('main', 1, ['random'], { signal, tickBytes: 42, inputs }));
  const { page, faults } = await visit('/label');
  await enter(page, 'Anna');
  assert.match(
    (await page.getAttribute('.picture canvas', 'aria-label')) ?? '',
    /^mel: 40 channels, the first at the bottom, from 0 to 11\.9$/,
  );
  assert.is((await page.$$('.uplot')).length, 1);
  assert.equal([await stickingOut(page), await axeFindings(page), faults], [[], [], []]);
  await page.context().close();
});

only('back takes an answer back, skip shows another window, delete needs two presses; held keys answer once', async () => {
  const [a, b, c] = (await add('main', ...[1, 2, 3].map((n) => recordOf('main', n)))) as [number, number, number];
  const { page, faults } = await visit('/label');
  await enter(page, 'Anna');
  const first = await shownWindow(page);
  await page.keyboard.down('2');
  await page.keyboard.down('2');
  await page.keyboard.up('2');
  const second = await shownWindow(page, first);
  await page.waitForFunction(() => document.getElementById('left')?.textContent?.startsWith('2 windows left'));
  assert.equal((await labelsOf('main', c)).map(({ label }) => label), ['stand']); // biome-ignore format: one line
  await page.keyboard.press('Backspace');
  assert.is(await shownWindow(page, second), first);
  await page.waitForFunction(() => document.getElementById('left')?.textContent?.startsWith('3 windows left'));
  assert.equal(await labelsOf('main', c), []);
  await page.keyboard.press('ArrowRight');
  assert.is(await shownWindow(page, first), second);
  await page.keyboard.press('Delete');
  await page.keyboard.press('Escape');
  await page.keyboard.press('Delete');
  assert.match(await text(page, '#remove'), 'Delete for good?');
  await page.keyboard.press('Delete');
  const third = await shownWindow(page, second);
  const { windows } = gateway.collection.slot('main');
  assert.equal(windows.list().map(({ id }) => id), [a, c]); // biome-ignore format: one line
  assert.is(windows.find(b), undefined);
  // keys do nothing while a name is typed, or when they are turned off
  await page.click('#keys');
  await page.keyboard.press('1');
  assert.equal(await labelsOf('main', a), []);
  await page.click('#keys');
  await page.keyboard.press('1');
  assert.not.equal(await shownWindow(page, third), third);
  assert.equal(faults, []);
  await page.context().close();
});

only('a value is typed and sent with Enter; sound has a spectrogram and is played with Space', async () => {
  const [pulse] = (await add('pulse', recordOf('pulse', 1))) as [number];
  const { page, faults } = await visit('/label?slot=pulse');
  await enter(page, 'Anna');
  assert.match(await text(page, '#value-form'), 'bpm');
  await page.keyboard.type('x');
  await page.keyboard.type('72,5');
  await page.keyboard.press('Enter');
  await emptied(page);
  assert.equal((await labelsOf('pulse', pulse)).map(({ label }) => label), [72.5]); // biome-ignore format: one line

  const [sound] = (await add('sound', recordOf('sound', 1))) as [number];
  await page.selectOption('#slot', 'sound');
  await page.waitForSelector('#play');
  const name = await page.getAttribute('.picture canvas', 'aria-label');
  assert.is(name, 'Spectrogram from 0 to 8 kHz');
  // a tone rises from 500 Hz, so the loudest row of the picture rises from left to right
  const loudest = await page.$eval('.picture canvas', (canvas) => {
    const { width, height } = canvas as HTMLCanvasElement;
    const { data } = ((canvas as HTMLCanvasElement).getContext('2d') as CanvasRenderingContext2D).getImageData(
      0,
      0,
      width,
      height,
    );
    const dark = (x: number, y: number) => 765 - [0, 1, 2].reduce((sum, i) => sum + (data[4 * (y * width + x) + i] as number), 0);
    return [0.3, 0.6, 0.9].map((share) => {
      const x = Math.round(share * width);
      const rows = Array.from({ length: height }, (_, y) => dark(x, y));
      return ((height - 1 - rows.reduce((best, dark, y) => (dark > (rows[best] as number) ? y : best), 0)) / height) * 8000;
    });
  });
  for (const [i, share] of [0.3, 0.6, 0.9].entries()) {
    const tone = 500 + 2 * 900 * share * 1.5;
    assert.ok(Math.abs((loudest[i] as number) - tone) < 100, `${loudest[i]} Hz at ${share}, the tone has ${tone}`);
  }
  await page.focus('body').catch(() => {});
  await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
  await page.keyboard.press('Space');
  await page.waitForSelector('#play[aria-pressed="true"]');
  await page.waitForSelector('#play[aria-pressed="false"]');
  await page.keyboard.press('2');
  await emptied(page);
  assert.equal((await labelsOf('sound', sound)).map(({ label }) => label), ['no']); // biome-ignore format: one line
  assert.equal(faults, []);
  await page.context().close();
});

only('light and dark, wide and on a phone: nothing sticks out, axe-core finds nothing, keys reach everything', async () => {
  for (const slot of ['main', 'sound', 'pulse'] as const) await add(slot, ...[1, 2, 3].map((n) => recordOf(slot, n, ['random'])));
  for (const id of gateway.collection.slot('main').windows.list().map(({ id }) => id))
    for (const [annotator, label] of [['Ben', 'walk'], ['Cleo', 'run']] as const) await gateway.collection.slot('main').windows.label(id, { annotator, label, seconds: 3.2 }); // biome-ignore format: one line
  for (const [scheme, width] of [
    ['light', 1280],
    ['dark', 1280],
    ['light', 390],
    ['dark', 390],
  ] as const) {
    // biome-ignore format: a table
    const { page, faults } = await visit('/label', scheme, width);
    assert.equal(await axeFindings(page), [], 'the form for the token');
    await enter(page, `Anna ${scheme} ${width}`);
    for (const slot of ['main', 'sound', 'pulse'] as const) {
      await page.selectOption('#slot', slot);
      await page.waitForFunction((one) => document.getElementById('classes')?.textContent?.includes(one) ?? false, { main: 'walk', sound: 'yes', pulse: '' }[slot]); // biome-ignore format: one line
      await page.waitForFunction((kind) => document.querySelector('#play') ? kind === 'sound' : kind !== 'sound', slot); // biome-ignore format: one line
      await shownWindow(page);
      if (slot === 'main') {
        const before = await shownWindow(page);
        await page.keyboard.press('2');
        await shownWindow(page, before);
      }
      if (slot === 'sound') await page.click('#blind');
      assert.equal(await stickingOut(page), [], `${slot}, ${width} wide`);
      assert.equal(await axeFindings(page), [], `${slot}, ${scheme}, ${width} wide`);
      await shot(page, `label-${slot}-${scheme}-${width}`);
    }
    // Tab reaches each control
    const wanted = await page.$$eval('#desk button, #desk select, #desk input, #signal', (all) => all.filter((one) => (one as HTMLElement).offsetParent !== null).length); // biome-ignore format: one line
    const reached = new Set<string>();
    await page.focus('#slot');
    for (let i = 0; i < 2 * wanted; i++) {
      reached.add(
        await page.evaluate(() => `${[...document.querySelectorAll('#desk *')].indexOf(document.activeElement as Element)}`),
      );
      await page.keyboard.press('Tab');
    }
    reached.delete('-1');
    assert.is(reached.size, wanted);
    await page.focus('#signal');
    await page.keyboard.press('End');
    assert.match(await text(page, '#reading'), /^at [\d.]+ s: pulse -?[\d.]+$/);
    assert.equal(faults, []);
    await page.context().close();
  }
  assert.is(names.length, 6);
});

only('the page has no secret, is open without a token from a link, and the main page leads to it', async () => {
  const answer = await fetch(`${served.url}/label`);
  const html = await answer.text();
  assert.not.match(html, token);
  assert.not.match(answer.headers.get('content-security-policy') ?? 'unsafe', /unsafe|https?:/);
  const { page, faults } = await visit(`/#token=${token}`);
  await page.waitForSelector('#slots article');
  await page.click('header a');
  await page.waitForSelector('#who:not([hidden])');
  assert.ok(await page.isHidden('#ask'), 'the token of the tab is used');
  assert.equal(await page.evaluate(() => Object.keys(localStorage)), []);
  assert.not.match(page.url(), token);
  assert.equal(faults, []);
  await page.context().close();
});

test.run();
