/**
 * Runs models that listen in Node, as `runlet run` does, to compare them with the page.
 *
 * In: paths of bundles, a sound file, a gate.  Out: outputs by their times in milliseconds, words, and the
 * summary of the gate.
 */
import { openListening } from '../../host/cli/listening-models.ts';
import { type GateSummary, gateSummary, Listener, readGates } from '../../host/session/index.ts';
import { openSource } from '../../host/sources/index.ts';
import type { Outputs } from './web-page.ts';

const rateHz = 16_000;

export async function samplesOf(path: string): Promise<Float32Array> {
  const parts: Float32Array[] = [];
  for await (const part of (await openSource(path, { frameElements: 1, sound: true })).frames) parts.push(part);
  return Float32Array.from(parts.flatMap((part) => [...part]));
}

export interface HeardInNode {
  /** Outputs of each model, in the order of the paths. */
  outputs: Map<number, number[]>[];
  heard: string[];
  /** Of the first model, if it has a gate. */
  summary: GateSummary | undefined;
}

export async function inNode(paths: string[], sound: string, gate: string | undefined): Promise<HeardInNode> {
  const { models, sampleRateHz } = await openListening(paths, { gate: gate ? readGates(gate) : undefined }, rateHz);
  const outputs = models.map(() => new Map<number, number[]>());
  const heard: string[] = [];
  const take: NonNullable<ConstructorParameters<typeof Listener>[2]['output']> = (model, timeMs) =>
    outputs[models.indexOf(model)]?.set(Math.round(timeMs), [...model.session.output()]);
  const listener = new Listener(models, sampleRateHz, {
    output: take,
    early: take,
    heard: (_, { label }) => heard.push(label),
  });
  listener.push(await samplesOf(sound));
  const [first] = models as [(typeof models)[0]];
  return { outputs, heard, summary: gateSummary(listener, first) };
}

/** Outputs of the page, by their times in milliseconds. */
export const entries = ({ times, values }: Outputs): [number, number[]][] =>
  times.map((timeS, i) => [Math.round(1000 * timeS), values[i] as number[]]);
