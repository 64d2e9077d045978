/**
 * Where frames of all wires that may lose some come in: ordered, filled and counted by policy, shed where
 * they come faster than they are computed.
 *
 * In: messages of frames with a stream's name.  Out: Gateway.deliver and Gateway.reset; `decorate` says of an
 * output what its sender calls its last tick. Everything that can refuse a message comes before the
 * sequencer: nothing after it throws. A refused message of a stream that runs is counted, and its ticks are a
 * gap like any other. A message for which no stream runs leaves nothing behind. Shed: a message is thrown
 * away and counted if its stream has more than `mostWaitingHops` hops (and `mostLagMs` of signal) waiting, or
 * if its thread lets frames wait longer than `mostLagMs`. An `overload` event says when that begins and ends.
 */
import type { Manifest } from '../../../assembly/bundle/manifest.ts';
import { join } from '../../../models/lists.ts';
import type { GapPolicy } from '../../session/gap.ts';
import type { Entry, Gateway } from '../gateway.ts';
import type { OutputEvent } from '../hub/events.ts';
import { checkFrames } from '../worker/frames.ts';
import { type LatePolicy, noCounts, Sequencer, type SequencerCounts, type Step } from './sequencer.ts';
import type { FramesMessage, OutputMessage } from './wire.ts';

export interface IntakeOptions {
  late: LatePolicy;
  gap: GapPolicy;
  /** Default: the hop of the stream's module. */
  reorderTicks?: number;
  /** Default: its window. */
  gapLimitTicks?: number;
  /** Ticks that are missing are waited for no longer than this. */
  reorderMs: number;
  mostWaitingHops: number;
  mostLagMs: number;
}

export const defaultIntake: IntakeOptions = {
  late: 'drop',
  gap: 'hold',
  reorderMs: 1000,
  mostWaitingHops: 8,
  mostLagMs: 1000,
};

export interface TakeOptions extends FramesMessage {
  stream: string;
  slot?: string;
}

/** Ticks of all streams, and messages. A message without a stream counts as a message alone. */
export type IntakeCounts = SequencerCounts & { messages: number; refusedMessages: number };

interface Lane {
  stream: string;
  sequencer: Sequencer;
  hop: number;
  /** The sender gave a number with its latest message. */
  numbered: boolean;
  tickMs?: number;
  /** The sender's number of tick 0 of the stream, from a frame of the stream on. */
  epochs: { frame: number; offset: number }[];
  stamp?: { from: number; timestampMs: number };
  heardMs: number;
  shedding: boolean;
}

const calmMs = 1000;

/** A tick of real values 0.0. */
function zeroTickOf({ inputs }: Manifest): Uint8Array {
  const parts = inputs.map(({ hostType, zeroPoint, elements, rate = 1 }) => {
    const count = elements * rate;
    if (hostType === 'float32') return new Uint8Array(4 * count);
    if (hostType === 'int16') return new Uint8Array(2 * count);
    return new Uint8Array(count).fill(hostType === 'uint8' ? zeroPoint + 128 : zeroPoint);
  });
  return join(Uint8Array, parts);
}

export class Intake {
  readonly gateway: Gateway;
  readonly options: IntakeOptions;
  #lanes = new Map<string, Lane>();
  /** Of streams that have ended. */
  #ended = noCounts();
  #refusedMessages = 0;
  #messages = 0;
  #overload = { active: false, shedTicks: 0, lastMs: 0, streams: new Set<string>() };
  #timer: NodeJS.Timeout;
  #stops: (() => void)[];

  constructor(gateway: Gateway, options: Partial<IntakeOptions> = {}) {
    this.gateway = gateway;
    this.options = { ...defaultIntake, ...options };
    this.#timer = setInterval(() => this.#tidy(), Math.min(250, this.options.reorderMs)).unref();
    this.#stops = [gateway.events.on('stream', ({ stream, state }) => state === 'closed' && this.#forget(stream))];
  }

  close(): void {
    clearInterval(this.#timer);
    for (const stop of this.#stops) stop();
  }

  /** Sums over all streams. */
  counts(): IntakeCounts {
    const sum = { ...this.#ended };
    for (const { sequencer } of this.#lanes.values()) add(sum, sequencer.counts);
    return { ...sum, messages: this.#messages, refusedMessages: this.#refusedMessages };
  }

  /** Of one stream; undefined where it came over a wire that loses nothing. */
  countsOf = (stream: string): SequencerCounts | undefined => this.#lanes.get(stream)?.sequencer.counts;

  /**
   * Takes frames. What is wrong with a message is the sender's, and is thrown; what is late, lost or too much
   * is counted.
   * @returns whether they were taken, and not shed
   * @throws RN805, RN813, RN842, RN844, RN846, RN847, RN876, and others of a module that has failed
   */
  take(message: TakeOptions): boolean {
    this.#messages++;
    try {
      return this.#take(message);
    } catch (error) {
      this.#refusedMessages++;
      throw error;
    }
  }

  #take({ stream: id, slot, from, timestampMs, bytes }: TakeOptions): boolean {
    const { gateway } = this;
    // what is refused here does not belong to the stream
    const entry = gateway.entry(id, slot);
    const lane = this.#lanes.get(id) ?? this.#laneOf(entry);
    const ticks = Math.ceil(bytes.length / entry.tickBytes);
    lane.heardMs = performance.now();
    lane.numbered = from !== undefined;
    try {
      gateway.checkRuns(entry);
      if (this.#tooMuch(entry, lane, bytes)) {
        this.#shedding(id, ticks);
        lane.sequencer.skip({ what: 'shed', from, ticks });
        return false;
      }
      checkFrames(entry, bytes);
    } catch (error) {
      lane.sequencer.skip({ what: 'refused', from, ticks });
      throw error;
    }
    this.#lanes.set(id, lane);
    this.#run(entry, lane, lane.sequencer.push({ from, timestampMs, bytes }));
    return true;
  }

  /**
   * A part of a stream could not be read at all. If its sender gives no numbers, its ticks are missing from
   * here on.
   * @param ticks undefined if nobody knows how many there were: the signal then begins again
   */
  unreadable(stream: string, ticks?: number): void {
    const lane = this.#lanes.get(stream);
    if (lane && !lane.numbered) lane.sequencer.skip({ what: 'refused', ticks });
  }

  /** What a reader of an output gets, in the sender's numbers. */
  decorate({ stream, sequence, frame, timestampMs, digest, filled, values }: OutputEvent): OutputMessage {
    const offset = this.#lanes.get(stream)?.epochs.findLast((epoch) => epoch.frame < frame)?.offset ?? 0;
    const joined = values.length === 1 ? (values[0] as Float32Array) : join(Float32Array, values);
    return { stream, sequence, tick: frame - 1 + offset, timestampMs, digest, filled, values: joined };
  }

  #laneOf({ id, manifest, tickBytes }: Entry): Lane {
    const { options } = this;
    const sequencer = new Sequencer({
      tickBytes,
      zeroTick: zeroTickOf(manifest),
      gap: options.gap,
      gapLimitTicks: options.gapLimitTicks ?? manifest.window,
      reorderTicks: options.reorderTicks ?? manifest.hop,
      late: options.late,
    });
    const tickMs = manifest.sampleRateHz && 1000 / manifest.sampleRateHz;
    return { stream: id, sequencer, hop: manifest.hop, numbered: false, tickMs, epochs: [], heardMs: 0, shedding: false };
  }

  #run({ id, slot }: Entry, lane: Lane, steps: Step[]): void {
    const { gateway } = this;
    for (const step of steps) {
      const at = gateway.streams.get(id)?.next ?? 0;
      if (step.kind === 'reset') {
        gateway.reset(id, step.ticks);
        lane.stamp = undefined;
        this.#number(lane, at + step.ticks, step.from);
        continue;
      }
      this.#number(lane, at, step.from);
      const { from, bytes, skipped, filled } = step;
      if (step.timestampMs !== undefined) lane.stamp = { from, timestampMs: step.timestampMs + skipped * (lane.tickMs ?? 0) };
      else if (!filled) lane.stamp = undefined;
      const timestampMs = lane.stamp && lane.stamp.timestampMs + (from - lane.stamp.from) * (lane.tickMs ?? 0);
      gateway.deliver(id, slot, bytes, { timestampMs, filled });
    }
  }

  /** Frame `frame` of the stream is the sender's tick `from`. */
  #number({ epochs }: Lane, frame: number, from: number): void {
    if (epochs.at(-1)?.offset !== from - frame) epochs.push({ frame, offset: from - frame });
    if (epochs.length > 16) epochs.shift();
  }

  /** Once a stream sheds it does so until little waits: few long gaps are better than many short ones. */
  #tooMuch({ stream, tickBytes }: Entry, lane: Lane, bytes: Uint8Array): boolean {
    const { mostWaitingHops, mostLagMs } = this.options;
    const { waiting = 0, lagMs = 0 } = stream ?? {};
    // the hops of sound are short
    const most = Math.max(mostWaitingHops * lane.hop, mostLagMs / (lane.tickMs ?? Number.POSITIVE_INFINITY));
    lane.shedding =
      waiting > (lane.shedding ? Math.max(lane.hop, most / 4) : most) ||
      lagMs > (lane.shedding ? mostLagMs / 2 : mostLagMs) ||
      waiting * tickBytes + bytes.length > this.gateway.mostWaitingBytes;
    return lane.shedding;
  }

  #shedding(id: string, ticks: number): void {
    const state = this.#overload;
    state.lastMs = performance.now();
    state.streams.add(id);
    if (!state.active) {
      Object.assign(state, { active: true, shedTicks: 0 });
      this.#tell('begins');
    }
    state.shedTicks += ticks;
  }

  #tell(state: 'begins' | 'ends'): void {
    const { shedTicks, streams } = this.#overload;
    const why = 'frames come faster than they are computed: the newest are thrown away';
    this.gateway.events.emit('overload', { state, why, shedTicks, streams: streams.size });
  }

  /** Ends what is over: an overload, and waiting for ticks that do not come. */
  #tidy(): void {
    const now = performance.now();
    const { active, lastMs, streams } = this.#overload;
    if (active && now - lastMs > calmMs) {
      this.#tell('ends');
      this.#overload.active = false;
      streams.clear();
    }
    for (const lane of this.#lanes.values()) {
      // what waits for a stream that has failed waits for its next module
      if (lane.sequencer.heldTicks === 0 || now - lane.heardMs <= this.options.reorderMs) continue;
      if (this.gateway.streams.get(lane.stream)?.failure) continue;
      this.#run(this.gateway.entry(lane.stream), lane, lane.sequencer.flush());
    }
  }

  #forget(id: string): void {
    const lane = this.#lanes.get(id);
    if (!lane) return;
    lane.sequencer.end();
    add(this.#ended, lane.sequencer.counts);
    this.#lanes.delete(id);
  }
}

function add(sum: SequencerCounts, counts: SequencerCounts): void {
  for (const name of Object.keys(sum) as (keyof SequencerCounts)[]) sum[name] += counts[name];
}
