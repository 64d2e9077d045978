/**
 * Builds a network for a target, and measures its size, build time and start time.
 *
 * In: an int8 plan, a target.  Out: the bundle, a function that pushes one hop of synthetic frames, bytes and
 * times.
 */
import { gzipSync } from 'node:zlib';
import { type Bundle, build } from '../../assembly/build.ts';
import { isInt16 } from '../../assembly/bundle/manifest.ts';
import type { Home } from '../../assembly/emit/home.ts';
import type { Target } from '../../assembly/emit/target.ts';
import type { QuantPlan } from '../../quant/plan.ts';
import { openSession, type Session } from '../session/index.ts';
import type { Subject } from './measure.ts';

export interface BenchModule extends Subject {
  target: Target;
  bundle: Bundle;
  gzipBytes: number;
  buildMs: number;
  /** Time from the module's bytes to its first output. */
  startMs: number;
}

/** Synthetic frames of one hop for every input, the same in every run. */
function framesOf(session: Session): (Int8Array | Int16Array)[] {
  return session.manifest.inputs.map((port) => {
    const { elements, rate = 1 } = port;
    const length = session.hop * rate * elements;
    const value = (_: unknown, i: number) => ((i * 2654435761) >>> 24) - 128;
    return isInt16(port) ? Int16Array.from({ length }, value) : Int8Array.from({ length }, value);
  });
}

export async function benchModule(quant: QuantPlan, target: Target, home: Home = 'embed'): Promise<BenchModule> {
  const began = performance.now();
  const bundle = await build(quant, { target, weights: home });
  const buildMs = performance.now() - began;
  const started = performance.now();
  const session = await openSession(bundle.wasm as BufferSource, { weights: bundle.weights as BufferSource | undefined });
  const frames = framesOf(session) as Int8Array[];
  const run = frames.length === 1 ? () => session.pushInt8(frames[0] as Int8Array) : () => session.pushInt8(frames);
  while (session.outputsDue === 0) run(); // from here on every hop gives an output
  const startMs = performance.now() - started;
  return { name: target, target, bundle, gzipBytes: gzipSync(bundle.wasm, { level: 9 }).length, buildMs, startMs, run };
}
