/**
 * Provenance of a bundle: what it was made from, for its manifest and for people.
 *
 * In: options of the command line; data files.  Out: the field `provenance` of the manifest; lines of text.
 * Rule: everything is computed from the files or given by the operator, so the same files give the same
 * bytes. Names of annotators in the data are not read.
 * Errors: RN796 if data has no file that could be recorded, RN720 to RN733 if a file cannot be read.
 * Cost: each file is read once more.
 */
import { createHash } from 'node:crypto';
import * as v from 'valibot';
import type { Manifest } from '../../assembly/bundle/manifest.ts';
import {
  checkProvenance,
  type DataManifest,
  type DataUse,
  type ProvenanceManifest,
  provenanceLimits,
  reasonPattern,
} from '../../assembly/bundle/provenance.ts';
import { RunletError } from '../../models/error.ts';
import { readNpz, readNpzJson } from '../sources/npz.ts';
import { flag, type Given, group, input, text } from './options.ts';
import { isRegularFile, sourcesIn } from './paths.ts';
import { readBytes } from './read-file.ts';

export const provenanceArgs = group('Provenance', {
  provenance: flag('State in the manifest which data the module was made from: digest, number of windows, reasons'),
  replaces: input('Bundle that this one replaces: state its digest'),
  evaluated: input('File that the model was evaluated on: state it too'),
  confirmedBy: text(
    'Who confirmed data or model',
    { hint: 'name' },
    { wants: `a name of at most ${provenanceLimits.letters} letters`, test: new RegExp(`^.{1,${provenanceLimits.letters}}$`) },
  ),
});

const collected = v.array(v.object({ reasons: v.array(v.pipe(v.string(), v.regex(reasonPattern))) }));

/** Counts the windows of a set by reason. Sets without `about.json` state no reasons. */
async function windowsIn(bytes: Uint8Array): Promise<Pick<DataManifest, 'windows' | 'reasons'>> {
  const about = v.safeParse(collected, await readNpzJson(bytes, 'about.json'));
  if (!about.success) {
    const [windows = 0, , ...frame] = (await readNpz(bytes)).shape;
    return frame.length > 0 ? { windows } : {};
  }
  const counts = new Map<string, number>();
  for (const { reasons } of about.output)
    for (const reason of new Set(reasons)) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  const most = [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).slice(0, provenanceLimits.reasons);
  return { windows: about.output.length, reasons: Object.fromEntries(most) };
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Describes a data file. @throws RN720 to RN733 */
async function fileData(path: string, use: DataUse): Promise<DataManifest> {
  const bytes = await readBytes(path);
  return { use, digest: sha256(bytes), ...(/\.npz$/i.test(path) && (await windowsIn(bytes))) };
}

/** Describes the files of a list of signals, such as `--calib`. @throws RN796 */
export async function dataOf(signals: string, use: DataUse): Promise<DataManifest[]> {
  const paths = sourcesIn(signals);
  const none = paths.find((path) => !isRegularFile(path));
  if (none === undefined && paths.length <= provenanceLimits.files - 1)
    return Promise.all(paths.map((path) => fileData(path, use)));
  throw new RunletError('RN796', {
    what: 'the provenance of this data cannot be stated',
    where: none ?? signals,
    why: none === undefined ? `it has more than ${provenanceLimits.files - 1} files` : 'it is not a file',
    tryThis: 'save the data as a file, or leave --provenance out',
  });
}

/** Returns the manifest's field, if an option asks for it. @throws RN796, RN720 to RN733 */
export async function provenanceOf({
  provenance,
  replaces,
  evaluated,
  confirmedBy,
  calib,
}: Given<typeof provenanceArgs> & { calib?: string }): Promise<{ provenance?: ProvenanceManifest }> {
  if (!provenance && [replaces, evaluated, confirmedBy].every((option) => option === undefined)) return {};
  const data = calib === undefined ? [] : await dataOf(calib, 'calibration');
  if (evaluated !== undefined) data.push(await fileData(evaluated, 'evaluation'));
  return {
    provenance: {
      ...(replaces !== undefined && { replaces: sha256(await readBytes(replaces)) }),
      data,
      ...(confirmedBy !== undefined && { confirmed: confirmedBy }),
    },
  };
}

const short = (digest: string): string => `${digest.slice(0, 12)}…`;

function dataText({ digest, windows, reasons = {} }: DataManifest): string {
  if (windows === undefined) return `a signal, sha256 ${short(digest)}`;
  const counts = Object.entries(reasons).map(([reason, count]) => `${count} ${reason}`);
  const share = ((100 * (reasons.random ?? 0)) / Math.max(1, windows)).toFixed(1);
  const chosen = counts.length > 0 ? ` (${counts.join(', ')}; ${share} % at random)` : '';
  return `${windows.toLocaleString('en')} windows${chosen}, sha256 ${short(digest)}`;
}

/** Describes where a bundle comes from; no lines if it does not say. @throws RN605 */
export function provenanceLines({ provenance, producer, sourceDigest }: Manifest): string[] {
  if (provenance === undefined) return [];
  const { replaces, data, confirmed } = checkProvenance(provenance);
  return [
    `source  model sha256 ${short(sourceDigest)}, built by Runlet ${producer}`,
    ...(replaces === undefined ? [] : [`parent  bundle sha256 ${short(replaces)}`]),
    ...data.map((one) => `data    ${one.use}: ${dataText(one)}`),
    ...(confirmed === undefined ? [] : [`confirm by ${confirmed}`]),
  ];
}
