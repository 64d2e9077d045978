/**
 * Clock of a stream: counts its frames and outputs, without a module (docs/abi.md).
 *
 * In: the number of frames that were taken, and which of them completed an output.  Out: the latest output
 * and its window, the frames until the next one, and the made-up frames (filled in for gaps) in each.
 * Rule: window n covers frames [n * hop, n * hop + window) of the stream. Its output is due after delayFrames
 * further frames. The first warmUpHops outputs are not reported. `origin` is the frame of the signal with
 * which the stream began. With several inputs, frames are ticks. Exact up to 2^53.
 */
import { framesNeeded, type Timing } from '../../assembly/bundle/timing.ts';

/** Progress of a stream towards its next output. */
export interface WarmUp {
  /** True until the first output since the stream began. */
  active: boolean;
  /** Frames until the next output is reported. */
  framesLeft: number;
  /** Outputs that the warm-up has suppressed so far, up to the manifest's warmUpHops. */
  outputsHeldBack: number;
}

/** State of a clock, from which it can continue. */
export interface ClockState {
  framesPushed: number;
  outputsDue: number;
  originFrame: number;
  /** Ranges of made-up frames, [from, to) in frames of the stream. */
  madeUp: [from: number, to: number][];
}

/** Ranges of made-up frames, [from, to) in frames of the stream, ascending and disjoint. */
class MadeUp {
  spans: [from: number, to: number][] = [];

  /** Adds the range [from, to) and removes the ranges that end at or before frame `keep`. */
  add(from: number, to: number, keep: number): void {
    while (this.spans[0] && this.spans[0][1] <= keep) this.spans.shift();
    const last = this.spans.at(-1);
    if (last && last[1] === from) last[1] = to;
    else this.spans.push([from, to]);
  }

  /** Returns the number of made-up frames in [from, to). */
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

  /** Number of frames since the stream began. */
  get framesPushed(): number {
    return this.#pushed;
  }

  /** Number of outputs reported since the stream began. */
  get outputsDue(): number {
    return this.#due;
  }

  /** Number of the signal's frame that is frame 0 of the stream. */
  get originFrame(): number {
    return this.#origin;
  }

  /** Number of the signal's next frame. */
  get nextFrame(): number {
    return this.#origin + this.#pushed;
  }

  /** Index n of the latest output, or -1 before the first. */
  get outputIndex(): number {
    return this.#due === 0 ? -1 : this.timing.warmUpHops + this.#due - 1;
  }

  /** Number of the signal's frame after the one that made the latest output due. */
  get dueFrame(): number {
    const { hop, window, delayFrames } = this.timing;
    return this.#origin + this.outputIndex * hop + window + delayFrames;
  }

  /** Number of the signal's frame after the one that completes the next hop, with or without an output. */
  get wholeFrame(): number {
    return this.nextFrame + ((this.framesLeft - 1) % this.timing.hop) + 1;
  }

  /** Number of frames until the next output is reported. */
  get framesLeft(): number {
    return framesNeeded(this.timing) + this.#due * this.timing.hop - this.#pushed;
  }

  /** Number of frames until the next output, and of outputs that the warm-up has suppressed. */
  get warmUp(): WarmUp {
    const { hop, window, delayFrames, warmUpHops } = this.timing;
    const heldBack = Math.floor((this.#pushed - window - delayFrames) / hop) + 1;
    const outputsHeldBack = Math.min(warmUpHops, Math.max(0, heldBack));
    return { active: this.#due === 0, framesLeft: this.framesLeft, outputsHeldBack };
  }

  /** Number of made-up frames in the latest output's window. */
  get madeUpInWindow(): number {
    const { hop, window } = this.timing;
    const start = this.outputIndex * hop;
    return this.#due === 0 ? 0 : this.#madeUp.count(start, start + window);
  }

  /** Number of made-up frames before and after that window on which the output depends as well. */
  get madeUpInContext(): number {
    if (this.#due === 0) return 0;
    const { hop, window, delayFrames, warmUpHops } = this.timing;
    const start = this.outputIndex * hop;
    const end = start + window;
    return this.#madeUp.count(start - warmUpHops * hop, start) + this.#madeUp.count(end, end + delayFrames);
  }

  /** Starts the stream again at this frame of the signal. */
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

  /**
   * Leaves out the frames before `frame` of the stream, a multiple of the hop: the module begins there, and
   * the numbering of outputs continues.
   */
  skipTo(frame: number): void {
    const { originFrame } = this;
    this.restore({ framesPushed: frame, outputsDue: frame / this.timing.hop, originFrame, madeUp: [] });
  }

  /** Counts frames that were taken and outputs that were reported. */
  advance(frames: number, outputs: number): void {
    this.#pushed += frames;
    this.#due += outputs;
  }

  /** Marks the latest frames as made up. */
  markMadeUp(frames: number): void {
    const { hop, warmUpHops } = this.timing;
    this.#madeUp.add(this.#pushed - frames, this.#pushed, (Math.max(0, this.outputIndex) - warmUpHops) * hop);
  }
}
