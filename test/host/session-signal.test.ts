/** Signals that state their number of values per frame, and the result of a classifier: label and score. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openSession, type Session, type Signal } from '../../host/session/index.ts';
import { codeOf } from './helpers.ts';
import { hop, type TinyOptions, tinyBundle, window } from './tiny-bundle.ts';

const open = async (options: TinyOptions = {}): Promise<Session> =>
  openSession((await tinyBundle(options)) as Uint8Array<ArrayBuffer>);

const channels = 6;
const labels = ['sit', 'walk', 'run', 'turn', 'lie', 'stand'];
/** Frames of six values, in steps of the tiny bundle's scale. */
const signal = Float32Array.from({ length: 5 * hop * channels }, (_, i) => 0.5 * (((i * 7) % 41) - 20));
const rowsOf = (values: Float32Array, width: number): number[][] =>
  Array.from({ length: values.length / width }, (_, n) => [...values.subarray(n * width, (n + 1) * width)]);

async function outputsOf(session: Session, frames: Signal): Promise<number[][]> {
  const outputs: number[][] = [];
  session.reset();
  session.pushAll(frames, () => outputs.push([...session.output()]));
  const streamed: number[][] = [];
  session.reset();
  for await (const { output } of session.stream([frames])) streamed.push([...output]);
  assert.equal(streamed, outputs);
  return outputs;
}

test('a session gives the width of a frame and the names of its classes', async () => {
  const six = await open({ channels, labels });
  assert.is(six.frameElements, 6);
  assert.equal(six.labels, labels);
  const cepstra = await open({ channels: 2, features: 5 });
  assert.is(cepstra.frameElements, 10);
  assert.equal(cepstra.labels, []);
});

test('a typed array, rows, and { data, channels } of the same frames give the same outputs in every call', async () => {
  const session = await open({ channels });
  const expected = await outputsOf(session, signal);
  assert.is(expected.length, 4);
  for (const same of [rowsOf(signal, channels), { data: signal, channels }, [{ data: signal, channels }]])
    assert.equal(await outputsOf(session, same), expected);
  session.reset();
  const first = rowsOf(signal, channels);
  for (let n = 0; n < window; n += hop) session.push(first.slice(n, n + hop));
  assert.equal([...session.output()], expected[0]);
  session.reset();
  session.pushPart(first, 0, hop);
  session.pushPart({ data: signal, channels }, hop, hop);
  assert.equal([...session.output()], expected[0]);
  assert.is(session.framesIn(first), 5 * hop);
  const stored = Int8Array.from(signal, (x) => 2 * x);
  assert.equal(await outputsOf(session, { data: stored, channels }), expected);
});

test('frames of another width are refused even if their length divides, and none is consumed', async () => {
  const [mono, six] = [await open(), await open({ channels })];
  const stereo = new Float32Array(hop);
  const wrong: [Session, Signal, string][] = [
    [mono, { data: stereo, channels: 2 }, 'RN718'],
    [mono, rowsOf(stereo, 2), 'RN718'],
    [six, { data: new Float32Array(12), channels: 3 }, 'RN718'],
    [six, [{ data: new Float32Array(12), channels: 12 }], 'RN718'],
    [six, rowsOf(new Float32Array(12), 3), 'RN718'],
    // only the last row is wrong
    [six, [...rowsOf(new Float32Array(12), 6), [1, 2, 3]], 'RN718'],
    [six, new Float32Array(9), 'RN706'],
    [six, { data: new Float32Array(9), channels }, 'RN706'],
    [six, [], 'RN706'],
    [six, [[1, 2, 3, 4, 5, '6']] as unknown as Signal, 'RN708'],
    [six, [[1, 2, 3, 4, 5, 6], null] as unknown as Signal, 'RN708'],
    [six, { data: [1, 2, 3, 4, 5, 6], channels } as unknown as Signal, 'RN708'],
    [six, { data: new Float32Array(6), channels: '6' } as unknown as Signal, 'RN718'],
    [six, [[1, 2, 3, 4, 5, Number.NaN]], 'RN709'],
    [six, rowsOf(signal, channels), 'RN707'],
  ];
  for (const [session, frames, code] of wrong) {
    assert.is(await codeOf(() => session.push(frames)), code, JSON.stringify(frames));
    assert.is(session.framesPushed, 0);
  }
  assert.is(await codeOf(() => mono.pushAll({ data: stereo, channels: 2 }, () => {})), 'RN718');
  assert.is(mono.push(stereo), false, 'a plain array has no count of channels');
});

test('the error for a wrong width names both widths, and what to pass', async () => {
  const mono = await open();
  assert.throws(
    () => mono.push({ data: new Float32Array(hop), channels: 2 }),
    /has 2 values, and the model takes 1 value .*only one channel/,
  );
});

test('if a list changes while it is read, each frame is read once', async () => {
  const session = await open({ channels: 2 });
  let reads = 0;
  const turncoat = Object.defineProperty([], 0, { enumerable: true, get: () => (reads++ === 0 ? [1, 2] : 'abcd') });
  session.push(turncoat as unknown as number[][]);
  assert.is(session.framesPushed, 1);
  const holes = new Array(2 ** 32 - 1) as number[][];
  holes[0] = [1, 2];
  assert.is(await codeOf(() => session.push(holes)), 'RN708');
});

test('result is the label with the highest score, from the first output on', async () => {
  const session = await open({ channels, labels });
  assert.is(session.result(), undefined);
  const frame = [-1, 0.5, 3, 2.5, -4, 3];
  session.pushAll(
    Array.from({ length: window }, () => frame),
    () => {},
  );
  assert.equal(session.result(), { label: 'run', score: 3, index: 2 });
  const snapshot = session.snapshot();
  session.reset();
  assert.is(session.result(), undefined, 'after a reset');
  session.restore(snapshot);
  assert.is(session.result(), undefined, 'a snapshot has no outputs');
  session.push(Array.from({ length: hop }, () => [9, ...frame.slice(1)]));
  assert.equal(session.result(), { label: 'sit', score: 4, index: 0 });
  assert.is(await codeOf(() => session.result(1)), 'RN711');
});

test('a model without labels for its output has no result', async () => {
  assert.is(await codeOf(async () => (await open()).result()), 'RN719');
  assert.is(await codeOf(async () => (await open({ channels: 2, labels: ['one'] })).result()), 'RN719');
  const one = await open({ labels: ['word'] });
  one.pushAll(new Float32Array(window).fill(2), () => {});
  assert.equal(one.result(), { label: 'word', score: 2, index: 0 });
});

test.run();
