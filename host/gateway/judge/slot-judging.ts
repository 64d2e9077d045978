/**
 * SlotJudging: judges the versions of one slot, raises the alarm, and recommends a version.
 *
 * In: the slot, its collected windows, settings.  Out: the latest judgement; events; a trial, if allowed.
 * Rule: a round reads the labelled windows that changed, replays those that a version has not answered, and
 * judges all. It starts on request, or when labels or versions have changed. It replays for at most
 * `roundMs`; windows that are left are `pending`, and the next round continues. Memory: outputs of the last
 * round, at most `maxValues` values; the rest of a window is not kept.
 */
import { RunletError } from '../../../models/error.ts';
import { featuresOf, type WindowFeatures } from '../../../quant/calibration/coverage.ts';
import type { Choice } from '../../learn/choose-version.ts';
import type { WindowRecord } from '../collect/record.ts';
import type { Kept, Windows } from '../collect/windows.ts';
import { asFailure, type Slot } from '../hub/slot.ts';
import { valuesOf } from '../hub/values.ts';
import { resting } from '../store/state.ts';
import type { Store } from '../store/store.ts';
import { framesOf } from '../worker/frames.ts';
import type { Failure } from '../worker/messages.ts';
import type { Loaded, Pool } from '../worker/pool.ts';
import { type Alarm, alarmOf, type JudgedBundle, judgeVersion, recommend, type SeenWindow, type VersionJudgement } from './judgement.ts'; // biome-ignore format: one line
import { batchBytes, batchWindows, replay } from './replay.ts';
import type { JudgeSettings } from './settings.ts';

/**
 * Choices: labelled windows that are judged, the latest ones; values of outputs; latest windows to compare.
 */
const [maxWindows, maxValues, latestWindows] = [1000, 4 << 20, 10];
/** Largest number of values of an output that is judged. */
const maxElements = 256;
/** Time that a round replays, in milliseconds. */
const roundMs = 10_000;

export interface SlotJudgement {
  /** Number of labelled windows that were looked at, and of random ones that nobody has labelled. */
  labelled: number;
  unlabelledRandom: number;
  versions: VersionJudgement[];
  /** State of the running version against the level; undefined without a level. */
  alarm?: Alarm & { digest: string };
  choice?: Choice;
}

/** What is kept of a window between rounds, as long as its labels stay the same. */
type Facts = Omit<SeenWindow, 'outputs' | 'id'>;

/** Returns the statistics of a window's input. */
function inputFeatures({ inputs, signal, from, windowFrom, windowTicks, tickBytes }: WindowRecord): WindowFeatures {
  const at = (windowFrom - from) * tickBytes;
  const frames = framesOf({ inputs: inputs as never }, signal.slice(at, at + windowTicks * tickBytes));
  const each = (Array.isArray(frames) ? frames : [frames]).map((one) => Float32Array.from(one));
  return featuresOf(
    0,
    each,
    inputs.map(({ elements }) => elements),
  );
}

export class SlotJudging {
  /** The latest judgement. */
  latest?: SlotJudgement;
  #slot: Slot;
  #store: Store;
  #pool: Pool;
  #facts = new WeakMap<Kept, Facts>();
  #features = new WeakMap<Kept, WindowFeatures>();
  /** Values of the first output by window and digest; null without an answer. */
  #outputs = new Map<number, Map<string, Float32Array | null>>();
  #failures = new Map<string, Failure>();
  /** Versions whose automatic trial has failed. */
  #rejected = new Set<string>();
  #seen: unknown[] = [];
  #round?: Promise<SlotJudgement>;

  constructor(slot: Slot, store: Store, pool: Pool) {
    this.#slot = slot;
    this.#store = store;
    this.#pool = pool;
  }

  /** Judges, or joins the round that runs. @throws RN803, RN899 */
  round(windows: Windows | undefined, settings: JudgeSettings): Promise<SlotJudgement> {
    this.#round ??= this.#judge(windows, settings).finally(() => {
      this.#round = undefined;
    });
    return this.#round;
  }

  /** Returns the bundles that are judged, without their modules. */
  async #bundles(): Promise<JudgedBundle[]> {
    const { active, trial, state } = this.#slot;
    if (!active || !state.active) throw unjudged(this.#slot.name, 'no bundle runs here');
    if ((active.manifest.outputs[0]?.elements ?? 0) > maxElements)
      throw unjudged(this.#slot.name, `its first output has more than ${maxElements} values`);
    const all: JudgedBundle[] = [{ role: 'running', stored: state.active, manifest: active.manifest }];
    const { staged } = state;
    if (trial && staged) all.push({ role: 'trial', stored: staged, manifest: trial.loaded.manifest });
    for (const stored of resting(state)) {
      const role = stored.digest === state.previous?.digest ? ('previous' as const) : ('pool' as const);
      if (!all.some((one) => one.stored.digest === stored.digest))
        all.push({ role, stored, manifest: (await this.#slot.read(stored)).manifest });
    }
    return all.map((one) => ({ ...one, failure: this.#failures.get(one.stored.digest) }));
  }

  async #judge(windows: Windows | undefined, settings: JudgeSettings): Promise<SlotJudgement> {
    const kept = windows?.list(-1, Number.POSITIVE_INFINITY) ?? [];
    const { active, trial, state } = this.#slot;
    const random = kept.filter(({ reasons }) => reasons.includes('random'));
    const seen = [active, trial, settings, ...resting(state).map(({ digest }) => digest), ...kept.filter((k) => k.labelled), random.at(-1)]; // biome-ignore format: one line
    const isSame = seen.length === this.#seen.length && seen.every((one, i) => one === this.#seen[i]);
    if (this.latest && isSame && this.latest.versions.every(({ pending }) => pending === 0)) return this.latest;
    const bundles = await this.#bundles();
    const elements = bundles.reduce((most, { manifest }) => Math.max(most, manifest.outputs[0]?.elements ?? 0), 1);
    const room = Math.floor(maxValues / (bundles.length * elements));
    const labelled = kept.filter((one) => one.labelled).slice(-Math.min(maxWindows, room));
    if (windows) await this.#answer(windows, labelled, bundles);
    const all = labelled.flatMap((one) => this.#windowOf(one));
    const versions: VersionJudgement[] = [];
    for (const bundle of bundles) {
      versions.push(judgeVersion({ ...bundle, failure: this.#failures.get(bundle.stored.digest) }, all));
      // outputs of streams go first
      await new Promise((resolve) => setImmediate(resolve));
    }
    const running = versions[0] as VersionJudgement;
    const alarm = alarmOf(running, settings);
    const eligible = bundles.filter(({ role, stored }) => role !== 'trial' && !this.isRejected(stored.digest));
    const now = windows ? await this.#latestFeatures(windows, random.slice(-latestWindows)) : [];
    const choice = recommend(eligible, running.digest, all, now, settings);
    this.#seen = seen;
    this.latest = {
      ...{ labelled: all.length, unlabelledRandom: random.filter((one) => !one.labelled).length, versions, choice },
      ...(alarm && { alarm: { ...alarm, digest: running.digest } }),
    };
    return this.latest;
  }

  /** True if a version has failed: in a trial, or on the stored windows. It is not recommended again. */
  isRejected(digest: string): boolean {
    const { last } = this.#slot.state;
    const isReverted = last?.result === 'reverted' && last.digest === digest;
    return digest !== this.#slot.active?.digest && (isReverted || this.#rejected.has(digest) || this.#failures.has(digest));
  }

  /** Tries the recommended version as any other bundle is tried, with its way back. Resolves with its end. */
  async tryRecommended(settings: JudgeSettings): Promise<void> {
    const { choice } = this.latest ?? {};
    const { staged } = this.#slot.state;
    if (!choice || choice.recommended === this.#slot.active?.digest || staged || this.#store.state.safeMode) return;
    const { recommended, by, wins, losses } = choice;
    await this.#slot.stageKept(recommended, `recommended by ${by}: better on ${wins} windows, worse on ${losses}`);
    try {
      const report = await this.#slot.try(settings.trial ?? {});
      if (report.phase === 'failed') this.#rejected.add(recommended);
    } catch (error) {
      this.#rejected.add(recommended);
      const { code, why } = asFailure(error);
      await this.#slot.rollBack(code, why);
      throw error;
    }
  }

  #windowOf(kept: Kept): SeenWindow[] {
    const facts = this.#facts.get(kept);
    return facts ? [{ id: kept.id, ...facts, outputs: this.#outputs.get(kept.id) ?? new Map() }] : [];
  }

  /** Reads the windows that changed, and replays those that a version has not answered. */
  async #answer(windows: Windows, labelled: readonly Kept[], bundles: readonly JudgedBundle[]): Promise<void> {
    const digests = new Set(bundles.map(({ stored: { digest } }) => digest));
    const ids = new Set(labelled.map(({ id }) => id));
    for (const [id, of] of this.#outputs)
      if (!ids.has(id)) this.#outputs.delete(id);
      else for (const digest of of.keys()) if (!digests.has(digest)) of.delete(digest);
    const untilMs = performance.now() + roundMs;
    const open = (one: Kept) => !this.#facts.has(one) || [...digests].some((digest) => !this.#outputs.get(one.id)?.has(digest));
    const waiting = labelled.filter(open);
    for (let at = 0; at < waiting.length && performance.now() < untilMs; ) {
      const batch = new Map<number, WindowRecord>();
      for (let bytes = 0; at < waiting.length && batch.size < batchWindows && bytes < batchBytes; at++) {
        const one = waiting[at] as Kept;
        const record = await this.#read(windows, one);
        if (!record) continue;
        batch.set(one.id, record);
        bytes += record.signal.length;
      }
      for (const bundle of bundles) await this.#replay(bundle, batch);
    }
  }

  /** Reads a window; undefined if it is gone or cannot be read. */
  async #read(windows: Windows, kept: Kept): Promise<WindowRecord | undefined> {
    const found = await windows.read(kept.id).catch(() => undefined);
    if (!found) return undefined;
    const { reasons, share, labels } = found;
    this.#facts.set(kept, { reasons, share, labels, features: inputFeatures(found) });
    return found;
  }

  /**
   * Answers a batch with one version: from the record if it was the version of the stream, else by replay.
   */
  async #replay({ stored, manifest }: JudgedBundle, batch: ReadonlyMap<number, WindowRecord>): Promise<void> {
    const { digest } = stored;
    const put = (id: number, raw: Int8Array | null) => {
      const of = this.#outputs.get(id) ?? new Map<string, Float32Array | null>();
      this.#outputs.set(id, of.set(digest, raw && (valuesOf(manifest, raw)[0] as Float32Array)));
    };
    const open = [...batch].filter(([id]) => !this.#outputs.get(id)?.has(digest));
    const [mine, others] = [open.filter(([, r]) => r.digest === digest), open.filter(([, r]) => r.digest !== digest)];
    for (const [id, { raw }] of mine) put(id, new Int8Array(raw.buffer, raw.byteOffset, raw.length));
    if (others.length === 0) return;
    const found = this.#failures.has(digest) ? others.map(() => null) : await this.#run(stored, others.map(([, r]) => r)); // biome-ignore format: one line
    for (const [i, [id]] of others.entries()) put(id, found[i] ?? null);
  }

  async #run(stored: JudgedBundle['stored'], records: readonly WindowRecord[]): Promise<(Int8Array | null)[]> {
    const loaded: Loaded = await this.#slot.read(stored);
    const found = await replay(this.#pool, loaded, records);
    if (Array.isArray(found)) return found;
    // a module that hangs or traps once is not run again: each time would cost its whole timeout
    this.#failures.set(stored.digest, found);
    return records.map(() => null);
  }

  async #latestFeatures(windows: Windows, latest: readonly Kept[]): Promise<WindowFeatures[]> {
    const all: WindowFeatures[] = [];
    for (const kept of latest) {
      const known = this.#facts.get(kept)?.features ?? this.#features.get(kept);
      const record = known ? undefined : await windows.read(kept.id).catch(() => undefined);
      const features = known ?? (record && inputFeatures(record));
      if (!features) continue;
      this.#features.set(kept, features);
      all.push(features);
    }
    return all;
  }
}

const unjudged = (slot: string, why: string): RunletError =>
  new RunletError('RN899', {
    what: 'this slot cannot be judged',
    where: `slot ${slot}`,
    why,
    tryThis: 'judge a slot that runs a model with classes or values',
  });
