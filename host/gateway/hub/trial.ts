/**
 * Trial: runs a bundle on the live signal in parallel to the active one. Its outputs are compared and not
 * emitted.
 *
 * In: streams, a module, limits.  Out: a report that is updated, and finally a failure or none.
 * Errors: RN832, RN833, RN838, and those of the module; no trap is allowed.
 */
import { RunletError } from '../../../models/error.ts';
import type { Failure } from '../worker/messages.ts';
import type { Loaded, Pool } from '../worker/pool.ts';
import { compareOutputs, Waiting } from './agreement.ts';
import { type ComparedEvent, faultOf, type OutputEvent, type TrialReport } from './events.ts';
import type { Stream } from './stream.ts';
import { valuesOf } from './values.ts';

export interface TrialOptions {
  /** Number of live outputs that ends the trial. */
  outputs: number;
  /** Longest duration of the trial, in seconds. */
  seconds: number;
  /** Longest mean time of a hop, in milliseconds; by default half of the hop's duration in the signal. */
  latencyMs?: number;
  /** Smallest share of outputs that must agree (agreement.ts), 0 to 1; by default none. */
  agreement?: number;
  /** Largest difference of a real value; by default there is no limit. */
  maxDifference?: number;
  /** Largest number of streams that the trial uses. */
  streams: number;
  /** Hops of the endurance run before the live part. */
  enduranceHops: number;
  /** Longest duration of the endurance run, in seconds. */
  enduranceSeconds: number;
  /** True: confirm the bundle as soon as it has passed. */
  confirm: boolean;
}

export const defaultTrial: TrialOptions = {
  outputs: 8,
  seconds: 30,
  streams: 8,
  enduranceHops: 2048,
  enduranceSeconds: 5,
  confirm: true,
};

const hopMs = ({ manifest: { hop, sampleRateHz } }: Loaded): number | undefined => sampleRateHz && (1000 * hop) / sampleRateHz;

/** Returns the longest mean time of a hop of this module, in milliseconds. */
const latencyBudgetMs = (loaded: Loaded, { latencyMs }: TrialOptions): number => latencyMs ?? (hopMs(loaded) ?? 1000) / 2;

/** Checks the mean time of a hop. @returns RN832, or undefined if it is within the limit. */
export function tooSlow(loaded: Loaded, options: TrialOptions, meanMs: number): Failure | undefined {
  const budget = latencyBudgetMs(loaded, options);
  if (meanMs <= budget) return undefined;
  return failure('RN832', `a hop takes ${meanMs.toFixed(2)} ms on average, and at most ${budget.toFixed(2)} ms are allowed`);
}

const messages = {
  RN832: 'the module is too slow',
  RN833: 'the module does not agree with the one that runs',
  RN838: 'the module gave no output on the live signal',
} as const;

const failure = (code: keyof typeof messages, why: string): Failure => {
  const { parts } = new RunletError(code, { what: messages[code], why });
  return { code, why: `${parts.what}: ${parts.why}` };
};

export class Trial {
  readonly loaded: Loaded;
  readonly report: TrialReport;
  readonly options: TrialOptions;
  /** Called if the module fails after it has passed and before it is confirmed. */
  late?: (failure: Failure) => void;
  /** Called with each pair of outputs that was compared. */
  compared?: (pair: Pick<ComparedEvent, 'stream' | 'frame' | 'mine' | 'theirs'>) => void;
  #streams: Stream[] = [];
  /** Reports a change of the report. Returns false if a listener threw. */
  #changed: () => boolean;
  #end?: (failure: Failure | undefined) => void;
  #ended = false;
  #expected = new Waiting();
  #found = new Waiting();
  #agreed = 0;
  #totalMs = 0;
  #startedMs = performance.now();
  #framesBefore = 0;

  constructor(
    loaded: Loaded,
    options: TrialOptions,
    about: Pick<TrialReport, 'slot' | 'name' | 'version' | 'sequence'>,
    changed: () => boolean,
  ) {
    const { slot, name, version, sequence } = about;
    this.loaded = loaded;
    this.options = options;
    this.#changed = changed;
    const counts = { streams: 0, outputs: 0, wanted: options.outputs, compared: 0, elapsedMs: 0 };
    this.report = { slot, digest: loaded.digest, name, version, sequence, phase: 'check', ...counts };
  }

  /**
   * Runs the module on the streams and resolves with a failure or none. Its instances (shadows) stay for the
   * swap until `close`.
   */
  live(streams: Stream[], pool: Pool): Promise<Failure | undefined> {
    this.report.phase = 'live';
    this.#startedMs = performance.now();
    this.#framesBefore = streams.reduce((sum, { next }) => sum + next, 0);
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#finish(), 1000 * this.options.seconds);
      this.#end = (found) => {
        if (this.#ended) return;
        this.#ended = true;
        clearTimeout(timer);
        this.#update();
        resolve(found);
      };
      for (const stream of streams) this.#shadow(stream, pool).catch((error: unknown) => this.#fail(faultOf(error)));
      this.#update();
    });
  }

  /** Ends the trial with a failure. */
  stop(found: Failure): void {
    this.#end?.(found);
  }

  close(): void {
    this.#end?.(undefined);
    for (const stream of this.#streams) {
      stream.shadow?.close();
      stream.shadow = undefined;
    }
  }

  #fail(found: Failure): void {
    if (this.#ended) this.late?.(found);
    else this.#end?.(found);
  }

  /** Runs code of the trial; an exception fails the trial and does not reach the caller. */
  #guard(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.#fail(faultOf(error));
    }
  }

  async #shadow(stream: Stream, pool: Pool): Promise<void> {
    const { loaded } = this;
    const same = stream.instance?.loaded.manifest.stateDigest === loaded.manifest.stateDigest;
    const snapshot = same ? await stream.instance?.snapshot() : undefined;
    if (this.#ended) return;
    const shadow = stream.open(pool, loaded, snapshot, snapshot?.frame ?? stream.given, {
      output: (frame, raw, ms) => this.#guard(() => this.#output(stream, frame, raw, ms)),
      failed: (found) => this.#fail(found),
    });
    stream.shadow = shadow;
    this.#streams.push(stream);
    this.report.streams = this.#streams.length;
    this.#update();
  }

  /** Takes an output of the active module. Never throws. */
  expect({ stream, frame, values }: OutputEvent): void {
    if (this.#ended || !this.#streams.some(({ id }) => id === stream)) return;
    this.#guard(() => {
      this.#expected.add(`${stream} ${frame}`, values);
      this.#compare(stream, frame);
    });
  }

  #output({ id }: Stream, frame: number, raw: Int8Array, ms: number): void {
    if (this.#ended) return;
    this.report.outputs++;
    this.#totalMs += ms;
    this.report.meanMs = this.#totalMs / this.report.outputs;
    this.#found.add(`${id} ${frame}`, valuesOf(this.loaded.manifest, raw));
    this.#compare(id, frame);
    this.#update();
    if (
      this.report.outputs >= this.options.outputs &&
      this.report.compared >= Math.min(this.options.outputs, this.report.outputs)
    )
      this.#finish();
  }

  #compare(stream: string, frame: number): void {
    const at = `${stream} ${frame}`;
    const mine = this.#found.take(at);
    const theirs = this.#expected.take(at);
    if (!mine || !theirs) {
      if (mine) this.#found.add(at, mine);
      if (theirs) this.#expected.add(at, theirs);
      return;
    }
    const { report } = this;
    const { agrees, difference } = compareOutputs(mine, theirs);
    this.compared?.({ stream, frame, mine, theirs });
    report.compared++;
    report.maxDifference = Math.max(report.maxDifference ?? 0, difference);
    this.#agreed += agrees ? 1 : 0;
    report.agreement = this.#agreed / report.compared;
    if (report.outputs >= this.options.outputs && report.compared >= this.options.outputs) this.#finish();
  }

  /** Ends the trial with its verdict: all outputs were compared, or the time is over. */
  #finish(): void {
    this.#end?.(this.verdict());
  }

  /** Returns the failure that follows from the report so far, or undefined. */
  verdict(): Failure | undefined {
    const { report, options, loaded } = this;
    const { agreement = 1, maxDifference = 0 } = report;
    const frames = this.#streams.reduce((sum, { next }) => sum + next, 0) - this.#framesBefore;
    if (report.outputs === 0 && this.#expected.size > 0)
      return failure('RN838', `${this.#expected.size} were due in ${frames} frames`);
    if (options.agreement !== undefined && report.compared > 0 && agreement < options.agreement)
      return failure(
        'RN833',
        `${(100 * agreement).toFixed(1)} % of ${report.compared} outputs agree, and at least ${100 * options.agreement} % must`,
      );
    if (options.maxDifference !== undefined && maxDifference > options.maxDifference)
      return failure('RN833', `outputs differ by up to ${maxDifference}, and at most ${options.maxDifference} is allowed`);
    return report.meanMs === undefined ? undefined : tooSlow(loaded, options, report.meanMs);
  }

  #update(): void {
    this.report.elapsedMs = performance.now() - this.#startedMs;
    if (!this.#changed() && !this.#ended) this.#end?.(faultOf(new Error('a listener of the trial threw')));
  }
}
