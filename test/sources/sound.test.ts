/**
 * Sound: every encoding compared with wavefile's, WAV through a pipe with and without a length, channels,
 * rates, raw samples, errors.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import wavefile from 'wavefile';
import { openSource, type SourceOptions } from '../../host/sources/index.ts';
import { decodePcm, type PcmEncoding } from '../../host/sources/pcm.ts';
import { Resampler } from '../../host/sources/resample.ts';
import { wavSource } from '../../host/sources/wav.ts';
import { codeOf, collect, once, randomOf } from '../host/helpers.ts';

const one: SourceOptions = { frameElements: 1 };

function wavOf(channels: number, rateHz: number, depth: string, samples: ArrayLike<number>): Uint8Array {
  const wav = new wavefile.WaveFile();
  const each = Array.from({ length: channels }, (_, c) => Array.from(samples).filter((_, i) => i % channels === c));
  wav.fromScratch(channels, rateHz, depth, (channels === 1 ? each[0] : each) as never);
  return wav.toBuffer();
}

const random = randomOf(9);
const noise = Array.from({ length: 600 }, () => random(65536) - 32768);

test('mu-law and A-law: all 256 codes are decoded, from WAV files of wavefile', async () => {
  for (const law of ['MuLaw', 'ALaw'] as const) {
    const wav = new wavefile.WaveFile();
    wav.fromScratch(1, 8000, '16', noise as never);
    wav[`to${law}`]();
    const bytes = wav.toBuffer();
    wav[`from${law}`]();
    const expected = Array.from(wav.getSamples(false, Int16Array) as unknown as Int16Array, (x) => x / 32768);
    assert.equal(await collect(wavSource(bytes, 'x', one)), expected, law);
    const codes = Uint8Array.from({ length: 256 }, (_, i) => i);
    const all = new wavefile.WaveFile();
    all.fromScratch(1, 8000, law === 'MuLaw' ? '8m' : '8a', codes as never);
    all[`from${law}`]();
    const table = Array.from(all.getSamples(false, Int16Array) as unknown as Int16Array, (x) => x / 32768);
    assert.equal([...decodePcm(codes, law === 'MuLaw' ? 'mulaw' : 'alaw')], table, law);
  }
});

/** Returns a WAV with placeholder lengths, as programs write it into a pipe. */
function unknownLength(wav: Uint8Array, riff: number, data: number): Uint8Array {
  const copy = wav.slice();
  const view = new DataView(copy.buffer);
  view.setUint32(4, riff, true);
  const at = Buffer.from(copy).indexOf('data');
  view.setUint32(at + 4, data, true);
  return copy;
}

test('a WAV through a pipe is read in pieces, with a length or with the placeholders of arecord, sox and ffmpeg', async () => {
  const wav = wavOf(1, 8000, '16', noise);
  const expected = noise.map((x) => x / 32768);
  const trailing = new Uint8Array([...wav, ...Buffer.from('LIST\x04\0\0\0abcd')]);
  for (const piece of [1, 7, 45, 4096])
    for (const options of [{}, { sound: true }, { format: 'wav' as const }]) {
      const read = (bytes: Uint8Array) => collect(openSource('-', { ...one, ...options, stdin: once(bytes, piece) }));
      assert.equal(await read(wav), expected);
      assert.equal(await read(trailing), expected, 'what follows the samples is no sound');
      for (const [riff, data] of [
        [0x80000024, 0x80000000],
        [0x7fffffff + 36, 0x7fffffff],
        [0x7ffff024, 0x7ffff000],
        [0xffffffff, 0xffffffff],
        [0, 0],
      ] as const) {
        const bytes = unknownLength(wav, riff, data);
        assert.equal(await read(bytes), expected, `${data}`);
        assert.equal(await read(bytes.subarray(0, bytes.length - 1)), expected.slice(0, -1), 'stopped inside a sample');
        if (piece === 1) assert.equal(await collect(wavSource(bytes, 'x', one)), expected, 'saved to a file');
      }
    }
  const pipe = (bytes: Uint8Array) => codeOf(() => collect(openSource('-', { ...one, stdin: once(bytes, 4099) })));
  assert.is(await pipe(wav.subarray(0, 30)), 'RN728');
  assert.is(await pipe(wav.subarray(0, 44)), 'RN737');
  assert.is(
    await pipe(new Uint8Array([...wav.subarray(0, 12), ...new Uint8Array(1 << 21).fill(0x80)])),
    'RN728',
    'no end of header',
  );
});

test('channels can be all, one, some or mixed', async () => {
  const wav = wavOf(
    3,
    8000,
    '16',
    [3, 6, 9, 30, 60, 90].map((x) => x * 256),
  );
  const read = async (options: Partial<SourceOptions>) =>
    (await collect(wavSource(wav, 'x', { ...one, ...options }))).map((x) => x * 128);
  assert.equal(await read({ frameElements: 3 }), [3, 6, 9, 30, 60, 90]);
  assert.equal(await read({ channel: '2' }), [9, 90]);
  assert.equal(await read({ channel: 'mix' }), [6, 60]);
  assert.equal(await read({ sound: true }), [6, 60]);
  assert.equal(await read({ sound: true, columns: ['1'] }), [6, 60]);
  assert.equal(await read({ frameElements: 2, columns: ['2', '0'] }), [9, 3, 90, 30]);
  for (const options of [{}, { columns: ['3'] }, { columns: ['left'] }, { channel: '-1' }, { frameElements: 2, columns: ['0'] }])
    assert.is(await codeOf(() => read(options)), 'RN722', JSON.stringify(options));
});

test('another rate is resampled to the model’s, for pieces of any length', async () => {
  const samples = Array.from({ length: 9000 }, (_, n) => Math.round(12000 * Math.sin(n / 7)));
  const r = new Resampler(44100, 16000);
  const signal = Float32Array.from(samples, (x) => x / 32768);
  const expected = [...r.push(signal), ...r.flush()];
  const wav = wavOf(1, 44100, '16', samples);
  const source = wavSource(wav, 'x.wav', { ...one, sampleRateHz: 16000, resample: true });
  assert.is(source.totalFrames, expected.length);
  assert.is(source.sampleRateHz, 16000);
  assert.match(source.describe, '44100 Hz, 1 channel (resampled to 16000 Hz), 9,000 frames (0.2 s)');
  assert.equal(await collect(source), expected);
  for (const piece of [100, 1001])
    assert.equal(
      await collect(openSource('-', { ...one, sampleRateHz: 16000, resample: true, stdin: once(wav, piece) })),
      expected,
    );
  const raw = new Uint8Array(Int16Array.from(samples).buffer);
  const options: SourceOptions = { ...one, sampleRateHz: 16000, rawRateHz: 44100, sound: true, resample: true };
  assert.equal(await collect(openSource('mic', { ...options, stdin: once(raw, 333) })), expected);
});

test('raw samples of every encoding are read from standard input and files', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'runlet-sound-'));
  test.after(() => rmSync(folder, { recursive: true }));
  const values = [0, 0.5, -0.25, -1];
  const bytes: Record<PcmEncoding, ArrayBufferLike> = {
    u8: Uint8Array.from([128, 192, 96, 0]).buffer,
    s16: Int16Array.from([0, 16384, -8192, -32768]).buffer,
    s24: Uint8Array.from([0, 0, 0, 0, 0, 0x40, 0, 0, 0xe0, 0, 0, 0x80]).buffer,
    s32: Int32Array.from([0, 2 ** 30, -(2 ** 29), -(2 ** 31)]).buffer,
    f32: Float32Array.from(values).buffer,
    f64: Float64Array.from(values).buffer,
    mulaw: Uint8Array.from([0xff, 0x8f, 0x1f, 0x00]).buffer,
    alaw: Uint8Array.from([0xd5, 0xa5, 0x35, 0x2a]).buffer,
  };
  for (const [format, buffer] of Object.entries(bytes) as [PcmEncoding, ArrayBufferLike][]) {
    const data = new Uint8Array(buffer);
    const got = await collect(openSource('-', { ...one, format, stdin: once(data, 3) }));
    for (const [i, value] of values.entries())
      assert.ok(Math.abs((got[i] as number) - value) < (format.endsWith('law') ? 0.03 : 1e-9), `${format}: ${got}`);
    const path = join(folder, `x.${format}`);
    writeFileSync(path, data);
    assert.equal(await collect(openSource(path, one)), got, 'by the name’s ending');
    assert.equal(await collect(openSource('-', { ...one, format, rawChannels: 2, channel: '1', stdin: once(data) })), [
      got[1],
      got[3],
    ]);
    if (format !== 'u8' && !format.endsWith('law'))
      assert.is(await codeOf(() => collect(openSource('-', { ...one, format, stdin: once(data.subarray(1)) }))), 'RN735');
  }
});

test('text on standard input is read as it arrives', async () => {
  let more: () => void = () => {};
  const wait = new Promise<void>((resolve) => {
    more = resolve;
  });
  const lines = async function* () {
    yield new TextEncoder().encode('1\n');
    await wait;
    yield new TextEncoder().encode('2\n');
  };
  const source = await openSource('-', { ...one, stdin: lines() });
  const frames = source.frames[Symbol.asyncIterator]();
  assert.equal([...((await frames.next()).value as Float32Array)], [1]);
  more();
  assert.equal([...((await frames.next()).value as Float32Array)], [2]);
});

test.run();
