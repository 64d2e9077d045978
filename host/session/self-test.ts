/**
 * Self-test: runs the manifest's golden on this engine.
 *
 * In: a session.  Out: whether the SHA-256 of the outputs for a generated signal equals the digest that was
 * recorded at build time.
 * Source: docs/abi.md, "Golden". xorshift32 fills all inputs hop by hop, input 0 first.
 * Cost: golden.hops hops; the session is reset before and after.
 */

import { RunletError } from '../../models/error.ts';
import { xorshift } from '../../models/xorshift.ts';
import { sha256 } from './digest.ts';
import { bytesOf, type Stored, storedZeros } from './open.ts';
import type { Session } from './session.ts';

export interface SelfTestResult {
  ok: boolean;
  /** SHA-256 of the outputs, and the recorded one, in hex. */
  digest: string;
  expected: string;
  /** Number of outputs, and the recorded number. */
  outputs: number;
  expectedOutputs: number;
}

/** Returns the golden's generator; every call gives one int8. */
export function goldenBytes(seed: number): () => number {
  const next = xorshift(seed);
  return () => (next() << 24) >> 24;
}

/** Inputs and outputs of one hop of a self-test. Every hop uses the same arrays for its frames. */
export interface GoldenHop {
  /** One array per input. */
  frames: Stored[];
  /** One array per output; empty if no output was due. */
  outputs: Stored[];
}

/**
 * Runs the manifest's golden and calls `see` after every hop. Resets the session before and after.
 * @throws RN714 without WebCrypto (browsers require a secure context), RN710 if the module fails.
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
 * Runs the self-test and throws if it fails. For hosts that receive bundles, such as gateways.
 * @throws RN713 if the outputs differ from those recorded at build time; else as selfTest.
 */
export async function requireSelfTest(session: Session, see?: (hop: GoldenHop) => void): Promise<SelfTestResult> {
  const result = await selfTest(session, see);
  if (result.ok) return result;
  throw new RunletError('RN713', {
    what: 'the self-test failed',
    where: `golden of ${session.manifest.name}`,
    why: `${result.outputs} outputs with digest ${result.digest.slice(0, 12)}; the manifest records ${result.expectedOutputs} with ${result.expected.slice(0, 12)}`,
    tryThis: 'copy or build the bundle again; if the test still fails, report the engine',
  });
}
