/**
 * Summary of a model behind a gate: how often the gate opened, the work that was left out, the price of
 * waking up, and the memory for it.
 *
 * In: a Listener.  Out: numbers for JSON. Multiply-adds are those of the manifests; a front end has none.
 */
import { gateText } from './gate-condition.ts';
import type { Listener } from './listener.ts';
import type { ListeningModel } from './listening-model.ts';

export interface GateSummary {
  /** The condition, as on the command line. */
  condition: string;
  opened: number;
  /** Share of the model's hops that the module did not run. */
  skipped: number;
  /** Multiply-adds of the model, of the gate's model, and of the model without a gate. */
  macs: number;
  gateMacs: number;
  awakeMacs: number;
  /** Work and computing time of the longest wake-up, in addition to a hop. */
  catchUpHops: number;
  catchUpMs?: number;
  /** Largest time from a sound to the end of the gate's output that contains it. */
  gateDelayMs: number;
  keptFrames: number;
  keptBytes: number;
}

/** Returns the summary of a model since the listener was created; undefined if it has no gate. */
export function gateSummary(listener: Listener, model: ListeningModel): GateSummary | undefined {
  const [sleep, { gate }] = [listener.sleepOf(model), model];
  const by = listener.models.find(({ name }) => name === gate?.by);
  if (!sleep || !gate || !by) return undefined;
  const { manifest, hop } = model.session;
  const perFrame = manifest.macsPerHop / hop;
  const [hopsRun, catchUpHops] = [sleep.framesRun / hop, sleep.longestCatchUp / hop];
  const gateModel = by.session;
  const gateFrames = listener.sleepOf(by)?.framesRun ?? gateModel.framesPushed;
  const gateFrameMs = (1000 * (by.frontEnd?.hop ?? 1)) / listener.sampleRateHz;
  return {
    condition: gateText(gate, by.labels),
    opened: sleep.opened,
    skipped: sleep.frames > 0 ? Number((1 - sleep.framesRun / sleep.frames).toFixed(4)) : 0,
    macs: Math.round(perFrame * sleep.framesRun),
    gateMacs: Math.round((gateModel.manifest.macsPerHop / gateModel.hop) * gateFrames),
    awakeMacs: Math.round(perFrame * sleep.frames),
    catchUpHops: Number(catchUpHops.toFixed(2)),
    ...(hopsRun > 0 && { catchUpMs: Number(((listener.countOf(model).milliseconds / hopsRun) * catchUpHops).toPrecision(3)) }),
    gateDelayMs: Number(((gateModel.hop + gateModel.manifest.delayFrames) * gateFrameMs).toPrecision(4)),
    keptFrames: sleep.keptFrames,
    keptBytes: sleep.keptBytes,
  };
}
