/**
 * External data: constants of an ONNX file that are stored in other files.
 *
 * In: `location`, `offset` and `length` of such tensors in the ModelProto, and the caller's files.
 * Out: the files, each fetched once, and the tensors' values. A location may only name a file in the model's
 * folder or below. No more bytes of a file are requested than its tensors need. Tensors may share bytes, but
 * their total size is limited to a multiple of the file. Error: RN153. Source: onnx/docs/ExternalData.md.
 */
import { RunletError } from '../../error.ts';
import { oneOnnxFile } from '../foreign/lines.ts';
import type { ExternalFiles, ModelFiles } from '../options.ts';
import { type OnnxModel, readModel } from './proto.ts';
import { constOf, type External } from './tensor.ts';

/** Largest number of files, and of bytes of a file. A choice: exporters write one file, or one per tensor. */
const [maxFiles, maxFileBytes] = [10_000, 2 ** 30];
/** Bytes after the last tensor, which exporters write to align the next one. A choice. */
const slackBytes = 2 ** 20;
/** Largest total size of a file's tensors, in file sizes. A choice: exporters store every tensor once. */
const maxUses = 4;

/** Returns the path below the model's folder; undefined if it leads out of the folder. */
function insidePath(location: string): string | undefined {
  const path = location.replace(/^(\.\/)+/, '');
  const isPart = (part: string): boolean => part !== '' && part !== '.' && part !== '..';
  return path.length <= 1000 && !/[\\:\0]/.test(path) && path.split('/').every(isPart) ? path : undefined;
}

const endOf = ({ offset, bytes }: External): number => offset + bytes;

/** Fetches the files that the model names. A file that cannot be fetched has an Error as its value. */
export async function fetchExternal(bytes: Uint8Array, files: ModelFiles | undefined): Promise<ExternalFiles> {
  const { external } = readModel(bytes);
  const needed = new Map<string, number>();
  for (const tensor of external) {
    const path = insidePath(tensor.location);
    if (path !== undefined && isReadable(tensor)) needed.set(path, Math.max(endOf(tensor), needed.get(path) ?? 0));
  }
  const found = new Map<string, Uint8Array | Error>();
  for (const [path, end] of [...needed].slice(0, files ? maxFiles : 0)) {
    try {
      const part = typeof files === 'function' ? await files(path, end + slackBytes) : ownOf(files, path);
      if (part) found.set(path, part);
    } catch (error) {
      found.set(path, error instanceof Error ? error : new Error(String(error)));
    }
  }
  return found;
}

const isReadable = (tensor: External): boolean => tensor.problem === undefined && endOf(tensor) <= maxFileBytes;

const ownOf = (files: Readonly<Record<string, Uint8Array>> | undefined, path: string): Uint8Array | undefined =>
  files && Object.hasOwn(files, path) ? files[path] : undefined;

/**
 * Moves the tensors whose data are available into the initializers; the others stay in `external`.
 * @returns RN153 if a tensor stays, otherwise undefined
 */
export function placeExternal(
  model: OnnxModel,
  files: ExternalFiles | undefined,
  path: string | undefined,
): RunletError | undefined {
  const left: External[] = [];
  const reasons: string[] = [];
  const used = new Map<Uint8Array, number>();
  for (const tensor of model.external) {
    const reason = tensor.problem ?? whyNot(tensor, files, used) ?? place(model, tensor, files);
    if (reason === undefined) continue;
    left.push(tensor);
    reasons.push(reason);
  }
  model.external = left;
  return left.length > 0 ? refusal(left, reasons[0] as string, path) : undefined;
}

function place(model: OnnxModel, tensor: External, files: ExternalFiles | undefined): undefined {
  const bytes = files?.get(insidePath(tensor.location) ?? '') as Uint8Array;
  model.initializers.push({ name: tensor.name, value: constOf(tensor, bytes.subarray(tensor.offset, endOf(tensor))) });
}

/** Returns the reason why a tensor's data are not available, or undefined. */
function whyNot(tensor: External, files: ExternalFiles | undefined, used: Map<Uint8Array, number>): string | undefined {
  const { location, bytes } = tensor;
  const path = insidePath(location);
  const shown = location.slice(0, 200);
  if (path === undefined) return `its location '${shown}' leads out of the model's folder`;
  if (!isReadable(tensor)) return `its data end at byte ${endOf(tensor)}, and at most ${maxFileBytes} are read`;
  const file = files?.get(path);
  if (!file) return `the file ${shown} was not given`;
  if (file instanceof Error) return `the file ${shown} cannot be read: ${file.message}`;
  if (endOf(tensor) > file.length) return `its data end at byte ${endOf(tensor)} of ${shown}, which has ${file.length}`;
  const uses = (used.get(file) ?? 0) + bytes;
  used.set(file, uses);
  return uses > maxUses * file.length ? `its tensors add up to more than ${maxUses} times the bytes of ${shown}` : undefined;
}

const refusal = (left: readonly External[], why: string, path: string | undefined): RunletError =>
  new RunletError('RN153', {
    what: 'the weights lie in another file, which cannot be used',
    where: `tensor ${left[0]?.name}${left.length > 1 ? ` and ${left.length - 1} more` : ''}`,
    why,
    tryThis: `put the file beside the model (in a program, the option files), or make one file of both: ${oneOnnxFile(path)}`,
  });
