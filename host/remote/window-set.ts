/**
 * Writes collected windows to a .npz file, one after the other.
 *
 * In: windows as the gateway's API gives them; the signal of the slot.  Out: the file:
 *
 *     windows.npy   [windows][ticks][values] in the type that was fed; with several inputs one array per
 *                   input, under its name, [windows][ticks * rate][values]
 *     labels.npy    f8 [windows]: class index, or value, as most annotators say (host/learn/labels.ts); NaN
 *                   without a verdict
 *     random.npy    u1 [windows]: 1 if policy `random` chose it
 *     shares.npy    f8 [windows]: the probability of that
 *     about.json    list: id, stream, output, times, version, reasons, outputs, labels with their annotators
 *
 * Errors: RN861 if an answer is not a window. Windows of another shape than the slot's bundle takes are
 * counted and left out. Memory: one window, and 1 KiB for each. Arrays are written beside the file first,
 * then packed without compression, as numpy.savez does. The same windows give the same bytes.
 */
import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { Zip, ZipPassThrough } from 'fflate';
import { RunletError } from '../../models/error.ts';
import type { WindowJson } from '../gateway/collect/window-json.ts';
import type { SlotStatus } from '../gateway/gateway.ts';
import { answersOf, classNames, verdicts } from '../learn/labels.ts';
import { NpyWriter } from '../sources/npy-writer.ts';

type Signal = NonNullable<SlotStatus['signal']>;
type Input = Signal['inputs'][number];

const valueBytes = { float32: 4, int8: 1, uint8: 1, int16: 2 } as const;

export interface SetOptions {
  signal: Signal;
  /** Upper bound of the windows' bytes; later windows are left out. */
  maxBytes: number;
  onWindow?(count: number): void;
}

interface WindowSet {
  windows: number;
  bytes: number;
  reasons: Record<string, number>;
  labelled: number;
  annotators: number;
  /** Labelled windows with a verdict. */
  agreed: number;
  otherShape: number;
  full: boolean;
}

const rowBytes = ({ hostType, elements, rate }: Input): number => valueBytes[hostType] * elements * rate;

/** Returns the frames of each input in a window: the ticks hold them one input after the other. */
export function inputsOf(inputs: readonly Input[], bytes: Uint8Array): Uint8Array[] {
  const tick = inputs.reduce((sum, input) => sum + rowBytes(input), 0);
  let start = 0;
  return inputs.map((input) => {
    const width = rowBytes(input);
    const part = new Uint8Array((bytes.length / tick) * width);
    for (let n = 0; n * tick < bytes.length; n++) part.set(bytes.subarray(n * tick + start, n * tick + start + width), n * width);
    start += width;
    return part;
  });
}

/** Returns the verdict on a window as a number; NaN without one, and for "nothing of this". */
export function labelOf({ labels }: Pick<WindowJson, 'labels'>, names: readonly string[] = []): number {
  const truth = verdicts(answersOf('', labels, names))[0]?.truth;
  if (truth?.kind === 'class') return truth.class;
  return truth?.kind === 'value' ? truth.value : Number.NaN;
}

/** Returns the bytes of the window itself; undefined if it has another shape. @throws RN861 */
function windowBytes(one: WindowJson, { tickBytes, window, inputs }: Signal): Uint8Array | undefined {
  const { windowFrom, windowTicks, from } = one;
  if (typeof one.signal !== 'string' || !Array.isArray(one.labels) || !Array.isArray(one.reasons))
    throw new RunletError('RN861', { what: 'the answer of the gateway is not a window', where: `window ${one.id}` });
  const same = one.inputs.length === inputs.length && one.inputs.every(({ hostType }, i) => hostType === inputs[i]?.hostType);
  if (!same || one.tickBytes !== tickBytes || windowTicks !== window) return undefined;
  const at = (windowFrom - from) * tickBytes;
  const bytes = new Uint8Array(Buffer.from(one.signal, 'base64')).subarray(at, at + windowTicks * tickBytes);
  return at >= 0 && bytes.length === windowTicks * tickBytes ? bytes : undefined;
}

/** Writes the set. The file is complete or not there. */
export async function writeWindowSet(path: string, windows: AsyncIterable<WindowJson>, options: SetOptions): Promise<WindowSet> {
  const { signal, maxBytes, onWindow } = options;
  const { inputs, window } = signal;
  const names = classNames(signal.labels, signal.outputs[0]?.elements);
  const part = (name: string) => `${path}.${name}.part`;
  const named = inputs.map((input) => ({ ...input, name: inputs.length > 1 ? input.name : 'windows' }));
  const set: WindowSet = { windows: 0, bytes: 0, reasons: {}, labelled: 0, annotators: 0, agreed: 0, otherShape: 0, full: false };
  const annotators = new Set<string>();
  const about: string[] = [];
  const arrays = await Promise.all([
    ...named.map(({ name, hostType, elements, rate }) => NpyWriter.create(part(name), hostType, window * rate, elements)),
    NpyWriter.create(part('labels'), 'float64'),
    NpyWriter.create(part('shares'), 'float64'),
    NpyWriter.create(part('random'), 'uint8'),
  ]);
  const members = [...named.map(({ name }) => name), 'labels', 'shares', 'random'];
  try {
    for await (const one of windows) {
      const bytes = windowBytes(one, signal);
      if (!bytes) {
        set.otherShape++;
        continue;
      }
      set.full = set.bytes + bytes.length > maxBytes;
      if (set.full) break;
      const label = labelOf(one, names);
      const row = [...inputsOf(inputs, bytes), f8(label), f8(one.share), Uint8Array.of(one.reasons.includes('random') ? 1 : 0)];
      const widths = [...named.map(({ hostType }) => valueBytes[hostType]), 8, 8, 1];
      for (const [i, array] of arrays.entries()) await array.appendBytes(row[i] as Uint8Array, widths[i] as number);
      const { signal: _, inputs: _inputs, ...facts } = one;
      about.push(JSON.stringify(facts));
      set.windows++;
      set.bytes += bytes.length;
      for (const reason of one.reasons) set.reasons[reason] = (set.reasons[reason] ?? 0) + 1;
      for (const { annotator } of one.labels) annotators.add(annotator);
      if (one.labels.length > 0) set.labelled++;
      if (!Number.isNaN(label)) set.agreed++;
      onWindow?.(set.windows);
    }
    for (const array of arrays) await array.close();
    await pack(part('npz'), members.map((name) => [`${name}.npy`, part(name)] as const), `[${about.join(',\n')}]\n`); // biome-ignore format: one line
    await rename(part('npz'), path);
  } finally {
    for (const array of arrays) await array.close().catch(() => {});
    for (const name of [...members, 'npz']) await rm(part(name), { force: true });
  }
  return { ...set, annotators: annotators.size };
}

const f8 = (value: number): Uint8Array => new Uint8Array(Float64Array.of(value).buffer);

/** Date of the members: the first that ZIP can state. */
const mtime = new Date(1980, 0, 1);

/** Packs files and the text `about.json` into a ZIP archive, in pieces. */
async function pack(path: string, files: (readonly [name: string, path: string])[], about: string): Promise<void> {
  const out = createWriteStream(path);
  const failed = once(out, 'error').then(([error]) => Promise.reject(error));
  failed.catch(() => {});
  let ready = true;
  const zip = new Zip((error, piece, last) => {
    if (error) out.destroy(error);
    else ready = out.write(piece);
    if (last) out.end();
  });
  const finished = once(out, 'finish');
  for (const [name, from] of files) {
    const member = Object.assign(new ZipPassThrough(name), { mtime });
    zip.add(member);
    for await (const piece of createReadStream(from)) {
      member.push(piece as Uint8Array);
      if (!ready) await Promise.race([once(out, 'drain'), failed]);
    }
    member.push(new Uint8Array(), true);
  }
  const member = Object.assign(new ZipPassThrough('about.json'), { mtime });
  zip.add(member);
  member.push(new TextEncoder().encode(about), true);
  zip.end();
  await Promise.race([finished, failed]);
}
