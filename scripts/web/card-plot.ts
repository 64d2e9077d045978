/**
 * Plots the beginning of a zoo model's demo recording with the answers of its module.
 *
 * In: a built model, the folder with the page's files.  Out: SVG text; undefined for sound, which has a
 * player.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ppgFrontEnd } from '../../host/features/ppg.ts';
import { plotRun } from '../../host/report/plot.ts';
import { Recorder } from '../../host/report/recorder.ts';
import { openSession } from '../../host/session/index.ts';
import type { ZooModel } from './zoo.ts';

/** Upper bound of the answers in a plot. A choice: more beats of an ECG cannot be told apart. */
const maxAnswers = 400;

export async function plotOf(
  { entry: { demo }, bundle: { wasm, manifest } }: ZooModel,
  folder: string,
): Promise<string | undefined> {
  if (demo?.rateHz === undefined) return undefined;
  const { title, rateHz, channels, truth } = demo;
  const floats = (file: string) => new Float32Array(new Uint8Array(readFileSync(join(folder, file))).buffer);
  const session = await openSession(wasm as BufferSource);
  const { hop, window } = session;
  const elements = channels?.length ?? 1;
  const samples = floats(demo.file).subarray(0, elements * (window + hop * maxAnswers));
  const frames = samples.length / elements;
  const steps = truth && floats(truth.file);
  const values = steps && Float64Array.from({ length: frames }, (_, n) => steps[Math.floor(n / rateHz / truth.stepS)] as number);
  const recorder = new Recorder({
    manifest,
    source: title,
    rateHz,
    keepInput: true,
    ...(channels && { inputNames: channels }),
    ...(values && { truthName: title }),
  });
  recorder.frames(samples, 0, frames, 0);
  const filter = manifest.frontEnd === 'ppg' ? ppgFrontEnd({ sampleRateHz: rateHz }) : undefined;
  session.pushAll(filter ? samples.map((sample) => filter.push(sample)) : samples, (n) =>
    recorder.output(session.output(), n * hop, n * hop + window, values && { values }),
  );
  return plotRun(recorder.plot());
}
