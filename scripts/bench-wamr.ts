/**
 * `npm run bench:wamr [-- MODEL | NETWORK:HOP]`: measures a hop in WAMR's fast interpreter against naive
 * kernels, in time on this machine and in instructions on a Cortex-M4 (QEMU). `--homes` compares the homes of
 * weights instead.
 *
 * In: a model file, or one of the benchmark's networks.  Out: for each kind of kernels microseconds (medians
 * of `--rounds N` samples in turn), instructions, ratio to naive kernels (with `--homes`: to embedded
 * weights), file size and memory. `--calib FILE` for a float model, `--hop N`; `--json FILE` writes the
 * figures.
 */

import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { build } from '../assembly/build.ts';
import { sectionBytes } from '../assembly/bundle/bytes.ts';
import { homes } from '../assembly/emit/home.ts';
import { benchNetworks, madeUpNetwork } from '../host/bench/networks.ts';
import { loadGraph, loadQuantPlan, planOptions } from '../host/command/load.ts';
import { type Cell, table } from '../host/report/table.ts';
import { quantile } from '../host/statistics.ts';
import { planStream } from '../models/stream/plan.ts';
import { type QuantPlan, quantPlan } from '../quant/plan.ts';
import { bareTools, countInWamr } from '../test/wamr/bare.ts';
import { buildNaive, isNaive } from '../test/wamr/naive.ts';
import { absentTools, type Module, runInWamr, timeInWamr } from '../test/wamr/runner.ts';

const { values, positionals } = parseArgs({
  options: {
    rounds: { type: 'string', default: '60' },
    homes: { type: 'boolean', default: false },
    hop: { type: 'string' },
    calib: { type: 'string' },
    json: { type: 'string' },
  },
  allowPositionals: true,
});
const engine = 'WAMR 2.4.3, fast interpreter';
const say = (text = '') => process.stdout.write(`${text}\n`);

async function quantOf(text: string): Promise<QuantPlan> {
  const [name = '', hop] = text.split(':');
  if (benchNetworks[name]) {
    const { int8, hops } = madeUpNetwork(name);
    return quantPlan(planStream(int8, { hop: Number(hop ?? hops[0]) }));
  }
  const graph = await loadGraph({ model: text });
  return loadQuantPlan(graph, planOptions(graph, { ...(values.hop !== undefined && { hop: Number(values.hop) }) }), {
    calib: values.calib,
  });
}

const absent = absentTools();
if (absent) {
  say(`skipped: ${absent}`);
  process.exit(0);
}
const quant = await quantOf(positionals[0] ?? 'N2:2');
const { plan } = quant;
interface Subject extends Module {
  name: string;
  /** Name of the subject that its figures are compared with, if it was measured. */
  against: string;
}

const targets = ['native', 'interp'] as const;

async function subjectsOf(): Promise<Subject[]> {
  const found: Subject[] = [];
  if (values.homes)
    for (const target of targets)
      for (const weights of homes)
        found.push({ ...(await build(quant, { target, weights })), name: `${target} ${weights}`, against: `${target} embed` }); // biome-ignore format: one line
  else {
    const against = 'naive';
    if (isNaive(quant)) found.push({ name: 'naive', wasm: await buildNaive(quant), against });
    else say('skipped: naive kernels, which do not support padding or depthwise layers along features');
    for (const target of targets) found.push({ ...(await build(quant, { target })), name: target, against });
  }
  return found;
}
const subjects = await subjectsOf();

const hopBytes = plan.graph.inputs.reduce((sum, { tensor }) => {
  const { f = 0, c = 0 } = plan.graph.tensors[tensor]?.shape ?? {};
  return sum + plan.hop * f * c;
}, 0);
const frames = Uint8Array.from({ length: 64 * hopBytes }, (_, i) => Math.imul(i + 1, 2654435761) >>> 24);
const held: Awaited<ReturnType<typeof runInWamr>>[] = [];
for (const subject of subjects) held.push(await runInWamr(subject, frames));
const [first] = held;
for (const { bytes } of held)
  if (Buffer.compare(bytes, first?.bytes ?? new Uint8Array()) !== 0) throw new Error('the outputs differ');

const times = await timeInWamr(subjects, frames, Number(values.rounds));
const noM4 = absentTools(bareTools('m4'));
if (noM4) say(`skipped: instructions on Cortex-M4, ${noM4}`);
const m4 = noM4 ? undefined : await countInWamr(subjects);

const rows = subjects.map(({ name, wasm, weights, against }, i) => {
  const us = (times[i] ?? []).map((ns) => ns / 1000);
  return {
    kernels: name,
    against,
    medianUs: quantile(us, 0.5),
    p5Us: quantile(us, 0.05),
    p95Us: quantile(us, 0.95),
    ...m4?.counts[i],
    fileBytes: wasm.length,
    weightsApart: weights?.length ?? 0,
    codeBytes: sectionBytes(wasm).codeBytes,
    linearBytes: held[i]?.linearBytes ?? 0,
    poolBytesHere: held[i]?.poolBytes ?? 0,
  };
});
const timesLess = (before: number | undefined, now: number) => (before === undefined ? '' : (before / now).toFixed(2));
const cells = rows.map((r): Cell[] => {
  const base = rows.find(({ kernels }) => kernels === r.against);
  return [
    r.kernels,
    r.medianUs.toFixed(1),
    `${r.p5Us.toFixed(1)} .. ${r.p95Us.toFixed(1)}`,
    timesLess(base?.medianUs, r.medianUs),
    r.most === undefined ? '' : r.most.toLocaleString('en'),
    r.most === undefined ? '' : timesLess(base?.most, r.most),
    r.codeBytes,
    r.fileBytes,
    r.weightsApart,
    r.linearBytes,
    r.poolBytesHere,
    r.poolBytes ?? '',
  ];
});
const head = [
  'kernels',
  'us a hop',
  '5 % .. 95 %',
  'times less',
  'M4 instructions',
  'times less',
  'code',
  'file',
  'apart',
  'linear',
  'pool here',
  'pool, M4',
];
say(`${plan.graph.name}: hop ${plan.hop}, ${plan.macsPerHop.toLocaleString('en')} multiply-adds a hop; ${engine}\n`);
say(table(cells, { head }));
say(
  `\nbounds checked in software; ${values.rounds} rounds in turn on this machine${m4 ? `; Cortex-M4 in QEMU, -O2, ${m4.tools}` : ''}`,
);
/** Limit of the time with fetched weights, over that with weights in linear memory. */
const maxTimes = 1.1;
for (const target of values.homes ? targets : []) {
  const [linear, tile] = ['linear', 'tile'].map(
    (home) => rows.find(({ kernels }) => kernels === `${target} ${home}`)?.medianUs ?? 0,
  );
  const times = (tile as number) / (linear as number);
  say(
    `${target}: tile takes ${times.toFixed(3)} times linear's time, ${times <= maxTimes ? 'at most' : 'more than'} ${maxTimes}`,
  );
}
if (values.json)
  writeFileSync(
    values.json,
    `${JSON.stringify({ network: plan.graph.name, hop: plan.hop, engine, tools: m4?.tools, rows }, null, 1)}\n`,
  );
process.exit(0);
