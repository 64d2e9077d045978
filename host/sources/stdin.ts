/**
 * Reads frames from text that another program prints, through a pipe or from a file.
 *
 * In: lines with one or more frames each: numbers separated by commas or spaces, or JSON arrays.
 * Out: frames as they arrive, without waiting for a chunk to fill.
 */
import { RunletError } from '../../models/error.ts';
import { numberOf, type SourceOptions } from './source.ts';

const lineLimit = 1 << 20;

const badLine = (name: string, line: number, why: string): RunletError =>
  new RunletError('RN734', {
    what: 'this line does not hold whole frames',
    where: `${name}, line ${line}`,
    why,
    tryThis: 'print the numbers of one frame per line, or give the format with --format csv, s16, f32, ...',
  });

/** Parses the numbers of one line; undefined for an empty line or a comment. */
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
    if (!flat.every((x) => typeof x === 'number')) throw badLine(name, line, 'the JSON array does not hold numbers only');
    return flat as number[];
  }
  return trimmed.split(/[\s,;]+/).map((word) => {
    const value = numberOf(word);
    if (value === undefined) throw badLine(name, line, `'${word.slice(0, 40)}' is not a number`);
    return value;
  });
}

/** Yields frames from lines of text. @throws RN734 if a line does not hold whole frames. */
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
      throw badLine(name, line, `it has ${numbers.length} numbers, a frame has ${options.frameElements}`);
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
