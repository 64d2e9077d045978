/**
 * Opens a source of frames by its name. Node only.
 *
 * In: a path (.csv .tsv .wav .npy .npz .txt .jsonl, raw sound .s16 .s24 .s32 .u8 .f32 .f64 .alaw .mulaw .ul,
 * else the first bytes decide), `-` or `mic` for standard input, or `gen:kind?parameter=value`.
 * Out: chunks of whole frames, and facts about them.
 */

import { createReadStream } from 'node:fs';
import { open, readFile, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { RunletError } from '../../models/error.ts';
import { lookup } from '../../models/lookup.ts';
import { printable } from '../../models/printable.ts';
import { pcmEncodings } from './pcm.ts';
import { type Format, type Source, type SourceOptions, sizeLimitBytes } from './source.ts';

export type { Source, SourceOptions } from './source.ts';

type Kind = Format | 'npy' | 'npz';

const kindOfEnding: Record<string, Kind> = {
  csv: 'csv',
  tsv: 'csv',
  wav: 'wav',
  npy: 'npy',
  npz: 'npz',
  txt: 'text',
  jsonl: 'text',
  ndjson: 'text',
  ...Object.fromEntries(pcmEncodings.map((encoding) => [encoding, encoding])),
  al: 'alaw',
  ul: 'mulaw',
};

const cannotOpen = (path: string, error: unknown): RunletError =>
  new RunletError('RN720', {
    what: 'this source cannot be opened',
    where: path,
    why: error instanceof Error ? error.message : String(error),
    tryThis: 'give a .csv, .wav, .npy or .npz file, - for standard input, or gen:sine?freq=1',
  });

/** Returns the kind of a file: by its extension, else by its first bytes, else CSV. */
async function kindOf(path: string): Promise<Kind> {
  const known = lookup(kindOfEnding, /\.([a-z0-9]+)$/i.exec(path)?.[1]?.toLowerCase() ?? '');
  if (known) return known;
  const file = await open(path);
  try {
    const head = Buffer.alloc(6);
    await file.read(head, 0, 6, 0);
    if (head.toString('latin1', 0, 4) === 'RIFF') return 'wav';
    if (head.toString('latin1') === '\x93NUMPY') return 'npy';
    return head.toString('latin1', 0, 4) === 'PK\x03\x04' ? 'npz' : 'csv';
  } finally {
    await file.close();
  }
}

/** Opens a byte stream of text or raw sound; it is not read whole. @param live true for standard input. */
async function fromBytes(
  bytes: AsyncIterable<Uint8Array>,
  kind: Exclude<Format, 'wav'>,
  name: string,
  options: SourceOptions,
  live = false,
): Promise<Source> {
  // a live stream is not held back to measure its rate: two rows are read ahead
  if (kind === 'csv') return (await import('./csv.ts')).csvSource(bytes, name, options, live ? 2 : undefined);
  if (kind === 'text')
    return { frames: (await import('./stdin.ts')).textFrames(bytes, name, options), describe: `${name}: text` };
  const { needsResampling, pickOf, soundFrames, soundText } = await import('./sound.ts');
  const { rawRateHz, rawChannels, frameElements, sampleRateHz, sound, columns, channel } = options;
  // for a model that does not take sound, raw values are its frames
  const channels = rawChannels ?? (sound || columns || channel ? 1 : frameElements);
  const format = { encoding: kind, channels, rateHz: rawRateHz };
  const text = soundText(format, options, pickOf(format, name, options));
  return {
    frames: soundFrames(bytes, name, format, options),
    describe: `${name}: raw ${text}`,
    sampleRateHz: needsResampling(rawRateHz, options) ? sampleRateHz : rawRateHz,
  };
}

/**
 * Opens standard input. It is sound if it begins with a WAV header or the model takes sound (16-bit samples
 * unless `format` differs), else text.
 */
async function fromPipe(bytes: AsyncIterable<Uint8Array>, options: SourceOptions): Promise<Source> {
  const name = 'standard input';
  const { format, sound } = options;
  if (format === 'csv' || format === 'text') return fromBytes(bytes, format, name, options, true);
  const { isWav, peek, rejoined, wavPipe } = await import('./wav.ts');
  const { head, rest } = await peek(bytes);
  if (format === 'wav' || isWav(head)) return wavPipe(head, rest, name, options);
  return fromBytes(rejoined(head, rest), format ?? (sound ? 's16' : 'text'), name, options);
}

/** Reads a file in pieces. @throws RN720 if reading fails. */
async function* pieces(path: string): AsyncGenerator<Uint8Array> {
  try {
    for await (const piece of createReadStream(path)) yield piece as Uint8Array;
  } catch (error) {
    throw cannotOpen(path, error);
  }
}

async function fromFile(path: string, options: SourceOptions): Promise<Source> {
  let kind: Kind;
  let bytes: Uint8Array;
  try {
    const about = await stat(path);
    if (about.isDirectory()) throw new Error('it is a folder');
    kind = options.format && about.isFile() ? options.format : await kindOf(path);
    if (kind !== 'wav' && kind !== 'npy' && kind !== 'npz') return await fromBytes(pieces(path), kind, basename(path), options);
    if (kind === 'npy') return await (await import('./npy-stream.ts')).npyStream(path, basename(path), options, about.size);
    if (kind === 'wav') return await (await import('./wav-stream.ts')).wavStream(path, basename(path), options, about.size);
    if (about.size > sizeLimitBytes)
      throw new RunletError('RN724', {
        what: 'this file is too large',
        where: path,
        why: `${about.size} bytes; at most ${sizeLimitBytes} are read into memory`,
        tryThis: 'split it, or pipe it through standard input with --format f32 or s16',
      });
    bytes = await readFile(path);
  } catch (error) {
    throw error instanceof RunletError ? error : cannotOpen(path, error);
  }
  const name = basename(path);
  const { arraySource } = await import('./array.ts');
  return arraySource(await (await import('./npz.ts')).readNpz(bytes, options.array), name, options);
}

async function* amplified(frames: AsyncIterable<Float32Array>, gain: number): AsyncGenerator<Float32Array> {
  for await (const chunk of frames) yield chunk.map((x) => x * gain);
}

/** Passes frames on. @throws RN737 at the end if there was none. */
async function* notEmpty(frames: AsyncIterable<Float32Array>, where: string): AsyncGenerator<Float32Array> {
  let any = false;
  for await (const chunk of frames) {
    any ||= chunk.length > 0;
    yield chunk;
  }
  if (!any) throw new RunletError('RN737', { what: 'the source is empty', where, tryThis: 'give at least one frame' });
}

/**
 * Opens a source.
 * @param spec a path, `-` or `gen:...`.
 * @throws RN720 to RN737 (docs/errors.md), at once or while frames are read.
 */
export async function openSource(spec: string, options: SourceOptions): Promise<Source> {
  const source = spec.startsWith('gen:')
    ? (await import('./generate.ts')).generatedSource(spec.slice(4), options)
    : spec === '-' || spec === 'mic'
      ? await fromPipe(options.stdin ?? process.stdin, options)
      : await fromFile(spec, options);
  const { gain = 1 } = options;
  const frames = notEmpty(source.frames, spec);
  const describe = printable(source.describe);
  return { ...source, describe, frames: gain === 1 ? frames : amplified(frames, gain) };
}
