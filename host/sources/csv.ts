/**
 * CSV files and streams.
 *
 * In: bytes of UTF-8 text, separated by comma, semicolon or tab; # begins a comment line.  Out: one frame per row.
 * Source: RFC 4180, read by csv-parse as a stream. Columns are chosen by name or index from 0; without a choice all are
 * taken but time columns (t, time...) and the truth. Jumps of a time column are gaps, where asked for. Every error names its line.
 */
import { Readable } from 'node:stream';
import { RunletError } from '../../models/error.ts';
import { printable } from '../../models/printable.ts';
import { Clock, TimeSteps } from './clock.ts';
import { GapList } from './gaps.ts';
import { Chunker, numberOf, type Source, type SourceOptions, Track, wrongElements } from './source.ts';

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

/** Index of a column given by name or by index from 0. */
function columnOf(wanted: string, names: string[] | undefined, width: number, where: string): number {
  const named = names?.indexOf(wanted) ?? -1;
  const index = named >= 0 ? named : /^\d+$/.test(wanted) ? Number(wanted) : -1;
  if (index >= 0 && index < width) return index;
  throw new RunletError('RN726', {
    what: `there is no column ${wanted}`,
    where,
    why: names ? `the columns are ${names.slice(0, 20).join(', ')}` : `there are ${width} columns and no header`,
    tryThis: 'give names of the header, or indexes from 0',
  });
}

const isTime = (name: string): boolean => /^(t|time.*)$/i.test(name.trim());

/** The column whose jumps are gaps; -1 for none. @throws RN726 no such column, RN750 several */
function timeColumn(names: string[] | undefined, width: number, where: string, { time }: SourceOptions): number {
  if (!time || time.column === 'none') return -1;
  if (time.column !== undefined) return columnOf(time.column, names, width, where);
  const found = (names ?? []).filter(isTime);
  if (found.length > 1)
    throw new RunletError('RN750', {
      what: 'it is not clear which column is the time',
      where,
      why: `there are ${found.join(', ')}`,
      tryThis: 'choose one with --time, or say --time none',
    });
  return found.length === 1 ? (names?.indexOf(found[0] as string) ?? -1) : -1;
}

/** The clock of a time column. @throws RN739 the rate is unknown */
function clockOf(label: string, where: string, { sampleRateHz, time }: SourceOptions): Clock {
  if (sampleRateHz !== undefined) return new Clock(label, sampleRateHz, time?.unit);
  throw new RunletError('RN739', {
    what: 'the sample rate is unknown',
    where: `${where}, time column ${label}`,
    why: 'without it a gap in time is no number of frames',
    tryThis: 'give it with --rate, or say --time none',
  });
}

/** The steps of a time column, where there is one and a rate that they should have. */
function timeSteps(names: string[] | undefined, width: number, where: string, options: SourceOptions): TimeSteps | undefined {
  if (options.sampleRateHz === undefined || !names?.some(isTime)) return undefined;
  const column = timeColumn(names, width, where, { ...options, time: options.time ?? {} });
  return column < 0 ? undefined : new TimeSteps(column, names[column] as string, where, options.sampleRateHz);
}

/** Which columns make a frame, and which is the truth. */
function choose(first: string[], header: boolean, name: string, options: SourceOptions) {
  const names = header ? first.map((n) => n.trim()) : undefined;
  const truth = options.truth === undefined ? -1 : columnOf(options.truth, names, first.length, name);
  const time = timeColumn(names, first.length, name, options);
  const columns = options.columns
    ? options.columns.map((c) => columnOf(c, names, first.length, name))
    : first.map((_, i) => i).filter((i) => i !== truth && i !== time && !(names && isTime(names[i] as string)));
  if (columns.length !== options.frameElements)
    throw wrongElements(
      name,
      `${columns.length} columns (${columns.map((i) => names?.[i] ?? i).slice(0, 12).join(', ')}), the model takes ${options.frameElements}`, // biome-ignore format: one line
      'choose columns with --columns',
    );
  return { names, truth, time, columns };
}

/** Truth: a number, a label's index, or NaN where the cell is empty. */
function truthOf(cell: string, labels: string[] | undefined): number {
  const label = labels?.indexOf(cell) ?? -1;
  return label >= 0 ? label : (numberOf(cell) ?? Number.NaN);
}

async function* rowsOf(bytes: AsyncIterable<Uint8Array>, name: string): AsyncGenerator<Row> {
  const { CsvError, parse } = await import('csv-parse');
  const parser = parse({
    info: true,
    bom: true,
    trim: true,
    comment: '#',
    comment_no_infix: true,
    skip_empty_lines: true,
    relax_column_count: true,
    delimiter: [',', ';', '\t'],
    max_record_size: 1 << 20,
  });
  const input = Readable.from(bytes, { objectMode: false });
  // pipe does not hand errors on; without this a failing file would end as an empty one.
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

/**
 * A source out of CSV. Nothing is read before the first frame is asked for, but the header, to check the columns.
 * @throws RN722 columns do not fit, RN725 broken or ragged, RN726 no such column, RN727 a cell is no number,
 *   RN739, RN749, RN750 the time column.
 */
export async function csvSource(bytes: AsyncIterable<Uint8Array>, name: string, options: SourceOptions): Promise<Source> {
  const rows = rowsOf(bytes, name);
  const first = await rows.next();
  if (first.done)
    throw new RunletError('RN737', { what: 'the source is empty', where: name, tryThis: 'give at least one frame' });
  const head = first.value.record;
  const header = options.header ?? head.some((cell) => cell !== '' && numberOf(cell) === undefined && !/^nan$/i.test(cell));
  const { names, truth, time, columns } = choose(head, header, name, options);
  const steps = options.checkTime ? timeSteps(names, first.value.record.length, name, options) : undefined;
  const clock = time >= 0 ? clockOf(names?.[time] ?? `${time}`, name, options) : undefined;
  const jumps = clock && new GapList();
  const track = truth >= 0 ? new Track() : undefined;

  const cellValue = (row: Row, column: number): number => {
    const cell = row.record[column] as string;
    const value = numberOf(cell);
    if (value !== undefined) return value;
    if (options.gaps && (cell === '' || /^nan$/i.test(cell))) return Number.NaN;
    throw new RunletError('RN727', {
      what: `'${cell.slice(0, 40)}' is not a number`,
      where: `${name}, line ${row.info.lines}, column ${names?.[column] ?? column}`,
      tryThis: header
        ? 'correct the cell, or choose other columns with --columns'
        : 'correct the cell, or say --header if line 1 has names',
    });
  };

  async function* frames(): AsyncGenerator<Float32Array> {
    const chunker = new Chunker(options.frameElements);
    let rowsRead = 0;
    const take = (row: Row): Float32Array | undefined => {
      if (row.record.length !== head.length)
        throw damaged(`${name}, line ${row.info.lines}`, `${row.record.length} cells, where line 1 has ${head.length}`);
      let chunk: Float32Array | undefined;
      const values = columns.map((column) => cellValue(row, column));
      if (clock) {
        const lost = clock.before(row.record[time] as string, values.some(Number.isNaN), `${name}, line ${row.info.lines}`);
        if (lost > 0) jumps?.add(rowsRead, lost);
      }
      steps?.add(row.record[steps.column] as string);
      rowsRead++;
      for (const value of values) chunk = chunker.push(value) ?? chunk;
      track?.push(truthOf(row.record[truth] as string, options.labels));
      return chunk;
    };
    if (!header) {
      const chunk = take(first.value as Row);
      if (chunk) yield chunk;
    }
    for await (const row of rows) {
      const chunk = take(row);
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
    truth: track,
    jumps,
  };
}
