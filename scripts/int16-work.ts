/**
 * Measures the time of a network with all activations in int16 over that in int8. `int16Work` of
 * quant/mixed.ts comes from this measurement (docs/adr/0020).
 *
 * In: the benchmark's network N1.  Out: per target the shortest processor time of a hop in int8 and in int16,
 * in microseconds, and their ratio.
 */

import { build } from '../assembly/build.ts';
import { targets } from '../assembly/emit/target.ts';
import { madeUpNetwork } from '../host/bench/networks.ts';
import { planStream } from '../models/stream/plan.ts';
import { quantPlan } from '../quant/plan.ts';
import { instantiate } from '../test/property/harness.ts';
import { widen } from '../test/property/widen.ts';

const { int8, hops } = madeUpNetwork('N1');
const hop = hops[0] as number;
const graphs = [int8, widen(int8, () => 0, 1)];

for (const target of targets) {
  const shortest = graphs.map(() => Number.POSITIVE_INFINITY);
  const modules = [];
  for (const graph of graphs) modules.push(instantiate((await build(quantPlan(planStream(graph, { hop })), { target })).wasm));
  for (const exports of modules) exports.rn_reset();
  for (let round = 0; round < 12; round++)
    for (const [i, exports] of modules.entries()) {
      for (let k = 0; k < 20; k++) exports.rn_push(hop);
      const before = process.cpuUsage();
      for (let k = 0; k < 60; k++) exports.rn_push(hop);
      const { user, system } = process.cpuUsage(before);
      shortest[i] = Math.min(shortest[i] as number, (user + system) / 60);
    }
  const [narrow, wide] = shortest as [number, number];
  process.stdout.write(`${target}: int8 ${narrow.toFixed(1)}, int16 ${wide.toFixed(1)}, ratio ${(wide / narrow).toFixed(2)}\n`);
}
