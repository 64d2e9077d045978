/** The front end `ppg` against the recipe's preprocess.py: the same values on a raw signal with a gap. */
import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ppgFrontEnd } from '../../host/features/ppg.ts';

/** Reads the values of a one-dimensional, little-endian float32 .npy file. */
function fixture(name: string): Float32Array {
  const bytes = readFileSync(new URL(`../../models/zoo/ppg-hr/fixtures/${name}`, import.meta.url));
  const start = 10 + bytes.readUInt16LE(8);
  assert.match(bytes.toString('latin1', 10, start), "'descr': '<f4'");
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset + start, bytes.byteOffset + bytes.length));
}

const raw = fixture('front-end-raw.npy');
const expected = fixture('front-end-out.npy');

test('the front end equals the Python one of the training, also with gaps', () => {
  assert.is(raw.length, 640);
  assert.is(expected.length, raw.length);
  assert.ok(raw.some(Number.isNaN), 'the fixture has a gap');
  const frontEnd = ppgFrontEnd({ sampleRateHz: 32 });
  let clipped = 0;
  for (const [n, sample] of raw.entries()) {
    const out = frontEnd.push(sample);
    assert.ok(Math.abs(out - (expected[n] ?? Number.NaN)) <= 1e-6, `sample ${n}: ${out} instead of ${expected[n]}`);
    if (Math.abs(out) === 4) clipped += 1;
  }
  assert.ok(clipped > 0, 'the fixture reaches the clip');
});

test('a reset starts a new recording', () => {
  const frontEnd = ppgFrontEnd({ sampleRateHz: 32 });
  const first = Array.from(raw, (sample) => frontEnd.push(sample));
  frontEnd.reset();
  const second = Array.from(raw, (sample) => frontEnd.push(sample));
  assert.equal(second, first);
});

test('the output is independent of offset and scale of the input, and changes its sign with it', () => {
  const plain = ppgFrontEnd({ sampleRateHz: 32 });
  const changed = ppgFrontEnd({ sampleRateHz: 32 });
  for (const sample of raw) {
    assert.ok(Math.abs(plain.push(sample) + changed.push(5 - 0.25 * sample)) < 1e-9);
  }
});

test('the filter passes the pulse band, and stops drift and fast noise', () => {
  const rms = (hz: number): number => {
    // compared with a pulse of equal amplitude at 1.5 Hz: otherwise gain control hides the filter
    const frontEnd = ppgFrontEnd({ sampleRateHz: 64 });
    const alone = ppgFrontEnd({ sampleRateHz: 64 });
    let sum = 0;
    for (let n = 0; n < 64 * 40; n++) {
      const pulse = Math.sin((2 * Math.PI * 1.5 * n) / 64);
      const difference = frontEnd.push(pulse + Math.sin((2 * Math.PI * hz * n) / 64)) - alone.push(pulse);
      if (n >= 64 * 20) sum += difference ** 2;
    }
    return Math.sqrt(sum / (64 * 20));
  };
  assert.ok(rms(0.1) < 0.1, `0.1 Hz: ${rms(0.1)}`);
  assert.ok(rms(28) < 0.1, `28 Hz: ${rms(28)}`);
  assert.ok(rms(3) > 0.5, `3 Hz: ${rms(3)}`);
});

test('a flat signal stays at 0, also before the first finite sample', () => {
  const frontEnd = ppgFrontEnd({ sampleRateHz: 32 });
  assert.is(frontEnd.push(Number.NaN), 0);
  for (let n = 0; n < 100; n++) assert.is(frontEnd.push(1e5), 0);
  assert.is(Math.abs(frontEnd.push(Number.POSITIVE_INFINITY)), 0);
});

test('sample rates up to twice the upper corner frequency and a floor of 0 are refused', () => {
  assert.throws(() => ppgFrontEnd({ sampleRateHz: 16 }), /above 16 Hz/);
  assert.throws(() => ppgFrontEnd({ sampleRateHz: Number.NaN }), RangeError);
  assert.throws(() => ppgFrontEnd({ sampleRateHz: 32, floor: 0 }), RangeError);
});

test.run();
