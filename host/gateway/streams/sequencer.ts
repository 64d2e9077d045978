/**
 * Puts a stream's ticks in order: what comes late, twice, out of order or not at all becomes one signal
 * without holes, or says where it begins again.
 *
 * In: messages of ticks with the sender's number of the first (or none: what comes next); ticks that were
 * refused or shed.  Out: steps in order, frames or a reset; exact counts. A tick is waited for until one
 * arrives that ends more than `reorderTicks` after it; then it is lost. The first `gapLimitTicks` of a gap
 * are filled (`hold`: the tick before, `zero`: the real value 0.0), and what is beyond is a reset, as is
 * every gap with `reset`. A number more than `reorderTicks` ahead (or one from which the sender counts anew)
 * may be damaged. Its message is held apart, until one comes that is beside it: then both are taken. If the
 * stream goes on from where it was, the message is refused. So a damaged number costs the ticks of its
 * message, and as many again at the most.
 * Exact: received = delivered + late + duplicate + refused + shed + held; lost + restarts = filled +
 * resetTicks; delivered + filled + resetTicks = ticks passed. Cost: O(messages held), nothing is held in
 * order. Memory: `reorderTicks`, and the newest `apartTicks` of the message held apart.
 */
import type { GapPolicy } from '../../session/gap.ts';
import { compact } from '../worker/frames.ts';

export const latePolicies = ['drop', 'restart'] as const;
export type LatePolicy = (typeof latePolicies)[number];

export interface SequencerOptions {
  tickBytes: number;
  /** A tick of real values 0.0, as it travels. */
  zeroTick: Uint8Array;
  gap: GapPolicy;
  /** Ticks of one gap that are filled at most. */
  gapLimitTicks: number;
  reorderTicks: number;
  /**
   * `drop`: left out. `restart`: messages that are further back than the reorder buffer come from a sender
   * that counts anew, and so does the stream.
   */
  late: LatePolicy;
}

export interface Message {
  from?: number;
  bytes: Uint8Array;
  /** Of its first tick. */
  timestampMs?: number;
}

export type Step =
  /** `from` counts as the sender does; `skipped` ticks of the message came before it, for the timestamp. */
  | { kind: 'frames'; from: number; bytes: Uint8Array; timestampMs?: number; skipped: number; filled: boolean }
  /** The signal begins again after `ticks` lost ticks; `from` is the sender's number of what comes next. */
  | { kind: 'reset'; from: number; ticks: number };

export interface SequencerCounts {
  received: number;
  delivered: number;
  lost: number;
  filled: number;
  late: number;
  duplicate: number;
  /**
   * Ticks that could not be taken: their message was refused, or their number was taken for a damaged one.
   */
  refused: number;
  /** Ticks that were thrown away because too many came. */
  shed: number;
  /** Lost ticks that were not filled, and one for each restart. */
  resetTicks: number;
  /** Ticks that came before one that should have come earlier. */
  reordered: number;
  gaps: number;
  resets: number;
  restarts: number;
}

interface Piece extends Message {
  from: number;
  skipped: number;
}

/**
 * Ticks that do not come as frames. `ticks` is undefined where nobody knows how many there were: the signal
 * then begins again.
 */
export interface Absent {
  what: 'refused' | 'shed';
  from?: number;
  ticks?: number;
}

/** A message whose number may be damaged: [from, to) as it came, and its newest ticks. */
interface Candidate {
  from: number;
  to: number;
  back: boolean;
  piece: Piece;
}

/**
 * The longest part of a message that is held apart. A choice: as many ticks as a stream keeps for a replay
 * (hub/stream.ts).
 */
const apartTicks = 1024;

/**
 * A larger jump of the sender's numbers begins a new numbering, so that positions of a stream stay exact. A
 * choice: 90 minutes at 48 kHz.
 */
const jumpLimitTicks = 2 ** 28;

/** Lost spans that are remembered, to tell late from duplicate. */
const mostSpans = 64;

export const noCounts = (): SequencerCounts => ({
  received: 0,
  delivered: 0,
  lost: 0,
  filled: 0,
  late: 0,
  duplicate: 0,
  refused: 0,
  shed: 0,
  resetTicks: 0,
  reordered: 0,
  gaps: 0,
  resets: 0,
  restarts: 0,
});

export class Sequencer {
  readonly counts = noCounts();
  #options: SequencerOptions;
  /** The sender's number of the tick that comes next; undefined before the first. */
  #next?: number;
  /** The number that the numbering began with. */
  #first = 0;
  /** The end of the newest message. */
  #end = 0;
  #candidate?: Candidate;
  /** The gap that comes is of unknown length. */
  #cut = false;
  /** Ticks that wait, sorted, without overlap. */
  #held: Piece[] = [];
  #heldTicks = 0;
  #lostSpans: [from: number, to: number][] = [];
  /** The tick before the one that comes next; `hold` repeats it. */
  #last?: Uint8Array;
  /** Ticks of the gap that is going on. */
  #gapTicks = 0;

  constructor(options: SequencerOptions) {
    this.#options = options;
  }

  get next(): number | undefined {
    return this.#next;
  }

  /** Ticks that wait: for those before them, or for a message that confirms their number. */
  get heldTicks(): number {
    return this.#heldTicks + this.#ticksOf(this.#candidate?.piece);
  }

  #ticksOf = (piece: Piece | undefined): number => (piece?.bytes.length ?? 0) / this.#options.tickBytes;

  /** Takes a message of whole ticks. */
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
        this.#holdApart({ from: at, to: end, back, piece: { from: at, bytes, timestampMs, skipped: 0 } });
        return steps;
      }
      this.#candidate = undefined;
      const start = Math.min(at, before.piece.from);
      if (back || start - (this.#next as number) > jumpLimitTicks) this.#restart(steps, start);
      this.#take(before.piece);
    }
    const passed = Math.min(ticks, Math.max(0, (this.#next as number) - at));
    if (passed > 0) this.#past(at, at + passed);
    if (passed === ticks) return steps;
    this.#take({ from: at + passed, bytes: bytes.subarray(passed * tickBytes), timestampMs, skipped: passed });
    this.#settle();
    this.#drain(steps, this.#end - reorderTicks);
    // what waits keeps no other part of its message
    for (const piece of this.#held) piece.bytes = compact(piece.bytes);
    return steps;
  }

  /**
   * Counts ticks that do not come as frames. Where the sender gives no numbers, they are a gap; where it
   * does, the next number says so.
   */
  skip({ what, from, ticks }: Absent): void {
    const { counts } = this;
    counts.received += ticks ?? 1;
    counts[what] += ticks ?? 1;
    if (this.#next === undefined) return;
    const at = from ?? this.#end;
    if (at > this.#end + this.#options.reorderTicks) return;
    this.#end = Math.max(this.#end, at + (ticks ?? 1));
    this.#cut ||= ticks === undefined;
  }

  /** Waits no longer for what is missing. */
  flush(): Step[] {
    const steps: Step[] = [];
    if (this.#next !== undefined) this.#drain(steps, this.#end);
    return steps;
  }

  /** The stream ends: nothing that waits is delivered. */
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

  /** A message that ends so far back comes from a sender that counts anew, or its number is damaged. */
  #isBack(end: number): boolean {
    const { reorderTicks, late } = this.#options;
    return end + reorderTicks <= (this.#next as number) && (late === 'restart' || end <= this.#first);
  }

  /** The message held apart, where [from, to) is beside it: two damaged numbers are not. */
  #confirmed(from: number, to: number): Candidate | undefined {
    const { reorderTicks } = this.#options;
    const one = this.#candidate;
    if (!one) return undefined;
    const [ahead, behind] = [from - one.to, one.from - to];
    return (ahead >= 0 && ahead <= reorderTicks) || (behind >= 0 && behind <= reorderTicks) ? one : undefined;
  }

  #holdApart(one: Candidate): void {
    const { tickBytes } = this.#options;
    if (this.#candidate?.from === one.from && this.#candidate.to === one.to) {
      this.counts.duplicate += one.to - one.from;
      return;
    }
    this.#discard();
    const { piece } = one;
    const cut = Math.max(0, one.to - one.from - apartTicks);
    this.counts.refused += cut;
    const bytes = new Uint8Array(piece.bytes.subarray(cut * tickBytes));
    this.#candidate = { ...one, piece: { ...piece, from: one.from + cut, bytes, skipped: cut } };
  }

  /** The stream went on from where it was: what was held apart joins it, or had a damaged number. */
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
    if (back) this.#past(piece.from, piece.from + this.#ticksOf(piece));
    else this.counts.refused += this.#ticksOf(piece);
  }

  /** The sender counts anew from `at` on. */
  #restart(steps: Step[], at: number): void {
    this.#drain(steps, Number.POSITIVE_INFINITY);
    this.counts.restarts++;
    this.counts.resets++;
    this.counts.resetTicks++;
    this.#begin(at);
    this.#lostSpans = [];
    this.#gapTicks = 0;
    this.#last = undefined;
    steps.push({ kind: 'reset', from: at, ticks: 1 });
  }

  #take(piece: Piece): void {
    this.#end = Math.max(this.#end, piece.from + this.#ticksOf(piece));
    this.#hold(piece);
  }

  /** Ticks that came too late, or twice. */
  #past(from: number, to: number): void {
    let late = Math.max(0, Math.min(to, this.#first) - from);
    for (const [a, b] of this.#lostSpans) late += Math.max(0, Math.min(b, to) - Math.max(a, from));
    this.counts.late += late;
    this.counts.duplicate += to - from - late;
  }

  /** Puts the parts of a piece that are not there yet in their place. */
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

  /** Gives all that is next; what is missing below `until` is lost. */
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
    const fill = gap === 'reset' || this.#cut ? 0 : Math.max(0, Math.min(to - from, gapLimitTicks - this.#gapTicks));
    this.#gapTicks += to - from;
    counts.lost += to - from;
    this.#remember(from, to);
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
    this.#cut = false;
    this.#last = undefined;
    steps.push({ kind: 'reset', from: to, ticks: to - from - fill });
  }

  #remember(from: number, to: number): void {
    const last = this.#lostSpans.at(-1);
    if (last?.[1] === from) last[1] = to;
    else if (this.#lostSpans.push([from, to]) > mostSpans) this.#lostSpans.shift();
  }
}
