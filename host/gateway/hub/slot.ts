/**
 * Slot: a named place for a bundle, with the streams that run it. Takes the next bundle through trial,
 * confirmation and rollback.
 *
 * In: verified bundles, decisions.  Out: the active bundle, which all streams of the slot run.
 * Errors: RN802, RN803, RN804, RN840.
 * Rule: every decision is written to the disk before it takes effect. A trial has its own threads, so it does
 * not disturb the active bundle before the swap.
 */
import { readManifest } from '../../../assembly/bundle/read.ts';
import { isRunletError, RunletError } from '../../../models/error.ts';
import type { Stored } from '../store/state.ts';
import type { Store } from '../store/store.ts';
import type { CheckResult, Failure } from '../worker/messages.ts';
import type { Loaded, Pool } from '../worker/pool.ts';
import type { Events, GatewayEvents, StepEvent, TrialReport } from './events.ts';
import { type Stream, swap } from './stream.ts';
import { defaultTrial, Trial, type TrialOptions, tooSlow } from './trial.ts';

export interface Pools {
  /** Confirmed bundles. */
  run: Pool;
  /** Bundles on trial. */
  trial: Pool;
}

/** Largest number of restarts per minute if there is no previous bundle to roll back to. A choice. */
const maxRestarts = 3;
const ms = (n: number): string => (n < 10 ? n.toFixed(2) : n.toFixed(0));

export class Slot {
  readonly name: string;
  readonly streams = new Map<string, Stream>();
  /** The bundle that runs. */
  active?: Loaded;
  trial?: Trial;
  /** Report of the latest trial, also after its end. */
  report?: TrialReport;
  #store: Store;
  #pools: Pools;
  #events: Events<GatewayEvents>;
  #queue: Promise<unknown> = Promise.resolve();
  #restarts: number[] = [];

  constructor(name: string, store: Store, pools: Pools, events: Events<GatewayEvents>) {
    this.name = name;
    this.#store = store;
    this.#pools = pools;
    this.#events = events;
  }

  get state() {
    return this.#store.slot(this.name);
  }

  /** Loads the active bundle, or the previous one if it is damaged. @throws RN803 if both are damaged. */
  async load(): Promise<void> {
    const { active, previous } = this.state;
    if (!active) return;
    try {
      this.active = await this.#loaded(active);
    } catch (error) {
      if (!isRunletError(error) || !previous) throw error;
      const before = await this.#loaded(previous);
      await this.#store.rollBack(this.name, error.code, error.parts.what);
      this.active = before;
      this.#step('rolled back', active, `runs ${previous.name} ${previous.version} again: ${error.parts.what}`);
    }
  }

  async #loaded(stored: Stored): Promise<Loaded> {
    const wasm = await this.#store.blob(stored);
    return { digest: stored.digest, wasm, manifest: readManifest(wasm) };
  }

  /** Runs a decision after all earlier ones have ended. */
  #next<T>(run: () => Promise<T>): Promise<T> {
    const done = this.#queue.then(run);
    this.#queue = done.catch(() => {});
    return done;
  }

  #step(step: StepEvent['step'], { digest, name, version, sequence }: Stored, text: string, failure?: Failure): void {
    this.#events.emit('step', { slot: this.name, step, digest, name, version, sequence, text, failure });
  }

  /** Writes a verified bundle to the disk and stages it. @throws RN802, RN804 */
  install(bytes: Uint8Array, about: Omit<Stored, 'digest' | 'bytes'>): Promise<Stored> {
    return this.#next(async () => {
      const stored = await this.#store.install(this.name, bytes, about);
      this.#step('staged', stored, `${stored.bytes} bytes on the disk`);
      return stored;
    });
  }

  /** Stages a confirmed bundle that is kept but does not run. @throws RN802, RN804 */
  stageKept(digest: string, why: string): Promise<Stored> {
    return this.#next(async () => {
      const stored = await this.#store.stageKept(this.name, digest);
      this.#step('staged', stored, why);
      return stored;
    });
  }

  /** Reads a bundle of this slot. @throws RN803 */
  read = (stored: Stored): Promise<Loaded> => this.#loaded(stored);

  /**
   * Tries the staged bundle and resolves with the final report. If the trial fails, the bundle is removed and
   * the active bundle continues to run.
   * @throws RN802, RN804, RN840
   */
  async try(options: Partial<TrialOptions> = {}): Promise<TrialReport> {
    return (await this.begin(options)).done;
  }

  /** Starts a trial as `try` does, and resolves as soon as it has begun. */
  async begin(options: Partial<TrialOptions> = {}): Promise<{ done: Promise<TrialReport> }> {
    const trial = await this.#next(() => this.#beginTrial({ ...defaultTrial, ...options }));
    return { done: this.#run(trial) };
  }

  async #run(trial: Trial): Promise<TrialReport> {
    const failure = (await this.#runCheck(trial)) ?? (await this.#runLive(trial));
    if (failure) return this.#giveUp(trial, failure);
    trial.report.phase = 'passed';
    this.#events.emit('trial', trial.report);
    if (trial.options.confirm) return this.confirm(trial);
    this.#step('passed', this.state.staged as Stored, 'waits to be confirmed');
    return trial.report;
  }

  async #beginTrial(options: TrialOptions): Promise<Trial> {
    if (this.#store.state.safeMode)
      throw new RunletError('RN840', {
        what: 'the gateway is in safe mode and runs no trial',
        where: `slot ${this.name}`,
        why: `it crashed ${this.#store.state.crashes} times in a row`,
        tryThis: 'find the cause; then stop and start the gateway, or use `runlet status --leave-safe-mode`',
      });
    const staged = await this.#store.beginTrial(this.name);
    const loaded = await this.#loaded(staged);
    const trial: Trial = new Trial(loaded, options, { slot: this.name, ...staged }, () =>
      this.#events.emit('trial', trial.report),
    );
    trial.late = (failure) => {
      this.#giveUp(trial, failure).catch((error: unknown) =>
        this.#events.emit('refused', { slot: this.name, ...asFailure(error) }),
      );
    };
    trial.compared = (pair) => this.#events.emit('compared', { slot: this.name, digest: staged.digest, ...pair });
    this.trial = trial;
    this.report = trial.report;
    this.#step('trial', staged, 'self-test and endurance first');
    return trial;
  }

  async #runCheck({ loaded, options, report }: Trial): Promise<Failure | undefined> {
    const { enduranceHops, enduranceSeconds } = options;
    const found = await this.#pools.trial.check(loaded, enduranceHops, enduranceSeconds);
    if ('code' in found) return found;
    report.check = found;
    const slow = tooSlow(loaded, options, found.meanMs);
    if (!slow && this.state.staged) this.#step('checked', this.state.staged, checkText(found));
    return slow;
  }

  async #runLive(trial: Trial): Promise<Failure | undefined> {
    if (this.trial !== trial) return givenUp;
    // without a running stream there is no live part
    const streams = [...this.streams.values()].filter(({ instance }) => instance).slice(0, trial.options.streams);
    return streams.length > 0 ? trial.live(streams, this.#pools.trial) : undefined;
  }

  /** Passes an output of the active bundle to the trial, which compares it. */
  expect(output: GatewayEvents['output']): void {
    this.trial?.expect(output);
  }

  #giveUp(trial: Trial, failure: Failure): Promise<TrialReport> {
    return this.#next(async () => {
      if (this.trial !== trial) return trial.report;
      const { staged } = this.state;
      await this.#store.revert(this.name, failure.code, failure.why);
      this.#endTrial(trial, 'failed', failure);
      if (staged) this.#step('reverted', staged, failure.why, failure);
      return trial.report;
    });
  }

  #endTrial(trial: Trial, phase: 'failed' | 'confirmed', failure?: Failure): void {
    Object.assign(trial.report, { phase, ...(failure && { failure }) });
    trial.close();
    this.trial = undefined;
    this.#events.emit('trial', trial.report);
  }

  /** Makes the bundle on trial the active one. @throws RN802, RN804 if none has passed its trial. */
  confirm(trial = this.trial): Promise<TrialReport> {
    return this.#next(async () => {
      if (!trial || this.trial !== trial || trial.report.phase !== 'passed')
        throw new RunletError('RN804', {
          what: 'there is no bundle that has passed its trial',
          where: `slot ${this.name}`,
          why: trial ? `its trial is in phase ${trial.report.phase}` : 'no bundle is on trial',
          tryThis: '`runlet status` shows the bundles of the slot',
        });
      const stored = await this.#store.confirm(this.name);
      this.#step('confirmed', stored, `floor ${this.state.floor}`);
      await this.#swapAll(trial.loaded, stored);
      this.#endTrial(trial, 'confirmed');
      return trial.report;
    });
  }

  /** Removes the staged bundle. If there is none, makes the previous bundle active. @throws RN802, RN804 */
  async rollBack(code = 'RN836', why = 'rolled back by hand'): Promise<void> {
    if (this.trial) {
      const { trial } = this;
      trial.stop({ code, why });
      await this.#giveUp(trial, { code, why });
      return;
    }
    if (this.state.staged) return this.#next(() => this.#store.revert(this.name, code, why));
    return this.#next(() => this.#back({ code, why }));
  }

  async #back(failure: Failure): Promise<void> {
    const { active } = this.state;
    const previous = await this.#store.rollBack(this.name, failure.code, failure.why);
    if (active) this.#step('rolled back', active, failure.why, failure);
    await this.#swapAll(await this.#loaded(previous), previous);
  }

  async #swapAll(next: Loaded, stored: Stored): Promise<void> {
    const from = performance.now();
    this.active = next;
    const ways = await Promise.all([...this.streams.values()].map((stream) => swap(stream, this.#pools.run, next)));
    const count = (way: string) => ways.filter((w) => w === way).length;
    const parts = [
      `${count('state')} with their state`,
      `${count('trial')} with the trial's`,
      `${count('replay')} warmed up by replay`,
    ].filter((part) => !part.startsWith('0 '));
    const text = `${ways.length} streams in ${ms(performance.now() - from)} ms${ways.length > 0 ? `: ${parts.join(', ')}` : ''}`;
    this.#step('swapped', stored, text);
  }

  /**
   * Handles the failure of the active module on a stream: rolls back to the previous bundle or, if there is
   * none, restarts the stream by replay.
   */
  failed(stream: Stream, loaded: Loaded, failure: Failure): void {
    void this.#next(async () => {
      if (stream.instance?.loaded !== loaded || this.streams.get(stream.id) !== stream) return;
      if (this.active?.digest !== loaded.digest) return;
      if (this.state.previous) return this.#back(failure);
      const now = Date.now();
      this.#restarts = [...this.#restarts.filter((at) => now - at < 60_000), now];
      const state = this.#restarts.length > maxRestarts ? 'failed' : 'restarted';
      if (state === 'failed') stream.failure = failure;
      else await swap(stream, this.#pools.run, loaded);
      this.#events.emit('stream', { stream: stream.id, slot: this.name, state, failure });
    }).catch((error: unknown) => this.#events.emit('refused', { slot: this.name, ...asFailure(error) }));
  }
}

const givenUp: Failure = { code: 'RN836', why: 'given up' };

const checkText = ({ goldenOutputs, hops, meanMs, p99Ms }: CheckResult): string =>
  `self-test of ${goldenOutputs} outputs and ${hops} hops: ${ms(meanMs)} ms a hop, p99 ${ms(p99Ms)} ms`;

export const asFailure = (error: unknown): Failure =>
  isRunletError(error)
    ? { code: error.code, why: error.message.replace(/^RN\d+: /, '') }
    : { code: 'RN835', why: error instanceof Error ? error.message : String(error) };
