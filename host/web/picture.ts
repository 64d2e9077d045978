/**
 * Collects what the timeline draws of a run.
 *
 * In: a run with its judgement, the recording that is played.  Out: names, bands, truth, everything drawn.
 */
import { gateValueName } from '../session/index.ts';
import type { ShownGate } from './draw/gate.ts';
import { maxTraces } from './draw/wave.ts';
import { type Judgement, type Run, readsStates } from './judge.ts';
import type { Loaded, Recording } from './protocol.ts';
import { readingOfElement } from './reading.ts';
import type { Shown } from './timeline.ts';

/** Seconds that the picture shows while a signal runs; more for slow signals. */
export const liveSOf = ({ feed, rateHz }: Loaded): number => (feed === 'signal' && rateHz < 40 ? 60 : 10);

/** Names of the traces: of the recording, else `known`, else of the bundle, else input name and number. */
export function channelsOf({ traces, manifest }: Loaded, recorded: Recording | undefined, known: string[] | undefined): string[] {
  const name = manifest.inputs[0]?.name ?? 'signal';
  const names = recorded?.channels ?? known ?? manifest.columns ?? [];
  const all = Array.from({ length: traces }, (_, i) => names[i] ?? (traces === 1 ? name : `${name} ${i}`));
  return all.slice(0, maxTraces);
}

/** Titles of the script and of the detections. */
function titlesOf({ hearing }: Run): [there: string, found: string] {
  if (hearing.kind === 'words') return ['said', 'heard'];
  return hearing.kind === 'beats' ? ['true', 'found'] : ['true', 'answer'];
}

function gateOf({ history, loaded }: Run): ShownGate | undefined {
  if (!history.gate || !loaded.gate) return undefined;
  const { rule, manifest } = loaded.gate;
  const reading = readingOfElement(manifest, rule.output, rule.element);
  return { history: history.gate, reading, threshold: rule.threshold, title: gateValueName(rule, manifest.labels) };
}

/** @param channels known names of the input's channels. */
export function shownOf(run: Run & { judged: Judgement }, recorded: Recording | undefined, channels?: string[]): Shown {
  const { history, reading, hearing, loaded, judged, answers } = run;
  const sound = loaded.feed === 'sound' || loaded.feed === 'rows';
  const gate = gateOf(run);
  return {
    history,
    reading,
    sound,
    channels: sound ? ['sound'] : channelsOf(loaded, recorded, channels),
    heard: hearing.heard,
    wrong: judged.wrong,
    missed: judged.missed,
    titles: titlesOf(run),
    ...(readsStates(run) && { states: { delayS: answers?.delayS ?? 0, hopS: loaded.hopS } }),
    ...(hearing.cutoff !== undefined && { cutoff: hearing.cutoff }),
    ...(gate && { gate }),
    ...(recorded?.truth && { truth: recorded.truth }),
    ...(recorded?.said && { said: recorded.said }),
    ...(recorded && { totalS: recorded.seconds }),
  };
}
