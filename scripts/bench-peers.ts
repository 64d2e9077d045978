/**
 * `npm run bench:peers [-- N1:64 N2:2 ...]`: a hop of ours against a whole window of other engines, all in one run, in turn.
 *
 * In: networks and hops; peers from `npm run bench:install`.  Out: a table a network: microseconds, times slower than our hop, time to the first
 * output, and how far each engine's answer is from the float network's. Without `--rounds N`, 40 rounds. `--json FILE` keeps the figures.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { benchModule } from '../host/bench/modules.ts';
import { type BenchNetwork, benchNetworks, madeUpNetwork } from '../host/bench/networks.ts';
import { quantile } from '../host/report/statistics.ts';
import { type Cell, table } from '../host/report/table.ts';
import { runFloat } from '../models/graph/run.ts';
import { quantPlan } from '../quant/plan.ts';
import { runWindow } from '../quant/reference.ts';
import { quantiseSignals } from '../quant/report.ts';
import { startPeers } from '../test/bench/peers.ts';

const { values, positionals } = parseArgs({
  options: { rounds: { type: 'string', default: '40' }, json: { type: 'string' } },
  allowPositionals: true,
});
const say = (text = '') => process.stdout.write(`${text}\n`);
const chosen = positionals.length > 0 ? positionals : ['N1:64', 'N1:16', 'N2:20', 'N2:2'];

interface Row {
  name: string;
  medianUs: number;
  p5Us: number;
  p95Us: number;
  startMs: number;
  /** Largest distance from the float network's outputs, as a share of their largest. */
  off?: number;
}

/** About 2 ms of calls a round each, in turn. */
async function measure(subjects: { name: string; run: () => unknown }[], rounds: number): Promise<Map<string, number[]>> {
  const samples = new Map(subjects.map(({ name }) => [name, [] as number[]]));
  for (let r = 0; r < rounds + 3; r++)
    for (const { name, run } of subjects) {
      let calls = 0;
      const before = performance.now();
      do {
        const made = run();
        if (made instanceof Promise) await made;
        calls++;
      } while (performance.now() - before < 2);
      if (r >= 3) samples.get(name)?.push((1000 * (performance.now() - before)) / calls);
    }
  return samples;
}

async function network(name: string, hop: number): Promise<Row[]> {
  const { graph } = (benchNetworks[name] as () => BenchNetwork)();
  const { int8, window } = madeUpNetwork(name);
  const ours = [];
  for (const target of ['simd', 'interp'] as const) ours.push(await benchModule(quantPlan(int8, { hop }), target));
  const windowed = quantPlan(int8, { hop, mode: 'windowed' });
  const whole = await benchModule(windowed, 'simd');
  const { peers, absent } = await startPeers(graph, int8, window);
  for (const { name: peer, why } of absent) say(`skipped: ${peer}, ${why}`);
  const exact = runFloat(graph, [window])[graph.outputs[0]?.tensor ?? -1] ?? new Float32Array();
  const largest = Math.max(...exact.map(Math.abs));
  const off = (got: ArrayLike<number>) => Math.max(...Array.from(exact, (v, i) => Math.abs(v - (got[i] as number)))) / largest;
  const [stored] = quantiseSignals(int8, [window]) as [Int8Array];
  const out = int8.tensors[int8.outputs[0]?.tensor ?? -1]?.quant ?? { scale: 1, zeroPoint: 0 };
  const answer = Float32Array.from(runWindow(windowed, stored).outputs[0] ?? [], (q) => (q - out.zeroPoint) * out.scale);
  const subjects = [
    ...ours.map((m) => ({ name: `Runlet ${m.target}, a hop`, run: m.run, startMs: m.startMs, off: off(answer) })),
    { name: 'Runlet simd, the window', run: whole.run, startMs: whole.startMs, off: off(answer) },
    ...(await Promise.all(peers.map(async (p) => ({ ...p, name: `${p.name} ${p.version}`, off: off(await p.run()) })))),
  ];
  const samples = await measure(subjects, Number(values.rounds));
  return subjects.map(({ name: subject, startMs, off: distance }) => {
    const all = samples.get(subject) ?? [];
    return {
      name: subject,
      medianUs: quantile(all, 0.5),
      p5Us: quantile(all, 0.05),
      p95Us: quantile(all, 0.95),
      startMs,
      off: distance,
    };
  });
}

const results: Record<string, Row[]> = {};
for (const item of chosen) {
  const [name = '', hop = ''] = item.split(':');
  if (!benchNetworks[name] || !(Number(hop) > 0)) throw new Error(`${item}: name a network and a hop, such as N1:64`);
  const rows = await network(name, Number(hop));
  results[item] = rows;
  const us = rows[0]?.medianUs ?? 1;
  const cells = rows.map((r): Cell[] => [
    r.name,
    r.medianUs.toFixed(1),
    `${r.p5Us.toFixed(1)} .. ${r.p95Us.toFixed(1)}`,
    (r.medianUs / us).toFixed(1),
    r.startMs.toFixed(1),
    r.off === undefined ? '' : `${(100 * r.off).toFixed(2)} %`,
  ]);
  say(`${name}, hop ${hop}: one thread each, ${values.rounds} rounds in turn, Node ${process.version}\n`);
  say(`${table(cells, { head: ['engine', 'us', '5 % .. 95 %', 'our hops', 'start, ms', 'off'] })}\n`);
}
say(
  'our hops: how many hops of Runlet simd take as long. off: the largest distance from the float network, of its largest output.',
);
if (values.json) writeFileSync(values.json, `${JSON.stringify(results, null, 1)}\n`);
process.exit(0);
