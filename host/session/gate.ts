/**
 * Gate: decides from the outputs of one model when another model runs.
 *
 * In: one value of each output of the gate's model, and the frame at which the output was complete.
 * Out: whether the gate is open at a frame.
 * Rule: the gate is open while the latest value passes the threshold, and for holdFrames after the latest
 * value that passed. It is closed before the first value.
 */

/** Condition of a gate. */
export interface GateThreshold {
  /** Index of the output, and of the element in it, whose real value is compared. */
  output: number;
  element: number;
  /** The value must be above this, in the output's real units. */
  threshold: number;
  /** True if a value equal to the threshold passes too. */
  orEqual: boolean;
  /** Frames for which the gate stays open after the latest value that passed, 0 or more. */
  holdFrames: number;
}

export class Gate {
  readonly rule: GateThreshold;
  #passes = false;
  #passedAt = Number.NEGATIVE_INFINITY;

  constructor(rule: GateThreshold) {
    this.rule = rule;
  }

  /** Takes the value of the next output. @param frame number of frames up to the end of that output */
  judge(value: number, frame: number): void {
    const { threshold, orEqual } = this.rule;
    this.#passes = value > threshold || (orEqual && value === threshold);
    if (this.#passes) this.#passedAt = frame;
  }

  /** Returns true if the gate is open at `frame`, which is not before that of the latest value. */
  isOpen(frame: number): boolean {
    return this.#passes || frame - this.#passedAt <= this.rule.holdFrames;
  }

  /** Prepares for a new stream. */
  reset(): void {
    this.#passes = false;
    this.#passedAt = Number.NEGATIVE_INFINITY;
  }
}
