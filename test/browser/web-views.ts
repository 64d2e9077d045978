/**
 * The views of the web page: the first view, questions, an error and six channels, on a desktop and a phone,
 * light and dark.
 *
 * In: the served page.  Out: assertions. The first view plays without a click, and requests no sound,
 * microphone or notification.
 */

import * as assert from 'uvu/assert';
import { writeGraph } from '../../models/graph/file.ts';
import { everyView } from '../host/page-views.ts';
import { axeFindings, shot, stickingOut } from './accessible.ts';
import { openModel, wordsGraph } from './web-model.ts';
import type { Visit, WebPage } from './web-page.ts';

/** Runs in the page before its scripts and records requests for sound, microphone and notifications. */
const watchRequests = `
  globalThis.asked = [];
  const note = (what) => {
    asked.push(what);
    return Promise.reject(new Error(what));
  };
  const Sound = AudioContext;
  globalThis.AudioContext = function () {
    asked.push('sound');
    return new Sound();
  };
  navigator.mediaDevices.getUserMedia = () => note('microphone');
  Notification.requestPermission = () => note('notification');
`;

async function checkView(visit: Visit, name: string, [width, colorScheme]: (typeof everyView)[number]): Promise<void> {
  await shot(visit.page, `web-${name}-${colorScheme}-${width}`);
  assert.equal(await stickingOut(visit.page), [], `${name}, ${width} pixels`);
  assert.equal(await axeFindings(visit.page), [], `${name}, ${colorScheme}, ${width} pixels`);
}

export async function checkWebViews(web: WebPage): Promise<void> {
  for (const view of everyView) {
    const [width, colorScheme] = view;
    const visit = await web.visit({ colorScheme, viewport: { width, height: 900 } }, watchRequests);
    // the page has found beats, so it runs
    await visit.page.waitForSelector('#heard-list li');
    // biome-ignore lint/suspicious/noExplicitAny: the test's own global
    assert.equal(await visit.page.evaluate(() => (globalThis as any).asked), []);
    await checkView(visit, 'first', view);
    await visit.drop(web.file('nameless.rnq', writeGraph({ ...wordsGraph(), metadata: { 'runlet.hop': '3' } })));
    await visit.page.waitForSelector('#question:not([hidden])');
    await checkView(visit, 'question', view);
    await visit.drop(web.file('open.onnx', openModel()));
    await visit.page.waitForSelector('#frames');
    await checkView(visit, 'numbers', view);
    await visit.drop(web.file('broken.tflite', 'TFL3'));
    await visit.error();
    await checkView(visit, 'error', view);
    await visit.choose('har-watch', /demo-watch/);
    await visit.runAtOnce();
    await checkView(visit, 'har', view);
    assert.equal(visit.faults, []);
    await visit.context.close();
  }
}
