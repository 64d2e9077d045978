/**
 * Policies that choose windows of a live stream for labelling, one window at a time.
 *
 * In: the uncertainty of each window and its time.  Out: the reasons to keep it, and the probability with
 * which the random draw takes it.
 * Rules: `random` takes each window with a fixed probability and looks at nothing else, so that estimates
 * from its windows have no bias. `uncertain` takes windows above a threshold. The threshold is the quantile
 * of the uncertainties of about the last day above which as many windows lie as the budget allows. The budget
 * fills with time up to a burst; the fuller it is, the more windows the threshold lets through. A window is
 * never taken without a label in the budget: in any span of d days at most d x labelsPerDay + burst.
 * Memory: 32 KiB.  Cost of a window: at most 4096 additions.
 */
import { draws } from '../../models/xorshift.ts';
import type { Reason } from './reasons.ts';

const dayMs = 86_400_000;

/** Takes each window with probability `share`. Give another seed at every start, or the draws repeat. */
export class RandomShare {
  readonly inclusion: number;
  #draw: () => number;

  /** @param share probability, above 0 to 1. */
  constructor(share: number, seed: number) {
    if (!(share > 0 && share <= 1)) throw new RangeError(`a share is above 0 and at most 1, not ${share}`);
    this.inclusion = share;
    this.#draw = draws(seed);
  }

  take(): boolean {
    return this.#draw() < this.inclusion;
  }
}

export interface BudgetOptions {
  labelsPerDay: number;
  /** Labels that may be spent at once. Default: an eighth of a day's, at least 1. A choice: three hours. */
  burst?: number;
}

/** Labels that fill with time up to a burst. A clock that goes back counts as one that stands. */
export class Budget {
  readonly perDay: number;
  readonly burst: number;
  #left: number;
  #lastMs: number | undefined;

  /** @param left labels at the start. Default: the burst. */
  constructor({ labelsPerDay, burst = Math.max(1, labelsPerDay / 8) }: BudgetOptions, left = burst) {
    if (!(labelsPerDay > 0 && burst >= 1)) throw new RangeError('a budget is above 0, its burst at least 1');
    [this.perDay, this.burst, this.#left] = [labelsPerDay, burst, left];
  }

  get left(): number {
    return this.#left;
  }

  /** Lets time pass. @returns the milliseconds since the last time */
  pass(nowMs: number): number {
    const passedMs = Math.max(0, nowMs - (this.#lastMs ?? nowMs));
    this.#lastMs = Math.max(nowMs, this.#lastMs ?? nowMs);
    this.#left = Math.min(this.burst, this.#left + (this.perDay * passedMs) / dayMs);
    return passedMs;
  }

  /** Takes a label, if one is left. */
  take(nowMs: number): boolean {
    this.pass(nowMs);
    if (this.#left < 1) return false;
    this.#left--;
    return true;
  }
}

export interface UncertainOptions extends BudgetOptions {
  /** Days in which the weight of an old window falls to 1/e. Default: 1. */
  memoryDays?: number;
}

/** Number of steps of the uncertainty. A choice: finer than int8 scores, which have 256. */
const steps = 4096;
/** Weight of a window after which all weights are scaled down; far from the limits of float64. */
const largestWeight = 1e12;

/** Takes the most uncertain windows within a budget of labels per day. It starts with one label. */
export class UncertainWithin {
  /** Sums of the weights of the windows so far, by uncertainty. A window's weight grows with its time. */
  #weights = new Float64Array(steps);
  #all = 0;
  #weight = 1;
  #seenMs = 0;
  readonly #budget: Budget;
  readonly #memoryMs: number;

  constructor({ memoryDays = 1, ...budget }: UncertainOptions) {
    if (!(memoryDays > 0)) throw new RangeError(`a memory is above 0 days, not ${memoryDays}`);
    [this.#budget, this.#memoryMs] = [new Budget(budget, 1), memoryDays * dayMs];
  }

  #pass(passedMs: number): void {
    this.#seenMs += passedMs;
    this.#weight *= Math.exp(Math.min(600, passedMs / this.#memoryMs));
    if (this.#weight < largestWeight) return;
    for (let i = 0; i < steps; i++) this.#weights[i] = (this.#weights[i] as number) / this.#weight;
    this.#all /= this.#weight;
    this.#weight = 1;
  }

  /** Share of the windows that the budget allows now. */
  #share(): number {
    // windows of the remembered span, and the span that they stand for
    const windows = this.#all / this.#weight;
    const spanMs = this.#memoryMs * (1 - Math.exp(-this.#seenMs / this.#memoryMs));
    const { perDay, left, burst } = this.#budget;
    const allowed = (perDay * spanMs) / dayMs;
    return ((2 * left) / burst) * (allowed / windows);
  }

  /** The uncertainty above which a window is taken now: 0 takes all. */
  get threshold(): number {
    let left = this.#share() * this.#all;
    let step = steps - 1;
    for (; step > 0; step--) {
      left -= this.#weights[step] as number;
      if (left < 0) break;
    }
    return step / steps;
  }

  /** Whether to take a window. @param uncertainty 0 to 1. @param nowMs time of the window. */
  take(uncertainty: number, nowMs: number): boolean {
    if (!(uncertainty >= 0 && uncertainty <= 1) || !Number.isFinite(nowMs)) return false;
    this.#pass(this.#budget.pass(nowMs));
    const step = Math.min(steps - 1, Math.floor(uncertainty * steps));
    this.#weights[step] = (this.#weights[step] as number) + this.#weight;
    this.#all += this.#weight;
    return step >= this.threshold * steps && this.#budget.take(nowMs);
  }
}

export interface Choice {
  reasons: Reason[];
  /** Probability of the random draw; 0 if there is none. To be kept with every window. */
  inclusion: number;
}

/**
 * Asks both policies about a window. The draw does not depend on the other policy, nor the other way round.
 */
export function choose(
  window: { uncertainty?: number; timeMs: number },
  { random, uncertain }: { random?: RandomShare; uncertain?: UncertainWithin },
): Choice {
  const reasons: Reason[] = [];
  if (random?.take()) reasons.push('random');
  if (window.uncertainty !== undefined && uncertain?.take(window.uncertainty, window.timeMs)) reasons.push('uncertain');
  return { reasons, inclusion: random?.inclusion ?? 0 };
}
