/**
 * `npm run scaling`: measures how the cost of a hop grows with window, hop, channels, depth and kernel.
 *
 * In: nothing.  Out: a table with the fitted exponents of time and of multiply-adds for each quantity (least
 * squares on logarithms), and docs/images/scaling.svg. The base network has four convolutions k5 of 32
 * channels, window 512, hop 16, mean and dense. Times are medians of interleaved rounds. `--target interp`
 * replaces target simd, `--no-plot` does not draw the picture, `--json FILE` writes the figures. Times are
 * from one machine; no test asserts them.
 */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Target, targets } from '../assembly/emit/target.ts';
import { interleaved } from '../host/bench/measure.ts';
import { benchModule } from '../host/bench/modules.ts';
import { Chain, noiseOf } from '../host/bench/networks.ts';
import { table } from '../host/report/table.ts';
import { planStream } from '../models/stream/plan.ts';
import { quantPlan } from '../quant/plan.ts';
import { quantize } from '../quant/quantize.ts';
import { root } from '../test/shared.ts';
import { type Line, scalingPlot } from './scaling-plot.ts';

const { values } = parseArgs({
  options: {
    target: { type: 'string', default: 'simd' },
    rounds: { type: 'string', default: '30' },
    'no-plot': { type: 'boolean' },
    json: { type: 'string' },
  },
});
const target = targets.find((name) => name === values.target) as Target | undefined;
if (!target) throw new Error(`--target is one of ${targets.join(', ')}`);

const base = { window: 512, hop: 16, channels: 32, depth: 4, kernel: 5 };
type Quantity = keyof typeof base;
const steps: Record<Quantity, number[]> = {
  window: [128, 256, 512, 1024, 2048],
  hop: [4, 8, 16, 32, 64],
  channels: [8, 16, 32, 64, 128],
  depth: [1, 2, 4, 8, 16],
  kernel: [3, 5, 9, 17, 33],
};

async function subject(quantity: Quantity, value: number) {
  const { window, hop, channels, depth, kernel }: Record<Quantity, number> = { ...base, [quantity]: value };
  const net = new Chain(`${quantity} ${value}`, window, 8, 5);
  for (let i = 0; i < depth; i++) net.conv(channels, kernel);
  const float = net.globalavg().dense(4).done();
  const { graph } = quantize(float, noiseOf(2 * window * 8), { hop: window, mode: 'windowed', preset: 'fast', noReport: true });
  const quant = quantPlan(planStream(graph, { hop }));
  const { run } = await benchModule(quant, target as Target);
  return { quantity, value, macs: quant.plan.macsPerHop, name: `${quantity} ${value}`, run };
}

/** Fits the exponent e of y = a x^e by least squares on logarithms. */
function exponent(points: [x: number, y: number][]): number {
  const logs = points.map(([x, y]) => [Math.log(x), Math.log(y)] as const);
  const mean = (at: 0 | 1) => logs.reduce((sum, p) => sum + p[at], 0) / logs.length;
  const [mx, my] = [mean(0), mean(1)];
  return logs.reduce((sum, [x, y]) => sum + (x - mx) * (y - my), 0) / logs.reduce((sum, [x]) => sum + (x - mx) ** 2, 0);
}

const subjects: Awaited<ReturnType<typeof subject>>[] = [];
for (const quantity of Object.keys(steps) as Quantity[])
  for (const value of steps[quantity]) subjects.push(await subject(quantity, value));
const times = interleaved(subjects, Number(values.rounds));
const lines = (Object.keys(steps) as Quantity[]).map((quantity): Line => {
  const points = subjects.flatMap((s, i) =>
    s.quantity === quantity ? [{ value: s.value, macs: s.macs, us: times[i]?.medianUs ?? 0 }] : [],
  );
  const fit = (y: 'us' | 'macs') => exponent(points.map((p) => [p.value, p[y]]));
  return { quantity, points, time: fit('us'), work: fit('macs') };
});
const rows = lines.map(({ quantity, points, time, work }) => [
  quantity,
  points.map((p) => p.value).join(', '),
  points.map((p) => p.us.toFixed(1)).join(', '),
  time.toFixed(2),
  work.toFixed(2),
]);
process.stdout.write(`target ${target}, ${values.rounds} rounds in turn, Node ${process.version}\n\n`);
process.stdout.write(`${table(rows, { head: ['quantity', 'values', 'us a hop', 'time ~', 'multiply-adds ~'] })}\n`);
process.stdout.write('\nx ~ e: grows as the quantity to the power e.\n');
if (!values['no-plot']) {
  writeFileSync(join(root, 'docs/images/scaling.svg'), await scalingPlot(lines, target));
  process.stdout.write('The plot is docs/images/scaling.svg\n');
}
if (values.json) writeFileSync(values.json, `${JSON.stringify(lines, null, 1)}\n`);
process.exit(0);
