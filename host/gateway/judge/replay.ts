/**
 * Replay: runs a version on the stored signal of collected windows.
 *
 * In: a bundle, records.  Out: per record the stored bytes of the outputs for its window, or none.
 * Rule: a fresh instance gets the ticks of its window, with those before it that the version's warm-up needs
 * and those after it that its delay needs, as a swap by replay does. So the bytes equal those of the stream,
 * unless the version carries a state from before its window; such a version gives no answer. The windows of
 * two versions end at the same tick.
 * Cost: a thread of its own, at most `batchWindows` windows and `batchBytes` at a time. A module that hangs
 * ends this thread and no other.
 */
import type { Manifest, PortManifest } from '../../../assembly/bundle/manifest.ts';
import { framesNeeded } from '../../../assembly/bundle/timing.ts';
import type { WindowRecord } from '../collect/record.ts';
import { tickBytes } from '../worker/frames.ts';
import type { Failure } from '../worker/messages.ts';
import type { Loaded, Pool } from '../worker/pool.ts';
import { TickLog } from '../worker/tick-log.ts';

/** Bounds of what runs at a time. Choices. */
export const [batchWindows, batchBytes] = [32, 4 << 20];

const layoutOf = (inputs: readonly Pick<PortManifest, 'hostType' | 'elements' | 'rate'>[]): string =>
  inputs.map(({ hostType, elements, rate = 1 }) => `${rate} ${elements} ${hostType}`).join();

/** Returns the ticks that a version needs for the record's window; undefined if they were not all kept. */
export function ticksFor(record: WindowRecord, manifest: Manifest): Uint8Array | undefined {
  const { windowFrom, windowTicks, from, signal } = record;
  if (manifest.carriesState || layoutOf(record.inputs) !== layoutOf(manifest.inputs)) return undefined;
  const width = tickBytes(manifest);
  const last = windowFrom + windowTicks + manifest.delayFrames;
  const first = last - framesNeeded(manifest);
  if (width !== record.tickBytes || first < from || (last - from) * width > signal.length) return undefined;
  return signal.subarray((first - from) * width, (last - from) * width);
}

/**
 * Runs a fresh instance on ticks. @returns the bytes of its first output; the failure; undefined without one
 */
async function replayed(pool: Pool, loaded: Loaded, ticks: Uint8Array): Promise<Int8Array | Failure | undefined> {
  const log = new TickLog(tickBytes(loaded.manifest));
  log.append(ticks);
  let found: Int8Array | Failure | undefined;
  const instance = pool.open(loaded, log, { base: 0, frame: 0 }, 0, {
    output: (_, raw) => {
      found ??= raw.slice();
    },
    failed: (failure) => {
      found = failure;
    },
  });
  // resolves after all outputs so far
  await instance.snapshot();
  instance.close();
  return found;
}

/**
 * Replays records, at most a batch of them. @returns outputs in their order, null without an answer; or the
 * failure of the module
 */
export async function replay(
  pool: Pool,
  loaded: Loaded,
  records: readonly WindowRecord[],
): Promise<(Int8Array | null)[] | Failure> {
  const all = await Promise.all(
    records.map((record) => {
      const ticks = ticksFor(record, loaded.manifest);
      return ticks && replayed(pool, loaded, ticks);
    }),
  );
  const failure = all.find((one): one is Failure => one !== undefined && 'code' in one);
  return failure ?? all.map((one) => (one as Int8Array | undefined) ?? null);
}
