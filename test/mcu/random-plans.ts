/**
 * Plans of random networks for the C host: in all modes, with several inputs, in int16, and recurrent ones
 * with windows.
 */
import fc from 'fast-check';
import { isRunletError } from '../../models/error.ts';
import type { Graph } from '../../models/graph/types.ts';
import { type Mode, modes } from '../../models/stream/modes.ts';
import { planStream } from '../../models/stream/plan.ts';
import { type QuantPlan, quantPlan } from '../../quant/plan.ts';
import { inputsNetwork, makeInputsNetwork } from '../property/inputs-network.ts';
import { anyNetwork, makeNetwork, random } from '../property/random-network.ts';
import { recurrentNetwork } from '../property/recurrent-network.ts';
import { widen } from '../property/widen.ts';

/** Plans the graph in the first of these modes that exists for this hop. */
export function planned(graph: Graph, hop: number, from: readonly Mode[], first: number): QuantPlan | undefined {
  for (let i = 0; i < from.length; i++)
    try {
      const quant = quantPlan(planStream(graph, { hop, mode: from[(first + i) % from.length] as Mode }));
      // a session opens only modules whose micro-hop is at most a hop
      if (quant.plan.microHop <= hop) return quant;
    } catch (error) {
      if (!isRunletError(error) || !/^RN20/.test(error.code)) throw error;
    }
  return undefined;
}

/** Yields at most `count` plans: one in eight has several inputs, is recurrent, or is int16 in part. */
export function* plans(count: number, seed: number): Generator<QuantPlan> {
  const hops = fc.sample(fc.integer({ min: 1, max: 20 }), { numRuns: count, seed });
  const [any, several, cells] = [anyNetwork, inputsNetwork, recurrentNetwork].map((spec) =>
    fc.sample<unknown>(spec as fc.Arbitrary<unknown>, { numRuns: count, seed }),
  ) as [Parameters<typeof makeNetwork>[0][], Parameters<typeof makeInputsNetwork>[0][], Parameters<typeof makeNetwork>[0][]];
  for (const [i, anyHop] of hops.entries()) {
    const spec = any[i] as (typeof any)[number];
    const hop = 1 + (anyHop % (spec.window + 5));
    const graphs: Record<number, () => QuantPlan | undefined> = {
      0: () => planned(makeInputsNetwork(several[i] as (typeof several)[number]), anyHop, ['edge-exact', 'windowed'], i),
      1: () => planned(makeNetwork(cells[i] as (typeof cells)[number]), 1 + (anyHop % 8), ['windowed'], 0),
      2: () => planned(widen(makeNetwork(spec), random(spec.seed), 0.7), hop, ['stream', 'edge-exact', 'windowed'], i),
    };
    const quant = (graphs[i % 8] ?? (() => planned(makeNetwork(spec), hop, modes, i)))();
    if (quant) yield quant;
  }
}
