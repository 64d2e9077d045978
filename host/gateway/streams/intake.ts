/**
 * Intake: takes frames from wires that may lose messages. Orders, fills and counts them by policy, and sheds
 * load when frames arrive faster than they are processed.
 *
 * In: messages of frames with a stream's name.  Out: calls of Gateway.deliver and Gateway.reset; `decorate`
 * adds the sender's tick number to an output.  Errors: those of `take`.
 * Rule: all checks that can refuse a message come before the sequencer, and nothing after it throws. The
 * ticks of a refused message become a gap of the stream. If no stream runs, a refused message creates none.
 * Shedding: a message is dropped and counted if its stream has more than `maxWaitingHops` hops (and more
 * than `maxLagMs` of signal) in its queue, or if frames wait for its thread longer than `maxLagMs`. An
 * `overload` event reports the begin and the end.
 */
import type { Manifest } from '../../../assembly/bundle/manifest.ts';
import { join } from '../../../models/lists.ts';
import type { GapPolicy } from '../../session/gap.ts';
import type { DeviceMessage, Running } from '../collect/device-window.ts';
import type { Entry, Gateway } from '../gateway.ts';
import type { OutputEvent } from '../hub/events.ts';
import type { StreamState } from '../hub/stream.ts';
import { checkFrames } from '../worker/frames.ts';
import { type LatePolicy, noCounts, Sequencer, type SequencerCounts, type SequencerState, type Step } from './sequencer.ts';
import type { FramesMessage, OutputMessage } from './wire.ts';

export interface IntakeOptions {
  late: LatePolicy;
  gap: GapPolicy;
  /** Number of ticks that a tick may be late before it is lost; by default the hop of the stream's module. */
  reorderTicks?: number;
  /** Largest number of ticks that are filled in one gap; by default the module's window. */
  gapLimitTicks?: number;
  /** Longest time without a message, in milliseconds, before the missing ticks are lost. */
  reorderMs: number;
  /** Number of waiting hops above which a stream's messages are shed. */
  maxWaitingHops: number;
  /** Waiting time of frames above which messages are shed, in milliseconds. */
  maxLagMs: number;
}

export const defaultIntake: IntakeOptions = {
  late: 'drop',
  gap: 'hold',
  reorderMs: 1000,
  maxWaitingHops: 8,
  maxLagMs: 1000,
};

export interface TakeOptions extends FramesMessage {
  stream: string;
  slot?: string;
}

/** Counts of ticks and messages over all streams. A message without a stream adds no ticks. */
export type IntakeCounts = SequencerCounts & { messages: number; refusedMessages: number };

/** What is known of a sender's numbers and times. */
interface Numbering {
  /** True if the latest message had the sender's number. */
  numbered: boolean;
  /** From `frame` of the stream on, the sender's number of a frame is the frame plus `offset`. */
  epochs: { frame: number; offset: number }[];
  stamp?: { from: number; timestampMs: number };
}

/** A stream between two messages: all that the intake of another gateway needs to continue it. */
export interface IntakeState extends StreamState {
  slot: string;
  sequencer: SequencerState;
  numbering: Numbering;
}

interface Lane extends Numbering {
  stream: string;
  sequencer: Sequencer;
  hop: number;
  tickMs?: number;
  heardMs: number;
  shedding: boolean;
}

/** Time without shedding after which an overload has ended, in milliseconds. A choice. */
const overloadEndMs = 1000;

/** Returns the bytes of a tick of real values 0.0. */
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
  /** Sum of the counts of streams that have ended. */
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

  /** Returns the sums over all streams. */
  counts(): IntakeCounts {
    const sum = { ...this.#ended };
    for (const { sequencer } of this.#lanes.values()) add(sum, sequencer.counts);
    return { ...sum, messages: this.#messages, refusedMessages: this.#refusedMessages };
  }

  /** Returns the counts of one stream; undefined if its frames arrive over a wire that loses nothing. */
  countsOf = (stream: string): SequencerCounts | undefined => this.#lanes.get(stream)?.sequencer.counts;

  /** Returns the counts of one stream, with the ticks that it holds. */
  booksOf(stream: string): (SequencerCounts & { held: number }) | undefined {
    const { sequencer } = this.#lanes.get(stream) ?? {};
    return sequencer && { ...sequencer.counts, held: sequencer.heldTicks };
  }

  /**
   * Takes frames, or a window that a device chose. Throws if the message is wrong; late, lost and shed ticks
   * are only counted.
   * @returns true if they were taken, false if they were shed.
   * @throws RN805, RN813, RN842, RN844, RN846, RN847, RN874, RN876, RN894, and the error of a module that has
   * failed.
   */
  take(message: TakeOptions): boolean {
    this.#messages++;
    try {
      const { window } = message;
      return window ? this.#keep({ ...message, window }) : this.#take(message);
    } catch (error) {
      this.#refusedMessages++;
      throw error;
    }
  }

  /** Takes a window that a device chose. It is part of no signal. */
  #keep(message: TakeOptions & DeviceMessage): boolean {
    const { slot } = this.gateway.entry(message.stream, message.slot);
    return this.gateway.collection.device(slot.name, slot.active as Running, message);
  }

  #take({ stream: id, slot, from, timestampMs, bytes }: TakeOptions): boolean {
    const { gateway } = this;
    // a message that is refused here does not belong to the stream and is not counted for it
    const entry = gateway.entry(id, slot);
    const lane = this.#lanes.get(id) ?? this.#laneOf(entry);
    const ticks = Math.ceil(bytes.length / entry.tickBytes);
    lane.heardMs = performance.now();
    lane.numbered = from !== undefined;
    try {
      gateway.checkRuns(entry);
      if (this.#mustShed(entry, lane, bytes)) {
        this.#countShed(id, ticks);
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
   * Records that a message of a stream could not be read. If its sender gives no numbers, its ticks become a
   * gap here.
   * @param ticks number of ticks in the message; if it is unknown (undefined), the signal starts again.
   */
  unreadable(stream: string, ticks?: number): void {
    const lane = this.#lanes.get(stream);
    if (lane && !lane.numbered) lane.sequencer.skip({ what: 'refused', ticks });
  }

  /** Returns an output as its reader receives it, with the sender's tick number. */
  decorate({ stream, sequence, frame, timestampMs, digest, filled, values }: OutputEvent): OutputMessage {
    const offset = this.#lanes.get(stream)?.epochs.findLast((epoch) => epoch.frame < frame)?.offset ?? 0;
    const joined = values.length === 1 ? (values[0] as Float32Array) : join(Float32Array, values);
    return { stream, sequence, tick: frame - 1 + offset, timestampMs, digest, filled, values: joined };
  }

  /** True if a sender that can wait should wait: half of the queue at which messages are shed is full. */
  isBehind(stream: string): boolean {
    const running = this.gateway.streams.get(stream);
    if (!running) return false;
    const { maxWaitingHops, maxLagMs } = this.options;
    const hop = this.gateway.slots.get(running.slot)?.active?.manifest.hop ?? 1;
    return running.waiting > (maxWaitingHops * hop) >> 1 || running.lagMs > maxLagMs / 2;
  }

  /**
   * Resolves with the state of a stream after all messages so far, once their outputs are emitted. Undefined
   * if there is none: the module has failed or is being replaced.
   */
  async state(stream: string): Promise<IntakeState | undefined> {
    const [lane, running] = [this.#lanes.get(stream), this.gateway.streams.get(stream)];
    if (!lane || !running) return undefined;
    const { numbered, epochs, stamp } = lane;
    const [sequencer, numbering] = [lane.sequencer.state(), { numbered, epochs: epochs.map((one) => ({ ...one })), stamp }];
    const state = await running.state();
    return state && { ...state, slot: running.slot, sequencer, numbering };
  }

  /** Continues a stream that another gateway had. @throws RN805, RN813, RN846, RN847 */
  resume(stream: string, { sequencer, numbering, slot, ...state }: IntakeState): void {
    const entry = this.gateway.entry(stream, slot);
    this.#lanes.set(stream, { ...this.#laneOf(entry, sequencer), ...numbering, epochs: [...numbering.epochs] });
    this.gateway.resume(entry, state);
  }

  /** Closes a stream that another gateway continues: its counts go with it. */
  leave(stream: string): void {
    this.#lanes.delete(stream);
    this.gateway.closeStream(stream);
  }

  #laneOf({ id, manifest, tickBytes }: Entry, state?: SequencerState): Lane {
    const { options } = this;
    const sequencing = {
      tickBytes,
      zeroTick: zeroTickOf(manifest),
      gap: options.gap,
      gapLimitTicks: options.gapLimitTicks ?? manifest.window,
      reorderTicks: options.reorderTicks ?? manifest.hop,
      late: options.late,
    };
    const sequencer = new Sequencer(sequencing, state);
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
        this.#addEpoch(lane, at + step.ticks, step.from);
        continue;
      }
      this.#addEpoch(lane, at, step.from);
      const { from, bytes, skipped, filled } = step;
      if (step.timestampMs !== undefined) lane.stamp = { from, timestampMs: step.timestampMs + skipped * (lane.tickMs ?? 0) };
      else if (!filled) lane.stamp = undefined;
      const timestampMs = lane.stamp && lane.stamp.timestampMs + (from - lane.stamp.from) * (lane.tickMs ?? 0);
      gateway.deliver(id, slot, bytes, { timestampMs, filled });
    }
  }

  /** Records that frame `frame` of the stream is the sender's tick `from`. */
  #addEpoch({ epochs }: Lane, frame: number, from: number): void {
    if (epochs.at(-1)?.offset !== from - frame) epochs.push({ frame, offset: from - frame });
    if (epochs.length > 16) epochs.shift();
  }

  /**
   * Returns true if a message must be shed. Shedding continues until the queue is short, because few long
   * gaps are better than many short ones.
   */
  #mustShed({ stream, tickBytes }: Entry, lane: Lane, bytes: Uint8Array): boolean {
    const { maxWaitingHops, maxLagMs } = this.options;
    const { waiting = 0, lagMs = 0 } = stream ?? {};
    // sound has short hops, so the time is a lower bound of the capacity
    const capacity = Math.max(maxWaitingHops * lane.hop, maxLagMs / (lane.tickMs ?? Number.POSITIVE_INFINITY));
    lane.shedding =
      waiting > (lane.shedding ? Math.max(lane.hop, capacity / 4) : capacity) ||
      lagMs > (lane.shedding ? maxLagMs / 2 : maxLagMs) ||
      waiting * tickBytes + bytes.length > this.gateway.maxWaitingBytes;
    return lane.shedding;
  }

  #countShed(id: string, ticks: number): void {
    const state = this.#overload;
    state.lastMs = performance.now();
    state.streams.add(id);
    if (!state.active) {
      Object.assign(state, { active: true, shedTicks: 0 });
      this.#emitOverload('begins');
    }
    state.shedTicks += ticks;
  }

  #emitOverload(state: 'begins' | 'ends'): void {
    const { shedTicks, streams } = this.#overload;
    const why = 'frames arrive faster than they are processed: the newest are dropped';
    this.gateway.events.emit('overload', { state, why, shedTicks, streams: streams.size });
  }

  /** Ends an overload after a quiet time, and stops waiting for ticks that do not arrive in time. */
  #tidy(): void {
    const now = performance.now();
    const { active, lastMs, streams } = this.#overload;
    if (active && now - lastMs > overloadEndMs) {
      this.#emitOverload('ends');
      this.#overload.active = false;
      streams.clear();
    }
    for (const lane of this.#lanes.values()) {
      // a stream that has failed keeps its held ticks for its next module
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
