/**
 * Loads the demo of a zoo model: its recording with the truth, and the rules for its outputs.
 *
 * In: an entry of the catalogue.  Out: a recording; delay and weights. The files are served with the page.
 */
import { RunletError } from '../../models/error.ts';
import type { KindWeights } from '../features/beat-kinds.ts';
import type { Loaded, ModelEntry, Recording, Said } from './protocol.ts';
import type { Reading } from './reading.ts';
import { readRecording } from './recording.ts';

export interface Answers {
  /** Seconds from the time that an output describes to the end of its window. */
  delayS: number;
  weights?: KindWeights;
}

/** Fetches a file of the page. @throws RN788 the server does not give it */
export async function asset(file: string): Promise<Uint8Array> {
  const response = await fetch(file);
  if (response.ok) return new Uint8Array(await response.arrayBuffer());
  throw new RunletError('RN788', {
    what: 'a part of this page is missing',
    where: file,
    why: `the server answered ${response.status}`,
    tryThis: 'reload the page, or build it again: npm run web -- --build',
  });
}

const json = async <T>(file: string): Promise<T> => JSON.parse(new TextDecoder().decode(await asset(file))) as T;
const floats = (bytes: Uint8Array): Float32Array => new Float32Array(bytes.slice().buffer);

/** Converts class indices, one per step, to stretches of one class. */
export function statesOf({ values, stepS }: NonNullable<Recording['truth']>, names: readonly string[]): Said[] {
  const states: Said[] = [];
  let before: string | undefined;
  values.forEach((value, n) => {
    const word = names[value];
    const last = states.at(-1);
    if (last && word === before) last.end = word === undefined ? last.end : (n + 1) * stepS;
    else if (word !== undefined) states.push({ word, start: n * stepS, end: (n + 1) * stepS });
    before = word;
  });
  return states;
}

export async function demoOf(loaded: Loaded, { kind, names }: Reading, { demo }: ModelEntry): Promise<Recording | undefined> {
  if (!demo) return undefined;
  const bytes = await asset(demo.file);
  const truth = demo.truth && { stepS: demo.truth.stepS, values: floats(await asset(demo.truth.file)) };
  const states = truth && kind === 'words';
  const said = states ? statesOf(truth, names) : demo.script && (await json<Said[]>(demo.script));
  const there = { ...(truth && !states && { truth }), ...(said && { said }) };
  const { rateHz, title: name, channels } = demo;
  if (rateHz === undefined) return { ...(await readRecording(name, bytes, loaded)), ...there };
  const samples = floats(bytes);
  const seconds = samples.length / (channels?.length ?? 1) / rateHz;
  return channels ? { name, samples, seconds, channels, ...there } : { name, samples, rateHz, seconds, ...there };
}

export const answersOf = async ({ answers }: ModelEntry): Promise<Answers | undefined> =>
  answers && { delayS: answers.delayS, ...(answers.beats && { weights: await json<KindWeights>(answers.beats) }) };
