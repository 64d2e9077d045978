/**
 * Opens models that take sound, with their front ends and detectors.
 *
 * In: paths of bundles, or of int8 models (built on the fly), and options.
 * Out: ListeningModel for host/session/listener.ts. Models with equal front ends share one.
 * Errors: RN775 if a model takes rows and its front end is unknown.
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
import {
  type GateCondition,
  LabelDetector,
  type ListeningModel,
  openSession,
  type Session,
  withGates,
} from '../session/index.ts';

export type ListeningOptions = DetectorOptions & {
  /** Front end of models that name none: a preset, a .tflite file, or a bundle that turns sound into rows. */
  frontEnd?: string;
  stepMs?: number;
  hop?: number;
  gate?: GateCondition[];
};

/** Opens a bundle; builds a model file first. */
async function modelOf(path: string, options: ListeningOptions): Promise<Session> {
  const bytes = await readBytes(path);
  if (isWasm(bytes)) return openBundle(path, bytes);
  const graph = await loadGraph({ model: path }, bytes);
  const [{ build }, { producer }] = await Promise.all([import('../../assembly/build.ts'), import('../command/producer.ts')]);
  const quant = await loadQuantPlan(graph, planOptions(graph, options), {});
  const bundle = await build(quant, { producer: producer(), ...manifestFields(graph) });
  return openSession(bundle.wasm as BufferSource);
}

/** Returns the front end whose rows a model takes; none if it takes sound. @throws RN775, RN506, RN740 */
export async function frontEndOf(manifest: Manifest, { frontEnd, stepMs }: ListeningOptions): Promise<FrontEnd | undefined> {
  const [input] = manifest.inputs;
  if (manifest.frontEndConfig) return undefined;
  const { features } = manifest;
  const named = frontEnd ?? features?.preset ?? manifest.frontEnd;
  if (named === undefined || !(isPreset(named) || named.endsWith('.tflite'))) {
    if (input?.elements === 1) return undefined;
    throw new RunletError('RN775', {
      what: 'it is not known which front end makes the rows of this model',
      where: manifest.name,
      why: `a frame has ${input?.elements} values, and neither the bundle nor a manifest names a front end`,
      tryThis: '--front-end microwakeword or audio-preprocessor, and --step-ms',
    });
  }
  // a bundle states its step, or its rate in rows per second
  const manifestMs = features
    ? (1000 * features.stepSamples) / features.sampleRateHz
    : manifest.sampleRateHz && frontEnd === undefined && 1000 / manifest.sampleRateHz;
  return soundFrontEnd(named, { stepMs: stepMs ?? (manifestMs || undefined) });
}

/** A session that turns sound into rows. */
interface Rows {
  session: Session;
  text: string;
}

async function openRows(frontEnd: FrontEnd): Promise<Rows> {
  const { buildFrontEnd } = await import('../../assembly/build-front-end.ts');
  const session = await openSession((await buildFrontEnd(frontEnd)).wasm as BufferSource);
  return { session, text: frontEndText(frontEnd) };
}

/** Opens a model whose outputs are the rows of others. */
async function openTrunk(path: string): Promise<Rows> {
  const session = await openSoundBundle(path);
  const { name, sampleRateHz } = session.manifest;
  return { session, text: `${name || basename(path)}${sampleRateHz ? `, ${(1000 * session.hop) / sampleRateHz} ms` : ''}` };
}

/** Checks whether a model takes sound, directly or through a front end. */
export const listens = (manifest: Manifest, frontEnd?: string): boolean =>
  manifest.frontEndConfig !== undefined ||
  manifest.features !== undefined ||
  isPreset(frontEnd ?? manifest.frontEnd ?? 'none') ||
  /\.(tflite|wasm)$/.test(frontEnd ?? '');

/**
 * Makes a detector from the manifest and the options; undefined if neither has settings. With several models,
 * the options apply to words, not to voice.
 */
export function detectorOf(
  manifest: Manifest,
  stepMs: number,
  options: ListeningOptions,
  isOnlyModel: boolean,
): LabelDetector | undefined {
  const given = detectorOptions(options);
  const any = Object.values(given).some((value) => value !== undefined);
  if (!manifest.detector && (!any || (manifest.outputs[0]?.elements ?? 0) < 1)) return undefined;
  return new LabelDetector(manifest, stepMs, manifest.detector?.voice && !isOnlyModel ? {} : given);
}

/** Returns the manifest with the labels of the options. */
export function withLabels(manifest: Manifest, options: DetectorOptions): Manifest {
  const { labels } = options;
  return labels ? { ...manifest, labels } : manifest;
}

export interface Listening {
  models: ListeningModel[];
  frontEnds: Rows[];
  sampleRateHz: number;
}

/** Opens all models. @param rateHz default sample rate for models that do not state one. */
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
      // front ends consist of numbers and typed arrays, so equal JSON means equal front ends
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
      name: uniqueName(manifest.name || basename(path), models),
      session,
      ...(frontEnd && { frontEnd }),
      ...(labels && { labels }),
      ...(detector && { detector }),
    });
  }
  const gated = withGates(models, options.gate ?? []);
  return { models: gated, frontEnds: [...shared.values()], sampleRateHz: sampleRateHz ?? rateHz };
}

const frontEndText = ({ name, stepSamples, sampleRateHz }: FrontEnd): string =>
  `${name}, ${(1000 * stepSamples) / sampleRateHz} ms`;

/** Makes a name unique, since two bundles may have the same name. */
export const uniqueName = (name: string, models: readonly { name: string }[]): string => {
  let [known, n] = [name, 1];
  while (models.some((model) => model.name === known)) known = `${name}-${++n}`;
  return known;
};
