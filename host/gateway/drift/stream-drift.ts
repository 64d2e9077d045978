/**
 * StreamDrift: feeds one stream of a gateway to its DriftWatch.
 *
 * In: outputs of the stream, and its signal, which is copied from the stream's log later.  Out: events.
 * Rules: when an output comes, only its values are counted. The signal is read in pieces of at most
 * `maxPieceValues`. A stream with more than `maxValuesPerSecond` is sampled: whole pieces are left out
 * evenly. Lost and filled ticks are left out.
 */
import type { Manifest } from '../../../assembly/bundle/manifest.ts';
import { DriftWatch, fits, referenceBlocks, type WatchEvent, type WatchOptions, warmUpBlocks } from '../../learn/drift/watch.ts';
import type { OutputEvent } from '../hub/events.ts';
import type { Stream } from '../hub/stream.ts';
import { framesOf } from '../worker/frames.ts';
import { maxChannels } from '../worker/range.ts';
import type { DriftSettings, StoredReference } from './settings.ts';

/** Choices. A value costs about 0.1 us, so a stream costs at most 0.5 % of a core. */
const maxValuesPerSecond = 50_000;
const maxPieceValues = 4096;
const secondsPerDay = 86_400;

/** Returns the first `max` of all elements, per port. */
function bounded(elements: readonly number[], max: number): number[] {
  let left = max;
  return elements.map((n) => {
    const mine = Math.min(n, left);
    left -= mine;
    return mine;
  });
}

/** Returns the options of a watch. Undefined if the ticks per second are not known. */
export function watchOptions(manifest: Manifest, settings: DriftSettings): (WatchOptions & { share: number }) | undefined {
  const rateHz = manifest.sampleRateHz ?? settings.rateHz;
  if (rateHz === undefined) return undefined;
  const blockTicks = Math.max(1, Math.round((settings.referenceS * rateHz) / (warmUpBlocks + referenceBlocks)));
  const perTick = manifest.inputs.reduce((sum, { elements, rate }) => sum + elements * (rate ?? 1), 0);
  const share = Math.min(1, maxValuesPerSecond / (perTick * rateHz));
  return {
    inputs: bounded(
      manifest.inputs.map(({ elements }) => elements),
      maxChannels,
    ),
    outputs: bounded(
      manifest.outputs.map(({ elements }) => elements),
      maxChannels,
    ),
    blockTicks,
    blocksPerDay: (secondsPerDay * rateHz) / blockTicks,
    valuesPerTick: manifest.inputs.map(({ rate }) => share * (rate ?? 1)),
    perDay: settings.falseAlarmsPerDay,
    share,
  };
}

/** Names of the watched channels of all inputs. */
export const channelNames = ({ inputs }: Manifest): string[] =>
  inputs.flatMap(({ name, elements }) => Array.from({ length: elements }, (_, i) => (elements === 1 ? name : `${name} ${i}`)));

export class StreamDrift {
  readonly stream: Stream;
  readonly watch: DriftWatch;
  /** Bundle that computed the outputs of the reference. */
  digest: string;
  #manifest: Manifest;
  #share: number;
  #pieceTicks: number;
  /** Number of the next tick to read, and of the tick up to which outputs have come. */
  #next: number;
  #to: number;
  /** Part of a piece that is still to be seen. */
  #due = 1;
  #isFilled = false;

  /** @throws nothing: a reference that does not fit is not used */
  constructor(
    stream: Stream,
    manifest: Manifest,
    digest: string,
    options: WatchOptions & { share: number },
    stored?: StoredReference,
  ) {
    this.stream = stream;
    this.#manifest = manifest;
    this.#share = options.share;
    const reference = stored && fits(stored.reference, options) ? stored : undefined;
    this.digest = reference?.digest ?? digest;
    this.watch = new DriftWatch(options, reference?.reference);
    const perTick = manifest.inputs.reduce((sum, { elements, rate }) => sum + elements * (rate ?? 1), 0);
    this.#pieceTicks = Math.max(1, Math.floor(maxPieceValues / perTick));
    this.#next = this.#to = stream.given;
  }

  /** Whether signal waits to be read. */
  get waits(): boolean {
    return this.#next < this.#to;
  }

  output({ frame, values, filled, digest }: OutputEvent): void {
    if (!this.watch.reference && digest !== this.digest) this.digest = digest;
    this.watch.judgesOutputs = digest === this.digest;
    if (this.watch.judgesOutputs) this.watch.output(values);
    this.#isFilled = filled > 0;
    this.#to = frame;
  }

  /** Reads the next piece of the signal. */
  read(): WatchEvent | undefined {
    const [from, to] = [this.#next, Math.min(this.#to, this.#next + this.#pieceTicks)];
    this.#next = to;
    const isSeen = this.#due >= 1;
    this.#due += this.#share - (isSeen ? 1 : 0);
    const signal = isSeen && !this.#isFilled ? this.stream.signal(from, to, 0) : undefined;
    if (signal) {
      const frames = framesOf(this.#manifest, signal.bytes);
      for (const [i, { elements }] of this.#manifest.inputs.entries())
        this.watch.see(i, (Array.isArray(frames) ? frames[i] : frames) as ArrayLike<number>, elements);
    } else this.watch.cut();
    return this.watch.pass(to - from);
  }
}
