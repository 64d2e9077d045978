/**
 * Reads WAV files from disk in pieces; gives the same frames as wavSource.
 *
 * In: a path and the file's length.  Out: a source.  The header is read until it is complete, and checked
 * against the length; samples are read on demand, so memory does not grow with the length.
 */
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import type { Source, SourceOptions } from './source.ts';
import { wavPieces } from './wav.ts';
import { damagedWav, type WavFormat, wavHeader } from './wav-header.ts';

/** Number of bytes that are read first. A choice: nearly every header is shorter. */
const firstBytes = 4096;

async function headerOf(path: string, fileBytes: number): Promise<WavFormat> {
  const file = await open(path);
  try {
    for (let count = firstBytes; ; count *= 4) {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(Math.min(count, fileBytes)), 0, Math.min(count, fileBytes), 0);
      const format = wavHeader(buffer.subarray(0, bytesRead), fileBytes);
      if (format) return format;
      if (bytesRead < Math.min(count, fileBytes)) throw damagedWav(bytesRead, 'it became shorter while it was read');
    }
  } finally {
    await file.close();
  }
}

async function* samplesOf(path: string, start: number, bytes: number): AsyncGenerator<Uint8Array> {
  if (bytes === 0) return;
  let left = bytes;
  for await (const piece of createReadStream(path, { start, end: start + bytes - 1 })) {
    left -= (piece as Buffer).length;
    yield piece as Buffer;
  }
  if (left > 0) throw damagedWav(start + bytes - left, 'it became shorter while it was read');
}

/**
 * Makes a source from a WAV file. @throws RN722, RN723, RN728, RN729 and RN773 as wavSource, at once or while
 * frames are read.
 */
export async function wavStream(path: string, name: string, options: SourceOptions, fileBytes: number): Promise<Source> {
  const format = await headerOf(path, fileBytes);
  const { dataAt, dataBytes = 0 } = format;
  return wavPieces(samplesOf(path, dataAt, dataBytes), name, format, options);
}
