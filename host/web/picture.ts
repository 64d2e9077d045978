/**
 * What the picture of a run shows, for the timeline.
 *
 * In: a run with its judgement, the recording that is played.  Out: names, bands, truth, all that is drawn.
 */
import { mostTraces } from './draw/wave.ts';
import { type Judgement, type Run, readsStates } from './judge.ts';
import type { Loaded, Recording } from './protocol.ts';
import type { Shown } from './timeline.ts';

/** Seconds across the picture while a signal runs: slow signals need more of them. */
export const liveSOf = ({ feed, rateHz }: Loaded): number => (feed === 'signal' && rateHz < 40 ? 60 : 10);

/**
 * Names of the traces: of the recording, else those that are known or that the bundle has, else the input's
 * with a number.
 */
export function channelsOf({ traces, manifest }: Loaded, recorded: Recording | undefined, known: string[] | undefined): string[] {
  const name = manifest.inputs[0]?.name ?? 'signal';
  const names = recorded?.channels ?? known ?? manifest.columns ?? [];
  const all = Array.from({ length: traces }, (_, i) => names[i] ?? (traces === 1 ? name : `${name} ${i}`));
  return all.slice(0, mostTraces);
}

/** What is there in a signal, and what was found. */
function titlesOf({ hearing }: Run): [there: string, found: string] {
  if (hearing.kind === 'words') return ['said', 'heard'];
  return hearing.kind === 'beats' ? ['true', 'found'] : ['true', 'answer'];
}

/** @param channels names that are known of the model's input. */
export function shownOf(run: Run & { judged: Judgement }, recorded: Recording | undefined, channels?: string[]): Shown {
  const { history, reading, hearing, loaded, judged, answers } = run;
  const sound = loaded.feed === 'sound' || loaded.feed === 'rows';
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
    ...(recorded?.truth && { truth: recorded.truth }),
    ...(recorded?.said && { said: recorded.said }),
    ...(recorded && { totalS: recorded.seconds }),
  };
}
