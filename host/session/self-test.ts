/**
 * Self-test: the manifest's golden, run on this engine.
 *
 * In: a session.  Out: whether SHA-256 over the outputs of a generated signal is the digest that was recorded
 * at build time.
 * Source: docs/abi.md, "Golden". xorshift32 fills all inputs a hop at a time, input 0 first.
 * Cost: golden.hops hops; the session is reset before and after.
 */
import { RunletError } from '../../models/error.ts';
import { sha256 } from './digest.ts';
import { bytesOf, type Stored, storedZeros } from './open.ts';
import type { Session } from './session.ts';

export interface SelfTestResult {
  ok: boolean;
  /** SHA-256 found and recorded, hex. */
  digest: string;
  expected: string;
  /** Outputs that fell due, and how many were recorded. */
  outputs: number;
  expectedOutputs: number;
}

/** xorshift32 (Marsaglia, 2003; shifts 13, 17, 5). */
function xorshift(seed: number): () => number {
  let x = seed | 0;
  return () => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return x;
  };
}

/** The golden's generator: next() is one int8. */
export function goldenBytes(seed: number): () => number {
  const next = xorshift(seed);
  return () => (next() << 24) >> 24;
}

/** What a self-test pushes and gets, hop by hop. The frames are the same arrays every time. */
export interface GoldenHop {
  /** By input. */
  frames: Stored[];
  /** By output; none where no output fell due. */
  outputs: Stored[];
}

/**
 * Runs the manifest's golden, and shows every hop to `see`. Resets the session before and after.
 * @throws RN714 without WebCrypto (it needs a secure context in browsers), RN710 if the module fails.
 */
export async function selfTest(session: Session, see?: (hop: GoldenHop) => void): Promise<SelfTestResult> {
  const { golden, inputs, outputs } = session.manifest;
  const next = xorshift(golden.seed);
  // a typed array keeps the low 8 or 16 bits
  const signals = inputs.map((port) => storedZeros(port, session.hop * (port.rate ?? 1) * port.elements));
  const frames = signals.length === 1 ? (signals[0] as Stored) : signals;
  const due: Stored[] = [];
  session.reset();
  for (let hop = 0; hop < golden.hops; hop++) {
    for (const signal of signals) for (let i = 0; i < signal.length; i++) signal[i] = next();
    const fell = session.pushInt8(frames) ? outputs.map((_, which) => session.outputRaw(which).slice()) : [];
    for (const output of fell) due.push(output);
    see?.({ frames: signals, outputs: fell });
  }
  session.reset();
  const bytes = new Uint8Array(due.reduce((sum, output) => sum + output.byteLength, 0));
  let at = 0;
  for (const output of due) {
    bytes.set(bytesOf(output), at);
    at += output.byteLength;
  }
  const digest = await sha256(bytes);
  const found = due.length / outputs.length;
  const ok = digest === golden.digest && found === golden.outputs;
  return { ok, digest, expected: golden.digest, outputs: found, expectedOutputs: golden.outputs };
}

/**
 * Runs the self-test, for hosts that must not go on with a bundle that fails it (gateways, received bundles).
 * @throws RN713 where the outputs differ from those recorded at build time; else as selfTest.
 */
export async function requireSelfTest(session: Session, see?: (hop: GoldenHop) => void): Promise<SelfTestResult> {
  const result = await selfTest(session, see);
  if (result.ok) return result;
  throw new RunletError('RN713', {
    what: 'the self-test failed',
    where: `golden of ${session.manifest.name}`,
    why: `${result.outputs} outputs with digest ${result.digest.slice(0, 12)}, recorded were ${result.expectedOutputs} with ${result.expected.slice(0, 12)}`,
    tryThis: 'copy or build the bundle again; if it stays, report the engine',
  });
}
