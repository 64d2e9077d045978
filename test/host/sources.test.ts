/** Sources: each kind is read right, refuses wrong input, and survives damaged input. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zipSync } from 'fflate';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import wavefile from 'wavefile';
import { csvSource } from '../../host/sources/csv.ts';
import { openSource, type SourceOptions } from '../../host/sources/index.ts';
import { readNpy, writeNpy } from '../../host/sources/npy.ts';
import { readNpz } from '../../host/sources/npz.ts';
import { wavSource } from '../../host/sources/wav.ts';
import { halfToFloat } from '../../models/read/half.ts';
import { codeOf, collect, fuzzCount, mutate, once, randomOf, utf8 } from './helpers.ts';

const one: SourceOptions = { frameElements: 1 };
const csv = (text: string, options: SourceOptions = one, piece?: number) => csvSource(once(utf8(text), piece), 'x.csv', options);
const csvCode = (text: string, options?: SourceOptions) => codeOf(() => collect(csv(text, options)));

test('csv: header, columns, time, truth, separators and pieces are read', async () => {
  const text = 'time_s,a,b,hr\n0,1,2,60\n1,3,4,\n2,5,6e0,62\n';
  assert.equal(await collect(csv(text, { frameElements: 2, truth: 'hr' })), [1, 2, 3, 4, 5, 6]);
  assert.equal(await collect(csv(text, { frameElements: 1, columns: ['b'] }, 3)), [2, 4, 6]);
  assert.equal(await collect(csv(text, { frameElements: 2, columns: ['2', '1'] })), [2, 1, 4, 3, 6, 5]);
  const source = await csv(text, { frameElements: 2, truth: 'hr' });
  await collect(source);
  assert.equal([...(source.truth?.view() ?? [])], [60, Number.NaN, 62]);
  assert.equal(source.names, ['a', 'b']);
  assert.equal(await collect(csv('\ufeff1;2\n3;4', { frameElements: 2 })), [1, 2, 3, 4]);
  assert.equal(await collect(csv('# a comment\n1\t2\n\n3\t4\n', { frameElements: 2 })), [1, 2, 3, 4]);
  assert.equal(await collect(csv('x\n1\n\nnan\n2\n', { ...one, gaps: true })), [1, Number.NaN, 2]);
  const labels = await csv('x,y\n1,run\n2,walk\n', { ...one, truth: 'y', labels: ['walk', 'run'] });
  await collect(labels);
  assert.equal([...(labels.truth?.view() ?? [])], [1, 0]);
  const many = await collect(csv(Array.from({ length: 1000 }, (_, i) => `${i}`).join('\n')));
  assert.is(many.length, 1000);
});

test('csv: errors name the line', async () => {
  assert.is(await csvCode(''), 'RN737');
  assert.is(await csvCode('a,b\n1,2\n'), 'RN722');
  assert.is(await csvCode('a\n1,2\n'), 'RN725');
  assert.is(await csvCode('a\n"1\n'), 'RN725');
  assert.is(await csvCode('a\n1\n', { ...one, columns: ['z'] }), 'RN726');
  assert.is(await csvCode('1,2\n', { ...one, columns: ['2'] }), 'RN726');
  assert.is(await csvCode('a\n1\nx\n'), 'RN727');
  assert.is(await csvCode('a\n1\nNaN\n'), 'RN727');
  try {
    await collect(csv('a\n1\n2\nx\n'));
  } catch (error) {
    assert.match((error as Error).message, 'line 4');
  }
});

test('npy: every dtype is read as it was written', () => {
  for (const data of [
    new Float32Array([1.5, -2]),
    new Float64Array([0.1, 2]),
    new Int8Array([-1, 2]),
    new Uint8Array([1, 255]),
    new Int16Array([-300, 2]),
    new Uint16Array([65535, 1]),
    new Int32Array([-70000, 1]),
    new Uint32Array([4e9, 1]),
  ]) {
    const back = readNpy(writeNpy([2, 1], data));
    assert.equal(back.shape, [2, 1]);
    assert.equal(back.data, data);
    assert.is(writeNpy([2], data).length % 64, data.byteLength % 64);
  }
  assert.equal([0x3c00, 0xc000, 0x0001, 0x7c00, 0x3555].map(halfToFloat), [
    1,
    -2,
    2 ** -24,
    Number.POSITIVE_INFINITY,
    0.333251953125,
  ]);
});

/** Returns a .npy file with any header. */
const npyOf = (header: string, bytes: number, version = 1) => {
  const text = utf8(header);
  const head = version === 1 ? [text.length & 255, text.length >> 8] : [text.length & 255, text.length >> 8, 0, 0];
  return new Uint8Array([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, version, 0, ...head, ...text, ...new Uint8Array(bytes).fill(1)]);
};
const npyCode = (header: string, bytes: number, version = 1) => codeOf(() => readNpy(npyOf(header, bytes, version)));

test('npy: versions and 64-bit integers are read, and other files refused', async () => {
  assert.is(
    readNpy(npyOf("{'descr': '<i8', 'fortran_order': False, 'shape': (1,), }", 8, 3)).data[0],
    Number(0x0101010101010101n),
  );
  assert.is(readNpy(npyOf("{'descr': '<f2', 'fortran_order': False, 'shape': (), }", 2, 2)).data.length, 1);
  assert.is(await npyCode("{'descr': '>f4', 'fortran_order': False, 'shape': (1,), }", 4), 'RN731');
  assert.is(await npyCode("{'descr': '<c8', 'fortran_order': False, 'shape': (1,), }", 8), 'RN731');
  assert.is(await npyCode("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", 4), 'RN731');
  assert.is(await npyCode("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 2), }", 16), 'RN731');
  assert.is(await npyCode("{'descr': '<f4', 'fortran_order': True, 'shape': (1, 2), }", 8), 'none');
  assert.is(await npyCode("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", 7), 'RN730');
  assert.is(await npyCode("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", 9), 'RN730');
  assert.is(await npyCode("{'descr': '<f4', 'shape': (2,), }", 8), 'RN730');
  assert.is(await npyCode("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }", 8), 'RN730');
  assert.is(await npyCode('', 0, 9), 'RN730');
  assert.is(await codeOf(() => writeNpy([3], new Int8Array(2))), 'RN730');
});

const folder = mkdtempSync(join(tmpdir(), 'runlet-sources-'));
const file = (name: string, content: Uint8Array | string) => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};
test.after(() => rmSync(folder, { recursive: true }));

test('npy and npz as sources have shapes, rows and names', async () => {
  const values = Float32Array.from({ length: 12 }, (_, i) => i);
  const flat = file('flat.npy', writeNpy([12], values));
  const rows = file('rows.npy', writeNpy([2, 3, 2], values));
  assert.equal(await collect(openSource(flat, one)), [...values]);
  assert.equal(
    await collect(openSource(flat, { ...one, gain: 2 })),
    [...values].map((x) => 2 * x),
  );
  assert.equal(await collect(openSource(rows, { frameElements: 2, row: 1 })), [6, 7, 8, 9, 10, 11]);
  assert.equal(await collect(openSource(rows, { frameElements: 6 })), [...values]);
  assert.is(await codeOf(() => openSource(rows, { frameElements: 2 })), 'RN722');
  assert.is(await codeOf(() => openSource(rows, { frameElements: 2, row: 2 })), 'RN722');
  const two = file('two.npz', zipSync({ 'x.npy': writeNpy([12], values), 'y.npy': writeNpy([2, 6], values) }));
  assert.equal(await collect(openSource(two, { ...one, array: 'x' })), [...values]);
  assert.is(await codeOf(() => openSource(two, one)), 'RN733');
  assert.is(await codeOf(() => openSource(two, { ...one, array: 'z' })), 'RN733');
  assert.is(await codeOf(() => openSource(file('bad.npz', 'PK'), one)), 'RN732');
  assert.is(await codeOf(() => openSource(file('none.npz', zipSync({ a: new Uint8Array(1) })), one)), 'RN732');
  // A ZIP that claims 4 GB for an array is refused before unpacking.
  const bomb = zipSync({ 'x.npy': writeNpy([12], values) });
  const central = bomb.findIndex((_, i) => bomb[i] === 0x50 && bomb[i + 1] === 0x4b && bomb[i + 2] === 1 && bomb[i + 3] === 2);
  new DataView(bomb.buffer).setUint32(central + 24, 0xfffffff0, true);
  assert.is(await codeOf(() => readNpz(bomb)), 'RN724');
});

const wavOf = (channels: number, depth: string, samples: number[][]): Uint8Array => {
  const wav = new wavefile.WaveFile();
  wav.fromScratch(channels, 8000, depth, (channels === 1 ? samples[0] : samples) as never);
  return wav.toBuffer();
};

test('wav: depths, channels and mix are read', async () => {
  const depths: [string, number, number, number][] = [
    ['8', 128 + 64, 0.5, 1e-9],
    ['16', 16384, 0.5, 1e-9],
    ['24', 4194304, 0.5, 1e-9],
    ['32', 1073741824, 0.5, 1e-9],
    ['32f', 0.5, 0.5, 1e-9],
    ['64', 0.5, 0.5, 1e-9],
  ];
  for (const [depth, sample, expected] of depths) {
    const quiet = depth === '8' ? 128 : 0;
    const bytes = wavOf(2, depth, [
      [sample, sample, quiet],
      [quiet, sample, quiet],
    ]);
    const read = (channel?: string) => collect(wavSource(bytes, 'x', { frameElements: channel ? 1 : 2, channel }));
    assert.equal(await read(), [expected, 0, expected, expected, 0, 0], depth);
    assert.equal(await read('1'), [0, expected, 0], depth);
    assert.equal(await read('mix'), [expected / 2, expected, 0], depth);
  }
  const long = wavOf(1, '16', [Array.from({ length: 10_001 }, (_, i) => i % 100)]);
  const read = await collect(wavSource(long, 'x', one));
  assert.is(read.length, 10_001);
  assert.is(read[9999], 99 / 32768);
});

test('wav: wrong files are refused', async () => {
  const mono = wavOf(1, '16', [[1, 2, 3, 4]]);
  const wav = (bytes: Uint8Array, options = one) => codeOf(() => collect(wavSource(bytes, 'x', options)));
  assert.is(await wav(mono, { ...one, sampleRateHz: 8000 }), 'none');
  assert.is(await wav(mono, { ...one, sampleRateHz: 16000 }), 'RN723');
  assert.is(await wav(mono, { ...one, sampleRateHz: 16000, resample: true }), 'none');
  assert.is(await wav(mono, { frameElements: 2 }), 'RN722');
  assert.is(await wav(mono, { ...one, channel: '1' }), 'RN722');
  assert.is(await wav(mono.subarray(0, mono.length - 2)), 'RN728');
  assert.is(await wav(mono.subarray(0, 40)), 'RN728');
  assert.is(await wav(utf8('nothing at all')), 'RN728');
  assert.is(await wav(utf8('RIFX and so on')), 'RN729');
  const adpcm = mono.slice();
  adpcm[20] = 2;
  assert.is(await wav(adpcm), 'RN729');
});

test('standard input is read as text, JSON arrays, raw values and csv', async () => {
  const stdin = (content: Uint8Array | string, options: Partial<SourceOptions> = {}, piece?: number) =>
    collect(openSource('-', { ...one, ...options, stdin: once(typeof content === 'string' ? utf8(content) : content, piece) }));
  for (const piece of [1, 2, 7, 100]) {
    assert.equal(await stdin('1 2, 3\n# x\n\n[4, 5]\r\n[[6],[7]]\n8', {}, piece), [1, 2, 3, 4, 5, 6, 7, 8]);
    const f32 = new Uint8Array(Float32Array.from([1, 2.5, -3]).buffer);
    assert.equal(await stdin(f32, { format: 'f32' }, piece), [1, 2.5, -3]);
    assert.equal(await stdin(new Uint8Array(Int16Array.from([16384, -32768]).buffer), { format: 's16' }, piece), [0.5, -1]);
  }
  assert.equal(await stdin('a\n1\n2\n', { format: 'csv' }), [1, 2]);
  const bad = (content: string, options?: Partial<SourceOptions>) => codeOf(() => stdin(content, options));
  assert.is(await bad('1\nx\n'), 'RN734');
  assert.is(await bad('[1, "2"]\n'), 'RN734');
  assert.is(await bad('[1,\n'), 'RN734');
  assert.is(await bad('[]\n'), 'RN734');
  assert.is(await bad('1 2 3', { frameElements: 2 }), 'RN734');
  assert.is(await bad('12345', { format: 'f32' }), 'RN735');
  assert.is(await bad(''), 'RN737');
});

test('a generator gives the same signal for the same specification, with parameters and truth', async () => {
  const gen = (spec: string, options: SourceOptions = one) => collect(openSource(`gen:${spec}`, options));
  for (const kind of ['sine', 'chirp', 'noise', 'steps', 'ecg', 'ppg']) {
    const [a, b] = [await gen(`${kind}?seconds=5&noise=0.1`), await gen(`${kind}?seconds=5&noise=0.1`)];
    assert.equal(a, b);
    assert.is(a.length, 500);
    assert.ok(a.every(Number.isFinite));
    if (kind !== 'sine') assert.not.equal(a, await gen(`${kind}?seconds=5&noise=0.1&seed=2`));
  }
  assert.is((await gen('sine?freq=1&seconds=2', { frameElements: 3, sampleRateHz: 50 })).length, 300);
  const source = await openSource('gen:ppg?bpm=80&seconds=10', { ...one, truth: 'bpm' });
  await collect(source);
  assert.is(source.truth?.length, 1000);
  for (const spec of [
    '',
    'sin',
    'sine?frequency=1',
    'sine?freq=x',
    'sine?rate=0',
    'sine?seconds=-1',
    'ppg?bpm=10',
    'sine?freq=Infinity',
  ])
    assert.is(await codeOf(() => gen(spec)), 'RN736', spec);
});

test('files are recognised by their ending or their first bytes, and unreadable ones are refused', async () => {
  assert.equal(await collect(openSource(file('a.txt', '1\n2\n'), one)), [1, 2]);
  assert.equal(await collect(openSource(file('noending', '1\n2\n'), one)), [1, 2]);
  assert.equal(await collect(openSource(file('array', writeNpy([2], new Int8Array([3, 4]))), one)), [3, 4]);
  assert.is(await codeOf(() => openSource(join(folder, 'missing.csv'), one)), 'RN720');
  assert.is(await codeOf(() => openSource(folder, one)), 'RN720');
  assert.is(await codeOf(() => collect(openSource(file('empty.npy', writeNpy([0], new Int8Array(0))), one))), 'RN737');
});

// Damaged input gives a result or a RunletError. Any other error, and any hang, is a bug.
const fuzz = (name: string, good: Uint8Array, read: (bytes: Uint8Array) => Promise<unknown>) =>
  test(`fuzz: ${name}`, async () => {
    const random = randomOf(name.length);
    for (let n = 0; n < fuzzCount; n++) {
      const bytes = mutate(good, random);
      try {
        await codeOf(() => read(bytes));
      } catch (error) {
        throw new Error(`case ${n}: ${(error as Error).stack}\n${Buffer.from(bytes).toString('base64')}`);
      }
    }
  });

const small = writeNpy([4, 2], Float32Array.from([1, 2, 3, 4, 5, 6, 7, 8]));
fuzz('npy', small, async (bytes) => readNpy(bytes));
fuzz('npz', zipSync({ 'x.npy': small }), (bytes) => readNpz(bytes, 'x'));
fuzz('wav', wavOf(2, '24', [[1, 2, 3], [4, 5, 6]]), (bytes) => collect(wavSource(bytes, 'x', { frameElements: 2 }))); // biome-ignore format: one line
fuzz('csv', utf8('t,a,"b ""c"""\n0,1,2\n1,3,4\n2,5,6\n'), (bytes) =>
  collect(csvSource(once(bytes, 9), 'x', { frameElements: 2 })),
);

test.run();
