/**
 * SegmentDetector: says from when to when something goes on, such as speech, by the scores of a model that
 * runs on a stream.
 *
 * In: one score an output, 0 to 1, and the time at which the stretch of signal begins that it judges.
 * Out: a Segment, once it is known to be over.
 * Rule: a run is consecutive scores of `release` or more, one of them at least `cutoff`. Runs that are at
 * most gapMs apart are one segment. A segment shorter than shortestMs is left out. Its score is the mean over
 * its runs.
 * Exactness: one addition an output in double precision. Nothing is allocated but a run and the Segment.
 */
import { within } from './detector.ts';

export interface SegmentOptions {
  /** A segment has a score that is at least this, 0 to 1. */
  cutoff: number;
  /** A run goes on while scores are at least this, 0 to `cutoff` (default: the cutoff). */
  release?: number;
  /** Milliseconds of the shortest segment (default 0). */
  shortestMs?: number;
  /** Milliseconds of the longest gap inside a segment (default 0). */
  gapMs?: number;
  /** Milliseconds between two outputs: each judges so much of the signal. */
  stepMs: number;
}

export interface Segment {
  startMs: number;
  endMs: number;
  /** Mean of its scores. */
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
  /** The time at which the next stretch begins. */
  #nextMs = 0;
  /** Scores of `release` or more up to now. */
  #run: Run | undefined;
  /** The segment so far, without the run. */
  #open: Run | undefined;

  /** @throws RN770 an option out of its range. */
  constructor({ cutoff, release = cutoff, shortestMs = 0, gapMs = 0, stepMs }: SegmentOptions) {
    this.cutoff = within('cutoff', cutoff, 1, 'a score from 0 to 1');
    this.release = within('release', release, cutoff, `a score from 0 to the cutoff ${cutoff}`);
    this.shortestMs = within('shortestMs', shortestMs, Number.MAX_VALUE, 'milliseconds, 0 or more');
    this.gapMs = within('gapMs', gapMs, Number.MAX_VALUE, 'milliseconds, 0 or more');
    this.stepMs = within('stepMs', stepMs, Number.MAX_VALUE, 'milliseconds, 0 or more');
  }

  /** Whether a segment goes on, or has ended so shortly ago that it may go on. */
  get active(): boolean {
    return this.#open !== undefined || this.#run?.reached === true;
  }

  /** Begins anew: a new stream. */
  reset(): void {
    this.#nextMs = 0;
    this.#run = undefined;
    this.#open = undefined;
  }

  /**
   * Takes the score of the next output.
   * @param score 0 to 1.
   * @param timeMs start of the stretch that it judges; by default the end of the one before.
   * @returns the segment that is over, if it is known now.
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

  /** The end of the stream. @returns the segment that went on. */
  finish(): Segment | undefined {
    this.#endRun();
    return this.#close();
  }

  /** The run becomes the segment, or a part of it. */
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
