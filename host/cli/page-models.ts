/**
 * Reads the bundles of `runlet page`, with the front ends that they need and the gates between them.
 *
 * In: paths of bundles, conditions of --gate.  Out: their bytes, gates, and entries of the catalogue; modules
 * of front ends, each once.
 * Errors: RN774, RN775, RN777, RN778 if the models do not fit each other, as in `runlet run`.
 */
import { basename } from 'node:path';
import type { Manifest } from '../../assembly/bundle/manifest.ts';
import { readManifest } from '../../assembly/bundle/read.ts';
import { RunletError } from '../../models/error.ts';
import type { FrontEnd } from '../../models/frontend/types.ts';
import { weightsBeside } from '../command/bundle-file.ts';
import { producer } from '../command/producer.ts';
import { readBytes } from '../command/read-file.ts';
import { type GateCondition, Listener, type ModelGate } from '../session/index.ts';
import type { FrontEndEntry } from '../web/protocol.ts';
import { frontEndOf, listens, openListening, uniqueName } from './listening-models.ts';
import type { Files } from './page-recording.ts';

export interface PageModel {
  /** Name in the catalogue: that of the manifest, or of the file. */
  name: string;
  path: string;
  wasm: Uint8Array;
  weights: Uint8Array | undefined;
  manifest: Manifest;
  /** Id of the front end that makes its rows. */
  frontEnd?: string;
}

/** Reads the bundles. @throws RN600 to RN607, RN720, RN781 */
export async function readModels(paths: readonly string[]): Promise<PageModel[]> {
  const models: PageModel[] = [];
  for (const path of paths) {
    const wasm = await readBytes(path);
    const manifest = readManifest(wasm);
    const { inputs } = manifest;
    if (inputs.length !== 1)
      throw new RunletError('RN781', {
        what: `the page runs models with one input, and this one has ${inputs.length}`,
        where: path,
        why: 'it has one microphone, or plays one file at a time',
        tryThis: 'runlet run, which takes a source for each input',
      });
    const name = uniqueName(manifest.name || basename(path), models);
    models.push({ name, path, wasm, weights: await weightsBeside(path, wasm), manifest });
  }
  return models;
}

/** Builds the front ends of the models that listen, and notes in each model which one it takes. */
export async function frontEndFiles(models: readonly PageModel[], files: Files): Promise<FrontEndEntry[]> {
  const entries = new Map<string, FrontEndEntry>();
  for (const model of models) {
    const { manifest } = model;
    const frontEnd = listens(manifest) ? await frontEndOf(manifest, {}) : undefined;
    if (!frontEnd) continue;
    // front ends consist of numbers and typed arrays, so equal JSON means equal front ends
    const key = JSON.stringify(frontEnd);
    const entry = entries.get(key) ?? (await frontEndEntry(frontEnd, manifest, entries.size, files));
    entries.set(key, entry);
    if (entry.channels === manifest.inputs[0]?.elements) model.frontEnd = entry.id;
  }
  return [...entries.values()];
}

async function frontEndEntry(frontEnd: FrontEnd, manifest: Manifest, known: number, files: Files): Promise<FrontEndEntry> {
  const { buildFrontEnd } = await import('../../assembly/build-front-end.ts');
  const file = `front-end${known === 0 ? '' : known + 1}.wasm`;
  files.set(file, (await buildFrontEnd(frontEnd, { producer: producer() })).wasm);
  const { name, sampleRateHz, windowSamples, stepSamples, channels } = frontEnd;
  const preset = manifest.features?.preset ?? manifest.frontEnd ?? name;
  const stepMs = (1000 * stepSamples) / sampleRateHz;
  return { id: file, preset, title: `${name}, ${stepMs} ms`, file, sampleRateHz, windowSamples, stepSamples, channels };
}

/** Default sample rate of models that state none, in Hz, as in `runlet run`. */
const soundHz = 16000;

/**
 * Resolves the conditions. @returns the gates by the name of the gated model.
 * @throws RN774, RN775, RN777, RN778 what the page's own Listener would refuse
 */
export async function gatesOf(models: readonly PageModel[], gate: GateCondition[] | undefined): Promise<Map<string, ModelGate>> {
  if (!gate) return new Map();
  const paths = models.map(({ path }) => path);
  const { models: listening, sampleRateHz } = await openListening(paths, { gate }, soundHz);
  new Listener(listening, sampleRateHz, {});
  return new Map(listening.flatMap(({ name, gate }) => (gate ? [[name, gate]] : [])));
}
