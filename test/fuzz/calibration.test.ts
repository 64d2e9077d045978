/**
 * Damaged calibration data: truncated or changed .npy, .npz, .csv and .wav files, and arrays with arbitrary
 * values. Each gives a RunletError or an int8 graph.
 *
 * RUNLET_CALIB_FILES files (5,000; 50,000 in `npm run soak -- calib`).
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zipSync } from 'fflate';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { calibrationChunks } from '../../host/command/calibration.ts';
import { writeNpy } from '../../host/sources/npy.ts';
import { isRunletError } from '../../models/error.ts';
import { isQuantised } from '../../models/graph/types.ts';
import { quantizeStream } from '../../quant/quantize.ts';
import { mutate, randomOf, utf8 } from '../host/helpers.ts';
import { channels, classifier, noise, window } from '../quant/small-classifier.ts';

const count = Number(process.env.RUNLET_CALIB_FILES ?? 5000);
const seed = Number(process.env.RUNLET_SEED ?? 1);
const frames = 3 * window;
const graph = classifier(seed, { metadata: { 'runlet.sample_rate_hz': '50' } });
const signal = noise(seed, frames);
const folder = mkdtempSync(join(tmpdir(), 'runlet-calib-'));

const csv = (): Uint8Array => {
  const rows = Array.from(
    { length: frames },
    (_, t) => `${t / 50},${[...signal.subarray(t * channels, (t + 1) * channels)].join(',')}`,
  );
  return utf8(`time_s,a,b,c\n${rows.join('\n')}\n`);
};

const wav = (): Uint8Array => {
  const bytes = Buffer.alloc(44 + signal.length * 2);
  bytes.write('RIFF', 0);
  bytes.writeUInt32LE(bytes.length - 8, 4);
  bytes.write('WAVEfmt ', 8);
  bytes.writeUInt32LE(16, 16);
  bytes.writeUInt16LE(1, 20);
  bytes.writeUInt16LE(channels, 22);
  bytes.writeUInt32LE(50, 24);
  bytes.writeUInt32LE(50 * channels * 2, 28);
  bytes.writeUInt16LE(channels * 2, 32);
  bytes.writeUInt16LE(16, 34);
  bytes.write('data', 36);
  bytes.writeUInt32LE(signal.length * 2, 40);
  for (const [i, v] of signal.entries()) bytes.writeInt16LE(Math.round(32767 * v), 44 + 2 * i);
  return bytes;
};

const npy = writeNpy([frames, channels], signal);
const files: [string, Uint8Array][] = [
  ['npy', npy],
  ['npy', writeNpy([3, window, channels], signal)],
  ['npz', zipSync({ 'signal.npy': npy })],
  ['csv', csv()],
  ['wav', wav()],
];
const odd = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, 1e30, -1e38, 1e-40];
const how = { preset: 'fast', noReport: true, calibWindows: 2 } as const;

/** Returns 'ok' for an int8 graph, or the RunletError's code. Other errors are bugs and are rethrown. */
async function outcome(run: () => Promise<{ graph: typeof graph }>): Promise<string> {
  try {
    const { graph: int8 } = await run();
    assert.ok(isQuantised(int8) && int8.tensors.every((t) => (t.quant?.scale as number) > 0));
    return 'ok';
  } catch (error) {
    if (isRunletError(error)) return error.code;
    throw error;
  }
}

test('undamaged calibration files of every kind give an int8 graph', async () => {
  for (const [kind, bytes] of files) {
    const path = join(folder, `whole.${kind}`);
    writeFileSync(path, bytes);
    const { chunks } = await calibrationChunks(graph, { calib: path });
    assert.is(await outcome(() => quantizeStream(graph, chunks, { hop: 4, ...how })), 'ok', kind);
  }
});

test(`${count} damaged files and arrays give a RunletError or an int8 graph`, async () => {
  const below = randomOf(seed);
  const found = new Map<string, number>();
  for (let n = 0; n < count; n++) {
    const which = below(files.length + 1);
    let code: string;
    if (which === files.length) {
      const values = signal.slice(0, below(2) ? signal.length : below(signal.length + 1));
      for (let k = below(4); k > 0 && values.length > 0; k--) values[below(values.length)] = odd[below(odd.length)] as number;
      const cut = below(values.length + 1);
      const chunks = below(2) ? [values] : [values.subarray(0, cut), values.subarray(cut)];
      code = await outcome(() => quantizeStream(graph, chunks, { hop: 4, ...how }));
    } else {
      const [kind, bytes] = files[which] as [string, Uint8Array];
      const path = join(folder, `damaged.${kind}`);
      writeFileSync(path, mutate(bytes, below));
      code = await outcome(async () =>
        quantizeStream(graph, (await calibrationChunks(graph, { calib: path })).chunks, { hop: 4, ...how }),
      );
    }
    found.set(code, (found.get(code) ?? 0) + 1);
  }
  console.log(
    `seed ${seed}: ${[...found]
      .sort((a, b) => b[1] - a[1])
      .map(([code, times]) => `${code} ${times}`)
      .join(', ')}`,
  );
  assert.ok(found.size > 8 && (found.get('ok') ?? 0) > count / 50, [...found].join(' '));
});

test.after(() => rmSync(folder, { recursive: true }));
test.run();
