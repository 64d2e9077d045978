/**
 * A worker thread of the gateway: runs the modules of many streams, and can be ended at any time.
 *
 * In: messages of operations (messages.ts).  Out: outputs, snapshots and failures, in the order of the operations. A module that traps is closed and
 * told; the others go on. Before every call into a module the shared words say whose call it is, for the watchdog.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { isRunletError, RunletError } from '../../../models/error.ts';
import { openSession, type Session } from '../../session/index.ts';
import { checkModule } from './check.ts';
import { framesOf, tickBytes } from './frames.ts';
import { type Failure, type Operation, progressWords, type Reply, type Request } from './messages.ts';
import { InputRange } from './range.ts';

interface Instance {
  session: Session;
  base: number;
  tickBytes: number;
  range: InputRange;
  /** Frame at which the latest snapshot was given. */
  snapshotAt: number;
}

const { progress, snapshotHops } = workerData as { progress: Int32Array; snapshotHops: number };
const modules = new Map<string, Promise<WebAssembly.Module>>();
const instances = new Map<number, Instance>();

/** To be called before each call into a module. */
function enter(key: number): void {
  Atomics.store(progress, progressWords.key, key);
  Atomics.add(progress, progressWords.calls, 1);
}

const failureOf = (error: unknown): Failure =>
  isRunletError(error)
    ? { code: error.code === 'RN710' ? 'RN831' : error.code, why: error.message.replace(/^RN\d+: /, '') }
    : { code: 'RN831', why: error instanceof Error ? error.message : String(error) };

const frameOf = ({ session, base }: Instance): number => base + session.originFrame + session.framesPushed;

interface Pending extends Omit<Reply, 'bytes'> {
  parts: Uint8Array[];
}

function give(reply: Pending, key: number, instance: Instance, id?: number): void {
  instance.snapshotAt = frameOf(instance);
  const snapshot = instance.session.snapshot();
  reply.snapshots.push({ key, frame: instance.snapshotAt, base: instance.base, snapshot, ...(id !== undefined && { id }) });
}

function push(reply: Pending, key: number, instance: Instance, bytes: Uint8Array, ticks: number): void {
  const { session, base } = instance;
  const { hop, window, manifest } = session;
  const frames = framesOf(manifest, bytes);
  for (let from = 0; from < ticks; from += hop) {
    enter(key);
    const started = performance.now();
    instance.range.see(frames, from, Math.min(hop, ticks - from));
    const due = session.pushPart(frames, from, Math.min(hop, ticks - from));
    if (!due) continue;
    const frame = base + session.originFrame + session.outputIndex * hop + window + manifest.delayFrames;
    const ms = performance.now() - started;
    let width = 0;
    for (const which of manifest.outputs.keys()) {
      const raw = session.outputRaw(which);
      reply.parts.push(new Uint8Array(raw.buffer, raw.byteOffset, raw.byteLength).slice());
      width += raw.byteLength;
    }
    reply.outputs.push({ key, frame, ms, raw: width, inputs: instance.range.take() });
  }
  reply.taken.push({ key, frame: frameOf(instance) });
  if (frameOf(instance) - instance.snapshotAt >= snapshotHops * hop) give(reply, key, instance);
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

async function open({ key, digest, base, snapshot }: Operation & { op: 'open' }): Promise<void> {
  const module = await moduleOf(digest);
  enter(key);
  const session = await openSession(module);
  if (snapshot) session.restore(snapshot);
  const instance = {
    session,
    base,
    tickBytes: tickBytes(session.manifest),
    range: new InputRange(session.manifest),
    snapshotAt: 0,
  };
  // streams that begin together do not give their snapshots together
  instance.snapshotAt = frameOf(instance) - (key % snapshotHops) * session.hop;
  instances.set(key, instance);
}

async function run(operation: Operation, frames: ArrayBuffer, reply: Pending): Promise<void> {
  switch (operation.op) {
    case 'module': {
      const module = WebAssembly.compile(operation.wasm as BufferSource);
      module.catch(() => {}); // told where it is opened
      modules.set(operation.digest, module);
      return;
    }
    case 'forget':
      modules.delete(operation.digest);
      return;
    case 'open':
      return open(operation);
    case 'frames': {
      const instance = instances.get(operation.key);
      if (!instance) return;
      const bytes = new Uint8Array(frames, operation.at, operation.ticks * instance.tickBytes);
      return push(reply, operation.key, instance, bytes, operation.ticks);
    }
    case 'gap': {
      const instance = instances.get(operation.key);
      if (!instance) return;
      enter(operation.key);
      instance.session.gap(operation.ticks, 'reset');
      reply.taken.push({ key: operation.key, frame: frameOf(instance) });
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

async function answer({ operations, frames }: Request): Promise<void> {
  const reply: Pending = { outputs: [], parts: [], snapshots: [], taken: [], failures: [], checks: [] };
  for (const operation of operations)
    try {
      await run(operation, frames, reply);
    } catch (error) {
      if (!('key' in operation)) throw error;
      instances.delete(operation.key);
      reply.failures.push({ key: operation.key, ...failureOf(error) });
    } finally {
      Atomics.store(progress, progressWords.key, 0);
    }
  const { parts, ...rest } = reply;
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  parentPort?.postMessage({ ...rest, bytes } satisfies Reply, [bytes.buffer]);
}

// one after the other: an operation may wait for the engine
let queue = Promise.resolve();
parentPort?.on('message', (request: Request) => {
  queue = queue.then(() => answer(request));
});
