/**
 * WAV files that are too long to be read whole: the same frames, a piece at a time.
 *
 * In: a path and the file's length.  Out: what wavSource gives.  Formats and checks are those of wav.ts. Memory does not grow with the length.
 */
import { createReadStream } from 'node:fs';
import type { Source, SourceOptions } from './source.ts';
import { peek, wavPipe } from './wav.ts';

/** Files above this are read a piece at a time. */
export const wholeWavBytes = 16 << 20;

/** A source out of a WAV file of any length. @throws RN722, RN728, RN729, RN773 as wavSource */
export async function wavStream(path: string, name: string, options: SourceOptions, fileBytes: number): Promise<Source> {
  const { head, rest } = await peek(createReadStream(path) as AsyncIterable<Uint8Array>);
  return wavPipe(head, rest, name, options, fileBytes);
}
