/**
 * Measures networks on several targets in one run: the hop, the whole window and the engine's peak.
 *
 * In: int8 plans, targets, rounds.  Out: figures of each network, one row per target. All subjects take
 * turns, so that the times of different networks can be compared.
 */

import type { Bundle } from '../../assembly/build.ts';
import type { Home } from '../../assembly/emit/home.ts';
import { isScalar, type Target } from '../../assembly/emit/target.ts';
import { isRunletError } from '../../models/error.ts';
import { maxOf } from '../../models/lists.ts';
import type { QuantPlan } from '../../quant/plan.ts';
import { windowedModel } from '../../quant/reference.ts';
import { countHops } from '../fit/counts.ts';
import { executedIn } from '../fit/native-count.ts';
import { interleaved, type Subject, type Times } from './measure.ts';
import { type BenchModule, benchModule } from './modules.ts';
import { peakKernel, peakMacs } from './peak.ts';

/** Sizes of a bundle: code, file, and the memory of its manifest. */
export const bytesOf = ({ manifest, file }: Bundle) => ({
  codeBytes: file.codeBytes,
  fileBytes: file.fileBytes,
  ...manifest.bytes,
});

export type TimesRow = {
  target: Target;
  medianUs: number;
  p5Us: number;
  p95Us: number;
  /** 0 for a stateful model, which has no window. */
  windowUs: number;
  windowP5Us: number;
  windowP95Us: number;
  timesLess: number;
  macsPerNs: number;
  /** simd and relaxed: peak rate of the kernels' inner loop, measured in the same run. */
  peakMacsPerNs?: number;
  shareOfPeak?: number;
  /** native and interp: executed WebAssembly instructions of the longest hop, the same in every run. */
  executed?: number;
  gzipBytes: number;
  buildMs: number;
  startMs: number;
} & ReturnType<typeof bytesOf>;

export interface TimesFigures {
  network: string;
  window: number;
  hop: number;
  mode: string;
  macsPerHop: number;
  macsPerWindow?: number;
  rounds: number;
  rows: TimesRow[];
  /** Targets that this engine cannot run. */
  refused: Target[];
}

/** Ignores that the engine cannot run a target (RN700), if there are others. @throws the error otherwise */
function refusedBy(error: unknown, which: readonly Target[]): undefined {
  if (!isRunletError(error) || error.code !== 'RN700' || which.length < 2) throw error;
}

/** A network as a module of one target. */
interface Built {
  hop: BenchModule;
  /** undefined for a stateful model. */
  window?: BenchModule;
  executed?: number;
}

async function builtFor(quant: QuantPlan, target: Target, home: Home): Promise<Built> {
  const hop = await benchModule(quant, target, home);
  const window = quant.plan.graph.stateful ? undefined : await benchModule(windowedModel(quant), target, home);
  if (!isScalar(target)) return { hop, window };
  const counts = await countHops(hop.bundle);
  return { hop, window, executed: maxOf(executedIn(counts, counts.hops).map(({ narrow, wide }) => narrow + wide)) };
}

/** @param of times of a module or a peak kernel */
function rowOf(
  { hop, window, executed }: Built,
  peak: Subject | undefined,
  macsPerHop: number,
  of: (run: Subject) => Times,
): TimesRow {
  const { medianUs, p5Us, p95Us } = of(hop);
  const whole = window && of(window);
  const windowUs = whole?.medianUs ?? 0;
  const perNs = macsPerHop / medianUs / 1000;
  const peakMacsPerNs = peak && peakMacs / of(peak).medianUs / 1000;
  return {
    target: hop.target,
    medianUs,
    p5Us,
    p95Us,
    windowUs,
    windowP5Us: whole?.p5Us ?? 0,
    windowP95Us: whole?.p95Us ?? 0,
    timesLess: windowUs / medianUs,
    macsPerNs: perNs,
    ...(peakMacsPerNs && { peakMacsPerNs, shareOfPeak: perNs / peakMacsPerNs }),
    ...(executed !== undefined && { executed }),
    gzipBytes: hop.gzipBytes,
    buildMs: hop.buildMs,
    startMs: hop.startMs,
    ...bytesOf(hop.bundle),
  };
}

/** Returns the figures of each network. Networks and targets take turns. */
export async function measureTimes(
  quants: readonly QuantPlan[],
  which: readonly Target[],
  rounds: number,
  home: Home = 'embed',
): Promise<TimesFigures[]> {
  const targets: { built: Built[]; peak?: Subject }[] = [];
  const refused: Target[] = [];
  for (const target of which) {
    const built: Built[] = [];
    for (const quant of quants) {
      const one = await builtFor(quant, target, home).catch((error) => refusedBy(error, which));
      if (one) built.push(one);
    }
    if (built.length < quants.length) refused.push(target);
    else targets.push({ built, ...(!isScalar(target) && { peak: { name: `${target} peak`, run: await peakKernel(target) } }) });
  }
  const subjects = targets.flatMap(({ built, peak }): Subject[] => [
    ...built.flatMap(({ hop, window }) => [hop, ...(window ? [window] : [])]),
    ...(peak ? [peak] : []),
  ]);
  const measured = interleaved(subjects, rounds);
  const times = new Map(subjects.map((subject, i) => [subject, measured[i] as Times]));
  return quants.map((quant, i) => ({
    network: quant.plan.graph.name,
    window: quant.plan.window,
    hop: quant.plan.hop,
    mode: quant.plan.mode,
    macsPerHop: quant.plan.macsPerHop,
    macsPerWindow: quant.plan.graph.stateful ? undefined : windowedModel(quant).plan.macsPerHop,
    rounds,
    rows: targets.map(({ built, peak }) =>
      rowOf(built[i] as Built, peak, quant.plan.macsPerHop, (subject) => times.get(subject) as Times),
    ),
    refused,
  }));
}
