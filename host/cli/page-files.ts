/**
 * Collects the files that `runlet page` serves: the web page, one model, and a recording if there is one.
 *
 * In: dist/page (host/web, built by scripts/prepare.mjs), a bundle, a recording.  Out: files by name.
 * Sound for a sound model is served as it is: the page resamples it and runs the front end that the bundle
 * names, which is built here. Any other recording becomes frames of the model as float32, with the truth of
 * each frame if a column holds it.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Manifest } from '../../assembly/bundle/manifest.ts';
import { readManifest } from '../../assembly/bundle/read.ts';
import { RunletError } from '../../models/error.ts';
import { printable } from '../../models/printable.ts';
import { weightsBeside } from '../command/bundle-file.ts';
import { columnsArg, signalArgs, truthArgs } from '../command/model-options.ts';
import { refuseGiven } from '../command/options.ts';
import { producer } from '../command/producer.ts';
import { readBytes } from '../command/read-file.ts';
import { labelsUnfit } from '../model-fields.ts';
import { baseStyle } from '../report/design/page.ts';
import type { Catalogue, FrontEndEntry, ModelEntry } from '../web/protocol.ts';
import { frontEndOf, listens } from './listening-models.ts';
import { beatsOf } from './page-beats.ts';
import { type Files, jsonOf, recordingFiles, type SignalSaid } from './page-recording.ts';
import type { ServedFiles } from './page-server.ts';

export type PageOptions = SignalSaid & { data?: string | undefined };

/** Folder of the page, seen from the sources and from dist. */
const pageFolder = ['../../dist/page', '../../page'].map((path) => fileURLToPath(new URL(path, import.meta.url)));

/** Reads the files of the page itself. @throws RN765 */
function pageFiles(): Files {
  const folder = pageFolder.find((path) => existsSync(join(path, 'page.js')));
  if (folder === undefined)
    throw new RunletError('RN765', {
      what: 'the page is not built',
      where: pageFolder[0],
      why: 'scripts/prepare.mjs builds it at npm install, but esbuild was missing',
      tryThis: 'run npm ci in the clone, or node scripts/prepare.mjs',
    });
  const files: Files = new Map(readdirSync(folder).map((name) => [name, join(folder, name)]));
  return files.set('page.css', Buffer.from(`${baseStyle()}${readFileSync(join(folder, 'page.css'), 'utf8')}`));
}

/** Minimum rate, in Hz, at which a signal with one value per frame counts as sound. A choice. */
const minSoundHz = 4000;
const isSound = (path: string): boolean => /\.(wav|mp3|m4a|aac|og[ga]|opus|flac|webm)$/i.test(path);

/** Builds the front end whose rows a model takes; none for other models. */
async function frontEndFiles(manifest: Manifest, files: Files): Promise<FrontEndEntry[]> {
  const frontEnd = listens(manifest) ? await frontEndOf(manifest, {}) : undefined;
  if (!frontEnd) return [];
  const { buildFrontEnd } = await import('../../assembly/build-front-end.ts');
  files.set('front-end.wasm', (await buildFrontEnd(frontEnd, { producer: producer() })).wasm);
  const { name, sampleRateHz, windowSamples, stepSamples, channels } = frontEnd;
  const preset = manifest.features?.preset ?? manifest.frontEnd ?? name;
  const title = `${name}, ${(1000 * stepSamples) / sampleRateHz} ms`;
  return [{ id: preset, preset, title, file: 'front-end.wasm', sampleRateHz, windowSamples, stepSamples, channels }];
}

/**
 * Collects all files of the page. @param given names of the options that the user gave.
 * @throws RN600 to RN607, RN720 to RN741, RN765, RN781
 */
export async function pageWith(bundle: string, options: PageOptions, given: ReadonlySet<string>): Promise<ServedFiles> {
  const files = pageFiles();
  const wasm = await readBytes(bundle);
  const manifest = readManifest(wasm);
  const { inputs, outputs } = manifest;
  if (inputs.length !== 1)
    throw new RunletError('RN781', {
      what: `the page runs models with one input, and this one has ${inputs.length}`,
      where: bundle,
      why: 'it has one microphone, or plays one file at a time',
      tryThis: 'runlet run, which takes a source for each input',
    });
  files.set('model.wasm', wasm);
  const weights = await weightsBeside(bundle, wasm);
  if (weights) files.set('model.weights.bin', weights);
  const { data } = options;
  const labels = manifest.labels ?? options.labels;
  if (options.labels && options.labels.length !== outputs[0]?.elements)
    throw labelsUnfit(options.labels, bundle, [outputs[0]?.elements ?? 0]);
  const beats = await beatsOf(manifest);
  let rateHz = manifest.sampleRateHz ?? options.rate;
  const takesSound = listens(manifest) || (inputs[0]?.elements === 1 && (rateHz ?? 0) >= minSoundHz);
  let recorded: Pick<ModelEntry, 'demo' | 'answers'> = {};
  if (data === undefined) refuseGiven({ ...columnsArg, ...truthArgs }, given, 'there is no recording');
  else if (takesSound && isSound(data)) {
    refuseGiven({ ...signalArgs, ...truthArgs }, given, 'a sound file states its rate, and its channels are mixed to one');
    const file = `recording${/\.\w+$/.exec(data)?.[0].toLowerCase()}`;
    files.set(file, data);
    recorded = { demo: { title: printable(basename(data)), file } };
  } else {
    const { rateHz: found, ...parts } = await recordingFiles(data, { manifest, rateHz, labels, beats }, options, files);
    rateHz = found;
    recorded = parts;
  }
  if (beats) {
    files.set('beats.json', jsonOf(beats.weights));
    recorded = { ...recorded, answers: { delayS: beats.delayS, beats: 'beats.json' } };
  }
  const model: ModelEntry = {
    name: manifest.name,
    note: printable(basename(bundle)),
    file: 'model.wasm',
    ...(weights && { weights: 'model.weights.bin' }),
    options: { ...(rateHz !== undefined && { rateHz }), ...(options.labels && { labels: options.labels }) },
    ...recorded,
  };
  const catalogue: Catalogue = { version: producer(), models: [model], frontEnds: await frontEndFiles(manifest, files) };
  return files.set('catalogue.json', jsonOf(catalogue));
}
