/**
 * `npm run bench:wamr [-- MODEL | NETWORK:HOP]`: a hop in WAMR's fast interpreter, beside naive kernels, in time on this machine and in
 * instructions on a Cortex-M4 (QEMU).
 *
 * In: a model file, or one of the benchmark's networks.  Out: per kind of kernels microseconds (medians of `--rounds N` samples in turn), instructions,
 * how many times less than naive, code and memory. `--calib FILE` for a float model, `--hop N`, `--json FILE` keeps the figures.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { build } from '../assembly/build.ts';
import { sectionBytes } from '../assembly/bundle/bytes.ts';
import { benchNetworks, madeUpNetwork } from '../host/bench/networks.ts';
import { loadGraph, loadQuantPlan, planOptions } from '../host/cli/load.ts';
import { quantile } from '../host/report/statistics.ts';
import { type Cell, table } from '../host/report/table.ts';
import { type QuantPlan, quantPlan } from '../quant/plan.ts';
import { countInWamr, m4Tools } from '../test/wamr/m4.ts';
import { buildNaive, isNaive } from '../test/wamr/naive.ts';
import { absentTools, runInWamr, timeInWamr } from '../test/wamr/runner.ts';

const { values, positionals } = parseArgs({
  options: {
    rounds: { type: 'string', default: '60' },
    hop: { type: 'string' },
    calib: { type: 'string' },
    json: { type: 'string' },
  },
  allowPositionals: true,
});
const say = (text = '') => process.stdout.write(`${text}\n`);

async function quantOf(text: string): Promise<QuantPlan> {
  const [name = '', hop] = text.split(':');
  if (benchNetworks[name]) {
    const { int8, hops } = madeUpNetwork(name);
    return quantPlan(int8, { hop: Number(hop ?? hops[0]) });
  }
  const graph = await loadGraph({ model: text });
  return loadQuantPlan(graph, planOptions(graph, { hop: values.hop }), { calib: values.calib });
}

const absent = absentTools();
if (absent) {
  say(`skipped: ${absent}`);
  process.exit(0);
}
const quant = await quantOf(positionals[0] ?? 'N2:2');
const { plan } = quant;
const subjects = isNaive(quant) ? [{ name: 'naive', wasm: await buildNaive(quant) }] : [];
if (subjects.length === 0) say('skipped: naive kernels, which do no padding in features and no depthwise over them');
for (const target of ['native', 'interp'] as const)
  subjects.push({ name: target, wasm: (await build(quant, { target, shrink: true })).wasm });
const modules = subjects.map(({ wasm }) => wasm);

const hopBytes = plan.graph.inputs.reduce((sum, { tensor }) => {
  const { f = 0, c = 0 } = plan.graph.tensors[tensor]?.shape ?? {};
  return sum + plan.hop * f * c;
}, 0);
const frames = Uint8Array.from({ length: 64 * hopBytes }, (_, i) => Math.imul(i + 1, 2654435761) >>> 24);
const held: Awaited<ReturnType<typeof runInWamr>>[] = [];
for (const wasm of modules) held.push(await runInWamr(wasm, frames));
const [first] = held;
for (const { bytes } of held)
  if (Buffer.compare(bytes, first?.bytes ?? new Uint8Array()) !== 0) throw new Error('the outputs differ');

const times = await timeInWamr(modules, frames, Number(values.rounds));
const noM4 = absentTools(m4Tools);
if (noM4) say(`skipped: instructions on Cortex-M4, ${noM4}`);
const m4 = noM4 ? undefined : await countInWamr(modules);

const rows = subjects.map(({ name, wasm }, i) => {
  const us = (times[i] ?? []).map((ns) => ns / 1000);
  return {
    kernels: name,
    medianUs: quantile(us, 0.5),
    p5Us: quantile(us, 0.05),
    p95Us: quantile(us, 0.95),
    ...m4?.counts[i],
    codeBytes: sectionBytes(wasm).codeBytes,
    linearBytes: held[i]?.linearBytes ?? 0,
    poolBytesHere: held[i]?.poolBytes ?? 0,
  };
});
const naive = rows.find(({ kernels }) => kernels === 'naive');
const timesLess = (before: number | undefined, now: number) => (before === undefined ? '' : (before / now).toFixed(2));
const cells = rows.map((r): Cell[] => [
  r.kernels,
  r.medianUs.toFixed(1),
  `${r.p5Us.toFixed(1)} .. ${r.p95Us.toFixed(1)}`,
  timesLess(naive?.medianUs, r.medianUs),
  r.most === undefined ? '' : r.most.toLocaleString('en'),
  r.most === undefined ? '' : timesLess(naive?.most, r.most),
  r.codeBytes,
  r.linearBytes,
  r.poolBytes ?? '',
]);
const head = ['kernels', 'us a hop', '5 % .. 95 %', 'times less', 'M4 instructions', 'times less', 'code', 'linear', 'pool, M4'];
say(
  `${plan.graph.name}: hop ${plan.hop}, ${plan.macsPerHop.toLocaleString('en')} multiply-adds a hop; WAMR 2.4.3, fast interpreter\n`,
);
say(table(cells, { head }));
say(
  `\nbounds checked in software; ${values.rounds} rounds in turn on this machine${m4 ? `; Cortex-M4 in QEMU, -O2, ${m4.tools}` : ''}`,
);
if (values.json)
  writeFileSync(values.json, `${JSON.stringify({ network: plan.graph.name, hop: plan.hop, tools: m4?.tools, rows }, null, 1)}\n`);
process.exit(0);
