/**
 * Where frames of all wires that may lose some come in: ordered, filled and counted by policy, shed where they come faster than they are computed.
 *
 * In: messages of frames with a stream's name.  Out: Gateway.push and Gateway.reset; `decorate` says of an output what its sender calls its last tick.
 * Shed: a message that comes while a stream has more than `mostWaitingHops` hops (and `mostLagMs` of signal) waiting, or while frames wait longer than `mostLagMs` for a thread, is
 * thrown away and counted; its ticks are then a gap like any other. An `overload` event says when that begins and ends.
 */
import type { Manifest } from '../../../assembly/bundle/manifest.ts';
import { RunletError } from '../../../models/error.ts';
import type { GapPolicy } from '../../session/gap.ts';
import type { Gateway } from '../gateway.ts';
import type { OutputEvent } from '../hub/events.ts';
import { tickBytes } from '../worker/frames.ts';
import { type LatePolicy, Sequencer, type SequencerCounts, type Step } from './sequencer.ts';
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

export type IntakeCounts = SequencerCounts & { shed: number; refused: number; messages: number };

interface Lane {
  sequencer: Sequencer;
  slot: string;
  tickBytes: number;
  hop: number;
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
  const tick = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    tick.set(part, at);
    at += part.length;
  }
  return tick;
}

export class Intake {
  readonly gateway: Gateway;
  readonly options: IntakeOptions;
  #lanes = new Map<string, Lane>();
  /** Of streams that have ended, and of all of shed and refused messages. */
  #ended: SequencerCounts = new Sequencer({
    tickBytes: 1,
    zeroTick: new Uint8Array(1),
    gap: 'hold',
    gapLimitTicks: 0,
    reorderTicks: 0,
    late: 'drop',
  }).counts;
  #shed = 0;
  #refused = 0;
  #messages = 0;
  #overload = { active: false, sinceTicks: 0, lastMs: 0, streams: new Set<string>() };
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
    return { ...sum, shed: this.#shed, refused: this.#refused, messages: this.#messages };
  }

  /** Of one stream; undefined where it came over a wire that loses nothing. */
  countsOf = (stream: string): SequencerCounts | undefined => this.#lanes.get(stream)?.sequencer.counts;

  /**
   * Takes frames. What is wrong with a message is the sender's, and is thrown; what is late, lost or too much is counted.
   * @returns whether they were taken, and not shed
   * @throws RN805, RN813, RN842, RN844, RN846, RN847, RN874, and others of a module that has failed
   */
  take(message: TakeOptions): boolean {
    this.#messages++;
    try {
      return this.#take(message);
    } catch (error) {
      this.#refused++;
      throw error;
    }
  }

  #take({ stream: id, slot, from, timestampMs, bytes }: TakeOptions): boolean {
    const lane = this.#lanes.get(id) ?? this.#begin(id, slot ?? 'main');
    if (bytes.length === 0 || bytes.length % lane.tickBytes !== 0)
      throw new RunletError('RN842', {
        what: 'these are not whole frames',
        where: `stream ${id}`,
        why: `${bytes.length} bytes, and a tick has ${lane.tickBytes}`,
        tryThis: 'whole ticks of all inputs in turn; `runlet status` has their layout',
      });
    const ticks = bytes.length / lane.tickBytes;
    const next = lane.sequencer.next ?? from ?? 0;
    if (from !== undefined && from - next > mostJumpTicks)
      throw new RunletError('RN874', {
        what: 'the number of these frames is too far ahead',
        where: `stream ${id}`,
        why: `tick ${next} comes next, and these begin with ${from}`,
        tryThis: 'count ticks from the stream’s first on; a new name for a new signal',
      });
    lane.heardMs = performance.now();
    if (this.#tooMuch(id, lane)) {
      this.#shedding(id, ticks);
      lane.sequencer.skip(ticks, from);
      return false;
    }
    this.#lanes.set(id, lane);
    // the sender's buffer may be a part of a larger one
    this.#run(id, slot, lane, lane.sequencer.push({ from, timestampMs, bytes: new Uint8Array(bytes) }));
    return true;
  }

  /** What a reader of an output gets, in the sender's numbers. */
  decorate({ stream, sequence, frame, timestampMs, digest, filled, values }: OutputEvent): OutputMessage {
    const offset = this.#lanes.get(stream)?.epochs.findLast((epoch) => epoch.frame < frame)?.offset ?? 0;
    const joined = values.length === 1 ? (values[0] as Float32Array) : Float32Array.from(values.flatMap((part) => [...part]));
    return { stream, sequence, tick: frame - 1 + offset, timestampMs, digest, filled, values: joined };
  }

  #begin(id: string, slotName: string): Lane {
    const { gateway, options } = this;
    const running = gateway.streams.get(id);
    const active = gateway.slots.get(running?.slot ?? slotName)?.active;
    if (!active)
      throw new RunletError('RN846', {
        what: 'no bundle runs here',
        where: `slot ${slotName}`,
        tryThis: 'runlet flash BUNDLE --to GATEWAY',
      });
    const { manifest } = active;
    const width = tickBytes(manifest);
    const sequencer = new Sequencer({
      tickBytes: width,
      zeroTick: zeroTickOf(manifest),
      gap: options.gap,
      gapLimitTicks: options.gapLimitTicks ?? manifest.window,
      reorderTicks: options.reorderTicks ?? manifest.hop,
      late: options.late,
    });
    const tickMs = manifest.sampleRateHz && 1000 / manifest.sampleRateHz;
    return { sequencer, slot: slotName, tickBytes: width, hop: manifest.hop, tickMs, epochs: [], heardMs: 0, shedding: false };
  }

  #run(id: string, slot: string | undefined, lane: Lane, steps: Step[]): void {
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
      gateway.push(id, bytes, { slot, timestampMs, filled });
    }
  }

  /** Frame `frame` of the stream is the sender's tick `from`. */
  #number({ epochs }: Lane, frame: number, from: number): void {
    if (epochs.at(-1)?.offset !== from - frame) epochs.push({ frame, offset: from - frame });
    if (epochs.length > 16) epochs.shift();
  }

  /** Once a stream sheds it does so until little waits: few long gaps are better than many short ones. */
  #tooMuch(id: string, lane: Lane): boolean {
    const { mostWaitingHops, mostLagMs } = this.options;
    // the hops of sound are short
    const most = Math.max(mostWaitingHops * lane.hop, mostLagMs / (lane.tickMs ?? Number.POSITIVE_INFINITY));
    const waiting = this.gateway.streams.get(id)?.waiting ?? 0;
    lane.shedding =
      waiting > (lane.shedding ? Math.max(lane.hop, most / 4) : most) ||
      this.gateway.lagMs > (lane.shedding ? mostLagMs / 2 : mostLagMs);
    return lane.shedding;
  }

  #shedding(id: string, ticks: number): void {
    this.#shed += ticks;
    const state = this.#overload;
    state.lastMs = performance.now();
    state.streams.add(id);
    if (state.active) return;
    Object.assign(state, { active: true, sinceTicks: this.#shed - ticks });
    this.#tell('begins');
  }

  #tell(state: 'begins' | 'ends'): void {
    const { sinceTicks, streams } = this.#overload;
    const why = 'frames come faster than they are computed: the newest are thrown away';
    this.gateway.events.emit('overload', { state, why, shedTicks: this.#shed - sinceTicks, streams: streams.size });
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
    for (const [id, lane] of this.#lanes)
      if (lane.sequencer.heldTicks > 0 && now - lane.heardMs > this.options.reorderMs)
        try {
          this.#run(id, lane.slot, lane, lane.sequencer.flush());
        } catch {
          // the module has failed, which was told; nothing is pushed to it any more
          this.#refused++;
        }
  }

  #forget(id: string): void {
    const lane = this.#lanes.get(id);
    if (lane) add(this.#ended, lane.sequencer.counts);
    this.#lanes.delete(id);
  }
}

/** About two hours at 48 kHz: a number beyond is a damaged one. */
const mostJumpTicks = 2 ** 28;

function add(sum: SequencerCounts, counts: SequencerCounts): void {
  for (const name of Object.keys(sum) as (keyof SequencerCounts)[]) sum[name] += counts[name];
}
