/**
 * `npm run bench`: compares the speed-up of a hop with the saving of work, and checks whether the time of a
 * hop depends on the window.
 *
 * In: nothing.  Out: for edge-exact on the paper's shapes (int8, seeded weights) the ratio of medians, window
 * time over hop time, and the ratio of multiply-accumulates; then the hop time of a fully convolutional
 * network with two window lengths. All modules run in turn in one process, one hop each; medians and
 * quartiles. Times are from one machine; no test asserts them.
 */

import { build } from '../assembly/build.ts';
import { table } from '../host/report/table.ts';
import { openSession, type Session } from '../host/session/index.ts';
import { quantile } from '../host/statistics.ts';
import { frameOf, type Graph } from '../models/graph/types.ts';
import { planStream } from '../models/stream/plan.ts';
import type { PlanOptions } from '../models/stream/types.ts';
import { quantPlan } from '../quant/plan.ts';
import { fAcc, fEeg, fPpg, fullyConvolutional } from '../test/stages/paper-networks.ts';

interface Runner {
  name: string;
  session: Session;
  frames: Int8Array;
  macs: number;
  times: number[];
}

async function runner(name: string, graph: Graph, options: PlanOptions): Promise<Runner> {
  const quant = quantPlan(planStream(graph, options));
  const session = await openSession((await build(quant)).wasm as BufferSource);
  const { t, ...frame } = graph.tensors[graph.inputs[0]?.tensor ?? -1]?.shape ?? { t: 0, f: 0, c: 0 };
  const frames = Int8Array.from({ length: options.hop * frameOf({ t, ...frame }) }, (_, i) => ((i * 2654435761) >>> 24) - 128);
  while (!session.pushInt8(frames));
  return { name, session, frames, macs: quant.plan.macsPerHop, times: [] };
}

/** Measures one hop of each runner in turn, `repeats` times after 3 rounds of warm-up. */
function measure(runners: Runner[], repeats: number): void {
  for (let i = 0; i < repeats + 3; i++)
    for (const { session, frames, times } of runners) {
      const before = performance.now();
      session.pushInt8(frames);
      if (i >= 3) times.push(performance.now() - before);
    }
}

const median = (r: Runner) => quantile(r.times, 0.5);
const spread = (r: Runner) => `${quantile(r.times, 0.25).toFixed(2)}..${quantile(r.times, 0.75).toFixed(2)}`;

const shapes: [name: string, graph: Graph, window: number, hop: number][] = [
  ['f_EEG', fEeg(1), 1024, 256],
  ['f_ACC', fAcc(1), 960, 160],
  ['f_PPG', fPpg(1), 256, 64],
];
const rows: (string | number)[][] = [];
for (const [name, graph, window, hop] of shapes) {
  const whole = await runner('window', graph, { hop: window, mode: 'windowed' });
  const streamed = await runner('hop', graph, { hop, mode: 'edge-exact' });
  measure([whole, streamed], 40);
  const time = median(whole) / median(streamed);
  const work = whole.macs / streamed.macs;
  rows.push([
    `${name}, hop ${hop}`,
    `${median(whole).toFixed(2)} (${spread(whole)})`,
    `${median(streamed).toFixed(2)} (${spread(streamed)})`,
    time.toFixed(2),
    work.toFixed(2),
    `${(100 * (time / work - 1)).toFixed(0)} %`,
  ]);
}
const head = ['edge-exact', 'ms a window', 'ms a hop', 'time ratio', 'MAC ratio', 'difference'];
process.stdout.write(`${table(rows, { head, colour: false })}\n\n`);

const short = await runner('960', fullyConvolutional(960), { hop: 160 });
const long = await runner('1920', fullyConvolutional(1920), { hop: 160 });
measure([short, long], 200);
const windows = [short, long].map((r) => [r.name, r.macs, `${median(r).toFixed(3)} (${spread(r)})`]);
windows.push(['ratio', (long.macs / short.macs).toFixed(2), (median(long) / median(short)).toFixed(3)]);
process.stdout.write(
  `${table(windows, { head: ['window, fully convolutional', 'MACs a hop of 160', 'ms a hop'], colour: false })}\n`,
);
