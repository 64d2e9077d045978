/**
 * modelIn: finds the model in a ZIP archive, as programs write it or sites offer it for download.
 *
 * In: the archive's bytes, which are not trusted.  Out: the files of the model, or undefined if the archive
 * is none of these: a .keras file, the model.json of TensorFlow.js with its weights (Teachable Machine), or
 * one model file (.tflite, .onnx, .h5, .keras, .rnq, or a C array of an Edge Impulse library).
 * Throws RN167 for several models, RN170 for a damaged archive. Bounds: unpacked bytes, members, source
 * files.
 */
import { RunletError } from '../error.ts';
import type { KerasMembers } from './keras/index.ts';
import type { ModelFiles } from './options.ts';
import { contentOf, type Member, membersOf, ZipError } from './zip.ts';

/** Largest unpacked member, in bytes. A choice: the largest model file that is read, as for .rnq files. */
const maxMemberBytes = 2 ** 28;
/** Largest number of members. A choice: archives of C++ libraries have some thousand. */
const maxMembers = 20_000;

/** Names of model files. The only such file is the model of the archive. */
const modelFile = /\.(tflite|lite|onnx|keras|h5|hdf5|rnq)$/i;
/** Names of files with C arrays, in Edge Impulse libraries and the TensorFlow Lite Micro examples. */
const arrayFile = /(^|\/)[^/]*(tflite|model)[^/]*\.(c|cc|cpp|h|hpp)$/i;

/** Largest number of source files that are searched for arrays. A choice: few names in a library match. */
const maxSourceFiles = 200;

/** A model file and the files next to it, or the members of a .keras file. */
export type Found = { bytes: Uint8Array; path: string; files: ModelFiles } | { keras: KerasMembers };

const damaged = (why: string): RunletError =>
  new RunletError('RN170', {
    what: 'the ZIP archive is damaged',
    where: 'byte 0',
    why,
    tryThis: 'copy or download it again',
  });

class Archive {
  readonly members: ReadonlyMap<string, Member>;
  private readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    const all = opened(() => membersOf(bytes));
    if (all.length > maxMembers) throw damaged(`it has ${all.length} members, at most ${maxMembers} are read`);
    const members = new Map<string, Member>();
    for (const member of all) {
      if (members.has(member.name)) throw damaged(`two members are named ${member.name.slice(0, 200)}`);
      members.set(member.name, member);
    }
    this.members = members;
  }

  async content(name: string): Promise<Uint8Array> {
    const member = this.members.get(name);
    if (!member) throw new Error('it is not in the archive');
    if (member.bytes > maxMemberBytes)
      throw damaged(`${member.bytes} bytes of ${name.slice(0, 200)} are declared, at most ${maxMemberBytes} are read`);
    try {
      return await contentOf(this.bytes, member, name.slice(0, 200));
    } catch (error) {
      throw error instanceof ZipError ? damaged(error.message) : error;
    }
  }
}

function opened<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw error instanceof ZipError ? damaged(error.message) : error;
  }
}

const isHidden = (name: string): boolean => /(^|\/)(__MACOSX\/|\._)/.test(name) || name.endsWith('/');

/** Returns the model in an archive. @param path path of the archive, for messages */
export async function modelIn(bytes: Uint8Array, path: string | undefined): Promise<Found | undefined> {
  const archive = new Archive(bytes);
  const names = [...archive.members.keys()].filter((name) => !isHidden(name));
  const has = (name: string): boolean => archive.members.has(name);
  if (has('config.json') && has('model.weights.h5')) {
    const [config, weights] = [await archive.content('config.json'), await archive.content('model.weights.h5')];
    const metadata = has('metadata.json') ? await archive.content('metadata.json') : undefined;
    return { keras: { config, weights, ...(metadata && { metadata }) } };
  }
  const found = names.filter((name) => /(^|\/)model\.json$/.test(name) || modelFile.test(name));
  if (found.length > 1) throw several(found, path);
  const [name] = found;
  if (name === undefined) return arrayIn(archive, names, path);
  return { bytes: await archive.content(name), path: name, files: besideOf(archive, name) };
}

/** Returns a function that reads files in the folder of `name` and below. */
const besideOf = (archive: Archive, name: string): ModelFiles => {
  const folder = name.replace(/[^/]*$/, '');
  return (path) => archive.content(`${folder}${path}`);
};

const several = (names: readonly string[], path: string | undefined): RunletError =>
  new RunletError('RN167', {
    what: 'this is a ZIP archive of several models, not a model',
    where: path ?? 'byte 0',
    why: `it holds ${names.slice(0, 8).join(', ').slice(0, 400)}`,
    tryThis: 'unpack it, and give one of them',
  });

/** Returns the only TensorFlow Lite file that is written as a C array. */
async function arrayIn(archive: Archive, names: readonly string[], path: string | undefined): Promise<Found | undefined> {
  const { tfliteInText } = await import('./array.ts');
  const found: { name: string; bytes: Uint8Array }[] = [];
  for (const name of names.filter((n) => arrayFile.test(n)).slice(0, maxSourceFiles)) {
    const bytes = tfliteInText(await archive.content(name));
    if (bytes) found.push({ name, bytes });
  }
  const [first, second] = found;
  if (second) throw several(found.map(({ name }) => name), path); // biome-ignore format: one line
  return first && { bytes: first.bytes, path: first.name, files: {} };
}
