/**
 * `npm run bench:peers [-- N1:64 N2:2 ...]`: compares the time of Runlet's hop with that of a whole window in
 * other engines. All engines run in turn in one process.
 *
 * In: networks and hops; the engines that `npm run bench:install` installs.  Out: two tables for each network
 * and hop, for Node and for Chromium: microseconds, ratio to Runlet's hop, time to the first output,
 * difference of each engine's output from the float network's or from Runlet's; a table of start times, each
 * start in a new process; and a step of okay_nabu in Chromium. `--rounds N`: number of rounds, default 40.
 * `--json FILE` writes the figures.
 */

import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { benchModule } from '../host/bench/modules.ts';
import { type BenchNetwork, benchNetworks, madeUpNetwork } from '../host/bench/networks.ts';
import { type Cell, table } from '../host/report/table.ts';
import { quantile } from '../host/statistics.ts';
import { planStream } from '../models/stream/plan.ts';
import { quantPlan } from '../quant/plan.ts';
import { runWindow } from '../quant/reference.ts';
import { quantiseSignals } from '../quant/report.ts';
import { type ChromiumRun, whyNot } from '../test/bench/chromium.ts';
import { networkInChromium, stepInChromium } from '../test/bench/chromium-jobs.ts';
import { startPeers } from '../test/bench/peers.ts';
import { type Start, starts } from '../test/bench/start.ts';
import { runFloat } from '../test/graph/run-float.ts';
import { shared } from '../test/shared.ts';

const { values, positionals } = parseArgs({
  options: { rounds: { type: 'string', default: '40' }, json: { type: 'string' } },
  allowPositionals: true,
});
const say = (text = '') => process.stdout.write(`${text}\n`);
const chosen = positionals.length > 0 ? positionals : ['N1:64', 'N1:16', 'N2:20', 'N2:2'];
const rounds = Number(values.rounds);

export interface Row {
  name: string;
  medianUs: number;
  p5Us: number;
  p95Us: number;
  startMs: number;
  /** Largest difference from the float network's outputs, over their largest magnitude. */
  off?: number;
}

/** Measures all subjects in turn, with about 2 ms of calls per round. Returns microseconds per call. */
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

async function network(name: string, hop: number): Promise<{ rows: Row[]; startsOf: () => Promise<Start[]> }> {
  const { graph } = (benchNetworks[name] as () => BenchNetwork)();
  const { int8, window } = madeUpNetwork(name);
  const ours = [];
  for (const target of ['simd', 'interp'] as const) ours.push(await benchModule(quantPlan(planStream(int8, { hop })), target));
  const windowed = quantPlan(planStream(int8, { hop, mode: 'windowed' }));
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
  const samples = await measure(subjects, rounds);
  const rows = subjects.map(({ name: subject, startMs, off: distance }) => {
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
  const modules = ours.map(({ target, bundle }) => ({ name: `Runlet ${target}`, wasm: bundle.wasm }));
  return { rows, startsOf: () => starts(modules, graph, int8, window, Math.max(1, Math.min(9, rounds))) };
}

interface Shown {
  name: string;
  medianUs: number;
  p5Us: number;
  p95Us: number;
  startMs: number;
}

/** Prints a table. Column `our hops` is the ratio to the first row. */
function show<T extends Shown>(rows: T[], last: string, cell: (row: T) => Cell): void {
  const us = rows[0]?.medianUs ?? 1;
  const cells = rows.map((r): Cell[] => [
    r.name,
    r.medianUs.toFixed(1),
    `${r.p5Us.toFixed(1)} .. ${r.p95Us.toFixed(1)}`,
    (r.medianUs / us).toFixed(1),
    r.startMs.toFixed(1),
    cell(r),
  ]);
  say(`${table(cells, { head: ['engine', 'us', '5 % .. 95 %', 'our hops', 'start, ms', last] })}\n`);
}

function showChromium(title: string, { rows, absent, engine }: ChromiumRun): void {
  for (const { name, why } of absent) say(`skipped: ${name}, ${why}`);
  say(`${title}: one thread each, ${values.rounds} rounds in turn in one page, ${engine}\n`);
  show(rows, 'steps off', (r) => String(r.steps));
}

/** Results of a network and hop, or of okay_nabu's step, which runs only in Chromium. */
export interface Result {
  node?: Row[];
  chromium?: ChromiumRun;
  starts?: Start[];
}

const results: Record<string, Result> = {};
const noChromium = whyNot();
if (noChromium) say(`skipped: the tables of Chromium, ${noChromium}\n`);
const started = new Set<string>();
for (const item of chosen) {
  const [name = '', hop = ''] = item.split(':');
  if (!benchNetworks[name] || !(Number(hop) > 0)) throw new Error(`${item}: name a network and a hop, such as N1:64`);
  const { rows, startsOf } = await network(name, Number(hop));
  const result: Result = { node: rows };
  results[item] = result;
  say(`${name}, hop ${hop}: one thread each, ${values.rounds} rounds in turn, Node ${process.version}\n`);
  show(rows, 'off', (r) => (r.off === undefined ? '' : `${(100 * r.off).toFixed(2)} %`));
  if (!noChromium) {
    result.chromium = await networkInChromium(name, Number(hop), rounds);
    showChromium(`${name}, hop ${hop}`, result.chromium);
  }
  if (started.has(name)) continue;
  started.add(name);
  result.starts = await startsOf();
  const ms = result.starts[0]?.medianMs ?? 1;
  const cells = result.starts.map((r): Cell[] => [
    r.name,
    r.medianMs.toFixed(1),
    `${r.minMs.toFixed(1)} .. ${r.maxMs.toFixed(1)}`,
    (r.medianMs / ms).toFixed(1),
  ]);
  say(`${name}, hop ${hop}: from the file's bytes to the first output, each time in a new Node process\n`);
  say(`${table(cells, { head: ['engine', 'ms', 'least .. most', 'times ours'] })}\n`);
}
const nabu = shared('models', 'mww', 'v2', 'okay_nabu');
const step = noChromium || !nabu ? undefined : await stepInChromium(nabu, rounds);
if (step) {
  results.okay_nabu = { chromium: step };
  showChromium("microWakeWord's okay_nabu, a step of three rows", step);
}
say(
  'our hops: time over that of the first row. off: largest difference from the float network, over its largest output. steps off: largest difference\n' +
    'from our int8 outputs, in steps (these engines round once, TensorFlow Lite rounds twice). start: from import to the first output in this process.',
);
if (values.json) writeFileSync(values.json, `${JSON.stringify(results, null, 1)}\n`);
process.exit(0);
