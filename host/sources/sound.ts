/**
 * Turns the bytes of sound into frames: decodes them, selects or mixes channels, and resamples if asked to.
 * Has no Node import.
 *
 * In: bytes of samples in pieces of any length, and their format.  Out: frames of `frameElements` values, as
 * they arrive.  Memory does not grow with the length.
 */
import { RunletError } from '../../models/error.ts';
import { decodePcm, type PcmEncoding, pcmBytes } from './pcm.ts';
import { resampled } from './resample.ts';
import { checkRate, type SourceOptions, wrongElements } from './source.ts';

export interface SoundFormat {
  encoding: PcmEncoding;
  channels: number;
  /** Sample rate in Hz; undefined if it is unknown: then there is no resampling. */
  rateHz?: number;
}

/** Indexes of the channels that make up a frame, or `mix` for the mean of all. */
export type Pick = readonly number[] | 'mix';

const blockBytes = 1 << 16;

/**
 * Returns the channels that --columns or --channel selects; by default all, mixed for a sound model with one
 * element. @throws RN722
 */
export function pickOf({ channels }: SoundFormat, name: string, options: SourceOptions): Pick {
  const { channel, columns, frameElements, sound } = options;
  const asked = columns ?? (channel === undefined || channel === 'mix' ? undefined : [channel]);
  if (asked === undefined && (channel === 'mix' || (sound && frameElements === 1))) return 'mix';
  const picked = asked?.map(Number) ?? Array.from({ length: channels }, (_, c) => c);
  for (const [i, c] of picked.entries())
    if (!Number.isInteger(c) || c < 0 || c >= channels)
      throw wrongElements(
        name,
        `there is no channel ${asked?.[i]} among ${channels}`,
        `choose --channel 0 to ${channels - 1}, or mix`,
      );
  if (picked.length !== frameElements)
    throw wrongElements(
      name,
      `it has ${picked.length} samples per frame, the model takes ${frameElements}`,
      frameElements === 1 ? 'choose --channel 0 or --channel mix' : 'a model that takes features needs its front end first',
    );
  return picked;
}

/** Selects or mixes channels: [frames][channels] -> [frames][picked]. */
function picked(samples: Float32Array, channels: number, pick: Pick): Float32Array {
  if (pick !== 'mix' && pick.length === channels && pick.every((c, i) => c === i)) return samples;
  const frames = samples.length / channels;
  if (pick === 'mix') {
    if (channels === 1) return samples;
    return Float32Array.from({ length: frames }, (_, n) => {
      let sum = 0;
      for (let c = 0; c < channels; c++) sum += samples[n * channels + c] as number;
      return sum / channels;
    });
  }
  const out = new Float32Array(frames * pick.length);
  for (let n = 0; n < frames; n++)
    for (const [e, c] of pick.entries()) out[n * pick.length + e] = samples[n * channels + c] as number;
  return out;
}

/**
 * Decodes whole frames as they arrive, at their own sample rate.
 * @param atEnd called if the data ends inside a frame: bytes of that frame, and bytes in total.
 */
async function* decoded(
  bytes: AsyncIterable<Uint8Array>,
  { encoding, channels }: SoundFormat,
  pick: Pick,
  atEnd: (left: number, total: number) => void,
): AsyncGenerator<Float32Array> {
  const frameBytes = channels * pcmBytes[encoding];
  let rest = new Uint8Array(0);
  let total = 0;
  for await (const part of bytes) {
    total += part.length;
    let all = part;
    if (rest.length > 0) {
      all = new Uint8Array(rest.length + part.length);
      all.set(rest);
      all.set(part, rest.length);
    }
    const whole = all.length - (all.length % frameBytes);
    rest = all.slice(whole);
    const step = Math.max(frameBytes, blockBytes - (blockBytes % frameBytes));
    for (let at = 0; at < whole; at += step)
      yield picked(decodePcm(all.subarray(at, Math.min(whole, at + step)), encoding), channels, pick);
  }
  if (rest.length > 0) atEnd(rest.length, total);
}

/** Checks whether frames at `rateHz` have to be resampled for the model. */
export const needsResampling = (rateHz: number | undefined, { sampleRateHz, resample }: SourceOptions): boolean =>
  resample === true &&
  rateHz !== undefined &&
  sampleRateHz !== undefined &&
  Math.abs(rateHz - sampleRateHz) > 1e-6 * sampleRateHz;

/**
 * Yields frames at the model's sample rate.
 * @param cutOff true if the data may end inside a frame, as a stopped stream of unknown length does.
 * @throws RN722 (channels), RN723 (another rate), RN735 if the data ends inside a frame, RN773 if the rates
 * cannot be resampled.
 */
export function soundFrames(
  bytes: AsyncIterable<Uint8Array>,
  name: string,
  format: SoundFormat,
  options: SourceOptions,
  cutOff = false,
): AsyncIterable<Float32Array> {
  const pick = pickOf(format, name, options);
  const { sampleRateHz } = options;
  if (!options.resample && format.rateHz !== undefined) checkRate(name, format.rateHz, sampleRateHz);
  const frameBytes = format.channels * pcmBytes[format.encoding];
  const frames = decoded(bytes, format, pick, (left, total) => {
    if (cutOff) return;
    throw new RunletError('RN735', {
      what: 'the raw data ends inside a frame',
      where: `${name}, byte ${total}`,
      why: `${left} bytes are left over, and a frame of ${format.channels} ${format.encoding} has ${frameBytes}`,
      tryThis: 'check --format and the number of channels',
    });
  });
  if (!needsResampling(format.rateHz, options)) return frames;
  return resampled(frames, pick === 'mix' ? 1 : pick.length, format.rateHz as number, sampleRateHz as number);
}

const names: Record<PcmEncoding, string> = {
  u8: '8-bit PCM',
  s16: '16-bit PCM',
  s24: '24-bit PCM',
  s32: '32-bit PCM',
  f32: '32-bit float',
  f64: '64-bit float',
  alaw: 'A-law',
  mulaw: 'mu-law',
};

/** Describes the sound: encoding, rate, channels, mixing and resampling. */
export function soundText({ encoding, channels, rateHz }: SoundFormat, options: SourceOptions, pick: Pick): string {
  const rate = rateHz === undefined ? '' : `, ${rateHz} Hz`;
  const done = [
    ...(pick === 'mix' && channels > 1 ? ['mixed'] : []),
    ...(needsResampling(rateHz, options) ? [`resampled to ${options.sampleRateHz} Hz`] : []),
  ];
  return `${names[encoding]}${rate}, ${channels} channel${channels > 1 ? 's' : ''}${done.length > 0 ? ` (${done.join(', ')})` : ''}`;
}
