/**
 * Section C: time of one hop of f_ACC against its whole window (StreamiNNC section 3.2 C, the paper's figure
 * 7).
 *
 * In: options.  Out: medians for hops of L/2 to L/20 in int8 WebAssembly, all modules in turn on the same
 * machine. Not deterministic.
 */
import { build } from '../../assembly/build.ts';
import { openSession, type Session } from '../../host/session/index.ts';
import { quantile } from '../../host/statistics.ts';
import type { Graph } from '../../models/graph/types.ts';
import { planStream } from '../../models/stream/plan.ts';
import { quantPlan } from '../../quant/plan.ts';
import { quantize } from '../../quant/quantize.ts';
import { fAcc } from './networks.ts';
import { acceleration } from './random.ts';
import { fenced, type Options, section } from './section.ts';

/** The paper's microseconds by L/S (doubles in C++ on an unnamed host; a whole window takes 132,007). */
const paper = {
  window: 132_007,
  stream: { 2: 73371, 3: 49091, 4: 36805, 5: 29307, 6: 24541, 8: 18381, 10: 14771, 12: 12602, 15: 9962, 16: 9246, 20: 7747 },
  approx: { 2: 66527, 3: 44559, 4: 33455, 5: 26804, 6: 22222, 8: 16752, 10: 13422, 12: 11295 },
} as const;

type Kind = 'windowed' | 'stream' | 'approx';

interface Runner {
  kind: Kind;
  /** L/S */
  parts: number;
  session: Session;
  macs: number;
  times: number[];
}

/** Whether this build has mode approx. A planner without the mode plans the whole window. */
export function approximates(graph: Graph, hop: number): boolean {
  try {
    const plan = planStream(graph, { hop, mode: 'approx' as never });
    return plan.macsPerHop < plan.macsPerWindow;
  } catch {
    return false;
  }
}

async function runner(graph: Graph, kind: Kind, hop: number): Promise<Runner> {
  const quant = quantPlan(planStream(graph, { hop, mode: kind as never, prefer: 'work' }));
  const session = await openSession((await build(quant)).wasm as BufferSource);
  return { kind, parts: session.window / hop, session, macs: quant.plan.macsPerHop, times: [] };
}

/** Measures one hop of each runner in turn, `repeats` times, after its first output. */
function measure(runners: Runner[], repeats: number): void {
  const frames = acceleration(960, 2);
  for (const { session } of runners) while (!session.push(frames.subarray(0, 4 * session.hop)));
  for (let i = 0; i < repeats + 2; i++)
    for (const { session, times } of runners) {
      const hop = frames.subarray(0, 4 * session.hop);
      const before = performance.now();
      session.push(hop);
      if (i >= 2) times.push(1000 * (performance.now() - before));
    }
}

/** Fits the time of a hop over its samples by least squares; returns milliseconds per sample. */
function slope(points: [samples: number, us: number][]): number {
  const mean = (of: 0 | 1) => points.reduce((sum, p) => sum + p[of], 0) / points.length;
  const [x, y] = [mean(0), mean(1)];
  const covariance = points.reduce((sum, p) => sum + (p[0] - x) * (p[1] - y), 0);
  return covariance / points.reduce((sum, p) => sum + (p[0] - x) ** 2, 0) / 1000;
}

const us = (value: number): string => Math.round(value).toLocaleString('en');
const spread = ({ times }: Runner): string => `${us(quantile(times, 0.25))}..${us(quantile(times, 0.75))}`;
const middle = ({ times }: Runner): number => quantile(times, 0.5);

export async function speedupSection({ quick }: Options): Promise<string> {
  const net = fAcc(1, false);
  const { graph } = quantize(net.graph, net.signal(1920, 1), { hop: net.hop, mode: 'stream', preset: 'fast', noReport: true });
  const approx = approximates(graph, net.hop);
  const runners = [await runner(graph, 'windowed', net.window)];
  const of = (kind: 'stream' | 'approx') =>
    Object.keys(paper[kind])
      .map(Number)
      .filter((parts) => !quick || [2, 6, 12].includes(parts));
  const modes = approx ? (['stream', 'approx'] as const) : (['stream'] as const);
  for (const kind of modes) for (const parts of of(kind)) runners.push(await runner(graph, kind, net.window / parts));
  const repeats = quick ? 3 : 25;
  measure(runners, repeats);
  const [whole] = runners as [Runner];
  const rows = runners.slice(1).map((r) => {
    const paperUs = (paper[r.kind as 'stream'] as Record<number, number>)[r.parts] ?? Number.NaN;
    return [
      r.kind,
      `1/${r.parts}`,
      us(middle(r)),
      spread(r),
      `x${(whole.macs / r.macs).toFixed(2)}`,
      `x${(middle(whole) / middle(r)).toFixed(2)}`,
      `${((100 * middle(whole)) / middle(r) / r.parts).toFixed(0)} %`,
      us(paperUs),
      `x${(paper.window / paperUs).toFixed(2)}`,
      `${((100 * paper.window) / paperUs / r.parts).toFixed(0)} %`,
    ];
  });
  const slopes = (['approx', 'stream'] as const).map((kind) => {
    const ours = runners.filter((r) => r.kind === kind).map((r): [number, number] => [net.window / r.parts, middle(r)]);
    const theirs = Object.entries(paper[kind]).map(([parts, t]): [number, number] => [net.window / Number(parts), t]);
    return [kind, ours.length ? slope(ours).toFixed(4) : 'not available in this build', slope(theirs).toFixed(4)];
  });
  slopes.push(['window / L', (middle(whole) / net.window / 1000).toFixed(4), (paper.window / net.window / 1000).toFixed(4)]);
  const head = ['mode', 'hop / L', 'us', 'quartiles', 'MACs', 'speed-up', 'of L/S', 'paper us', 'paper', 'of L/S'];
  return section(
    'C. Time of one hop',
    `f_ACC in int8, target interp, compiled by this project and run in Node; ${repeats} hops of each module, one of each in turn. A whole window takes
${us(middle(whole))} us (${spread(whole)}), in the paper ${us(paper.window)}. Times are from one x86-64 machine with two shared cores and differ from run to run.
MACs are counted by the planner, with the head.`,
    fenced(head, rows),
    `${approx ? '' : 'The approximate mode is not available in this build. '}Milliseconds per sample of a hop, by least squares over the hops above:`,
    fenced(['mode', 'ours', 'paper'], slopes),
    `The paper's times are of doubles in C++ on a host that it does not name. Its text gives slopes of 0.13 and 0.15. Its streaming convolution overwrites
samples of each hop and mirrors the kernel, so it does not compute the network, and its times are indicative only.`,
  );
}
