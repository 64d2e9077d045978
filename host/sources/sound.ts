/**
 * Frames out of the bytes of sound: decoded, channels chosen or mixed, resampled where that is asked for.
 *
 * In: bytes of samples in pieces of any length and what they are.  Out: frames of `frameElements` values, as
 * they arrive. Memory does not grow with the length. No Node import.
 */
import { RunletError } from '../../models/error.ts';
import { decodePcm, type PcmEncoding, pcmBytes } from './pcm.ts';
import { resampled } from './resample.ts';
import { checkRate, type SourceOptions, wrongElements } from './source.ts';

export interface SoundFormat {
  encoding: PcmEncoding;
  channels: number;
  /** Undefined where nobody says it; then there is no resampling. */
  rateHz?: number;
}

/** Which channels make a frame: their indexes, or the mean of all. */
export type Pick = readonly number[] | 'mix';

const blockBytes = 1 << 16;

/**
 * The channels that the options ask for: --columns, --channel, else all; sound for one element is mixed.
 * @throws RN722
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
      `it gives ${picked.length} samples a frame, the model takes ${frameElements}`,
      frameElements === 1 ? 'choose --channel 0 or --channel mix' : 'a model of features needs its front end before it',
    );
  return picked;
}

/** [frames][channels] -> [frames][picked]. */
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
 * Whole frames as they arrive, at the rate they have. `atEnd` gets the number of bytes of a frame that the
 * end cut.
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

/** Whether frames at `rateHz` have to be resampled for the model. */
export const needsResampling = (rateHz: number | undefined, { sampleRateHz, resample }: SourceOptions): boolean =>
  resample === true &&
  rateHz !== undefined &&
  sampleRateHz !== undefined &&
  Math.abs(rateHz - sampleRateHz) > 1e-6 * sampleRateHz;

/**
 * Frames at the model's rate.
 * @param cutOff the end may cut a frame: a stream of unknown length that was stopped.
 * @throws RN722 channels, RN723 another rate, RN735 the end comes inside a frame, RN773 rates that cannot be
 * resampled
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

/** For people: encoding, rate, channels, and what is done to them. */
export function soundText({ encoding, channels, rateHz }: SoundFormat, options: SourceOptions, pick: Pick): string {
  const rate = rateHz === undefined ? '' : `, ${rateHz} Hz`;
  const done = [
    ...(pick === 'mix' && channels > 1 ? ['mixed'] : []),
    ...(needsResampling(rateHz, options) ? [`resampled to ${options.sampleRateHz} Hz`] : []),
  ];
  return `${names[encoding]}${rate}, ${channels} channel${channels > 1 ? 's' : ''}${done.length > 0 ? ` (${done.join(', ')})` : ''}`;
}
