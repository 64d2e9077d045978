/**
 * Makes the recordings of the page from those of the zoo, with their truth.
 *
 * In: models/zoo, a function that writes a file of the page.  Out: entries of the catalogue.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { classes as beatClasses, rateHz as ecgHz } from '../../host/demo/ecg-records.ts';
import { type Device, rateHz as harHz } from '../../host/demo/har-recordings.ts';
import { readWav, rateHz as soundHz } from '../../host/demo/kws-model.ts';
import { openSource } from '../../host/sources/index.ts';
import type { DemoEntry, Said } from '../../host/web/protocol.ts';
import { root } from '../../test/shared.ts';

/** Writes a file of the page. @returns its name */
export type Put = (name: string, bytes: Uint8Array | string) => string;

export const zoo = join(root, 'models/zoo');
const motion = ['ax', 'ay', 'az', 'gx', 'gy', 'gz'];
const bytesOf = (values: Float32Array): Uint8Array => new Uint8Array(values.buffer, values.byteOffset, values.byteLength);

/** Reads columns of a recording of the zoo, and the truth of each row. */
async function recordingOf(path: string, columns: string[], truth: string) {
  const source = await openSource(join(zoo, path), { frameElements: columns.length, columns, truth });
  const samples: number[] = [];
  for await (const chunk of source.frames) samples.push(...chunk);
  return { samples: Float32Array.from(samples), truth: [...(source.truth?.view() ?? [])] };
}

/** Writes five minutes of simulated PPG with their truth. */
export async function ppgDemo(put: Put): Promise<DemoEntry> {
  const rateHz = 32;
  const { samples, truth } = await recordingOf('ppg-hr/demo.csv', ['ppg'], 'bpm_true');
  const everySecond = Float32Array.from(truth.filter((_, i) => i % rateHz === 0));
  return {
    title: 'demo.csv',
    file: put('demos/ppg-hr.f32', bytesOf(samples)),
    rateHz,
    truth: { file: put('demos/ppg-hr-truth.f32', bytesOf(everySecond)), stepS: 1 },
  };
}

/** Writes two minutes of a simulated ECG with their beats. */
export async function ecgDemo(put: Put): Promise<DemoEntry> {
  const { samples, truth } = await recordingOf('ecg/demo.csv', ['ecg'], 'beat');
  const beats = truth.flatMap((beat, n): Said[] =>
    beat > 0 ? [{ word: beatClasses[beat - 1] as string, start: n / ecgHz, end: n / ecgHz }] : [],
  );
  return {
    title: 'demo.csv',
    file: put('demos/ecg.f32', bytesOf(samples)),
    rateHz: ecgHz,
    script: put('demos/ecg.json', JSON.stringify(beats)),
  };
}

/** Writes a simulated minute of a watch or a phone, with the activities of its wearer. */
export async function harDemo(device: Device, put: Put): Promise<DemoEntry> {
  const { samples, truth } = await recordingOf(`har/demo-${device}.csv`, motion, 'activity');
  return {
    title: `demo-${device}.csv`,
    file: put(`demos/har-${device}.f32`, bytesOf(samples)),
    rateHz: harHz,
    channels: motion,
    truth: { file: put(`demos/har-${device}-truth.f32`, bytesOf(Float32Array.from(truth))), stepS: 1 / harHz },
  };
}

const readJson = <T>(path: string): T => JSON.parse(readFileSync(join(zoo, path), 'utf8')) as T;
const scriptOf = (words: Said[]): string => JSON.stringify(words.map(({ word, start, end }) => ({ word, start, end })));

/** Writes the synthesised minute of words and sentences with its script. */
export function kwsDemo(put: Put): DemoEntry {
  return {
    title: 'demo.wav',
    file: put('demos/kws.wav', readFileSync(join(zoo, 'kws/demo.wav'))),
    script: put('demos/kws.json', scriptOf(readJson<{ words: Said[] }>('kws/demo.json').words)),
  };
}

/** Writes half a minute of synthesised speech in noise. */
export function vadDemo(put: Put): DemoEntry {
  return { title: 'demo.wav', file: put('demos/vad.wav', readFileSync(join(zoo, 'vad/demo.wav'))) };
}

/** Number of sentences that are kept, and seconds of quiet after each. A choice: a minute in all. */
const [keptSentences, quietS] = [3, 9];
/** Seconds by which a piece begins before its sentence. */
const marginS = 0.3;

/**
 * Writes half of the synthesised minute of words and sentences, with quiet noise between its parts. The
 * minute itself has no pause that is longer than the window of kws, so a gate cannot save work there.
 */
export function pausesDemo(put: Put): DemoEntry {
  const path = join(zoo, 'kws/demo.wav');
  const { words, sentences } = readJson<{ words: Said[]; sentences: Said[] }>('kws/demo.json');
  const sound = readWav(path);
  const quiet = Int16Array.from({ length: quietS * soundHz }, (_, n) => ((n * 7919) % 61) - 30);
  const starts = sentences.slice(0, keptSentences + 1).map(({ start }) => start - marginS);
  const parts: Int16Array[] = [];
  const script: Said[] = [];
  for (const [i, from] of starts.slice(0, -1).entries()) {
    const to = starts[i + 1] as number;
    const laterS = parts.reduce((sum, part) => sum + part.length, 0) / soundHz - from;
    const inside = words.filter(({ start }) => start >= from && start < to);
    script.push(...inside.map((word) => ({ ...word, start: word.start + laterS, end: word.end + laterS })));
    parts.push(sound.subarray(Math.round(from * soundHz), Math.round(to * soundHz)), quiet);
  }
  const data = Buffer.concat(parts.map(({ buffer, byteOffset, byteLength }) => Buffer.from(buffer, byteOffset, byteLength)));
  const header = readFileSync(path).subarray(0, 44);
  header.writeUInt32LE(36 + data.length, 4);
  header.writeUInt32LE(data.length, 40);
  return {
    title: 'demo-pauses.wav',
    file: put('demos/kws-pauses.wav', Buffer.concat([header, data])),
    script: put('demos/kws-pauses.json', scriptOf(script)),
  };
}
