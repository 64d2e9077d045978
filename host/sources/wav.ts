/**
 * Reads WAV files, and WAV data from a pipe. Has no Node import.
 *
 * In: bytes of a RIFF WAVE file: PCM of 8, 16, 24 or 32 bits, float of 32 or 64 bits, mu-law or A-law.
 * Out: frames of samples; PCM is scaled to -1 to 1. The sizes in a file are checked against its length; for a
 * pipe the length may be unknown (wav-header.ts).
 */
import { latin1 } from '../../models/graph/base64.ts';
import { pcmBytes } from './pcm.ts';
import { needsResampling, pickOf, soundFrames, soundText } from './sound.ts';
import { lengthText, type Source, type SourceOptions } from './source.ts';
import { damagedWav, type WavFormat, wavHeader } from './wav-header.ts';

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  if (bytes.length > 0) yield bytes;
}

/**
 * Makes a source from a whole WAV file.
 * @throws RN722 if the channels do not fit, RN723 (another rate), RN728 (damaged), RN729 (format not
 * supported), RN773 (a rate that cannot be resampled).
 */
export function wavSource(bytes: Uint8Array, name: string, options: SourceOptions): Source {
  const format = wavHeader(bytes, bytes.length);
  if (!format) throw damagedWav(bytes.length, 'it is cut off');
  const { dataAt, dataBytes = 0 } = format;
  return wavPieces(once(bytes.subarray(dataAt, dataAt + dataBytes)), name, format, options);
}

/**
 * Makes a source from the samples of a WAV file. If `format.dataBytes` is undefined, they reach to the end.
 * @throws RN722, RN723, RN773
 */
export function wavPieces(data: AsyncIterable<Uint8Array>, name: string, format: WavFormat, options: SourceOptions): Source {
  const { channels, encoding, rateHz, dataBytes } = format;
  const { sampleRateHz } = options;
  const frames = dataBytes === undefined ? undefined : dataBytes / (channels * pcmBytes[encoding]);
  const resampling = needsResampling(rateHz, options);
  const text = soundText(format, options, pickOf(format, name, options));
  return {
    frames: soundFrames(data, name, format, options, frames === undefined),
    ...(frames !== undefined && { totalFrames: resampling ? Math.ceil((frames * (sampleRateHz as number)) / rateHz) : frames }),
    sampleRateHz: resampling ? (sampleRateHz as number) : rateHz,
    describe: `${name}: ${text}${frames === undefined ? '' : `, ${lengthText(frames, rateHz)}`}`,
  };
}

/** Yields `head`, then the rest of the iterator, up to `maxBytes` bytes in total. */
async function* following(head: Uint8Array, rest: AsyncIterator<Uint8Array>, maxBytes: number): AsyncGenerator<Uint8Array> {
  let given = 0;
  for (let part: Uint8Array | undefined = head; part && given < maxBytes; ) {
    const piece = part.subarray(0, maxBytes - given);
    given += piece.length;
    if (piece.length > 0) yield piece;
    if (given >= maxBytes) break;
    const next: IteratorResult<Uint8Array> = await rest.next();
    part = next.done ? undefined : next.value;
  }
}

const joined = (a: Uint8Array, b: Uint8Array): Uint8Array => {
  const all = new Uint8Array(a.length + b.length);
  all.set(a);
  all.set(b, a.length);
  return all;
};

/** Reads enough of a pipe to tell whether it begins with a WAV header; returns these bytes and the rest. */
export async function peek(pipe: AsyncIterable<Uint8Array>): Promise<{ head: Uint8Array; rest: AsyncIterator<Uint8Array> }> {
  const rest = pipe[Symbol.asyncIterator]();
  let head: Uint8Array = new Uint8Array(0);
  while (head.length < 4 && 'RIFF'.startsWith(tagOf(head))) {
    const { value, done } = await rest.next();
    if (done) break;
    head = joined(head, value);
  }
  return { head, rest };
}

/** Joins the two results of peek to the whole stream again. */
export const rejoined = (head: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncIterable<Uint8Array> =>
  following(head, rest, Number.POSITIVE_INFINITY);

const tagOf = (head: Uint8Array): string => latin1(head.subarray(0, 4));

/** Checks whether the bytes begin as a WAV file. */
export const isWav = (head: Uint8Array): boolean => tagOf(head) === 'RIFF';

/** Makes a source from a pipe that begins with a WAV header. @throws RN722, RN728, RN729, RN773 */
export async function wavPipe(
  head: Uint8Array,
  rest: AsyncIterator<Uint8Array>,
  name: string,
  options: SourceOptions,
): Promise<Source> {
  let bytes = head;
  let format = wavHeader(bytes);
  while (!format) {
    const { value, done } = await rest.next();
    if (done) {
      format = wavHeader(bytes, bytes.length);
      break;
    }
    bytes = joined(bytes, value);
    format = wavHeader(bytes);
  }
  if (!format) throw damagedWav(bytes.length, 'it is cut off');
  const data = following(bytes.subarray(format.dataAt), rest, format.dataBytes ?? Number.POSITIVE_INFINITY);
  return wavPieces(data, name, format, options);
}
