/**
 * Collects the files that `runlet page` serves: the web page, models, and a recording if there is one.
 *
 * In: dist/page (host/web, built by scripts/prepare.mjs), bundles, a recording.  Out: files by name.
 * Sound for a sound model is served as it is: the page resamples it and runs the front end that the bundle
 * names, which is built here. Any other recording becomes frames of each model as float32, with the truth of
 * each frame if a column holds it.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RunletError } from '../../models/error.ts';
import { printable } from '../../models/printable.ts';
import { gateArg } from '../command/gate-option.ts';
import { columnsArg, signalArgs, truthArgs } from '../command/model-options.ts';
import { refuseGiven } from '../command/options.ts';
import { producer } from '../command/producer.ts';
import { labelsUnfit } from '../model-fields.ts';
import { baseStyle } from '../report/design/page.ts';
import type { GateCondition } from '../session/index.ts';
import type { Catalogue, ModelEntry } from '../web/protocol.ts';
import { listens } from './listening-models.ts';
import { beatsOf } from './page-beats.ts';
import { frontEndFiles, gatesOf, type PageModel, readModels } from './page-models.ts';
import { type Files, jsonOf, recordingFiles, type SignalSaid } from './page-recording.ts';
import type { ServedFiles } from './page-server.ts';

export type PageOptions = SignalSaid & { data?: string | undefined; gate?: GateCondition[] | undefined };

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

type Recorded = Pick<ModelEntry, 'demo' | 'answers' | 'options'>;

/** Adds the recording as one model takes it. @param folder prefix of the model's files */
async function recordedFor(
  { manifest, path }: PageModel,
  options: PageOptions,
  given: ReadonlySet<string>,
  folder: string,
  files: Files,
): Promise<Recorded> {
  const { inputs, outputs } = manifest;
  const { data } = options;
  const labels = manifest.labels ?? options.labels;
  if (options.labels && options.labels.length !== outputs[0]?.elements)
    throw labelsUnfit(options.labels, path, [outputs[0]?.elements ?? 0]);
  const beats = await beatsOf(manifest);
  let rateHz = manifest.sampleRateHz ?? options.rate;
  const takesSound = listens(manifest) || (inputs[0]?.elements === 1 && (rateHz ?? 0) >= minSoundHz);
  let recorded: Recorded = {};
  if (data === undefined) refuseGiven({ ...columnsArg, ...truthArgs }, given, 'there is no recording');
  else if (takesSound && isSound(data)) {
    refuseGiven({ ...signalArgs, ...truthArgs }, given, 'a sound file states its rate, and its channels are mixed to one');
    const file = `recording${/\.\w+$/.exec(data)?.[0].toLowerCase()}`;
    files.set(file, data);
    recorded = { demo: { title: printable(basename(data)), file } };
  } else {
    const known = { manifest, rateHz, labels, beats, folder };
    const { rateHz: found, ...parts } = await recordingFiles(data, known, options, files);
    rateHz = found;
    recorded = parts;
  }
  if (beats) {
    files.set(`${folder}beats.json`, jsonOf(beats.weights));
    recorded = { ...recorded, answers: { delayS: beats.delayS, beats: `${folder}beats.json` } };
  }
  return {
    ...recorded,
    options: { ...(rateHz !== undefined && { rateHz }), ...(options.labels && { labels: options.labels }) },
  };
}

/**
 * Collects all files of the page. @param given names of the options that the user gave.
 * @throws RN600 to RN607, RN720 to RN741, RN765, RN774 to RN778, RN781
 */
export async function pageWith(
  bundles: readonly string[],
  options: PageOptions,
  given: ReadonlySet<string>,
): Promise<ServedFiles> {
  const files = pageFiles();
  const { data, gate } = options;
  if (data !== undefined && !isSound(data)) refuseGiven(gateArg, given, 'the recording is not a sound file');
  const models = await readModels(bundles);
  const gates = await gatesOf(models, gate);
  const frontEnds = await frontEndFiles(models, files);
  const entries: ModelEntry[] = [];
  for (const [i, model] of models.entries()) {
    const folder = i === 0 ? '' : `${i + 1}/`;
    const { name, path, wasm, weights, frontEnd } = model;
    const { options: facts, ...recorded } = await recordedFor(model, options, given, folder, files);
    files.set(`${folder}model.wasm`, wasm);
    if (weights) files.set(`${folder}model.weights.bin`, weights);
    const opens = gates.get(name);
    entries.push({
      name,
      note: printable(basename(path)),
      file: `${folder}model.wasm`,
      ...(weights && { weights: `${folder}model.weights.bin` }),
      options: { ...facts, ...(frontEnd !== undefined && { frontEnd }) },
      ...(opens && { gate: opens }),
      ...recorded,
    });
  }
  const catalogue: Catalogue = { version: producer(), models: entries, frontEnds };
  return files.set('catalogue.json', jsonOf(catalogue));
}
