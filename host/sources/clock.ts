/**
 * Counts the frames that are missing between two rows, by a time column.
 *
 * In: the time of each row, in seconds or milliseconds, and the sample rate.  Out: lost frames before a row.
 * A step of more than 1.5 sample periods means round(step * rate) - 1 lost frames. Every row needs its own
 * time: rows that share the time of a packet would look like gaps.
 */
import { RunletError } from '../../models/error.ts';
import { numberOf, type TimeUnit } from './source.ts';

const perSecond: Record<TimeUnit, number> = { s: 1, ms: 1000 };

/** Returns the unit that a column's name contains: time_s, t_ms, milliseconds. */
export function unitOfName(name: string | undefined): TimeUnit | undefined {
  if (/(^|[^a-z])(ms|msecs?)\W*$|milli(s|seconds?)?\W*$/i.test(name ?? '')) return 'ms';
  return /(^|[^a-z])(s|secs?|seconds?)\W*$/i.test(name ?? '') ? 's' : undefined;
}

export class Clock {
  #name: string;
  #rateHz: number;
  #unit: TimeUnit | undefined;
  #last: number | undefined;

  /** @param unit default: from the name, else the unit in which the first step is about one sample period. */
  constructor(name: string, rateHz: number, unit?: TimeUnit) {
    this.#name = name;
    this.#rateHz = rateHz;
    this.#unit = unit ?? unitOfName(name);
  }

  /**
   * Returns the number of frames lost before this row.
   * @param lost true if the row itself is a lost frame, so that its time may be missing.
   * @throws RN749 if the time is missing or earlier than the last one, RN750 if the unit is not clear.
   */
  before(cell: string, lost: boolean, where: string): number {
    const time = numberOf(cell);
    const last = this.#last;
    if (time === undefined || !Number.isFinite(time)) {
      if (!lost) throw this.#wrong(where, `'${cell.slice(0, 40)}' is not a time`);
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
      tryThis: 'correct it, or give --time none',
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

/** Number of steps that are checked. A choice. */
const checkedSteps = 1024;

/** Checks that the usual step of a time column is one sample period at the rate that the model expects. */
export class TimeSteps {
  readonly column: number;
  readonly #label: string;
  readonly #where: string;
  readonly #rateHz: number;
  readonly #steps: number[] = [];
  #last = Number.NaN;

  constructor(column: number, label: string, where: string, rateHz: number) {
    this.column = column;
    [this.#label, this.#where, this.#rateHz] = [label, where, rateHz];
  }

  /** Adds the time of the next row. @throws RN723 when the last step to check is known. */
  add(cell: string): void {
    if (this.#steps.length >= checkedSteps) return;
    const time = numberOf(cell) ?? Number.NaN;
    const step = time - this.#last;
    this.#last = time;
    if (step > 0 && this.#steps.push(step) === checkedSteps) this.check();
  }

  /**
   * Compares the median step with the model's sample period, in the unit of the column's name, else in s and
   * ms. @throws RN723 if they differ by more than 5 %.
   */
  check(): void {
    if (this.#steps.length === 0) return;
    const step = [...this.#steps].sort((a, b) => a - b)[this.#steps.length >> 1] as number;
    const named = unitOfName(this.#label);
    const units = named ? [named] : (['s', 'ms'] as const);
    const rates = units.map((unit) => perSecond[unit] / step);
    if (rates.some((rate) => Math.abs(rate - this.#rateHz) <= 0.05 * this.#rateHz)) return;
    throw new RunletError('RN723', {
      what: `the source has ${rates.map((rate) => Number(rate.toPrecision(4))).join(' or ')} Hz, the model expects ${this.#rateHz} Hz`,
      where: `${this.#where}, time column ${this.#label}`,
      why: `its usual step is ${step}${named ? ` ${named}` : ''}`,
      tryThis: 'resample the recording, or name the signal columns with --columns if this column is not a time',
    });
  }
}
