/**
 * The state before the first frame, without a module: zero points in every history and queue, the smallest
 * value for a maximum, and every byte of the state is set.
 */

import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { buffersOf } from '../../assembly/emit/buffers.ts';
import { mapMemory } from '../../assembly/emit/memory.ts';
import { resetInstructions } from '../../assembly/emit/reset.ts';
import { isRunletError } from '../../models/error.ts';
import { planStream } from '../../models/stream/plan.ts';
import { type QuantPlan, quantPlan } from '../../quant/plan.ts';
import { makeNetwork, network } from '../property/random-network.ts';

const seed = Number(process.env.RUNLET_SEED ?? 1);
const plans = fc
  .sample(network, { numRuns: 600, seed })
  .map(makeNetwork)
  .flatMap((graph) =>
    ([['edge-exact', 3], ['stream', 4], ['stream', 8]] as const).flatMap(([mode, hop]): QuantPlan[] => {
      try {
        return [quantPlan(planStream(graph, { mode, hop }))];
      } catch (error) {
        if (isRunletError(error)) return [];
        throw error;
      }
    }),
  ); // biome-ignore format: a table

test('histories and queues start with zero points, maxima with the smallest value, sums with zero', () => {
  const seen = { histories: 0, queues: 0, maxima: 0, sums: 0 };
  for (const quant of plans) {
    const { plan } = quant;
    const buffers = buffersOf(plan);
    const map = mapMemory(plan, buffers, 0, { weights: 0, tables: 0 });
    const memory = new Int16Array(map.end).fill(999);
    for (const one of resetInstructions(plan, map)) if (one.do === 'fill') memory.fill(one.value, one.to, one.to + one.bytes);
    const holds = (from: number, bytes: number, value: number, what: string) => {
      for (let at = from; at < from + bytes; at++) assert.is(memory[at], value, `${what}, byte ${at - from} of ${bytes}`);
      return bytes > 0 ? 1 : 0;
    };
    const zero = (tensor: number) => plan.graph.tensors[tensor]?.quant?.zeroPoint ?? 0;
    for (const [tensor, b] of buffers.trunk) {
      const at = b.inPlace ? b.address : b.history;
      if (at === undefined) continue;
      seen.histories += holds(map.at(at), b.plan.historyRows * b.frameBytes, zero(tensor), `history of ${tensor}`);
    }
    for (const [tensor, { address, slots, slotBytes }] of buffers.queues)
      seen.queues += holds(map.at(address), slots * slotBytes, zero(tensor), `queue of ${tensor}`);
    for (const step of plan.steps) {
      const { output } = step;
      const own = buffers.folds.get(output);
      if (step.kind !== 'fold' || !own) continue;
      const { fold } = step;
      const node = plan.graph.nodes.find((n) => n.output === output);
      const isMaximum = node?.op === 'maxpool' || node?.op === 'globalmax';
      const value = isMaximum ? -128 : 0;
      seen[isMaximum ? 'maxima' : 'sums'] += holds(map.at(own.address), fold.slots * fold.slotBytes, value, `fold ${node?.op}`);
      holds(map.at(own.totals), fold.stream.phases * fold.totalBytes, value, `totals of ${node?.op}`);
    }
  }
  assert.ok(Object.values(seen).every((n) => n > 10), JSON.stringify(seen)); // biome-ignore format: one line
});

test.run();
