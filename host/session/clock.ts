/**
 * Where a stream stands in time: arithmetic alone, without a module (docs/abi.md).
 *
 * In: how many frames were taken, and which of them completed an output.  Out: which output is the latest and
 * what its window is, how long until the next, and how many of its frames were made up in gaps. Window n is
 * frames [n * hop, n * hop + window) of the stream; its output is due once delayFrames more are in. The first
 * warmUpHops outputs are not reported. Frames are counted from `origin`, the frame of the signal with which
 * the stream began. With several inputs, frames are ticks. Exact up to 2^53.
 */
/** Of a manifest, what counts in time. */
export interface Timing {
  hop: number;
  window: number;
  delayFrames: number;
  warmUpHops: number;
}

/** Frames that must be in until the first output is reported. */
export const framesNeeded = ({ hop, window, delayFrames, warmUpHops }: Timing): number => window + delayFrames + warmUpHops * hop;

/** Where a stream stands before and between its outputs. */
export interface WarmUp {
  /** No output has been reported since the stream began. */
  active: boolean;
  /** Frames until the next output is reported. */
  framesLeft: number;
  /** Outputs held back so far; warmUpHops of the manifest in the end. */
  outputsHeldBack: number;
}

/** What a clock goes on from. */
export interface ClockState {
  framesPushed: number;
  outputsDue: number;
  originFrame: number;
  /** Stretches of made-up frames, [from, to) in frames of the stream. */
  madeUp: [from: number, to: number][];
}

/** Stretches of made-up frames, [from, to) in frames of the stream, ascending, disjoint. */
class MadeUp {
  spans: [from: number, to: number][] = [];

  /** [from, to) is made up; what ends before `keep` is forgotten. */
  add(from: number, to: number, keep: number): void {
    while (this.spans[0] && this.spans[0][1] <= keep) this.spans.shift();
    const last = this.spans.at(-1);
    if (last && last[1] === from) last[1] = to;
    else this.spans.push([from, to]);
  }

  /** Made-up frames in [from, to). */
  count(from: number, to: number): number {
    let sum = 0;
    for (const span of this.spans) sum += Math.max(0, Math.min(to, span[1]) - Math.max(from, span[0]));
    return sum;
  }
}

export class StreamClock {
  readonly timing: Timing;
  #pushed = 0;
  #due = 0;
  #origin = 0;
  #madeUp = new MadeUp();

  constructor(timing: Timing) {
    this.timing = timing;
  }

  get state(): ClockState {
    return { framesPushed: this.#pushed, outputsDue: this.#due, originFrame: this.#origin, madeUp: this.#madeUp.spans };
  }

  /** Frames since the stream began. */
  get framesPushed(): number {
    return this.#pushed;
  }

  /** Outputs reported since then. */
  get outputsDue(): number {
    return this.#due;
  }

  /** The frame of the signal that is frame 0 of the stream. */
  get originFrame(): number {
    return this.#origin;
  }

  /** The frame of the signal that comes next. */
  get nextFrame(): number {
    return this.#origin + this.#pushed;
  }

  /** n of the latest output, or -1 before the first. */
  get outputIndex(): number {
    return this.#due === 0 ? -1 : this.timing.warmUpHops + this.#due - 1;
  }

  /** The frame of the signal after the one with which the latest output fell due. */
  get dueFrame(): number {
    const { hop, window, delayFrames } = this.timing;
    return this.#origin + this.outputIndex * hop + window + delayFrames;
  }

  /**
   * The frame of the signal after the one with which the next hop is whole, whether it has an output or not.
   */
  get wholeFrame(): number {
    return this.nextFrame + ((this.#framesLeft - 1) % this.timing.hop) + 1;
  }

  get #framesLeft(): number {
    return framesNeeded(this.timing) + this.#due * this.timing.hop - this.#pushed;
  }

  /** How long until the next output, and what the warm-up has held back. */
  get warmUp(): WarmUp {
    const { hop, window, delayFrames, warmUpHops } = this.timing;
    const heldBack = Math.floor((this.#pushed - window - delayFrames) / hop) + 1;
    const outputsHeldBack = Math.min(warmUpHops, Math.max(0, heldBack));
    return { active: this.#due === 0, framesLeft: this.#framesLeft, outputsHeldBack };
  }

  /** Frames of the latest output's window that were made up. */
  get madeUpInWindow(): number {
    const { hop, window } = this.timing;
    const start = this.outputIndex * hop;
    return this.#due === 0 ? 0 : this.#madeUp.count(start, start + window);
  }

  /** The same, of the frames around the window that the output depends on too. */
  get madeUpInContext(): number {
    if (this.#due === 0) return 0;
    const { hop, window, delayFrames, warmUpHops } = this.timing;
    const start = this.outputIndex * hop;
    const end = start + window;
    return this.#madeUp.count(start - warmUpHops * hop, start) + this.#madeUp.count(end, end + delayFrames);
  }

  /** The stream begins with this frame of the signal. */
  begin(originFrame: number): void {
    this.restore({ framesPushed: 0, outputsDue: 0, originFrame, madeUp: [] });
  }

  restore({ framesPushed, outputsDue, originFrame, madeUp }: ClockState): void {
    this.#pushed = framesPushed;
    this.#due = outputsDue;
    this.#origin = originFrame;
    this.#madeUp = new MadeUp();
    this.#madeUp.spans = madeUp;
  }

  /** Frames were taken, and outputs fell due. */
  advance(frames: number, outputs: number): void {
    this.#pushed += frames;
    this.#due += outputs;
  }

  /** The latest frames were made up. */
  markMadeUp(frames: number): void {
    const { hop, warmUpHops } = this.timing;
    this.#madeUp.add(this.#pushed - frames, this.#pushed, (Math.max(0, this.outputIndex) - warmUpHops) * hop);
  }
}
