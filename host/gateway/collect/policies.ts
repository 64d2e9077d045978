/**
 * Policies: which outputs are worth a window.
 *
 * In: outputs, times.  Out: yes or no; no policy reads a clock or keeps a window.
 * Cost: constant memory per policy, a few operations per output.
 */
import { Budget, type BudgetOptions } from '../../learn/policies.ts';
import { margin } from '../../learn/uncertainty.ts';
import { compareOutputs } from '../hub/agreement.ts';

/**
 * A budget of at most `perDay` labels in any 24 hours; a twelfth of a day can be spent at once. What the
 * burst gives is not given again within the day.
 */
export function withinDay(perDay: number): BudgetOptions {
  const burst = Math.max(1, Math.floor(perDay / 12));
  return { burst, labelsPerDay: Math.max(1, perDay - burst) };
}

/**
 * Returns how clear an answer is: the smallest difference between the two largest values of an output; for an
 * output of one element the distance to `cutoff`. Undefined if no output has such a margin.
 */
export function marginOf(outputs: readonly Float32Array[], cutoff?: number): number | undefined {
  let smallest: number | undefined;
  for (const values of outputs) {
    const distance = () => (cutoff === undefined ? undefined : Math.abs((values[0] as number) - cutoff));
    const mine = values.length > 1 ? margin(values) : distance();
    if (mine !== undefined && !Number.isNaN(mine)) smallest = Math.min(smallest ?? mine, mine);
  }
  return smallest;
}

/** Returns an uncertainty, 1 to 0, that falls with the margin. Values of an output may have any scale. */
export const uncertaintyAt = (margin: number): number => 1 / (1 + margin);

/** Disagree: takes outputs for which two versions give different answers, within a budget. */
export class Disagree {
  #budget: Budget;

  constructor(perDay: number) {
    this.#budget = new Budget(withinDay(perDay));
  }

  chooses(mine: readonly Float32Array[], theirs: readonly Float32Array[], nowMs: number): boolean {
    return !compareOutputs(mine, theirs).agrees && this.#budget.take(nowMs);
  }
}

/** Largest number of windows that wait to be asked for. */
export const maxAsked = 1000;

/** Asked: takes the next outputs of a stream, or of any stream, that somebody asked for. */
export class Asked {
  #byStream = new Map<string, number>();
  #any = 0;

  /** Number of windows that are still asked for. */
  get waiting(): number {
    return [...this.#byStream.values()].reduce((sum, n) => sum + n, this.#any);
  }

  /** @returns false if too many are asked for already */
  ask(count: number, stream?: string): boolean {
    if (this.waiting + count > maxAsked) return false;
    if (stream === undefined) this.#any += count;
    else this.#byStream.set(stream, (this.#byStream.get(stream) ?? 0) + count);
    return true;
  }

  chooses(stream: string): boolean {
    const left = this.#byStream.get(stream);
    if (left !== undefined) {
      if (left > 1) this.#byStream.set(stream, left - 1);
      else this.#byStream.delete(stream);
      return true;
    }
    if (this.#any === 0) return false;
    this.#any--;
    return true;
  }
}
