/**
 * Reads NumPy's .npy files from disk in pieces.
 *
 * In: a path and the file's length.  Out: a source.  The header is checked against the length first; values
 * are read on demand, so memory does not grow with the length.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { RunletError } from '../../models/error.ts';
import { arrayText, partOf } from './array.ts';
import { decode, npyHeadBytes, npyHeader } from './npy.ts';
import { chunkFrames, type Source, type SourceOptions } from './source.ts';

async function head(path: string, fileBytes: number): Promise<Uint8Array> {
  const file = await open(path);
  try {
    const bytes = Buffer.alloc(Math.min(fileBytes, npyHeadBytes));
    const { bytesRead } = await file.read(bytes, 0, bytes.length, 0);
    return bytes.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/** Reads `bytes` bytes from position `at`. @throws RN730 if the file ends before. */
async function exactly(file: FileHandle, at: number, bytes: number): Promise<Uint8Array> {
  const into = Buffer.alloc(bytes);
  for (let read = 0; read < bytes; ) {
    const { bytesRead } = await file.read(into, read, bytes - read, at + read);
    if (bytesRead === 0)
      throw new RunletError('RN730', {
        what: 'this .npy file is damaged',
        where: `byte ${at + read}`,
        why: 'it became shorter while it was read',
        tryThis: 'write it again with numpy.save',
      });
    read += bytesRead;
  }
  return into;
}

/** Makes a source from a .npy file. @throws RN415, RN722, RN730, RN731, at once or while frames are read. */
export async function npyStream(path: string, name: string, options: SourceOptions, fileBytes: number): Promise<Source> {
  const header = npyHeader(await head(path, fileBytes), fileBytes);
  const { from, frames, windowFrames } = partOf(header, name, options);
  const { dtype, itemBytes, dataAt } = header;
  async function* chunks(): AsyncGenerator<Float32Array> {
    const file = await open(path);
    try {
      const step = windowFrames ?? chunkFrames;
      for (let at = 0; at < frames; at += step) {
        const values = Math.min(step, frames - at) * options.frameElements;
        const place = dataAt + (from + at * options.frameElements) * itemBytes;
        const part = decode(dtype, await exactly(file, place, values * itemBytes));
        yield part instanceof Float32Array ? part : Float32Array.from(part);
      }
    } finally {
      await file.close();
    }
  }
  return {
    frames: chunks(),
    totalFrames: frames,
    describe: arrayText(header, name, frames, options.sampleRateHz),
    ...(windowFrames && { windowFrames }),
  };
}
