/**
 * Measures a network on several targets in one run: its hop, its whole window and the engine's peak.
 *
 * In: an int8 plan, targets, rounds.  Out: figures, one row per target.
 */

import type { Bundle } from '../../assembly/build.ts';
import type { Home } from '../../assembly/emit/home.ts';
import { isScalar, type Target } from '../../assembly/emit/target.ts';
import { isRunletError } from '../../models/error.ts';
import type { QuantPlan } from '../../quant/plan.ts';
import { windowedModel } from '../../quant/reference.ts';
import { interleaved } from './measure.ts';
import { benchModule } from './modules.ts';
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

export async function measureTimes(
  quant: QuantPlan,
  which: readonly Target[],
  rounds: number,
  home: Home = 'embed',
): Promise<TimesFigures> {
  const { plan } = quant;
  const windowed = plan.graph.stateful ? undefined : windowedModel(quant);
  const modules = [];
  const refused: Target[] = [];
  for (const target of which) {
    const hop = await benchModule(quant, target, home).catch((error) => refusedBy(error, which));
    if (!hop) {
      refused.push(target);
      continue;
    }
    const window = windowed && (await benchModule(windowed, target, home));
    modules.push({ hop, window, peak: isScalar(target) ? undefined : await peakKernel(target) });
  }
  const subjects = [
    ...modules.flatMap(({ hop, window, peak }) => [
      { name: `${hop.target} hop`, run: hop.run },
      ...(window ? [{ name: `${hop.target} window`, run: window.run }] : []),
      ...(peak ? [{ name: `${hop.target} peak`, run: peak }] : []),
    ]),
  ];
  const measured = new Map(interleaved(subjects, rounds).map((t) => [t.name, t]));
  const us = (name: string) => measured.get(name)?.medianUs ?? 0;
  const rows = modules.map(({ hop, peak }): TimesRow => {
    const { medianUs = 0, p5Us = 0, p95Us = 0 } = measured.get(`${hop.target} hop`) ?? {};
    const window = measured.get(`${hop.target} window`);
    const windowUs = window?.medianUs ?? 0;
    const perNs = plan.macsPerHop / medianUs / 1000;
    const peakMacsPerNs = peak && peakMacs / us(`${hop.target} peak`) / 1000;
    return {
      target: hop.target,
      medianUs,
      p5Us,
      p95Us,
      windowUs,
      windowP5Us: window?.p5Us ?? 0,
      windowP95Us: window?.p95Us ?? 0,
      timesLess: windowUs / medianUs,
      macsPerNs: perNs,
      ...(peakMacsPerNs && { peakMacsPerNs, shareOfPeak: perNs / peakMacsPerNs }),
      gzipBytes: hop.gzipBytes,
      buildMs: hop.buildMs,
      startMs: hop.startMs,
      ...bytesOf(hop.bundle),
    };
  });
  return {
    network: plan.graph.name,
    window: plan.window,
    hop: plan.hop,
    mode: plan.mode,
    macsPerHop: plan.macsPerHop,
    macsPerWindow: windowed?.plan.macsPerHop,
    rounds,
    rows,
    refused,
  };
}
