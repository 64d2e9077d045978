/**
 * WAV files.
 *
 * In: bytes of a RIFF WAVE file, PCM of 8, 16, 24 or 32 bits or float of 32 or 64 bits.  Out: frames of samples, PCM as -1 to 1.
 * Source: Microsoft RIFF specification (1991) and WAVEFORMATEXTENSIBLE. Chunk sizes are checked here against the file's length;
 * wavefile decodes the samples, a block at a time, so memory does not grow with the length.
 */
import { RunletError } from '../../models/error.ts';
import { checkRate, lengthText, type Source, type SourceOptions, wrongElements } from './source.ts';

interface WavLayout {
  channels: number;
  rateHz: number;
  bits: number;
  float: boolean;
  /** The samples, a view. */
  data: Uint8Array;
}

const damaged = (at: number, why: string): RunletError =>
  new RunletError('RN728', { what: 'this WAV file is damaged', where: `byte ${at}`, why, tryThis: 'record or convert it again' });

/**
 * Finds format and samples.
 * @throws RN728 damaged or cut off, RN729 a format that is not read.
 */
export function parseWav(bytes: Uint8Array): WavLayout {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const tag = (at: number) => String.fromCharCode(...bytes.subarray(at, at + 4));
  if (bytes.length < 12 || tag(0) !== 'RIFF' || tag(8) !== 'WAVE') {
    if (bytes.length >= 4 && ['RIFX', 'RF64'].includes(tag(0))) throw unsupported(`a container of kind ${tag(0)}`);
    throw damaged(0, 'it does not begin with RIFF and WAVE');
  }
  if (view.getUint32(4, true) + 8 > bytes.length)
    throw damaged(4, `${view.getUint32(4, true) + 8} bytes are declared, the file has ${bytes.length}`);
  let format: { at: number; code: number } | undefined;
  for (let at = 12; at + 8 <= bytes.length; ) {
    const size = view.getUint32(at + 4, true);
    const body = at + 8;
    if (body + size > bytes.length)
      throw damaged(at, `chunk '${tag(at)}' declares ${size} bytes, ${bytes.length - body} are left`);
    if (tag(at) === 'fmt ') {
      if (size < 16) throw damaged(at, `a format of ${size} bytes`);
      const code = view.getUint16(body, true);
      if (code === 0xfffe && size < 26) throw damaged(at, 'the extensible format is cut off');
      format = { at: body, code: code === 0xfffe ? view.getUint16(body + 24, true) : code };
    } else if (tag(at) === 'data') {
      if (!format) throw damaged(at, 'the samples come before their format');
      return layout(view, format, bytes.subarray(body, body + size), at);
    }
    at = body + size + (size & 1);
  }
  throw damaged(bytes.length, format ? 'there are no samples' : 'there is no format');
}

const unsupported = (what: string): RunletError =>
  new RunletError('RN729', {
    what: `this WAV file has ${what}`,
    where: 'format',
    why: 'PCM of 8, 16, 24 or 32 bits and float of 32 or 64 bits are read',
    tryThis: 'convert it, for example: ffmpeg -i in.wav -c:a pcm_s16le out.wav',
  });

function layout(view: DataView, format: { at: number; code: number }, data: Uint8Array, at: number): WavLayout {
  const channels = view.getUint16(format.at + 2, true);
  const rateHz = view.getUint32(format.at + 4, true);
  const bits = view.getUint16(format.at + 14, true);
  const float = format.code === 3;
  if (format.code !== 1 && !float) throw unsupported(`format code ${format.code}`);
  if (!(float ? [32, 64] : [8, 16, 24, 32]).includes(bits))
    throw unsupported(`${float ? 'float' : 'PCM'} samples of ${bits} bits`);
  if (channels < 1 || channels > 1024 || rateHz < 1) throw damaged(format.at, `${channels} channels at ${rateHz} Hz`);
  if (view.getUint16(format.at + 12, true) !== (channels * bits) / 8)
    throw damaged(format.at, 'block size, channels and bits disagree');
  if (data.length % ((channels * bits) / 8) !== 0) throw damaged(at, `${data.length} bytes of samples are not whole frames`);
  return { channels, rateHz, bits, float, data };
}

/** A WAV file of its own around `samples`: what wavefile is given, so that it meets nothing unchecked. */
function wrap(wav: WavLayout, samples: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(44 + samples.length + (samples.length & 1));
  const view = new DataView(bytes.buffer);
  const frameBytes = (wav.channels * wav.bits) / 8;
  bytes.set(new TextEncoder().encode('RIFF....WAVEfmt ................data'));
  bytes.fill(0, 16, 36);
  view.setUint32(4, bytes.length - 8, true);
  view.setUint32(16, 16, true);
  view.setUint16(20, wav.float ? 3 : 1, true);
  view.setUint16(22, wav.channels, true);
  view.setUint32(24, wav.rateHz, true);
  view.setUint32(28, wav.rateHz * frameBytes, true);
  view.setUint16(32, frameBytes, true);
  view.setUint16(34, wav.bits, true);
  bytes.set(new TextEncoder().encode('data'), 36);
  view.setUint32(40, samples.length, true);
  bytes.set(samples, 44);
  return bytes;
}

/** Frames of the chosen channels: all, one, or the mean. */
async function* samplesOf(wav: WavLayout, pick: number | 'all' | 'mix'): AsyncGenerator<Float32Array> {
  const library = await import('wavefile');
  const { WaveFile } = library.default ?? library; // CommonJS: loaders differ in where its exports stand
  const frameBytes = (wav.channels * wav.bits) / 8;
  const blockBytes = frameBytes * 4096;
  const unit = wav.float ? 1 : 2 ** (1 - wav.bits);
  const offset = wav.bits === 8 ? -128 : 0;
  for (let at = 0; at < wav.data.length; at += blockBytes) {
    const file = new WaveFile(wrap(wav, wav.data.subarray(at, at + blockBytes)));
    const samples = file.getSamples(true, Float64Array) as unknown as Float64Array;
    const frames = samples.length / wav.channels;
    if (pick === 'all') {
      yield Float32Array.from(samples, (x) => (x + offset) * unit);
      continue;
    }
    const chunk = new Float32Array(frames);
    for (let n = 0; n < frames; n++) {
      let sum = 0;
      if (pick === 'mix') for (let c = 0; c < wav.channels; c++) sum += (samples[n * wav.channels + c] as number) + offset;
      else sum = (samples[n * wav.channels + pick] as number) + offset;
      chunk[n] = (pick === 'mix' ? sum / wav.channels : sum) * unit;
    }
    yield chunk;
  }
}

/**
 * A source out of a WAV file.
 * @throws RN722 channels do not fit, RN723 another rate, RN728, RN729
 */
export function wavSource(bytes: Uint8Array, name: string, options: SourceOptions): Source {
  const wav = parseWav(bytes);
  checkRate(name, wav.rateHz, options.sampleRateHz);
  const { channel } = options;
  const pick = channel === undefined ? 'all' : channel === 'mix' ? 'mix' : Number(channel);
  const elements = pick === 'all' ? wav.channels : 1;
  if (typeof pick === 'number' && !(Number.isInteger(pick) && pick >= 0 && pick < wav.channels))
    throw wrongElements(
      name,
      `there is no channel ${channel} among ${wav.channels}`,
      `choose --channel 0 to ${wav.channels - 1}, or mix`,
    );
  if (elements !== options.frameElements)
    throw wrongElements(
      name,
      `it gives ${elements} samples a frame, the model takes ${options.frameElements}`,
      options.frameElements === 1 ? 'choose --channel 0 or --channel mix' : 'a model of features needs its front end before it',
    );
  const totalFrames = wav.data.length / ((wav.channels * wav.bits) / 8);
  const kind = `${wav.bits}-bit ${wav.float ? 'float' : 'PCM'}, ${wav.rateHz} Hz, ${wav.channels} channel${wav.channels > 1 ? 's' : ''}`;
  return {
    frames: samplesOf(wav, pick),
    totalFrames,
    sampleRateHz: wav.rateHz,
    describe: `${name}: ${kind}, ${lengthText(totalFrames, wav.rateHz)}`,
  };
}
