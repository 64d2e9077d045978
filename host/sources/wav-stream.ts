/**
 * WAV files that are too long to be read whole: the same frames, a piece at a time.
 *
 * In: a path.  Out: what wavSource gives.  Chunk headers are walked in the file; each piece of samples is decoded as a small WAV file of its own, so that
 * formats and checks are those of wav.ts. Memory does not grow with the length.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { RunletError } from '../../models/error.ts';
import type { Source, SourceOptions } from './source.ts';
import { lengthText } from './source.ts';
import { parseWav, wavSource } from './wav.ts';

/** Files above this are read a piece at a time. */
export const wholeWavBytes = 16 << 20;

const pieceFrames = 1 << 15;

const damaged = (at: number, why: string): RunletError =>
  new RunletError('RN728', { what: 'this WAV file is damaged', where: `byte ${at}`, why, tryThis: 'record or convert it again' });

/** A RIFF file of a format chunk and samples. */
function small(format: Uint8Array, samples: Uint8Array): Uint8Array {
  const padded = format.length + (format.length & 1);
  const bytes = new Uint8Array(28 + padded + samples.length);
  const view = new DataView(bytes.buffer);
  bytes.set(new TextEncoder().encode('RIFF....WAVEfmt '));
  view.setUint32(4, bytes.length - 8, true);
  view.setUint32(16, format.length, true);
  bytes.set(format, 20);
  bytes.set(new TextEncoder().encode('data'), 20 + padded);
  view.setUint32(24 + padded, samples.length, true);
  bytes.set(samples, 28 + padded);
  return bytes;
}

interface Found {
  format: Uint8Array;
  at: number;
  bytes: number;
}

async function find(file: FileHandle, fileBytes: number): Promise<Found> {
  const read = async (at: number, count: number): Promise<Buffer> => {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(count), 0, count, at);
    if (bytesRead < count) throw damaged(at, `it ends at byte ${at + bytesRead}`);
    return buffer;
  };
  const head = await read(0, 12);
  if (head.toString('latin1', 0, 4) !== 'RIFF' || head.toString('latin1', 8) !== 'WAVE') parseWav(head);
  let format: Uint8Array | undefined;
  for (let at = 12; at + 8 <= fileBytes; ) {
    const header = await read(at, 8);
    const tag = header.toString('latin1', 0, 4);
    const bytes = header.readUInt32LE(4);
    if (at + 8 + bytes > fileBytes) throw damaged(at, `chunk '${tag}' declares ${bytes} bytes, ${fileBytes - at - 8} are left`);
    if (tag === 'fmt ') format = new Uint8Array(await read(at + 8, Math.min(bytes, 64)));
    if (tag === 'data') {
      if (!format) throw damaged(at, 'the samples come before their format');
      return { format, at: at + 8, bytes };
    }
    at += 8 + bytes + (bytes & 1);
  }
  throw damaged(fileBytes, format ? 'there are no samples' : 'there is no format');
}

async function* pieces(path: string, { format, at, bytes }: Found, pieceBytes: number): AsyncGenerator<Uint8Array> {
  const file = await open(path);
  try {
    const end = at + bytes;
    for (let from = at; from < end; from += pieceBytes) {
      const count = Math.min(pieceBytes, end - from);
      const { buffer, bytesRead } = await file.read(Buffer.alloc(count), 0, count, from);
      if (bytesRead < count) throw damaged(from + bytesRead, 'it became shorter while it was read');
      yield small(format, buffer);
    }
  } finally {
    await file.close();
  }
}

/** A source out of a WAV file of any length. @throws RN722, RN723, RN728, RN729 as wavSource, here or while frames are read. */
export async function wavStream(path: string, name: string, options: SourceOptions, fileBytes: number): Promise<Source> {
  const file = await open(path);
  let found: Found;
  try {
    found = await find(file, fileBytes);
  } finally {
    await file.close();
  }
  const { channels, bits, rateHz } = parseWav(small(found.format, new Uint8Array(0)));
  const frameBytes = (channels * bits) / 8;
  if (found.bytes % frameBytes !== 0) throw damaged(found.at, `${found.bytes} bytes of samples are not whole frames`);
  // checks channel and rate, and describes the format
  const first = wavSource(small(found.format, new Uint8Array(frameBytes)), name, options);
  const totalFrames = found.bytes / frameBytes;
  async function* frames(): AsyncGenerator<Float32Array> {
    for await (const piece of pieces(path, found, pieceFrames * frameBytes)) yield* wavSource(piece, name, options).frames;
  }
  return {
    ...first,
    frames: frames(),
    totalFrames,
    describe: first.describe.replace(lengthText(1, rateHz), lengthText(totalFrames, rateHz)),
  };
}
