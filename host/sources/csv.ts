/**
 * Reads CSV files and streams.
 *
 * In: bytes of UTF-8 text, separated by comma, semicolon or tab; # begins a comment line.
 * Out: one frame per row. columns.ts chooses the columns. A time column gives the rate if the model has none,
 * and on request its jumps become gaps. Every error names its line.
 * Source: RFC 4180, parsed by csv-parse as a stream.
 */
import { Readable } from 'node:stream';
import { RunletError } from '../../models/error.ts';
import { printable } from '../../models/printable.ts';
import { Clock, TimeSteps } from './clock.ts';
import { csvRules, frameColumns, headerOf, isTime, rateOfTimes, rateRows, timeColumn } from './columns.ts';
import { GapList } from './gaps.ts';
import { Chunker, numberOf, type Source, type SourceOptions, Track } from './source.ts';

interface Row {
  info: { lines: number };
  record: string[];
}

const damaged = (where: string, why: string): RunletError =>
  new RunletError('RN725', {
    what: 'this CSV cannot be read',
    where,
    why,
    tryThis: 'check the quotes and separators at that place',
  });

/** Makes the clock of a time column. @throws RN739 if the rate is unknown. */
function clockOf(label: string, where: string, { sampleRateHz, time }: SourceOptions): Clock {
  if (sampleRateHz !== undefined) return new Clock(label, sampleRateHz, time?.unit);
  throw new RunletError('RN739', {
    what: 'the sample rate is unknown',
    where: `${where}, time column ${label}`,
    why: 'it is needed to convert a gap in time to a number of frames',
    tryThis: 'give it with --rate, or give --time none',
  });
}

/** Maximum number of class names that are collected from a truth column without given labels. */
const maxNames = 1000;

/**
 * Returns the truth in a cell: a number, a label's index, or NaN if the cell is empty. Without labels a new
 * name gets the next index.
 */
function truthOf(cell: string, labels: string[] | undefined, found: string[]): number {
  const at = (labels ?? found).indexOf(cell);
  if (at >= 0) return at;
  const value = numberOf(cell);
  if (value !== undefined || labels || cell === '' || found.length >= maxNames) return value ?? Number.NaN;
  return found.push(cell) - 1;
}

/** Reads the first `count` rows; `all` yields every row again from the start. */
async function peeked(rows: AsyncGenerator<Row>, count: number): Promise<{ first: Row[]; all: AsyncGenerator<Row> }> {
  const first: Row[] = [];
  while (first.length < count) {
    const { value, done } = await rows.next();
    if (done) break;
    first.push(value);
  }
  async function* all(): AsyncGenerator<Row> {
    yield* first;
    yield* rows;
  }
  return { first, all: all() };
}

async function* rowsOf(bytes: AsyncIterable<Uint8Array>, name: string): AsyncGenerator<Row> {
  const { CsvError, parse } = await import('csv-parse');
  const parser = parse({ ...csvRules, info: true });
  const input = Readable.from(bytes, { objectMode: false });
  // pipe does not forward errors: without this, a file that fails would look like an empty one
  input.on('error', (error) => parser.destroy(error));
  input.pipe(parser);
  try {
    for await (const row of parser) yield row as Row;
  } catch (error) {
    if (error instanceof CsvError) throw damaged(error.lines ? `${name}, line ${error.lines}` : name, error.message);
    throw error;
  } finally {
    input.destroy();
    parser.destroy();
  }
}

/** Checks the number of cells in a row. @throws RN725 */
function checkWidth(row: Row | undefined, width: number, name: string): void {
  if (row && row.record.length !== width)
    throw damaged(`${name}, line ${row.info.lines}`, `${row.record.length} cells, but line 1 has ${width}`);
}

/** Finds columns, rate and clock from the header and the first rows. @throws RN722, RN726, RN739, RN750 */
function layoutOf(first: Row[], name: string, options: SourceOptions) {
  const head = (first[0] as Row).record;
  const names = options.header === false ? undefined : options.header ? head.map((n) => n.trim()) : headerOf(head);
  const header = names !== undefined;
  const data = header ? first.slice(1) : first;
  checkWidth(data[0], head.length, name);
  const { truth, columns } = frameColumns(names, data[0]?.record ?? head.map(() => ''), name, options);
  const time = options.time ? timeColumn(names, head.length, name, options.time) : -1;
  const times = names?.filter(isTime) ?? [];
  const stepColumn =
    times.length === 1 || (options.checkTime && times.length > 0) ? timeColumn(names, head.length, name, options.time) : -1;
  const stepName = names?.[stepColumn] ?? '';
  const cells = data.map(({ record }) => record[stepColumn] ?? '');
  const rateHz = stepColumn < 0 ? undefined : rateOfTimes(stepName, cells, options.time?.unit);
  const { sampleRateHz } = options;
  const steps =
    options.checkTime && stepColumn >= 0 && sampleRateHz !== undefined
      ? new TimeSteps(stepColumn, stepName, name, sampleRateHz)
      : undefined;
  const clock =
    time < 0 ? undefined : clockOf(names?.[time] ?? `${time}`, name, { ...options, sampleRateHz: sampleRateHz ?? rateHz });
  return { header, names, width: head.length, truth, columns, time, rateHz, steps, clock };
}

/** Parses the number in a cell. @throws RN727 */
function cellValue(row: Row, column: number, where: string, { names, gaps }: { names?: string[]; gaps?: boolean }): number {
  const cell = row.record[column] as string;
  const value = numberOf(cell);
  if (value !== undefined) return value;
  if (gaps && (cell === '' || /^nan$/i.test(cell))) return Number.NaN;
  throw new RunletError('RN727', {
    what: `'${cell.slice(0, 40)}' is not a number`,
    where: `${where}, column ${names?.[column] ?? column}`,
    tryThis: names
      ? 'correct the cell, or choose other columns with --columns'
      : 'correct the cell, or give --header if line 1 has names',
  });
}

/**
 * Makes a source from CSV. Reads the header and the first rows at once.
 * @param ahead maximum number of rows to read before the first frame is requested. Default: rateRows.
 * @throws RN722 if the columns do not fit, RN725 if rows are broken or differ in length, RN726 if there is no
 * such column, RN727 if a cell is not a number, RN739, RN749, RN750 (the time column).
 */
export async function csvSource(
  bytes: AsyncIterable<Uint8Array>,
  name: string,
  options: SourceOptions,
  ahead = rateRows,
): Promise<Source> {
  const { first, all: rows } = await peeked(rowsOf(bytes, name), ahead);
  if (first.length === 0)
    throw new RunletError('RN737', { what: 'the source is empty', where: name, tryThis: 'give at least one frame' });
  const { header, names, width, truth, time, columns, rateHz, steps, clock } = layoutOf(first, name, options);
  const jumps = clock && new GapList();
  const track = truth >= 0 ? new Track() : undefined;
  const truthNames: string[] = [];

  async function* frames(): AsyncGenerator<Float32Array> {
    const chunker = new Chunker(options.frameElements);
    let rowsRead = 0;
    for await (const row of rows) {
      if (header && row === first[0]) continue;
      const where = `${name}, line ${row.info.lines}`;
      checkWidth(row, width, name);
      const values = columns.map((column) => cellValue(row, column, where, { names, gaps: options.gaps }));
      const lost = clock?.before(row.record[time] as string, values.some(Number.isNaN), where) ?? 0;
      if (lost > 0) jumps?.add(rowsRead, lost);
      steps?.add(row.record[steps.column] as string);
      rowsRead++;
      let chunk: Float32Array | undefined;
      for (const value of values) chunk = chunker.push(value) ?? chunk;
      track?.push(truthOf(row.record[truth] as string, options.labels, truthNames));
      if (chunk) yield chunk;
    }
    steps?.check();
    const chunk = chunker.rest();
    if (chunk) yield chunk;
  }
  const shown = columns.map((i) => printable(names?.[i] ?? `column ${i}`));
  return {
    frames: frames(),
    describe: `${name}: CSV, ${shown.slice(0, 8).join(', ')}${shown.length > 8 ? ', ...' : ''}`,
    names: shown,
    named: names !== undefined,
    ...(rateHz !== undefined && { sampleRateHz: rateHz }),
    truth: track,
    ...(truth >= 0 && { truthName: names?.[truth] ?? `${truth}` }),
    truthNames,
    jumps,
  };
}
