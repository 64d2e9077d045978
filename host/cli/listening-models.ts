/**
 * Models that listen: opened, with their front ends and detectors.
 *
 * In: paths of bundles, or of int8 models with what their manifests say (built on the fly), and options.
 * Out: ListeningModel for host/session/listener.ts. Models whose front ends have the same settings share one.
 * RN775 where a model takes rows and nothing says of which front end.
 */
import { basename } from 'node:path';
import type { Manifest } from '../../assembly/bundle/manifest.ts';
import { RunletError } from '../../models/error.ts';
import { isPreset } from '../../models/frontend/presets.ts';
import type { FrontEnd } from '../../models/frontend/types.ts';
import { openBundle, openSoundBundle } from '../command/bundle-file.ts';
import { detectorOptions, isWasm, loadGraph, loadQuantPlan, manifestFields, planOptions, readBytes } from '../command/load.ts';
import type { DetectorOptions } from '../command/model-options.ts';
import { soundFrontEnd } from '../command/sound-options.ts';
import { LabelDetector, type ListeningModel, openSession, type Session } from '../session/index.ts';

export type ListeningOptions = DetectorOptions & {
  /**
   * Name of the preset whose rows the models take, where they do not say; or a bundle that takes sound and
   * gives them.
   */
  frontEnd?: string;
  stepMs?: number;
  hop?: number;
};

/** A bundle, opened; a model file is built first. */
async function modelOf(path: string, options: ListeningOptions): Promise<Session> {
  const bytes = await readBytes(path);
  if (isWasm(bytes)) return openBundle(path, bytes);
  const graph = await loadGraph({ model: path }, bytes);
  const [{ build }, { producer }] = await Promise.all([import('../../assembly/build.ts'), import('../command/producer.ts')]);
  const quant = await loadQuantPlan(graph, planOptions(graph, options), {});
  const bundle = await build(quant, { producer: producer(), ...manifestFields(graph) });
  return openSession(bundle.wasm as BufferSource);
}

/**
 * The front end whose rows a model takes, or undefined where it takes sound itself. @throws RN775, RN506,
 * RN740
 */
export async function frontEndOf(manifest: Manifest, { frontEnd, stepMs }: ListeningOptions): Promise<FrontEnd | undefined> {
  const [input] = manifest.inputs;
  if (manifest.frontEndConfig) return undefined;
  const own = manifest.features;
  const named = frontEnd ?? own?.preset ?? manifest.frontEnd;
  if (named === undefined || !(isPreset(named) || named.endsWith('.tflite'))) {
    if (input?.elements === 1) return undefined;
    throw new RunletError('RN775', {
      what: 'it is not known what rows the model takes',
      where: manifest.name,
      why: `a frame has ${input?.elements} values, and neither the bundle nor a manifest names a front end`,
      tryThis: '--front-end microwakeword or audio-preprocessor, and --step-ms',
    });
  }
  // a bundle says its step, or as many rows a second as it takes
  const ownMs = own
    ? (1000 * own.stepSamples) / own.sampleRateHz
    : manifest.sampleRateHz && frontEnd === undefined && 1000 / manifest.sampleRateHz;
  return soundFrontEnd(named, { stepMs: stepMs ?? (ownMs || undefined) });
}

/** What makes rows out of sound. */
interface Rows {
  session: Session;
  text: string;
}

async function openRows(frontEnd: FrontEnd): Promise<Rows> {
  const { buildFrontEnd } = await import('../../assembly/build-front-end.ts');
  const session = await openSession((await buildFrontEnd(frontEnd)).wasm as BufferSource);
  return { session, text: frontEndText(frontEnd) };
}

/** A model whose outputs are the rows of others. */
async function openTrunk(path: string): Promise<Rows> {
  const session = await openSoundBundle(path);
  const { name, sampleRateHz } = session.manifest;
  return { session, text: `${name || basename(path)}${sampleRateHz ? `, ${(1000 * session.hop) / sampleRateHz} ms` : ''}` };
}

/** Whether a model takes sound, itself or through a front end that it names. */
export const listens = (manifest: Manifest, frontEnd?: string): boolean =>
  manifest.frontEndConfig !== undefined ||
  manifest.features !== undefined ||
  isPreset(frontEnd ?? manifest.frontEnd ?? 'none') ||
  /\.(tflite|wasm)$/.test(frontEnd ?? '');

/**
 * A detector by the manifest, the options, or both; none where neither says anything. With several models the
 * options are for words, not for voice.
 */
export function detectorOf(
  manifest: Manifest,
  stepMs: number,
  options: ListeningOptions,
  alone: boolean,
): LabelDetector | undefined {
  const given = detectorOptions(options);
  const any = Object.values(given).some((value) => value !== undefined);
  if (!manifest.detector && (!any || (manifest.outputs[0]?.elements ?? 0) < 1)) return undefined;
  return new LabelDetector(manifest, stepMs, manifest.detector?.voice && !alone ? {} : given);
}

/** The manifest with the labels of the command line. */
export function withLabels(manifest: Manifest, options: DetectorOptions): Manifest {
  const { labels } = options;
  return labels ? { ...manifest, labels } : manifest;
}

export interface Listening {
  models: ListeningModel[];
  frontEnds: Rows[];
  sampleRateHz: number;
}

/** Opens all models. @param rateHz of models that take sound and do not say their rate. */
export async function openListening(paths: readonly string[], options: ListeningOptions, rateHz: number): Promise<Listening> {
  const shared = new Map<string, Rows>();
  const trunk = options.frontEnd?.endsWith('.wasm') ? await openTrunk(options.frontEnd) : undefined;
  if (trunk) shared.set('', trunk);
  const models: ListeningModel[] = [];
  let sampleRateHz: number | undefined;
  for (const path of paths) {
    const session = await modelOf(path, options);
    const manifest = withLabels(session.manifest, options);
    const { labels } = manifest;
    const features = trunk ? undefined : await frontEndOf(manifest, options);
    let frontEnd = trunk?.session;
    if (features) {
      // all tables are numbers or typed arrays, so equal texts are equal front ends
      const key = JSON.stringify(features);
      const known = shared.get(key) ?? (await openRows(features));
      shared.set(key, known);
      frontEnd = known.session;
    }
    const rate = (features ?? frontEnd?.manifest ?? manifest).sampleRateHz ?? rateHz;
    sampleRateHz ??= rate;
    const stepMs = (1000 * session.hop * (features?.stepSamples ?? frontEnd?.hop ?? 1)) / rate;
    const detector = detectorOf(manifest, stepMs, options, paths.length === 1);
    models.push({
      name: unique(manifest.name || basename(path), models),
      session,
      ...(frontEnd && { frontEnd }),
      ...(labels && { labels }),
      ...(detector && { detector }),
    });
  }
  return { models, frontEnds: [...shared.values()], sampleRateHz: sampleRateHz ?? rateHz };
}

const frontEndText = ({ name, stepSamples, sampleRateHz }: FrontEnd): string =>
  `${name}, ${(1000 * stepSamples) / sampleRateHz} ms`;

/** Two bundles may have one name. */
const unique = (name: string, models: readonly ListeningModel[]): string => {
  let [known, n] = [name, 1];
  while (models.some((model) => model.name === known)) known = `${name}-${++n}`;
  return known;
};
