/**
 * Times of a network on several targets, the whole window beside them and the engine's peak, all in one run.
 *
 * In: an int8 plan, targets, rounds.  Out: figures, a row a target.
 */

import type { Bundle } from '../../assembly/build.ts';
import type { Home } from '../../assembly/emit/home.ts';
import type { Target } from '../../assembly/emit/target.ts';
import type { QuantPlan } from '../../quant/plan.ts';
import { windowedModel } from '../../quant/reference.ts';
import { interleaved } from './measure.ts';
import { benchModule } from './modules.ts';
import { peakKernel, peakMacs } from './peak.ts';

/** Beyond code and weights: what a host pays. */
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
  /** 0 for a model that carries its own state: it has no window to run. */
  windowUs: number;
  timesLess: number;
  macsPerNs: number;
  /** simd only. */
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
  peakMacsPerNs?: number;
  rounds: number;
  rows: TimesRow[];
}

export async function measureTimes(
  quant: QuantPlan,
  which: readonly Target[],
  rounds: number,
  home: Home = 'embed',
): Promise<TimesFigures> {
  const { plan } = quant;
  const windowed = plan.graph.stateful ? undefined : windowedModel(quant);
  const peak = which.includes('simd') ? await peakKernel() : undefined;
  const modules = [];
  for (const target of which)
    modules.push({
      hop: await benchModule(quant, target, home),
      window: windowed && (await benchModule(windowed, target, home)),
    });
  const subjects = [
    ...modules.flatMap(({ hop, window }) => [
      { name: `${hop.target} hop`, run: hop.run },
      ...(window ? [{ name: `${hop.target} window`, run: window.run }] : []),
    ]),
    ...(peak ? [{ name: 'peak', run: peak }] : []),
  ];
  const measured = new Map(interleaved(subjects, rounds).map((t) => [t.name, t]));
  const us = (name: string) => measured.get(name)?.medianUs ?? 0;
  const most = peak && peakMacs / us('peak') / 1000;
  const rows = modules.map(({ hop }): TimesRow => {
    const { medianUs = 0, p5Us = 0, p95Us = 0 } = measured.get(`${hop.target} hop`) ?? {};
    const windowUs = us(`${hop.target} window`);
    const perNs = plan.macsPerHop / medianUs / 1000;
    return {
      target: hop.target,
      medianUs,
      p5Us,
      p95Us,
      windowUs,
      timesLess: windowUs / medianUs,
      macsPerNs: perNs,
      shareOfPeak: hop.target === 'simd' && most ? perNs / most : undefined,
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
    peakMacsPerNs: most,
    rounds,
    rows,
  };
}
