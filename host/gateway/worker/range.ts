/**
 * InputRange: measures how each channel of a module's input uses the range of its stored type, and how often
 * it saturates.
 *
 * In: frames, as they are pushed.  Out, per output: the number of ticks, then for each channel the minimum,
 * maximum and mean value, and the number of values at or beyond the ends of the stored range. A channel is an
 * element of an input's frame; the first `maxChannels` channels of all inputs are measured.
 * Cost: a few comparisons per element.
 */
import { isInt16, type Manifest } from '../../../assembly/bundle/manifest.ts';
import type { Frames } from '../../session/index.ts';

export const maxChannels = 64;
/** Names of the numbers of one channel. */
export const rangeFields = ['least', 'most', 'mean', 'saturated'] as const;
const fields = rangeFields.length;

/** Returns the values, in the host's type, at or beyond which an input saturates. */
export function saturationOf(port: Manifest['inputs'][number]): [low: number, high: number] {
  const { hostType, scale, zeroPoint } = port;
  const [low, high] = isInt16(port) ? [-32768, 32767] : [-128, 127];
  if (hostType === 'float32') return [scale * (low - 0.5 - zeroPoint), scale * (high + 0.5 - zeroPoint)];
  return hostType === 'uint8' ? [0, 255] : [low, high];
}

interface Port {
  which: number;
  elements: number;
  rate: number;
  low: number;
  high: number;
  /** Number of channels that are measured, and the index of the first among all channels. */
  channels: number;
  at: number;
}

export class InputRange {
  #ports: Port[] = [];
  #totals: Float64Array;
  #ticks = 0;

  constructor({ inputs }: Pick<Manifest, 'inputs'>) {
    let at = 0;
    for (const [which, port] of inputs.entries()) {
      const [low, high] = saturationOf(port);
      const channels = Math.min(port.elements, maxChannels - at);
      if (channels > 0) this.#ports.push({ which, elements: port.elements, rate: port.rate ?? 1, low, high, channels, at });
      at += Math.max(0, channels);
    }
    this.#totals = new Float64Array(1 + fields * at);
    this.#clear();
  }

  #clear(): void {
    this.#ticks = 0;
    this.#totals.fill(0);
    for (let at = 1; at < this.#totals.length; at += fields) {
      this.#totals[at] = Number.POSITIVE_INFINITY;
      this.#totals[at + 1] = Number.NEGATIVE_INFINITY;
    }
  }

  /** Measures ticks [from, from + count) of frames for Session.pushPart. */
  see(frames: Frames | readonly Frames[], from: number, count: number): void {
    this.#ticks += count;
    const totals = this.#totals;
    for (const { which, elements, rate, low, high, channels, at } of this.#ports) {
      const values = (Array.isArray(frames) ? frames[which] : frames) as Frames;
      const end = (from + count) * rate * elements;
      for (let c = 0; c < channels; c++) {
        const to = 1 + fields * (at + c);
        let [min, max, sum, saturated] = [totals[to] as number, totals[to + 1] as number, 0, 0];
        for (let i = from * rate * elements + c; i < end; i += elements) {
          const x = values[i] as number;
          if (x < min) min = x;
          if (x > max) max = x;
          sum += x;
          if (x <= low || x >= high) saturated++;
        }
        totals[to] = min;
        totals[to + 1] = max;
        (totals[to + 2] as number) += sum;
        (totals[to + 3] as number) += saturated;
      }
    }
  }

  /** Returns the numbers since the last call. */
  take(): Float64Array {
    const found = this.#totals.slice();
    found[0] = this.#ticks;
    for (const { rate, channels, at } of this.#ports)
      for (let c = 0; c < channels; c++) (found[1 + fields * (at + c) + 2] as number) /= Math.max(1, this.#ticks * rate);
    this.#clear();
    return found;
  }
}
