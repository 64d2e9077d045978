/**
 * Frames from a pipe (or a text or raw file): what another program prints.
 *
 * In: text, one or more frames a line, as numbers between commas or spaces or as JSON arrays; or raw little-endian float32
 * (`f32`) or int16 (`s16`, as -1 to 1).  Out: frames as they arrive, without waiting for a chunk to fill.
 */
import { RunletError } from '../../models/error.ts';
import { numberOf, type SourceOptions } from './source.ts';

const lineLimit = 1 << 20;

const badLine = (name: string, line: number, why: string): RunletError =>
  new RunletError('RN734', {
    what: 'this line is not made of frames',
    where: `${name}, line ${line}`,
    why,
    tryThis: 'print the numbers of a frame in a line, or say what comes with --format csv, f32 or s16',
  });

/** The numbers of one line; undefined for an empty line or a comment. */
function numbersOf(text: string, name: string, line: number): number[] | undefined {
  const trimmed = text.trim();
  if (trimmed === '' || trimmed.startsWith('#')) return undefined;
  if (trimmed.startsWith('[')) {
    let value: unknown;
    try {
      value = JSON.parse(trimmed);
    } catch (error) {
      throw badLine(name, line, (error as Error).message);
    }
    const flat = (value as unknown[]).flat(2);
    if (!flat.every((x) => typeof x === 'number')) throw badLine(name, line, 'the JSON array holds something else than numbers');
    return flat as number[];
  }
  return trimmed.split(/[\s,;]+/).map((word) => {
    const value = numberOf(word);
    if (value === undefined) throw badLine(name, line, `'${word.slice(0, 40)}' is not a number`);
    return value;
  });
}

/**
 * Frames from lines of text.
 * @throws RN734 a line is not made of whole frames of numbers.
 */
export async function* textFrames(
  bytes: AsyncIterable<Uint8Array>,
  name: string,
  options: SourceOptions,
): AsyncGenerator<Float32Array> {
  const decoder = new TextDecoder();
  let rest = '';
  let line = 0;
  const take = (text: string, into: number[]): void => {
    line++;
    const numbers = numbersOf(text, name, line);
    if (!numbers) return;
    if (numbers.length === 0 || numbers.length % options.frameElements !== 0)
      throw badLine(name, line, `${numbers.length} numbers, and a frame has ${options.frameElements}`);
    for (const number of numbers) into.push(number);
  };
  for await (const part of bytes) {
    const lines = (rest + decoder.decode(part, { stream: true })).split(/\r?\n/);
    rest = lines.pop() as string;
    if (rest.length > lineLimit) throw badLine(name, line + 1, `it has more than ${lineLimit} characters`);
    const values: number[] = [];
    for (const text of lines) take(text, values);
    if (values.length > 0) yield Float32Array.from(values);
  }
  const values: number[] = [];
  take(rest + decoder.decode(), values);
  if (values.length > 0) yield Float32Array.from(values);
}

/**
 * Frames from raw little-endian values.
 * @throws RN735 the end comes inside a frame.
 */
export async function* rawFrames(
  bytes: AsyncIterable<Uint8Array>,
  name: string,
  format: 'f32' | 's16',
  options: SourceOptions,
): AsyncGenerator<Float32Array> {
  const valueBytes = format === 'f32' ? 4 : 2;
  const frameBytes = valueBytes * options.frameElements;
  let rest = new Uint8Array(0);
  let total = 0;
  for await (const part of bytes) {
    total += part.length;
    const all = new Uint8Array(rest.length + part.length);
    all.set(rest);
    all.set(part, rest.length);
    const whole = all.length - (all.length % frameBytes);
    rest = all.slice(whole);
    if (whole === 0) continue;
    const view = new DataView(all.buffer, 0, whole);
    const at = format === 'f32' ? (i: number) => view.getFloat32(4 * i, true) : (i: number) => view.getInt16(2 * i, true) / 32768;
    yield Float32Array.from({ length: whole / valueBytes }, (_, i) => at(i));
  }
  if (rest.length > 0)
    throw new RunletError('RN735', {
      what: 'the raw data ends inside a frame',
      where: `${name}, byte ${total}`,
      why: `${rest.length} bytes are left over, and a frame of ${options.frameElements} ${format} has ${frameBytes}`,
      tryThis: 'check --format and the number of channels',
    });
}
