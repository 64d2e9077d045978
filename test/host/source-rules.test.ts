/** Sources at their limits: clocks and gaps, encodings of samples, and values of a WAV header. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Clock } from '../../host/sources/clock.ts';
import { GapList } from '../../host/sources/gaps.ts';
import { decodePcm, type PcmEncoding } from '../../host/sources/pcm.ts';
import { wavHeader } from '../../host/sources/wav-header.ts';
import { isRunletError } from '../../models/error.ts';

test('lost frames are the nearest whole number of periods, less one, in seconds and in milliseconds', () => {
  for (const [name, unit] of [
    ['time_s', 1],
    ['time_ms', 1000],
  ] as const) {
    for (const [periods, lost] of [
      [1, 0],
      [1.4, 0],
      [1.6, 1],
      [1.9, 1],
      [2.4, 1],
      [2.6, 2],
      [101, 100],
    ] as const) {
      const clock = new Clock(name, 50);
      clock.before('10', false, 'row 1');
      assert.is(clock.before(`${10 + (periods * unit) / 50}`, false, 'row 2'), lost, `${name}: ${periods}`);
    }
    const long = new Clock(name, 100);
    long.before('0', false, 'row 1');
    assert.is(long.before(`${unit * 60}`, false, 'row 2'), 5999, 'a minute');
  }
  const back = new Clock('time_s', 50);
  back.before('2', false, 'row 1');
  assert.throws(
    () => back.before('1.99', false, 'row 2'),
    (e: unknown) => isRunletError(e) && e.code === 'RN749',
  );
});

test('the number of present frames before any frame of the signal equals a count one by one', () => {
  const gaps = new GapList();
  const lost = new Set<number>();
  let at = 0;
  let whole = 0;
  for (const [present, frames] of [
    [5, 3],
    [2, 1],
    [7, 10],
  ] as const) {
    at += present;
    whole += present;
    gaps.add(at, frames);
    for (let i = 0; i < frames; i++) lost.add(whole++);
  }
  let count = 0;
  for (let frame = 0; frame < whole + 5; frame++) {
    assert.is(gaps.before(frame), count, `${frame}`);
    if (!lost.has(frame)) count++;
  }
  assert.is(gaps.total, 14);
});

/** Source: ITU-T G.711, tables 1 and 2: values of 14 (mu) and 13 (A) bits at the ends of the code. */
test('both ends and the middle of every sample encoding are right', () => {
  const bytes = (...values: number[]) => Uint8Array.from(values);
  const cases: [PcmEncoding, Uint8Array, number][] = [
    ['u8', bytes(0), -1],
    ['u8', bytes(128), 0],
    ['u8', bytes(255), 127 / 128],
    ['s16', bytes(0, 0x80), -1],
    ['s16', bytes(0xff, 0xff), -1 / 32768],
    ['s24', bytes(0, 0, 0x80), -1],
    ['s24', bytes(0xff, 0xff, 0xff), -1 / 8388608],
    ['s24', bytes(0xff, 0xff, 0x7f), 8388607 / 8388608],
    ['s32', bytes(0, 0, 0, 0x80), -1],
    ['mulaw', bytes(0xff), 0],
    ['mulaw', bytes(0x80), 32124 / 32768],
    ['mulaw', bytes(0x00), -32124 / 32768],
    ['alaw', bytes(0xd5), 8 / 32768],
    ['alaw', bytes(0x55), -8 / 32768],
    ['alaw', bytes(0xda), 248 / 32768],
    ['alaw', bytes(0xaa), 32256 / 32768],
    ['alaw', bytes(0x2a), -32256 / 32768],
  ];
  for (const [encoding, given, value] of cases)
    assert.is(decodePcm(given, encoding)[0], Math.fround(value), `${encoding} ${given}`);
});

/** Returns a WAV header of chunks. */
function header(block: number, extra: number[] = []): Uint8Array {
  const out = new Uint8Array(12 + extra.length + 24 + 8 + 8);
  const view = new DataView(out.buffer);
  const tag = (at: number, text: string) => out.set(new TextEncoder().encode(text), at);
  tag(0, 'RIFF');
  view.setUint32(4, out.length - 8, true);
  tag(8, 'WAVE');
  out.set(extra, 12);
  const at = 12 + extra.length;
  tag(at, 'fmt ');
  view.setUint32(at + 4, 16, true);
  for (const [offset, value] of [[8, 1], [10, 2], [20, block], [22, 16]] as const) view.setUint16(at + offset, value, true); // biome-ignore format: a table
  view.setUint32(at + 12, 8000, true);
  tag(at + 24, 'data');
  view.setUint32(at + 28, 8, true);
  return out;
}

test('WAV blocks have no bytes between frames, and chunks of odd length are padded to even', () => {
  const plain = header(4);
  assert.is(wavHeader(plain, plain.length)?.dataBytes, 8);
  const list = [...new TextEncoder().encode('LIST'), 3, 0, 0, 0, 1, 2, 3, 0];
  const odd = header(4, list);
  assert.is(wavHeader(odd, odd.length)?.dataAt, 12 + list.length + 32);
  for (const block of [3, 5, 6]) {
    const wrong = header(block);
    assert.throws(
      () => wavHeader(wrong, wrong.length),
      (e: unknown) => isRunletError(e) && e.code === 'RN728',
    );
  }
});

test.run();
