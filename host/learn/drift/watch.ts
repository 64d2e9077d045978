/**
 * DriftWatch: compares one stream with a reference, which it takes from the stream itself if it has none.
 *
 * In: frames of the inputs as they were fed, values of the outputs, ticks that passed.  Out: at the end of a
 * block: the reference is complete, the drift begins or continues with a cause, or it is over.
 * Rules: a block is a number of ticks. `warmUpBlocks` give the edges of the histograms, `referenceBlocks` the
 * reference. After that, each statistic counts the blocks in a row that lie beyond one of its limits; the
 * first one that reaches its run makes the alarm. The alarm ends after `calmBlocks` blocks without a run.
 * A block with less than a quarter of its frames is left out: it neither continues nor ends a run.
 * Memory: constant: 3 KiB per channel, and 64 blocks of counts while the reference is taken.
 * Cost: meter.ts per value; per block some operations per bin and statistic.
 */
import { quantile } from '../../statistics.ts';
import { type Cause, causeOf } from './cause.ts';
import { ChannelMeter, features, HistogramMeter } from './meter.ts';
import { type Block, type Reference, referenceOf, statisticsOf } from './reference.ts';

export const warmUpBlocks = 4;
export const referenceBlocks = 60;
/** Choices: blocks without a run that end an alarm; blocks whose median names the cause. */
const [calmBlocks, namedBlocks] = [4, 3];

export interface WatchOptions {
  /** Number of channels of each input, and of elements of each output, that are watched. */
  inputs: number[];
  outputs: number[];
  blockTicks: number;
  blocksPerDay: number;
  /** Values of each channel that are seen in a tick: the rate of its input, less if some are skipped. */
  valuesPerTick: number[];
  /** Upper bound of false alarms per day. */
  perDay: number;
}

export type WatchEvent =
  | { state: 'learned' }
  | { state: 'begins' | 'continues'; cause: Cause; channels: number[] }
  | { state: 'ends' };

const sum = (list: readonly number[]): number => list.reduce((a, b) => a + b, 0);

export class DriftWatch {
  readonly options: WatchOptions;
  reference?: Reference;
  /** Cause and channels of the present drift. */
  drift?: { cause: Cause; channels: number[] };
  /** False leaves outputs out, because another version computes them. */
  judgesOutputs = true;
  #channels: ChannelMeter[]; // [channel of all inputs]
  #outputs: HistogramMeter[]; // [element of all outputs]
  #blocks: Block[] = [];
  #warmUp = 0;
  #ticks = 0;
  /** Values that a block must have, of each input. */
  #enough: number[];
  /** Blocks in a row above and below the limits, per statistic. */
  #above: Uint16Array;
  #below: Uint16Array;
  #calm = 0;
  #latest: Float64Array[] = [];

  /** @param reference of the same inputs and outputs (`fits`) */
  constructor(options: WatchOptions, reference?: Reference) {
    const { inputs, outputs, blockTicks, valuesPerTick } = options;
    this.options = options;
    this.reference = reference;
    const centre = (i: number) => reference?.limits[i * features.length]?.middle;
    const channels = sum(inputs);
    this.#channels = Array.from({ length: channels }, (_, i) => new ChannelMeter(reference?.edges[i], centre(i)));
    this.#outputs = Array.from({ length: sum(outputs) }, (_, i) => new HistogramMeter(reference?.edges[channels + i]));
    this.#enough = inputs.flatMap((n, i) => new Array<number>(n).fill(((valuesPerTick[i] ?? 1) * blockTicks) / 4));
    const width = channels * features.length + 2 * (channels + sum(outputs));
    this.#above = new Uint16Array(width);
    this.#below = new Uint16Array(width);
  }

  /** Share of the reference that has been taken, 0 to 1. */
  get learned(): number {
    return this.reference ? 1 : (this.#warmUp + this.#blocks.length) / (warmUpBlocks + referenceBlocks);
  }

  /** Takes the frames of one input. @param values [frame][channel], `elements` of them in each frame */
  see(input: number, values: ArrayLike<number>, elements: number): void {
    const channels = this.options.inputs[input] ?? 0;
    const first = sum(this.options.inputs.slice(0, input));
    for (let c = 0; c < channels; c++) {
      const meter = this.#channels[first + c] as ChannelMeter;
      const next = ((c + 1) % elements) - c;
      for (let i = c; i < values.length; i += elements) meter.see(values[i] as number, values[i + next] as number);
    }
  }

  /** Takes an output: real values of each. */
  output(values: readonly ArrayLike<number>[]): void {
    let from = 0;
    for (const [which, elements] of this.options.outputs.entries()) {
      for (let i = 0; i < elements; i++) this.#outputs[from + i]?.see(values[which]?.[i] as number);
      from += elements;
    }
  }

  /** The next frames do not follow the last ones. */
  cut(): void {
    for (const meter of this.#channels) meter.cut();
  }

  /** Lets ticks pass, whether they were seen or not. Call it after `see`. */
  pass(ticks: number): WatchEvent | undefined {
    this.#ticks += ticks;
    if (this.#ticks < this.options.blockTicks) return undefined;
    // a long gap ends one block, not many
    this.#ticks %= this.options.blockTicks;
    return this.#end();
  }

  #end(): WatchEvent | undefined {
    const isWhole = this.#channels.every(({ count }, i) => count >= (this.#enough[i] as number));
    const centres = this.#channels.map(({ centre }) => centre);
    const found = this.#channels.map((meter) => meter.take());
    const counts = [...this.#channels.map(({ histogram }) => histogram), ...this.#outputs];
    if (!isWhole) {
      for (const [i, meter] of this.#channels.entries()) meter.centre = centres[i] as number;
      for (const meter of counts) meter.take();
      return undefined;
    }
    if (!this.reference && this.#warmUp < warmUpBlocks) {
      this.#warmUp++;
      if (this.#warmUp === warmUpBlocks) for (const meter of counts) meter.settle();
      return undefined;
    }
    const all = new Float64Array(found.length * features.length);
    for (const [i, one] of found.entries()) all.set(one as Float64Array, i * features.length);
    const block = { features: all, counts: counts.map((meter) => meter.take()) };
    return this.reference ? this.#judge(block, this.reference) : this.#learn(block);
  }

  #learn(block: Block): WatchEvent | undefined {
    this.#blocks.push(block);
    if (this.#blocks.length < referenceBlocks) return undefined;
    const { blockTicks, blocksPerDay, perDay } = this.options;
    const histograms = [...this.#channels.map(({ histogram }) => histogram), ...this.#outputs];
    const edges = histograms.map((one) => [...(one.edges as Float64Array)]);
    const options = { channels: this.#channels.length, blockTicks, blocksPerDay, perDay, edges };
    this.reference = referenceOf(this.#blocks, options);
    this.#blocks = [];
    return { state: 'learned' };
  }

  #judge(block: Block, reference: Reference): WatchEvent | undefined {
    const values = statisticsOf(block, reference.counts);
    const ofInputs = this.#channels.length * (features.length + 2);
    const judged = this.judgesOutputs ? values.length : ofInputs;
    let isReached = false;
    for (let i = 0; i < judged; i++) {
      const { low, high, run } = reference.limits[i] as Reference['limits'][number];
      if (run === null) continue;
      const x = values[i] as number;
      const above = high !== null && x > high ? (this.#above[i] as number) + 1 : 0;
      const below = low !== null && x < low ? (this.#below[i] as number) + 1 : 0;
      [this.#above[i], this.#below[i]] = [Math.min(above, 65535), Math.min(below, 65535)];
      if (above + below >= run) isReached = true;
    }
    this.#latest.push(block.features);
    if (this.#latest.length > namedBlocks) this.#latest.shift();
    this.#calm = isReached ? 0 : this.#calm + 1;
    if (!isReached && this.drift && this.#calm >= calmBlocks) {
      this.drift = undefined;
      return { state: 'ends' };
    }
    if (!isReached) return undefined;
    const isNew = this.drift === undefined;
    this.drift = causeOf(this.#typical(), reference, this.options.inputs);
    return { state: isNew ? 'begins' : 'continues', ...this.drift };
  }

  /** Features of the latest blocks: medians, because the fault may have begun inside one of them. */
  #typical(): Float64Array {
    return Float64Array.from(this.#latest[0] as Float64Array, (_, i) => {
      const values = this.#latest.map((one) => one[i] as number);
      return quantile(values, 0.5);
    });
  }
}

/** Whether a stored reference belongs to these inputs, outputs and blocks. */
export const fits = (reference: Reference, { inputs, outputs, blockTicks }: WatchOptions): boolean => {
  const [channels, histograms] = [sum(inputs), sum(inputs) + sum(outputs)];
  const { edges, counts, limits } = reference;
  return (
    reference.channels === channels &&
    reference.blockTicks === blockTicks &&
    edges.length === histograms &&
    counts.length === histograms &&
    counts.every((one, i) => one.length === (edges[i]?.length ?? 0) + 1) &&
    limits.length === channels * features.length + 2 * histograms
  );
};
