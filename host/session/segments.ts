/**
 * SegmentDetector: finds the start and end of segments, such as speech, from the scores of a model that runs
 * on a stream.
 *
 * In: one score (0 to 1) per output, and the start time of the stepMs of signal that it stands for.
 * Out: a Segment, as soon as it is certain that it has ended.
 * Rule: a run is a sequence of scores of at least `release`, one of which is at least `cutoff`. Runs that are
 * at most gapMs apart form one segment. A segment shorter than shortestMs is dropped. The score of a segment
 * is the mean over its runs.
 * Exactness: one addition per output in double precision. Only a run and the Segment are allocated.
 */
import { within } from './detector.ts';

export interface SegmentOptions {
  /** Threshold that at least one score of a run must reach, 0 to 1. */
  cutoff: number;
  /** Threshold below which a run ends, 0 to `cutoff` (default: the cutoff). */
  release?: number;
  /** Length of the shortest segment, in milliseconds (default 0). */
  shortestMs?: number;
  /** Length of the longest gap inside a segment, in milliseconds (default 0). */
  gapMs?: number;
  /** Milliseconds between two outputs; each score stands for this much of the signal. */
  stepMs: number;
}

export interface Segment {
  startMs: number;
  endMs: number;
  /** Mean of the segment's scores. */
  score: number;
}

interface Run {
  startMs: number;
  endMs: number;
  sum: number;
  count: number;
  reached: boolean;
}

export class SegmentDetector {
  readonly cutoff: number;
  readonly release: number;
  readonly shortestMs: number;
  readonly gapMs: number;
  readonly stepMs: number;
  /** Start time of the next score. */
  #nextMs = 0;
  /** The current run, which the next score may extend. */
  #run: Run | undefined;
  /** The current segment, without the current run. */
  #open: Run | undefined;

  /** @throws RN770 an option out of its range. */
  constructor({ cutoff, release = cutoff, shortestMs = 0, gapMs = 0, stepMs }: SegmentOptions) {
    this.cutoff = within('cutoff', cutoff, 1, 'a score from 0 to 1');
    this.release = within('release', release, cutoff, `a score from 0 to the cutoff ${cutoff}`);
    this.shortestMs = within('shortestMs', shortestMs, Number.MAX_VALUE, 'milliseconds, 0 or more');
    this.gapMs = within('gapMs', gapMs, Number.MAX_VALUE, 'milliseconds, 0 or more');
    this.stepMs = within('stepMs', stepMs, Number.MAX_VALUE, 'milliseconds, 0 or more');
  }

  /** True during a segment, and after it while a new run could still extend it. */
  get active(): boolean {
    return this.#open !== undefined || this.#run?.reached === true;
  }

  /** Prepares for a new stream. */
  reset(): void {
    this.#nextMs = 0;
    this.#run = undefined;
    this.#open = undefined;
  }

  /**
   * Takes the score of the next output.
   * @param score 0 to 1.
   * @param timeMs start time of the signal that it stands for; by default the end of the previous one.
   * @returns the segment that is now known to have ended, if any.
   */
  push(score: number, timeMs: number = this.#nextMs): Segment | undefined {
    this.#nextMs = timeMs + this.stepMs;
    if (score >= this.release) {
      this.#run ??= { startMs: timeMs, endMs: timeMs, sum: 0, count: 0, reached: false };
      this.#run.endMs = this.#nextMs;
      this.#run.sum += score;
      this.#run.count++;
      this.#run.reached ||= score >= this.cutoff;
    } else this.#endRun();
    const latestMs = this.#run?.startMs ?? this.#nextMs;
    return this.#open && latestMs - this.#open.endMs > this.gapMs ? this.#close() : undefined;
  }

  /** Ends the stream. @returns the segment that was still open, if any. */
  finish(): Segment | undefined {
    this.#endRun();
    return this.#close();
  }

  /** Adds the current run to the current segment, or starts a segment with it. */
  #endRun(): void {
    const [run, open] = [this.#run, this.#open];
    this.#run = undefined;
    if (!run?.reached) return;
    this.#open = open ? { ...run, startMs: open.startMs, sum: open.sum + run.sum, count: open.count + run.count } : run;
  }

  #close(): Segment | undefined {
    const open = this.#open;
    this.#open = undefined;
    if (!open || open.endMs - open.startMs < this.shortestMs) return undefined;
    return { startMs: open.startMs, endMs: open.endMs, score: open.sum / open.count };
  }
}
