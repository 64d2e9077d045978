/**
 * Chooses how samples reach a model: from its manifest, or by a question to the user.
 *
 * In: a manifest, the front ends of the page and the user's options.  Out: feed, rate, front end; or the
 * question for a missing rate.
 */
import type { Manifest } from '../../assembly/bundle/manifest.ts';
import { RunletError } from '../../models/error.ts';
import type { Feed, FrontEndEntry, Loaded, LoadOptions, Question } from './protocol.ts';
import { minSoundHz } from './recording.ts';

export interface FeedChoice extends Pick<Loaded, 'feed' | 'rateHz' | 'frameHz' | 'hopS' | 'filter' | 'notes' | 'traces'> {
  frontEnd?: FrontEndEntry;
}

export const severalInputs = (name: string, inputs: { name: string }[]): RunletError =>
  new RunletError('RN781', {
    what: `this page runs models with one input, and this one has ${inputs.length}`,
    where: `${name}: ${inputs.map((port) => port.name).join(', ')}`,
    why: 'there is one microphone and one file at a time',
    tryThis: 'use npx runlet build and npx runlet run, which take a source for each input',
  });

/** Finds the front end for a model of `channels` values per frame. @throws RN783 `chosen` does not fit */
function frontEndFor(manifest: Manifest, channels: number, entries: FrontEndEntry[], chosen: string | undefined) {
  if (chosen !== undefined) {
    const found = entries.find((entry) => entry.id === chosen);
    if (found && found.channels === channels) return found;
    throw new RunletError('RN783', {
      what: `the front end ${chosen} does not fit this model`,
      where: manifest.name,
      why: found
        ? `it makes rows of ${found.channels} values, but the model takes ${channels}`
        : `this page has only ${entries.map((entry) => entry.id).join(', ')}`,
      tryThis: 'choose another front end, or open a file of rows (.npy or .csv)',
    });
  }
  const { features, frontEnd } = manifest;
  const fitting = entries.filter((entry) => entry.channels === channels);
  if (!features) return fitting.find((entry) => entry.preset === frontEnd || entry.id === frontEnd);
  return fitting.find(({ preset, stepSamples, sampleRateHz }) => {
    return preset === features.preset && stepSamples === features.stepSamples && sampleRateHz === features.sampleRateHz;
  });
}

/** Finds a front end to draw features with: the same as inside the module, else one of the same rate. */
function picturing({ frontEndConfig: inside }: Manifest, rateHz: number, entries: FrontEndEntry[]): FrontEndEntry | undefined {
  const fitting = entries.filter(({ sampleRateHz }) => sampleRateHz === rateHz);
  if (!inside) return fitting[0];
  return fitting.find(
    ({ preset, windowSamples, stepSamples, channels }) =>
      preset === inside.name &&
      windowSamples === inside.windowSamples &&
      stepSamples === inside.stepSamples &&
      channels === inside.channels,
  );
}

/** Chooses the feed. @throws RN781 several inputs, RN783 the chosen front end does not fit */
export function feedOf(manifest: Manifest, entries: FrontEndEntry[], options: LoadOptions): FeedChoice | Question {
  const [input] = manifest.inputs;
  if (!input || manifest.inputs.length > 1) throw severalInputs(manifest.name, manifest.inputs);
  const { elements } = input;
  const rateHz = options.rateHz ?? manifest.sampleRateHz;
  const done = (feed: Feed, rate: number, frameHz: number, more: Partial<FeedChoice> = {}): FeedChoice => ({
    feed,
    rateHz: rate,
    frameHz,
    hopS: manifest.hop / frameHz,
    traces: feed === 'frames' ? elements : 1,
    notes: [],
    ...more,
  });
  const fitting = entries.filter((entry) => entry.channels === elements);
  if (elements > 1 && options.frontEnd !== 'frames') {
    const frontEnd = frontEndFor(manifest, elements, entries, options.frontEnd);
    if (frontEnd) return done('rows', frontEnd.sampleRateHz, frontEnd.sampleRateHz / frontEnd.stepSamples, { frontEnd });
  }
  if (rateHz === undefined) return { asks: 'rate', name: manifest.name, elements, frontEnds: elements > 1 ? fitting : [] };
  if (elements > 1) return done('frames', rateHz, rateHz);
  const filter = manifest.frontEnd === 'ppg' ? manifest.frontEnd : undefined;
  if (rateHz < minSoundHz) return done('signal', rateHz, rateHz, filter ? { filter } : {});
  // this front end only draws the features
  const frontEnd = picturing(manifest, rateHz, entries);
  return done('sound', rateHz, rateHz, frontEnd ? { frontEnd } : {});
}
