/**
 * WAV files, and WAV through a pipe.
 *
 * In: bytes of a RIFF WAVE file: PCM of 8, 16, 24 or 32 bits, float of 32 or 64 bits, mu-law or A-law.  Out:
 * frames of samples, PCM as -1 to 1. A file's sizes are checked against its length; a pipe may not know its
 * own (wav-header.ts). No Node import.
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
 * A source out of a whole WAV file.
 * @throws RN722 channels do not fit, RN723 another rate, RN728 damaged, RN729 a format that is not read,
 * RN773 a rate
 */
export function wavSource(bytes: Uint8Array, name: string, options: SourceOptions): Source {
  const format = wavHeader(bytes, bytes.length);
  if (!format) throw damagedWav(bytes.length, 'it is cut off');
  const { dataAt, dataBytes = 0 } = format;
  return wavPieces(once(bytes.subarray(dataAt, dataAt + dataBytes)), name, format, options);
}

/**
 * A source out of the samples of a WAV file, of `format.dataBytes` bytes or as many as come.
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

/** `head`, then what the iterator has left, at most `most` bytes in all. */
async function* following(head: Uint8Array, rest: AsyncIterator<Uint8Array>, most: number): AsyncGenerator<Uint8Array> {
  let given = 0;
  for (let part: Uint8Array | undefined = head; part && given < most; ) {
    const piece = part.subarray(0, most - given);
    given += piece.length;
    if (piece.length > 0) yield piece;
    if (given >= most) break;
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

/** The first bytes of a pipe, as many as it takes to know whether they are a WAV header, and the rest. */
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

/** All bytes again, after peek. */
export const rejoined = (head: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncIterable<Uint8Array> =>
  following(head, rest, Number.POSITIVE_INFINITY);

const tagOf = (head: Uint8Array): string => latin1(head.subarray(0, 4));

export const isWav = (head: Uint8Array): boolean => tagOf(head) === 'RIFF';

/** A source out of a pipe that begins with a WAV header. @throws RN722, RN728, RN729, RN773 */
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
