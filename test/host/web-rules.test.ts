/** The page's computations without a browser: its history of a signal, CSV, the meaning of outputs, texts. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { csvRecording } from '../../host/web/csv.ts';
import { History, Records } from '../../host/web/history.ts';
import type { Loaded } from '../../host/web/protocol.ts';
import { readingOf } from '../../host/web/reading.ts';
import { matched } from '../../host/web/score.ts';
import { secondsText } from '../../host/web/text.ts';
import { codeOf, utf8 } from './helpers.ts';
import { tinyManifest } from './tiny-bundle.ts';

test('kept records keep their values and numbers', () => {
  const records = new Records(Float64Array, 2, 100);
  for (let i = 0; i < 1000; i += 5) records.add(Float64Array.from({ length: 10 }, (_, k) => i + (k >> 1) + (k & 1) / 2));
  assert.is(records.end, 1000);
  assert.ok(records.first >= 850 && records.first <= 900, `${records.first}`);
  for (let i = records.first; i < records.end; i++)
    assert.equal([records.at(i), records.at(i, 1), ...records.record(i)], [i, i + 0.5, i, i + 0.5]);
});

const loaded = { rateHz: 100, hopS: 0.5, frameHz: 100, traces: 1, manifest: tinyManifest() } as unknown as Loaded;

test('the first output that ends at or after a time is found', () => {
  const history = new History(loaded);
  const times = Float64Array.of(1, 1.5, 2, 2.5);
  history.add({ endS: 2.5, wave: new Float32Array(), outputs: new Float32Array(4), times, voice: new Uint8Array(4) } as never);
  for (const [seconds, index] of [[0, 0], [1, 0], [1.1, 1], [2, 2], [2.5, 3], [2.6, 4]] as const) assert.is(history.outputAt(seconds), index, `${seconds}`); // biome-ignore format: a table
});

test('CSV: an empty cell is no number, and columns of time are no values', async () => {
  const read = (text: string) => csvRecording('x.csv', utf8(text), { elements: 1, names: ['signal'], rateHz: 100 });
  assert.equal([...read('time_s,other\n0,1.5\n1,2.5\n').samples], [1.5, 2.5]);
  assert.equal([...read('a,signal\n9,1\n9,2\n').samples], [1, 2]);
  assert.is(await codeOf(() => read('t,signal\n0,1\n1,\n')), 'RN785');
  assert.is(await codeOf(() => read('t,signal\n0,1\n1,x\n')), 'RN785');
});

test('CSV: columns are chosen by name, without texts and truth, and a time column gives the rate', async () => {
  const frames = { elements: 2, names: ['ay', 'ax'], rateHz: 50 };
  const read = (text: string, target = frames) => csvRecording('x.csv', utf8(text), target);
  const named = read('time_s,ax,note,ay,label\n0,1,up,2,7\n0.02,3,up,4,7\n');
  assert.equal([[...named.samples], named.channels, named.fileHz], [[2, 1, 4, 3], ['ay', 'ax'], 50]);
  const unknown = read('t_ms;a;b;class\n0;1;2;0\n20;3;4;1\n', { ...frames, names: [] });
  assert.equal([[...unknown.samples], unknown.channels, unknown.fileHz], [[1, 2, 3, 4], ['a', 'b'], 50]);
  // without a header there are no names, no rate of the file and no channels
  const bare = read('1,2\n3,4\n', { ...frames, names: [] });
  assert.equal([bare.channels, bare.fileHz, bare.seconds], [undefined, undefined, 0.04]);
  assert.is(await codeOf(() => read('time,ax,ay\n0,1,2\n0.01,1,2\n')), 'RN785');
  assert.is(await codeOf(() => read('a,b,c\n1,2,3\n', { ...frames, names: [] })), 'RN785');
});

test('detections are matched with the true words, each used once', () => {
  const spoken = [0, 2, 4].map((start) => ({ word: 'up', start, end: start + 1 }));
  const at = (label: string, s: number) => ({ label, timeMs: 1000 * s, probability: 1 }) as never;
  const heard = [at('up', 0.5), at('up', 0.9), at('down', 2.5), at('up', 5.7)];
  const { right, missed, wrong } = matched(spoken, heard, [0, 10], { earlyS: 0, lateS: 0.8 });
  assert.equal([[...right], [...missed], [...wrong]], [[spoken[0], spoken[2]], [spoken[1]], [heard[1], heard[2]]]);
  // a word that is not over is not missed
  assert.is(matched(spoken, [], [1, 3.5], { earlyS: 0, lateS: 0.8 }).missed.size, 0);
});

test('an output is a probability if its range is 0 to 1, but not if it is 0 to 1.9', () => {
  const manifest = tinyManifest();
  const [output] = manifest.outputs as [(typeof manifest.outputs)[number]];
  const kind = (scale: number, zeroPoint: number) => readingOf({ ...manifest, outputs: [{ ...output, scale, zeroPoint }] }).kind;
  assert.is(kind(1 / 256, -128), 'word');
  assert.is(kind(1.9 / 255, -128), 'quantity');
  assert.is(kind(1 / 256, 0), 'quantity');
  assert.equal([secondsText(0.0125), secondsText(1.5), secondsText(0.5)], ['12.5 ms', '1.5 s', '500 ms']);
});

test.run();
