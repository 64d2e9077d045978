/**
 * Worker thread of the gateway: runs the modules of many streams. It can be terminated at any time.
 *
 * In: requests with operations (messages.ts).  Out: outputs, snapshots and failures, in the order of the
 * operations.
 * Rule: all streams of a module share one instance (Session.sibling), which stays in the processor's caches.
 * If a module traps on a stream, the stream is closed and a failure is sent. The other streams continue,
 * those of the same module in a new instance. Before every call into a module, the key of the stream or check
 * is written to the shared words, for the watchdog.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { isRunletError, RunletError } from '../../../models/error.ts';
import { join } from '../../../models/lists.ts';
import { openSession, type Session, type Stored } from '../../session/index.ts';
import { checkModule } from './check.ts';
import { framesOf, tickBytes } from './frames.ts';
import { type Failure, type Operation, progressWords, type Reply, type Request } from './messages.ts';
import { InputRange } from './range.ts';

interface Instance {
  digest: string;
  session: Session;
  base: number;
  tickBytes: number;
  range: InputRange;
  /** Frames between snapshots: at least a window, because recomputing that much after a crash is quick. */
  snapshotEvery: number;
  /** Frame of the latest snapshot. */
  snapshotAt: number;
}

const { progress, snapshotHops } = workerData as { progress: Int32Array; snapshotHops: number };
const modules = new Map<string, Promise<WebAssembly.Module>>();
/** The first session of each module, by digest; streams are its siblings. */
const homes = new Map<string, Promise<Session>>();
const instances = new Map<number, Instance>();

/** Reports a call to the watchdog. Must run before each call into a module. */
function enter(key: number): void {
  Atomics.store(progress, progressWords.key, key);
  Atomics.add(progress, progressWords.calls, 1);
}

const trapped = 'RN831';
const failureOf = (error: unknown): Failure =>
  isRunletError(error)
    ? { code: error.code === 'RN710' ? trapped : error.code, why: error.message.replace(/^RN\d+: /, '') }
    : { code: trapped, why: error instanceof Error ? error.message : String(error) };

const frameOf = ({ session, base }: Instance): number => base + session.clock.nextFrame;

/** Builds a reply. */
class Writing {
  outputs: number[] = [];
  taken: number[] = [];
  snapshots: Reply['snapshots'] = [];
  failures: Reply['failures'] = [];
  checks: Reply['checks'] = [];
  #bytes: Uint8Array[] = [];
  #ranges: Float64Array[] = [];

  output(key: number, frame: number, ms: number, raw: readonly Stored[], range: Float64Array): void {
    let width = 0;
    for (const { buffer, byteOffset, byteLength } of raw) {
      this.#bytes.push(new Uint8Array(buffer, byteOffset, byteLength).slice());
      width += byteLength;
    }
    this.#ranges.push(range);
    this.outputs.push(key, frame, ms, width, range.length);
  }

  took(key: number, instance: Instance): void {
    this.taken.push(key, frameOf(instance), instance.base + instance.session.clock.wholeFrame);
  }

  done(): Reply {
    const { snapshots, failures, checks } = this;
    const [bytes, ranges] = [join(Uint8Array, this.#bytes), join(Float64Array, this.#ranges)];
    return {
      ...{ outputs: Float64Array.from(this.outputs), taken: Float64Array.from(this.taken) },
      ...{ bytes, ranges, snapshots, failures, checks },
    };
  }
}

/** Ends a stream, and returns the failure that is sent. */
function fail(reply: Writing, key: number, error: unknown): Failure {
  const failure = failureOf(error);
  instances.delete(key);
  reply.failures.push({ key, ...failure });
  return failure;
}

function give(reply: Writing, key: number, instance: Instance, id?: number): void {
  instance.snapshotAt = frameOf(instance);
  const snapshot = instance.session.snapshot();
  reply.snapshots.push({ key, frame: instance.snapshotAt, base: instance.base, snapshot, ...(id !== undefined && { id }) });
}

function push(reply: Writing, key: number, instance: Instance, bytes: Uint8Array, ticks: number): void {
  const { session, base } = instance;
  const { hop, manifest } = session;
  const frames = framesOf(manifest, bytes);
  for (let from = 0; from < ticks; from += hop) {
    enter(key);
    const started = performance.now();
    instance.range.see(frames, from, Math.min(hop, ticks - from));
    const due = session.pushPart(frames, from, Math.min(hop, ticks - from));
    if (!due) continue;
    const ms = performance.now() - started;
    const raw = manifest.outputs.map((_, which) => session.outputRaw(which));
    reply.output(key, base + session.clock.dueFrame, ms, raw, instance.range.take());
  }
  reply.took(key, instance);
  if (frameOf(instance) - instance.snapshotAt >= instance.snapshotEvery) give(reply, key, instance);
}

async function moduleOf(digest: string): Promise<WebAssembly.Module> {
  try {
    return (await modules.get(digest)) as WebAssembly.Module;
  } catch (error) {
    throw new RunletError('RN827', {
      what: 'this engine cannot compile the module',
      where: digest.slice(0, 12),
      why: error instanceof Error ? error.message : String(error),
      tryThis: 'build the bundle again with `runlet build`',
    });
  }
}

async function sessionOf(digest: string, key: number): Promise<Session> {
  const module = await moduleOf(digest);
  enter(key);
  if (!homes.has(digest)) homes.set(digest, openSession(module));
  try {
    return ((await homes.get(digest)) as Session).sibling();
  } catch (error) {
    homes.delete(digest);
    throw error;
  }
}

/** Moves the streams of a module to a new instance, because a trap may have damaged the old one. */
async function moveAll(digest: string, reply: Writing): Promise<void> {
  homes.delete(digest);
  for (const [key, instance] of instances) {
    if (instance.digest !== digest) continue;
    try {
      const session = await sessionOf(digest, key);
      session.restore(instance.session.snapshot());
      instance.session = session;
    } catch (error) {
      fail(reply, key, error);
    }
  }
}

async function open({ key, digest, base, snapshot }: Operation & { op: 'open' }): Promise<void> {
  const session = await sessionOf(digest, key);
  if (snapshot) session.restore(snapshot);
  const instance = {
    digest,
    session,
    base,
    tickBytes: tickBytes(session.manifest),
    range: new InputRange(session.manifest),
    snapshotEvery: Math.max(snapshotHops * session.hop, session.window),
    snapshotAt: 0,
  };
  // spread the snapshots of streams that start at the same time
  instance.snapshotAt = frameOf(instance) - Math.floor(((key % snapshotHops) / snapshotHops) * instance.snapshotEvery);
  instances.set(key, instance);
}

async function run(operation: Exclude<Operation, { op: 'frames' }>, reply: Writing): Promise<void> {
  switch (operation.op) {
    case 'module': {
      const module = WebAssembly.compile(operation.wasm as BufferSource);
      module.catch(() => {}); // reported when the module is opened
      modules.set(operation.digest, module);
      return;
    }
    case 'forget':
      modules.delete(operation.digest);
      homes.delete(operation.digest);
      return;
    case 'open':
      return open(operation);
    case 'gap': {
      const instance = instances.get(operation.key);
      if (!instance) return;
      enter(operation.key);
      instance.session.gap(operation.ticks, 'reset');
      reply.took(operation.key, instance);
      return;
    }
    case 'snapshot': {
      const instance = instances.get(operation.key);
      if (instance) give(reply, operation.key, instance, operation.id);
      return;
    }
    case 'close':
      instances.delete(operation.key);
      return;
    case 'check': {
      const { id, digest, hops, seconds } = operation;
      try {
        const result = await checkModule(await moduleOf(digest), { hops, seconds, enter: () => enter(-id) });
        reply.checks.push({ id, result });
      } catch (error) {
        reply.checks.push({ id, failure: failureOf(error) });
      }
    }
  }
}

/** Handles an error of an operation: ends its stream, or, if it has none (`key` is 0), the thread. */
async function failed(reply: Writing, key: number, digest: string | undefined, error: unknown): Promise<void> {
  if (key === 0) throw error;
  const { code } = fail(reply, key, error);
  if (code === trapped && digest) await moveAll(digest, reply);
}

/** Runs the pushes of many streams. It awaits nothing unless one fails. */
async function pushAll(pushes: readonly number[], frames: ArrayBuffer, reply: Writing): Promise<void> {
  for (let i = 0; i < pushes.length; i += 3) {
    const [key, ticks] = [pushes[i] as number, pushes[i + 1] as number];
    const instance = instances.get(key);
    if (!instance) continue;
    try {
      push(reply, key, instance, new Uint8Array(frames, pushes[i + 2], ticks * instance.tickBytes), ticks);
    } catch (error) {
      await failed(reply, key, instance.digest, error);
    }
  }
}

async function answer({ operations, frames }: Request): Promise<void> {
  const reply = new Writing();
  for (const operation of operations) {
    if (operation.op === 'frames') await pushAll(operation.pushes, frames, reply);
    else {
      const key = 'key' in operation ? operation.key : 0;
      const digest = operation.op === 'open' ? operation.digest : instances.get(key)?.digest;
      await run(operation, reply).catch((error: unknown) => failed(reply, key, digest, error));
    }
    Atomics.store(progress, progressWords.key, 0);
  }
  const all = reply.done();
  parentPort?.postMessage(all, [all.outputs.buffer, all.taken.buffer, all.bytes.buffer, all.ranges.buffer] as ArrayBuffer[]);
}

// requests run one after the other, because an operation may wait for the engine
let queue = Promise.resolve();
parentPort?.on('message', (request: Request) => {
  queue = queue.then(() => answer(request));
});
