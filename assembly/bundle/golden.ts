/**
 * The self-test of a bundle: generated frames, processed by the integer reference.
 *
 * In: a QuantPlan.  Out: seed, hops, outputs and the digest of the outputs.  The expected bytes come from
 * quant/reference.ts, not from the module, so the test can fail.  Generator and order: docs/abi.md.
 */
import { frameOf, type Ints } from '../../models/graph/types.ts';
import type { StreamPlan } from '../../models/stream/types.ts';
import { xorshift } from '../../models/xorshift.ts';
import { makeInts } from '../../quant/ops/int16.ts';
import type { QuantPlan } from '../../quant/plan.ts';
import { runSignal } from '../../quant/reference.ts';
import { Digest } from './digest.ts';
import type { Manifest } from './manifest.ts';

/**
 * Returns the generator's values for each input. Every hop has first the frames of input 0, then those of
 * input 1, and so on.
 */
function goldenSignals({ graph, clock, hop }: StreamPlan, seed: number, hops: number): Ints[] {
  const perHop = graph.inputs.map((port, i) => {
    const shape = graph.tensors[port.tensor]?.shape ?? { t: 0, f: 0, c: 0 };
    return hop * (clock.rates[i] as number) * frameOf(shape);
  });
  const next = xorshift(seed);
  const signals = perHop.map((n, i) => makeInts(graph.tensors[graph.inputs[i]?.tensor ?? -1]?.quant?.type, hops * n));
  // int8 keeps the low byte, int16 the low two bytes
  for (let k = 0; k < hops; k++)
    for (const [i, n] of perHop.entries()) for (let j = k * n; j < (k + 1) * n; j++) (signals[i] as Ints)[j] = next();
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
