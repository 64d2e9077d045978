/**
 * The self-test of a bundle: a generator's frames through the integer reference.
 *
 * In: a QuantPlan.  Out: seed, hops, outputs and the digest of the outputs.  The expected bytes come from quant/reference.ts, not from the
 * module, so the test can fail.  Generator and order: docs/abi.md.
 */
import { frameOf } from '../../models/graph/types.ts';
import type { StreamPlan } from '../../models/stream/types.ts';
import type { QuantPlan } from '../../quant/plan.ts';
import { runSignal } from '../../quant/reference.ts';
import { Digest } from './digest.ts';
import type { Manifest } from './manifest.ts';

/** xorshift32, low byte, as int8. */
export function goldenFrames(seed: number, bytes: number): Int8Array {
  let x = seed | 0;
  return Int8Array.from({ length: bytes }, () => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (x << 24) >> 24;
  });
}

/** The generator's bytes for each input: in every hop, first the frames of input 0, then those of input 1, and so on. */
export function goldenSignals({ graph, clock, hop }: StreamPlan, seed: number, hops: number): Int8Array[] {
  const perHop = graph.inputs.map((port, i) => {
    const shape = graph.tensors[port.tensor]?.shape ?? { t: 0, f: 0, c: 0 };
    return hop * (clock.rates[i] as number) * frameOf(shape);
  });
  const all = goldenFrames(seed, hops * perHop.reduce((sum, n) => sum + n, 0));
  const signals = perHop.map((n) => new Int8Array(hops * n));
  let at = 0;
  for (let k = 0; k < hops; k++)
    for (const [i, n] of perHop.entries()) {
      signals[i]?.set(all.subarray(at, at + n), k * n);
      at += n;
    }
  return signals;
}

export async function makeGolden(quant: QuantPlan, seed = 0x5eed1e7): Promise<Manifest['golden']> {
  const { plan } = quant;
  const outputs = Math.min(plan.period, 8) + 3;
  const frames = plan.window + plan.delayFrames + (plan.warmUpHops + outputs - 1) * plan.hop;
  const hops = Math.ceil(frames / plan.hop);
  const signals = goldenSignals(plan, seed, hops);
  const digest = new Digest();
  let count = 0;
  for (const result of runSignal(quant, signals)) {
    for (const output of result.outputs) digest.update(output);
    count++;
  }
  return { seed, hops, outputs: count, digest: await digest.hex() };
}
