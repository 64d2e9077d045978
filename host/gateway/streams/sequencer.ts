/**
 * Sequencer: puts the ticks of a stream in order. Late, duplicate, reordered and lost ticks become one signal
 * without holes, or with resets where it starts again.
 *
 * In: messages of ticks, each with the sender's number of its first tick (by default the next number); ticks
 * that were refused or shed.  Out: steps in order, each frames or a reset; exact counts.
 * Rule: a missing tick counts as lost once a message arrives that ends more than `reorderTicks` after it. The
 * first `gapLimitTicks` of a gap are filled: `hold` repeats the previous tick, `zero` inserts the real value
 * 0.0. The rest of the gap is a reset; with policy `reset` every gap is one. A number more than
 * `reorderTicks` ahead, or so low that the sender must have restarted its count, may be damaged. Its message
 * is set aside until the next message. If that one is adjacent to it, both are taken. If the stream continues
 * from its old position, the message is refused. So a damaged number costs at most twice the ticks of its
 * message.
 * Exact: received = delivered + late + duplicate + refused + shed + held; lost + restarts = filled +
 * resetTicks; delivered + filled + resetTicks = ticks passed. Cost: O(held messages) per push; if messages
 * arrive in order, none is held. Memory: `reorderTicks`, and the newest `setAsideTicks` of one message.
 */
import type { GapPolicy } from '../../session/gap.ts';
import { compact } from '../worker/frames.ts';

export const latePolicies = ['drop', 'restart'] as const;
export type LatePolicy = (typeof latePolicies)[number];

export interface SequencerOptions {
  tickBytes: number;
  /** Bytes of a tick of real values 0.0, in the format of a message. */
  zeroTick: Uint8Array;
  gap: GapPolicy;
  /** Largest number of ticks that are filled in one gap. */
  gapLimitTicks: number;
  /** Number of ticks that a tick may be late before it is lost. */
  reorderTicks: number;
  /**
   * What happens to messages that are too late. `drop` discards them. With `restart`, two adjacent messages
   * further back than `reorderTicks` mean that the sender has restarted its count; the stream restarts too.
   */
  late: LatePolicy;
}

export interface Message {
  /** The sender's number of the first tick; by default the next number. */
  from?: number;
  bytes: Uint8Array;
  /** Time of the first tick of the message. */
  timestampMs?: number;
}

export type Step =
  /**
   * `from` is the sender's number of the first tick. `timestampMs` belongs to the first tick of the message,
   * which is `skipped` ticks earlier.
   */
  | { kind: 'frames'; from: number; bytes: Uint8Array; timestampMs?: number; skipped: number; filled: boolean }
  /** The signal starts again after `ticks` lost ticks, at the sender's number `from`. */
  | { kind: 'reset'; from: number; ticks: number };

export interface SequencerCounts {
  received: number;
  delivered: number;
  lost: number;
  filled: number;
  late: number;
  duplicate: number;
  /** Ticks of messages that were refused or whose number was considered damaged. */
  refused: number;
  /** Ticks that were dropped because of overload. */
  shed: number;
  /** Lost ticks that were not filled, and one for each restart. */
  resetTicks: number;
  /** Ticks that arrived before their turn. */
  reordered: number;
  gaps: number;
  resets: number;
  restarts: number;
}

type Piece = Message & { from: number; skipped: number };

/** All that a sequencer knows, as plain values. */
export interface SequencerState {
  counts: SequencerCounts;
  next?: number;
  first: number;
  end: number;
  candidate?: Candidate;
  unknownGap: boolean;
  held: Piece[];
  lostRanges: [from: number, to: number][];
  last?: Uint8Array;
  gapTicks: number;
}

/** Ticks that do not arrive as frames. If `ticks`, their count, is unknown, the signal starts again. */
export interface Absent {
  what: 'refused' | 'shed';
  from?: number;
  ticks?: number;
}

/** A message that was set aside because its number may be damaged: its range [from, to) and newest ticks. */
interface Candidate {
  from: number;
  to: number;
  /** True if the number is too low, false if it is too far ahead. */
  back: boolean;
  piece: Piece;
}

/** Largest part of a message that is set aside. A choice: the ticks that a stream keeps (hub/stream.ts). */
const setAsideTicks = 1024;

/**
 * Largest jump of the sender's numbers within one numbering. A larger jump is a restart, so that positions of
 * a stream stay exact. A choice: 90 minutes at 48 kHz.
 */
const jumpLimitTicks = 2 ** 28;

/** Largest number of lost ranges that are recorded, to distinguish late from duplicate ticks. A choice. */
const maxLostRanges = 64;

export const noCounts = (): SequencerCounts => ({
  ...{ received: 0, delivered: 0, lost: 0, filled: 0, late: 0, duplicate: 0, refused: 0, shed: 0 },
  ...{ resetTicks: 0, reordered: 0, gaps: 0, resets: 0, restarts: 0 },
});

export class Sequencer {
  readonly counts: SequencerCounts;
  #options: SequencerOptions;
  /** The sender's number of the next tick to deliver; undefined before the first message. */
  #next?: number;
  /** The first number since the last restart. */
  #first = 0;
  /** One more than the highest number that was received. */
  #end = 0;
  #candidate?: Candidate;
  /** True if the next gap has an unknown length. */
  #unknownGap = false;
  /** Ticks that wait for earlier ones: sorted, without overlap. */
  #held: Piece[] = [];
  #heldTicks = 0;
  #lostRanges: [from: number, to: number][] = [];
  /** The last delivered tick; `hold` repeats it. */
  #last?: Uint8Array;
  /** Number of ticks in the current gap. */
  #gapTicks = 0;

  /** @param state of another sequencer with the same options, which this one continues */
  constructor(options: SequencerOptions, state?: SequencerState) {
    this.#options = options;
    this.counts = { ...(state?.counts ?? noCounts()) };
    if (!state) return;
    const { next, first, end, candidate, unknownGap, held, lostRanges, last, gapTicks } = state;
    [this.#next, this.#first, this.#end, this.#gapTicks] = [next, first, end, gapTicks];
    [this.#candidate, this.#unknownGap, this.#last] = [candidate, unknownGap, last?.slice()];
    this.#held = held.map((piece) => ({ ...piece }));
    this.#heldTicks = held.reduce((sum, piece) => sum + this.#ticksOf(piece), 0);
    this.#lostRanges = structuredClone(lostRanges);
  }

  /** Returns a copy of the state; bytes of ticks that do not change are shared. */
  state(): SequencerState {
    return {
      ...{ counts: { ...this.counts }, next: this.#next, first: this.#first, end: this.#end, gapTicks: this.#gapTicks },
      ...{ candidate: this.#candidate, unknownGap: this.#unknownGap, last: this.#last?.slice() },
      held: this.#held.map((piece) => ({ ...piece })),
      lostRanges: this.#lostRanges.map(([from, to]) => [from, to]),
    };
  }

  get next(): number | undefined {
    return this.#next;
  }

  /** Number of ticks that wait for earlier ticks, or for a message that confirms their number. */
  get heldTicks(): number {
    return this.#heldTicks + this.#ticksOf(this.#candidate?.piece);
  }

  #ticksOf = (piece: Piece | undefined): number => (piece?.bytes.length ?? 0) / this.#options.tickBytes;

  /** Takes a message of whole ticks, and returns the steps that are now possible. */
  push({ from, bytes, timestampMs }: Message): Step[] {
    const { tickBytes, reorderTicks } = this.#options;
    const ticks = bytes.length / tickBytes;
    const steps: Step[] = [];
    this.counts.received += ticks;
    if (this.#next === undefined) this.#begin(from ?? 0);
    const at = from ?? Math.max(this.#next as number, this.#end);
    const end = at + ticks;
    const back = this.#isBack(end);
    if (back || at > this.#end + reorderTicks) {
      const before = this.#confirmed(at, end);
      if (!before) {
        this.#setAside({ from: at, to: end, back, piece: { from: at, bytes, timestampMs, skipped: 0 } });
        return steps;
      }
      this.#candidate = undefined;
      const start = Math.min(at, before.piece.from);
      if (back || start - (this.#next as number) > jumpLimitTicks) this.#restart(steps, start);
      this.#take(before.piece);
    }
    const passed = Math.min(ticks, Math.max(0, (this.#next as number) - at));
    if (passed > 0) this.#countPast(at, at + passed);
    if (passed === ticks) return steps;
    this.#take({ from: at + passed, bytes: bytes.subarray(passed * tickBytes), timestampMs, skipped: passed });
    this.#settle();
    this.#drain(steps, this.#end - reorderTicks);
    // a held piece must not keep the whole message in memory
    for (const piece of this.#held) piece.bytes = compact(piece.bytes);
    return steps;
  }

  /** Counts ticks that do not arrive as frames. They become a gap, like ticks that were lost on the way. */
  skip({ what, from, ticks }: Absent): void {
    const { counts } = this;
    counts.received += ticks ?? 1;
    counts[what] += ticks ?? 1;
    if (this.#next === undefined) return;
    const at = from ?? this.#end;
    if (at > this.#end + this.#options.reorderTicks) return;
    this.#end = Math.max(this.#end, at + (ticks ?? 1));
    this.#unknownGap ||= ticks === undefined;
  }

  /** Stops waiting for missing ticks, and returns the steps up to the newest one. */
  flush(): Step[] {
    const steps: Step[] = [];
    if (this.#next !== undefined) this.#drain(steps, this.#end);
    return steps;
  }

  /** Ends the stream. Held ticks are counted as refused and not delivered. */
  end(): void {
    this.counts.refused += this.heldTicks;
    this.#held = [];
    this.#heldTicks = 0;
    this.#candidate = undefined;
  }

  #begin(at: number): void {
    this.#next = at;
    this.#first = at;
    this.#end = at;
  }

  /** True if a message is so old that its sender restarted its count, or its number is damaged. */
  #isBack(end: number): boolean {
    const { reorderTicks, late } = this.#options;
    return end + reorderTicks <= (this.#next as number) && (late === 'restart' || end <= this.#first);
  }

  /** Returns the message set aside if [from, to) is adjacent to it. Two damaged numbers are not adjacent. */
  #confirmed(from: number, to: number): Candidate | undefined {
    const { reorderTicks } = this.#options;
    const one = this.#candidate;
    if (!one) return undefined;
    const [ahead, behind] = [from - one.to, one.from - to];
    return (ahead >= 0 && ahead <= reorderTicks) || (behind >= 0 && behind <= reorderTicks) ? one : undefined;
  }

  #setAside(one: Candidate): void {
    const { tickBytes } = this.#options;
    if (this.#candidate?.from === one.from && this.#candidate.to === one.to) {
      this.counts.duplicate += one.to - one.from;
      return;
    }
    this.#discard();
    const { piece } = one;
    const cut = Math.max(0, one.to - one.from - setAsideTicks);
    this.counts.refused += cut;
    const bytes = new Uint8Array(piece.bytes.subarray(cut * tickBytes));
    this.#candidate = { ...one, piece: { ...piece, from: one.from + cut, bytes, skipped: cut } };
  }

  /** Takes or refuses the message set aside, after the stream has continued from its old position. */
  #settle(): void {
    const one = this.#candidate;
    if (!one) return;
    if (one.back || one.piece.from > this.#end + this.#options.reorderTicks) {
      this.#discard();
      return;
    }
    this.#candidate = undefined;
    this.#take(one.piece);
  }

  #discard(): void {
    const { back, piece } = this.#candidate ?? {};
    this.#candidate = undefined;
    if (!piece) return;
    if (back) this.#countPast(piece.from, piece.from + this.#ticksOf(piece));
    else this.counts.refused += this.#ticksOf(piece);
  }

  /** Restarts the numbering at `at`. */
  #restart(steps: Step[], at: number): void {
    this.#drain(steps, Number.POSITIVE_INFINITY);
    this.counts.restarts++;
    this.counts.resets++;
    this.counts.resetTicks++;
    this.#begin(at);
    this.#lostRanges = [];
    this.#gapTicks = 0;
    this.#last = undefined;
    steps.push({ kind: 'reset', from: at, ticks: 1 });
  }

  #take(piece: Piece): void {
    this.#end = Math.max(this.#end, piece.from + this.#ticksOf(piece));
    this.#hold(piece);
  }

  /** Counts ticks [from, to), whose turn has passed, as late or duplicate. */
  #countPast(from: number, to: number): void {
    let late = Math.max(0, Math.min(to, this.#first) - from);
    for (const [a, b] of this.#lostRanges) late += Math.max(0, Math.min(b, to) - Math.max(a, from));
    this.counts.late += late;
    this.counts.duplicate += to - from - late;
  }

  /** Inserts the parts of a piece that are not held yet. */
  #hold(piece: Piece): void {
    const { tickBytes } = this.#options;
    const end = piece.from + piece.bytes.length / tickBytes;
    let { from } = piece;
    let at = this.#held.findIndex((one) => one.from + one.bytes.length / tickBytes > from);
    if (at < 0) at = this.#held.length;
    if (from !== this.#next) this.counts.reordered += end - from;
    while (from < end) {
      const other = this.#held[at];
      const to = Math.min(end, other ? Math.max(from, other.from) : end);
      if (to > from) {
        const cut = from - piece.from;
        const bytes = piece.bytes.subarray(cut * tickBytes, (to - piece.from) * tickBytes);
        this.#held.splice(at++, 0, { ...piece, from, bytes, skipped: piece.skipped + cut });
        this.#heldTicks += to - from;
      }
      if (!other || to === end) break;
      const otherEnd = other.from + other.bytes.length / tickBytes;
      this.counts.duplicate += Math.min(end, otherEnd) - to;
      from = otherEnd;
      at++;
    }
  }

  /** Delivers all held ticks whose turn it is. Missing ticks below `until` are lost. */
  #drain(steps: Step[], until: number): void {
    const { tickBytes } = this.#options;
    for (;;) {
      const next = this.#next as number;
      const [first] = this.#held;
      if (first?.from === next) {
        this.#held.shift();
        const ticks = first.bytes.length / tickBytes;
        this.#heldTicks -= ticks;
        this.#next = next + ticks;
        this.counts.delivered += ticks;
        this.#gapTicks = 0;
        this.#last ??= new Uint8Array(tickBytes);
        this.#last.set(first.bytes.subarray(first.bytes.length - tickBytes));
        const { from, bytes, timestampMs, skipped } = first;
        steps.push({ kind: 'frames', from, bytes, timestampMs, skipped, filled: false });
        continue;
      }
      const to = Math.min(first?.from ?? this.#end, until);
      if (to <= next) return;
      this.#lose(steps, next, to);
    }
  }

  #lose(steps: Step[], from: number, to: number): void {
    const { gap, gapLimitTicks, tickBytes, zeroTick } = this.#options;
    const { counts } = this;
    if (this.#gapTicks === 0) counts.gaps++;
    const fill = gap === 'reset' || this.#unknownGap ? 0 : Math.max(0, Math.min(to - from, gapLimitTicks - this.#gapTicks));
    this.#gapTicks += to - from;
    counts.lost += to - from;
    this.#recordLost(from, to);
    this.#next = to;
    if (fill > 0) {
      const tick = gap === 'hold' ? (this.#last ?? zeroTick) : zeroTick;
      const bytes = new Uint8Array(fill * tickBytes);
      for (let at = 0; at < bytes.length; at += tickBytes) bytes.set(tick, at);
      counts.filled += fill;
      steps.push({ kind: 'frames', from, bytes, skipped: 0, filled: true });
    }
    if (to - from === fill) return;
    counts.resets++;
    counts.resetTicks += to - from - fill;
    this.#unknownGap = false;
    this.#last = undefined;
    steps.push({ kind: 'reset', from: to, ticks: to - from - fill });
  }

  #recordLost(from: number, to: number): void {
    const last = this.#lostRanges.at(-1);
    if (last?.[1] === from) last[1] = to;
    else if (this.#lostRanges.push([from, to]) > maxLostRanges) this.#lostRanges.shift();
  }
}
