/**
 * Parses the header of a WAV file. Has no Node import.
 *
 * In: the first bytes of a RIFF WAVE file, or all of it.  Out: position and format of the samples; undefined
 * if more bytes are needed.  Errors: RN728, RN729.
 * Source: Microsoft RIFF specification (1991) and WAVEFORMATEXTENSIBLE. Programs that write to a pipe do not
 * know the length: they declare 0, 2^31 or close to it (arecord, sox), or 2^32 - 1 (ffmpeg). The samples then
 * reach to the end.
 */

import { RunletError } from '../../models/error.ts';
import { latin1 } from '../../models/graph/base64.ts';
import { type PcmEncoding, pcmBytes } from './pcm.ts';

export interface WavFormat {
  channels: number;
  rateHz: number;
  encoding: PcmEncoding;
  /** Byte offset of the samples. */
  dataAt: number;
  /** Size of the samples in bytes; undefined if the header does not state it. */
  dataBytes?: number;
}

export const damagedWav = (at: number, why: string): RunletError =>
  new RunletError('RN728', { what: 'this WAV file is damaged', where: `byte ${at}`, why, tryThis: 'record or convert it again' });

const unsupported = (what: string): RunletError =>
  new RunletError('RN729', {
    what: `this WAV file has ${what}`,
    where: 'format',
    why: 'PCM of 8, 16, 24 or 32 bits, float of 32 or 64 bits, mu-law and A-law are read',
    tryThis: 'convert it, for example: ffmpeg -i in.wav -c:a pcm_s16le out.wav',
  });

/** Maximum size of a header in bytes, if the file's size is unknown. A choice: no program writes so much. */
const headerLimit = 1 << 20;

const unknownLength = (bytes: number): boolean => bytes === 0 || bytes >= 0x7fff0000;

/** Maps "format code, bits per sample" to the encoding. */
const encodings: Record<string, PcmEncoding> = {
  '1 8': 'u8',
  '1 16': 's16',
  '1 24': 's24',
  '1 32': 's32',
  '3 32': 'f32',
  '3 64': 'f64',
  '6 8': 'alaw',
  '7 8': 'mulaw',
};

function formatOf(view: DataView, at: number, bytes: number): Omit<WavFormat, 'dataAt'> {
  if (bytes < 16) throw damagedWav(at - 8, `a format of ${bytes} bytes`);
  let code = view.getUint16(at, true);
  if (code === 0xfffe) {
    if (bytes < 26) throw damagedWav(at - 8, 'the extensible format is cut off');
    code = view.getUint16(at + 24, true);
  }
  const channels = view.getUint16(at + 2, true);
  const rateHz = view.getUint32(at + 4, true);
  const bits = view.getUint16(at + 14, true);
  const encoding = encodings[`${code} ${bits}`];
  if (!encoding) {
    if (![1, 3].includes(code)) throw unsupported(`format code ${code}`);
    throw unsupported(`${code === 3 ? 'float' : 'PCM'} samples of ${bits} bits`);
  }
  if (channels < 1 || channels > 1024 || rateHz < 1) throw damagedWav(at, `${channels} channels at ${rateHz} Hz`);
  if (view.getUint16(at + 12, true) !== channels * pcmBytes[encoding])
    throw damagedWav(at, 'block size, channels and bits disagree');
  return { channels, rateHz, encoding };
}

/**
 * Parses the header.
 * @param bytes the file from its first byte. @param fileBytes size of the whole file, if known: declared
 * sizes must fit into it, and the header may be as long as the file.
 * @returns undefined if the header continues after `bytes`.
 * @throws RN728 if it is damaged or cut off, RN729 if the format is not supported.
 */
export function wavHeader(bytes: Uint8Array, fileBytes?: number): WavFormat | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const tag = (at: number) => latin1(bytes.subarray(at, at + 4));
  const more = (at: number, why: string): undefined => {
    if (fileBytes === undefined ? bytes.length >= headerLimit : bytes.length >= fileBytes) throw damagedWav(at, why);
    return undefined;
  };
  if (bytes.length >= 4 && ['RIFX', 'RF64'].includes(tag(0))) throw unsupported(`a container of kind ${tag(0)}`);
  if (bytes.length < 12) return more(0, 'it does not begin with RIFF and WAVE');
  if (tag(0) !== 'RIFF' || tag(8) !== 'WAVE') throw damagedWav(0, 'it does not begin with RIFF and WAVE');
  const riff = view.getUint32(4, true);
  if (fileBytes !== undefined && !unknownLength(riff) && riff + 8 > fileBytes)
    throw damagedWav(4, `${riff + 8} bytes are declared, the file has ${fileBytes}`);
  let format: Omit<WavFormat, 'dataAt'> | undefined;
  for (let at = 12; ; ) {
    if (at + 8 > bytes.length) return more(bytes.length, format ? 'there are no samples' : 'there is no format');
    const declared = view.getUint32(at + 4, true);
    const body = at + 8;
    if (tag(at) === 'data') {
      if (!format) throw damagedWav(at, 'the samples come before their format');
      const frameBytes = format.channels * pcmBytes[format.encoding];
      return { ...format, dataAt: body, ...lengthOf(declared, riff, frameBytes, at, fileBytes) };
    }
    if (fileBytes !== undefined && body + declared > fileBytes)
      throw damagedWav(at, `chunk '${tag(at)}' declares ${declared} bytes, ${fileBytes - body} are left`);
    if (body + declared > bytes.length) return more(bytes.length, `chunk '${tag(at)}' is cut off`);
    if (tag(at) === 'fmt ') format = formatOf(view, body, declared);
    at = body + declared + (declared & 1);
  }
}

/** Returns the size of whole frames. A declared 0 means "unknown" only if the RIFF size is unknown too. */
function lengthOf(declared: number, riff: number, frameBytes: number, at: number, fileBytes?: number): { dataBytes?: number } {
  const left = fileBytes === undefined ? undefined : fileBytes - at - 8;
  if (unknownLength(declared) && (declared > 0 || unknownLength(riff)))
    return left === undefined ? {} : { dataBytes: left - (left % frameBytes) };
  if (left !== undefined && declared > left) throw damagedWav(at, `chunk 'data' declares ${declared} bytes, ${left} are left`);
  if (declared % frameBytes !== 0) throw damagedWav(at, `${declared} bytes of samples are not whole frames`);
  return { dataBytes: declared };
}
