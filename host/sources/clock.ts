/**
 * A time column: how many frames are missing between two rows.
 *
 * In: the time of each row, in seconds or milliseconds, and the sample rate.  Out: lost frames before a row. A step of more than 1.5 sample
 * periods has lost round(step * rate) - 1. Every row needs a time of its own: rows that share the time of a packet would look like gaps.
 */
import { RunletError } from '../../models/error.ts';
import { numberOf } from './source.ts';

export type TimeUnit = 's' | 'ms';

const perSecond: Record<TimeUnit, number> = { s: 1, ms: 1000 };

/** The unit that a column's name says: time_s, t_ms, milliseconds. */
function unitOfName(name: string | undefined): TimeUnit | undefined {
  if (/(^|[^a-z])(ms|msecs?)\W*$|milli(s|seconds?)?\W*$/i.test(name ?? '')) return 'ms';
  return /(^|[^a-z])(s|secs?|seconds?)\W*$/i.test(name ?? '') ? 's' : undefined;
}

export class Clock {
  #name: string;
  #rateHz: number;
  #unit: TimeUnit | undefined;
  #last: number | undefined;

  /** @param unit given by the user; else the name's, else what makes the first step one sample period. */
  constructor(name: string, rateHz: number, unit?: TimeUnit) {
    this.#name = name;
    this.#rateHz = rateHz;
    this.#unit = unit ?? unitOfName(name);
  }

  /**
   * Frames lost before this row.
   * @param lost the row itself counts as lost, so its time may be missing.
   * @throws RN749 no time, or it goes back; RN750 the unit is not clear.
   */
  before(cell: string, lost: boolean, where: string): number {
    const time = numberOf(cell);
    const last = this.#last;
    if (time === undefined || !Number.isFinite(time)) {
      if (!lost) throw this.#wrong(where, `'${cell.slice(0, 40)}' is no time`);
      if (last !== undefined && this.#unit) this.#last = last + perSecond[this.#unit] / this.#rateHz;
      return 0;
    }
    this.#last = time;
    if (last === undefined) return 0;
    if (time < last) throw this.#wrong(where, `${time} comes after ${last}`);
    this.#unit ??= this.#unitOf(time - last, where);
    const periods = ((time - last) * this.#rateHz) / perSecond[this.#unit];
    return periods > 1.5 ? Math.round(periods) - 1 : 0;
  }

  #wrong(where: string, why: string): RunletError {
    return new RunletError('RN749', {
      what: 'the time column cannot be used',
      where: `${where}, column ${this.#name}`,
      why,
      tryThis: 'correct it, or say --time none',
    });
  }

  #unitOf(step: number, where: string): TimeUnit {
    for (const unit of ['s', 'ms'] as const) {
      const periods = (step * this.#rateHz) / perSecond[unit];
      if (periods >= 0.5 && periods <= 1.5) return unit;
    }
    throw new RunletError('RN750', {
      what: 'the unit of the time column is not clear',
      where: `${where}, column ${this.#name}`,
      why: `the first step is ${step}, and one sample period is ${1 / this.#rateHz} s`,
      tryThis: '--time-unit s or --time-unit ms',
    });
  }
}
