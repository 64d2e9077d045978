/**
 * Check of a module before its trial: self-test, endurance run and snapshots. Runs in a worker thread, under
 * its watchdog.
 *
 * In: a compiled module, limits of hops and time.  Out: the time of a hop.
 * Errors: RN713 the self-test fails, RN710 a trap, RN834 the state does not carry over, RN839 too slow.
 * Rule: the endurance run pushes generated frames to a session. Half way, a second session restores its
 * snapshot. From then on, both get the same frames, and their outputs must be the same bytes.
 */
import { RunletError } from '../../../models/error.ts';
import { goldenBytes, openSession, requireSelfTest, type Session, type Stored } from '../../session/index.ts';
import { storedZeros } from '../../session/open.ts';
import type { CheckResult } from './messages.ts';

export interface CheckOptions {
  /** Largest number of hops in the endurance run. */
  hops: number;
  /** Longest duration of the endurance run, and of the self-test, in seconds. */
  seconds: number;
  /** Called before each call into the module. */
  enter(): void;
}

const seed = 0x2545f491;

function hopsOf(session: Session): () => Stored | Stored[] {
  const next = goldenBytes(seed);
  const signals = session.manifest.inputs.map((port) => storedZeros(port, session.hop * (port.rate ?? 1) * port.elements));
  return () => {
    for (const signal of signals) for (let i = 0; i < signal.length; i++) signal[i] = next();
    return signals.length === 1 ? (signals[0] as Stored) : signals;
  };
}

const sameOutputs = (a: Session, b: Session): boolean =>
  a.manifest.outputs.every((_, which) => a.outputRaw(which).every((value, i) => value === b.outputRaw(which)[i]));

/** Checks a module. @throws RN600-RN606, RN700-RN705 if it cannot be opened; RN710, RN713, RN834, RN839 */
export async function checkModule(module: WebAssembly.Module, { hops, seconds, enter }: CheckOptions): Promise<CheckResult> {
  enter();
  const session = await openSession(module);
  const late = (what: string): RunletError =>
    new RunletError('RN839', {
      what: `${what} took too long`,
      where: session.manifest.name,
      why: `more than ${seconds} seconds`,
      tryThis: 'use a smaller model, or a longer --seconds',
    });
  const started = performance.now();
  enter();
  const golden = await requireSelfTest(session, () => {
    enter();
    if (performance.now() - started > 1000 * seconds) throw late('the self-test');
  });
  const next = hopsOf(session);
  const times: number[] = [];
  enter();
  const second = await openSession(module);
  const step = () => {
    const frames = next();
    enter();
    const from = performance.now();
    const due = session.pushInt8(frames);
    times.push(performance.now() - from);
    return { frames, due };
  };
  const begun = performance.now();
  const within = (share: number) => performance.now() - begun < 1000 * seconds * share;
  while (times.length < hops >> 1 && (times.length === 0 || within(0.4))) step();
  second.restore(session.snapshot());
  while (times.length < hops && within(1)) {
    const { frames, due } = step();
    enter();
    if (second.pushInt8(frames) !== due || (due && !sameOutputs(session, second)))
      throw new RunletError('RN834', {
        what: 'a stream does not continue where its snapshot was taken',
        where: `${session.manifest.name}, hop ${times.length}`,
        why: 'the outputs depend on more than the state of rn_state',
        tryThis: 'build the bundle again with `runlet build`',
      });
  }
  times.sort((a, b) => a - b);
  return {
    goldenOutputs: golden.outputs,
    hops: times.length,
    meanMs: times.reduce((sum, ms) => sum + ms, 0) / times.length,
    p99Ms: times[Math.floor(0.99 * (times.length - 1))] as number,
  };
}
