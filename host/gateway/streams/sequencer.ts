/**
 * Puts a stream's ticks in order: what comes late, twice, out of order or not at all becomes one signal without holes, or says where it begins again.
 *
 * In: messages of ticks with the sender's number of the first (or none: what comes next).  Out: steps in order, frames or a reset; exact counts.
 * A tick is waited for until one arrives that ends more than `reorderTicks` after it; then it is lost. The first `gapLimitTicks` of a gap are filled
 * (`hold`: the tick before, `zero`: the real value 0.0), and what is beyond is a reset, as is every gap with `reset`. These rules look at single ticks, so
 * the steps, joined, depend on what arrived in time alone, not on the order, the repeats or how it was cut into messages.
 * Exact: received = delivered + late + duplicate + held, and delivered + lost = ticks passed. Cost: O(messages held), nothing is held in order.
 */
import type { GapPolicy } from '../../session/gap.ts';

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
  /** `drop`: left out. `restart`: a message that is further back than the reorder buffer comes from a sender that counts anew, and so does the stream. */
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

/** Lost spans that are remembered, to tell late from duplicate. */
const mostSpans = 64;

export class Sequencer {
  readonly counts: SequencerCounts = {
    received: 0,
    delivered: 0,
    lost: 0,
    filled: 0,
    late: 0,
    duplicate: 0,
    reordered: 0,
    gaps: 0,
    resets: 0,
    restarts: 0,
  };
  #options: SequencerOptions;
  /** The sender's number of the tick that comes next; undefined before the first. */
  #next?: number;
  /** The end of the newest message. */
  #end = 0;
  /** Ticks that wait, sorted, without overlap. */
  #held: Piece[] = [];
  #heldTicks = 0;
  #lostSpans: [from: number, to: number][] = [];
  #last?: Uint8Array;
  /** Ticks of the gap that is going on. */
  #gapTicks = 0;

  constructor(options: SequencerOptions) {
    this.#options = options;
  }

  get next(): number | undefined {
    return this.#next;
  }

  get heldTicks(): number {
    return this.#heldTicks;
  }

  /** Takes a message of whole ticks. */
  push({ from, bytes, timestampMs }: Message): Step[] {
    const { tickBytes, reorderTicks, late } = this.#options;
    const ticks = bytes.length / tickBytes;
    const { counts } = this;
    const steps: Step[] = [];
    counts.received += ticks;
    this.#next ??= from ?? 0;
    const at = from ?? Math.max(this.#next, this.#end);
    if (late === 'restart' && at + ticks + reorderTicks <= this.#next) {
      this.#drain(steps, Number.POSITIVE_INFINITY);
      counts.restarts++;
      counts.resets++;
      this.#next = at;
      this.#end = at;
      this.#lostSpans = [];
      this.#gapTicks = 0;
      steps.push({ kind: 'reset', from: at, ticks: 1 });
    }
    const fresh = Math.min(ticks, Math.max(0, this.#next - at));
    if (fresh > 0) this.#past(at, at + fresh);
    if (fresh === ticks) return steps;
    this.#end = Math.max(this.#end, at + ticks);
    this.#hold({ from: at + fresh, bytes: bytes.subarray(fresh * tickBytes), timestampMs, skipped: fresh });
    this.#drain(steps, this.#end - reorderTicks);
    return steps;
  }

  /** Ticks that somebody threw away before they came here. Where the sender gives no numbers, they are counted all the same. */
  skip(ticks: number, from?: number): void {
    if (from === undefined && this.#next !== undefined) this.#end = Math.max(this.#next, this.#end) + ticks;
  }

  /** Waits no longer for what is missing. */
  flush(): Step[] {
    const steps: Step[] = [];
    if (this.#next !== undefined) this.#drain(steps, this.#end);
    return steps;
  }

  /** Ticks that came too late, or twice. */
  #past(from: number, to: number): void {
    let late = 0;
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
        this.#last = first.bytes.subarray(first.bytes.length - tickBytes);
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
    const fill = gap === 'reset' ? 0 : Math.max(0, Math.min(to - from, gapLimitTicks - this.#gapTicks));
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
    this.#last = undefined;
    steps.push({ kind: 'reset', from: to, ticks: to - from - fill });
  }

  #remember(from: number, to: number): void {
    const last = this.#lostSpans.at(-1);
    if (last?.[1] === from) last[1] = to;
    else if (this.#lostSpans.push([from, to]) > mostSpans) this.#lostSpans.shift();
  }
}
