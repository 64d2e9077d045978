/**
 * Report of a model behind a gate: how often the gate opened, the work that was left out, the price of waking
 * up, and the memory for it.
 *
 * In: counts of a Listener.  Out: a summary for JSON, and rows of a table of two columns. Multiply-adds are
 * those of the manifests; a front end has none.
 */
import type { ListeningCount, ListeningModel, ModelGate, SleepCount } from '../session/index.ts';
import type { Cell } from './table.ts';

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

const conditionText = ({ by, element, threshold, orEqual, holdMs }: ModelGate, labels: readonly string[] = []): string =>
  `${by}${labels.length > 1 ? `:${labels[element]}` : ''}${orEqual ? '>=' : '>'}${threshold}${holdMs === undefined ? '' : ` for ${holdMs} ms`}`;

/** Returns the summary of a gated model. @param by the gate's model, which ran `gateFrames` frames */
export function gateSummary(
  model: ListeningModel & { gate: ModelGate },
  by: ListeningModel,
  counts: { sleep: SleepCount; model: ListeningCount; gateFrames: number },
  sampleRateHz: number,
): GateSummary {
  const { sleep } = counts;
  const { manifest, hop } = model.session;
  const perFrame = manifest.macsPerHop / hop;
  const gate = by.session;
  const hopsRun = sleep.framesRun / hop;
  const catchUpHops = sleep.longestCatchUp / hop;
  const gateFrame = (1000 * (by.frontEnd?.hop ?? 1)) / sampleRateHz;
  return {
    condition: conditionText(model.gate, by.labels),
    opened: sleep.opened,
    skipped: sleep.frames > 0 ? Number((1 - sleep.framesRun / sleep.frames).toFixed(4)) : 0,
    macs: Math.round(perFrame * sleep.framesRun),
    gateMacs: Math.round((gate.manifest.macsPerHop / gate.hop) * counts.gateFrames),
    awakeMacs: Math.round(perFrame * sleep.frames),
    catchUpHops: Number(catchUpHops.toFixed(2)),
    ...(hopsRun > 0 && { catchUpMs: Number(((counts.model.milliseconds / hopsRun) * catchUpHops).toPrecision(3)) }),
    gateDelayMs: Number(((gate.hop + gate.manifest.delayFrames) * gateFrame).toPrecision(4)),
    keptFrames: sleep.keptFrames,
    keptBytes: sleep.keptBytes,
  };
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
const millions = (n: number): string => `${(n / 1e6).toLocaleString('en', { maximumFractionDigits: 1 })} M`;

/** Formats the summary as rows of a table. */
export function gateRows(name: string, gate: GateSummary): Cell[][] {
  const { condition, opened, skipped, macs, gateMacs, awakeMacs, catchUpHops, catchUpMs, gateDelayMs, keptBytes } = gate;
  const share = awakeMacs > 0 ? `, ${percent((macs + gateMacs) / awakeMacs)} of ${millions(awakeMacs)}` : '';
  return [
    [`${name} gated`, `${condition}: opened ${opened === 1 ? 'once' : `${opened} times`}`],
    ['  skipped', `${percent(skipped)} of hops`],
    ['  work', `${millions(macs + gateMacs)} multiply-adds with the gate${share} without`],
    [
      '  wake-up',
      `${catchUpHops} hops${catchUpMs === undefined ? '' : `, ${catchUpMs} ms`}; the gate decides up to ${gateDelayMs} ms late`,
    ],
    ['  kept', `${keptBytes.toLocaleString('en')} bytes of frames`],
  ];
}
