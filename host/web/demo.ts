/**
 * What of the zoo belongs to a model: its recording with what is in it, and how its answers are read.
 *
 * In: an entry of the catalogue.  Out: a recording; weights. The files are the page's own.
 */
import { RunletError } from '../../models/error.ts';
import type { KindWeights } from '../features/beat-kinds.ts';
import type { Loaded, ModelEntry, Said } from './protocol.ts';
import { type Recording, readRecording } from './recording.ts';

export interface Answers {
  /** Seconds from what an answer is about to the end of its window. */
  delayS: number;
  weights?: KindWeights;
}

/** @throws RN788 the server has no such file */
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

export async function demoOf(loaded: Loaded, { demo }: ModelEntry): Promise<Recording | undefined> {
  if (!demo) return undefined;
  const bytes = await asset(demo.file);
  const truth = demo.truth && { stepS: demo.truth.stepS, values: floats(await asset(demo.truth.file)) };
  const said = demo.script && (await json<Said[]>(demo.script));
  const there = { ...(truth && { truth }), ...(said && { said }) };
  const { rateHz, title: name, channels } = demo;
  if (rateHz === undefined) return { ...(await readRecording(name, bytes, loaded)), ...there };
  const samples = floats(bytes);
  const seconds = samples.length / (channels?.length ?? 1) / rateHz;
  return channels ? { name, samples, seconds, channels, ...there } : { name, samples, rateHz, seconds, ...there };
}

export const answersOf = async ({ answers }: ModelEntry): Promise<Answers | undefined> =>
  answers && { delayS: answers.delayS, ...(answers.beats && { weights: await json<KindWeights>(answers.beats) }) };
