/**
 * Parts of the gateway without a socket, disk or thread: both forms of the wire, lines and COBS, ranges of
 * inputs, frames of several inputs.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { compareOutputs } from '../../host/gateway/hub/agreement.ts';
import { cobs, tickOf, uncobs } from '../../host/gateway/streams/lines.ts';
import { Sequencer } from '../../host/gateway/streams/sequencer.ts';
import { readFrames, readOutput, writeFrames, writeOutput } from '../../host/gateway/streams/wire.ts';
import { framesOf, hasNaN, tickBytes } from '../../host/gateway/worker/frames.ts';
import { InputRange } from '../../host/gateway/worker/range.ts';
import { codeOf } from '../host/helpers.ts';
import { tinyManifest } from '../host/tiny-bundle.ts';
import { random } from '../property/random-network.ts';

test('messages of frames are read as they were written, with numbers beyond 2^32, and a header cannot point outside its message', async () => {
  const bytes = Uint8Array.of(1, 2, 3, 4, 5);
  for (const message of [
    { stream: 'lab/ä', from: 2 ** 40 + 5, timestampMs: 1.75e12 + 0.125, bytes },
    { stream: 'x', from: 0, bytes },
    { timestampMs: 3, bytes },
  ]) {
    const read = readFrames(writeFrames(message));
    assert.equal([read.stream, read.from, read.timestampMs, [...read.bytes]], [('stream' in message && message.stream) || undefined, message.from, message.timestampMs, [...bytes]]); // biome-ignore format: one line
  }
  const good = writeFrames({ stream: 'abcde', from: 7, bytes });
  const edited = (edit: (view: DataView) => void) => {
    const copy = good.slice();
    edit(new DataView(copy.buffer));
    return codeOf(() => readFrames(copy));
  };
  assert.is(await edited(() => {}), 'none');
  assert.is(await edited((view) => view.setUint8(0, 2)), 'RN870');
  for (const offset of [24, 28, 30, 33, 40, 65532])
    assert.is(await edited((view) => view.setUint16(2, offset, true)), 'RN870', `frames at ${offset}`);
  for (const name of [9, 65, 2 ** 31])
    assert.is(await edited((view) => view.setUint32(4, name, true)), 'RN870', `a name of ${name}`);
  assert.is(await edited((view) => view.setUint32(12, 2 ** 20 + 1, true)), 'RN870', 'a tick beyond 2^52');
  assert.is(await edited((view) => { view.setUint32(8, 0, true); view.setUint32(12, 2 ** 20, true); }), 'none', 'tick 2^52'); // biome-ignore format: one line
  for (let length = 0; length < 32; length++)
    assert.is(await codeOf(() => readFrames(good.subarray(0, length))), 'RN870', `${length} bytes`);
});

test('the name of a stream has at most 64 bytes', async () => {
  const bytes = new Uint8Array(4);
  assert.is(readFrames(writeFrames({ stream: 'ä'.repeat(32), bytes })).stream, 'ä'.repeat(32));
  assert.is(await codeOf(() => readFrames(writeFrames({ stream: 'x'.repeat(65), bytes }))), 'RN870');
});

test('a message that is split keeps the position of its timestamp', () => {
  const options = { tickBytes: 1, reorderTicks: 4, gap: 'hold', gapLimitTicks: 2, late: 'restart', zeroTick: new Uint8Array(1) } as const; // biome-ignore format: one line
  const s = new Sequencer(options);
  s.push({ from: 0, bytes: Uint8Array.of(0) });
  s.push({ from: 3, bytes: Uint8Array.of(3, 4), timestampMs: 30 });
  const steps = s.push({ from: 1, bytes: Uint8Array.of(1, 2, 3, 4, 5, 6), timestampMs: 10 });
  assert.equal(
    steps.map((step) => step.kind === 'frames' && [step.from, [...step.bytes], step.timestampMs, step.skipped]),
    [
      [1, [1, 2], 10, 0],
      [3, [3, 4], 30, 0],
      [5, [5, 6], 10, 4],
    ],
  );
  assert.is(s.counts.duplicate, 2);
});

test('outputs are read as they were written, with digests that begin with zeros and ticks beyond 2^32', () => {
  const output = {
    stream: 's',
    sequence: 2 ** 33 + 1,
    tick: 2 ** 45 + 7,
    digest: '00ab01ff',
    filled: 3,
    values: Float32Array.of(1.5, -2),
  };
  assert.equal(readOutput(writeOutput('s', output)), output);
});

test('COBS sends no zero byte and decodes what it encoded, also for runs of 253 to 256 bytes', () => {
  const rnd = random(5);
  const lengths = [0, 1, 2, 253, 254, 255, 256, 508, 509, 600];
  for (const length of lengths)
    for (const zeros of [0, 0.01, 0.5, 1]) {
      const bytes = Uint8Array.from({ length }, () => (rnd() < zeros ? 0 : 1 + Math.floor(rnd() * 255)));
      const line = cobs(bytes);
      assert.not.ok(line.includes(0), `${length}`);
      assert.equal(uncobs(line), bytes, `${length} bytes, zeros ${zeros}`);
    }
  for (const wrong of [[0], [5, 1], [2, 1, 3]]) assert.is(uncobs(Uint8Array.from(wrong)), undefined, `${wrong}`);
});

const [signal] = tinyManifest().inputs as [ReturnType<typeof tinyManifest>['inputs'][number]];

test('a line of numbers is a tick if each number fits its type', () => {
  const of = (hostType: typeof signal.hostType, numbers: number[], elements = 1) => {
    const tick = tickOf({ inputs: [{ ...signal, hostType, elements }] }, numbers);
    return tick && [...tick];
  };
  assert.equal(of('int8', [-128]), [128]);
  assert.equal(of('uint8', [255]), [255]);
  for (const [type, value] of [['int8', 128], ['int8', -129], ['uint8', -1], ['uint8', 256], ['int16', 32768], ['int8', 0.5], ['float32', Number.NaN], ['float32', Number.POSITIVE_INFINITY]] as const) assert.is(of(type, [value]), undefined, `${type} ${value}`); // biome-ignore format: a table
  assert.is(of('int8', [1, 2]), undefined);
  assert.is(of('int8', [1], 2), undefined);
});

test('frames of several inputs are separated tick by tick, and NaN in any input is found', () => {
  const inputs = [
    { ...signal, hostType: 'float32' as const, elements: 1, rate: 2 },
    { ...signal, hostType: 'int8' as const, elements: 3, rate: 1 },
  ];
  assert.is(tickBytes({ inputs }), 11);
  const bytes = new Uint8Array(22);
  const view = new DataView(bytes.buffer);
  for (const [i, value] of [1, 2].entries()) view.setFloat32(4 * i, value, true);
  bytes.set([7, 8, 9], 8);
  for (const [i, value] of [3, 4].entries()) view.setFloat32(11 + 4 * i, value, true);
  bytes.set([10, 11, 12], 19);
  assert.equal((framesOf({ inputs }, bytes) as Float32Array[]).map((part) => [...part]), [[1, 2, 3, 4], [7, 8, 9, 10, 11, 12]]); // biome-ignore format: one line
  assert.is(hasNaN({ inputs }, bytes), false);
  view.setFloat32(15, Number.NaN, true);
  assert.is(hasNaN({ inputs }, bytes), true);
});

test('the range of an input has minimum, maximum, mean and the number of saturated values since the last read', () => {
  const range = new InputRange({ inputs: [{ ...signal, hostType: 'int8', elements: 2 }] });
  const frames = Int8Array.of(-128, 5, 10, 127, 20, -3, 127, 1);
  range.see(frames, 0, 2);
  range.see(frames, 2, 2);
  assert.equal([...range.take()], [4, -128, 127, 29 / 4, 2, -3, 127, 130 / 4, 1]);
  range.see(frames, 1, 1);
  assert.equal([...range.take()], [1, 10, 10, 10, 0, 127, 127, 127, 1]);
});

test('outputs agree if each has its largest element at the same index, or an equal value if it has only one', () => {
  const of = (mine: number[][], theirs: number[][]) =>
    compareOutputs(mine.map((y) => Float32Array.from(y)), theirs.map((y) => Float32Array.from(y))).agrees; // biome-ignore format: one line
  assert.equal([of([[1]], [[1]]), of([[1]], [[2]]), of([[0, 1]], [[0, 2]]), of([[0, 1]], [[1, 0]])], [true, false, true, false]); // biome-ignore format: one line
  assert.equal([of([[1], [0, 1]], [[2], [0, 1]]), of([[0, 1], [1]], [[0, 1], [2]])], [false, false]);
});

test.run();
