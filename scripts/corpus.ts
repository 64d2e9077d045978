/**
 * npm run corpus -- DIR [--wasm | --quick | --good] [--only NAME,NAME] [--options FILE] [--minutes 3]
 * [--jobs 1] [--json]
 *
 * Counts how many models of a folder Runlet reads and computes correctly. In: a folder of model files, or of
 * sub-folders with one model file each; `in.npy` and `out.npy` beside a model are its reference.
 * `models.tsv`, in the folder or above it, names families. `options.json` there, or the given FILE, has the
 * read options of each model by id, such as {"vad": {"set": {"sr": 16000}}, "wand": {"timeAxis": 1}}
 * (ReadOptions of models/read/options.ts). Out: a line per model, the refusals with their reasons, and
 * totals; exit code 1 if a number is wrong. --quick runs no streams; --good quantises float files instead
 * (scripts/corpus/good.ts). Each model runs in a separate process with a time limit, so that a crash does not
 * affect the others. scripts/corpus/judge.ts has the rules.
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { table } from '../host/report/table.ts';
import { quantile } from '../host/statistics.ts';
import type { ReadOptions } from '../models/read/index.ts';
import { beside, modelsIn, optionsOf } from './corpus/folder.ts';
import type { Quality } from './corpus/good.ts';
import { judge, type Verdict } from './corpus/judge.ts';

const columns = 80;
const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    wasm: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    good: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    only: { type: 'string' },
    options: { type: 'string' },
    read: { type: 'string', default: '{}' },
    minutes: { type: 'string', default: '3' },
    jobs: { type: 'string', default: '1' },
    one: { type: 'boolean', default: false },
  },
});
const say = (text = ''): void => void process.stdout.write(`${text}\n`);
/** Returns the families by id, from models.tsv if it exists. */
function familiesOf(folder: string): Map<string, string> {
  const path = beside(folder, 'models.tsv');
  if (!path) return new Map();
  const [head = [], ...lines] = readFileSync(path, 'utf8')
    .split('\n')
    .map((line) => line.split('\t'));
  const [id, family] = [head.indexOf('id'), head.indexOf('family')];
  return new Map(lines.flatMap((cells) => (cells[id] && cells[family] ? [[cells[id], cells[family]]] : [])));
}

/** Judges a model in a separate process, which is killed at the time limit. */
function judged(file: string, read: ReadOptions = {}): Promise<Verdict> {
  const args = [
    ...process.execArgv,
    import.meta.filename,
    '--one',
    ...(options.wasm ? ['--wasm'] : []),
    ...(options.quick ? ['--quick'] : []),
    ...(options.good ? ['--good'] : []),
    '--read',
    JSON.stringify(read),
    file,
  ];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const [out, err]: Buffer[][] = [[], []];
  child.stdout.on('data', (data: Buffer) => out?.push(data));
  child.stderr.on('data', (data: Buffer) => err?.push(data));
  let late = false;
  const timer = setTimeout(() => {
    late = child.kill('SIGKILL');
  }, Number(options.minutes) * 60_000);
  return new Promise((done) =>
    child.on('close', () => {
      clearTimeout(timer);
      const lines = Buffer.concat(out ?? [])
        .toString()
        .trim()
        .split('\n');
      const found = lines.map((line) => line.match(/^verdict (.*)$/)?.[1]).filter((text) => text !== undefined);
      const last = found.at(-1);
      const verdict: Verdict = last ? JSON.parse(last) : { kind: '', taken: false, reference: '', streamed: '', refused: '' };
      if (late) verdict.refused = `time: more than ${options.minutes} minutes`;
      else if (!last)
        verdict.refused = `crash: ${Buffer.concat(err ?? [])
          .toString()
          .trim()
          .split('\n')
          .at(-1)}`;
      done(verdict);
    }),
  );
}

type Row = Verdict & { id: string; family: string };

async function judgeAll(folder: string): Promise<Row[]> {
  const families = familiesOf(folder);
  const given = optionsOf(folder, options.options);
  const only = options.only?.split(',');
  const queue = modelsIn(folder).filter(({ id }) => !only || only.includes(id));
  const rows: Row[] = [];
  const work = async (): Promise<void> => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      const row = { id: next.id, family: families.get(next.id) ?? '', ...(await judged(next.file, given[next.id])) };
      rows.push(row);
      // printed at once, so that a stopped run shows its results
      process.stderr.write(`${row.id}: ${row.taken ? found(row).filter(Boolean).join(', ') : row.refused.slice(0, 60)}\n`);
    }
  };
  await Promise.all(Array.from({ length: Number(options.jobs) }, work));
  return rows.sort((a, b) => a.id.localeCompare(b.id));
}

/** Returns a count such as `12 of 14`, over the rows in which `key` is known. */
const share = (rows: Row[], key: 'right' | 'equal'): string =>
  `${rows.filter((row) => row[key]).length} of ${rows.filter((row) => row[key] !== undefined).length}`;

const percent = (of: number): string => `${(100 * of).toFixed(0)} %`;
const qualityText = ({ agreement, sqnrDb }: Quality): string =>
  `${agreement === undefined ? '' : `${percent(agreement)}, `}${sqnrDb.toFixed(1)} dB`;

function qualitySums(all: Quality[]): string {
  const agreements = all.flatMap(({ agreement }) => agreement ?? []);
  const close = agreements.filter((agreement) => agreement >= 0.95).length;
  const middle = quantile(
    all.map(({ sqnrDb }) => sqnrDb),
    0.5,
  );
  return `int8 gives the same class as float in at least 95 % of its windows: ${close} of ${agreements.length} classifiers; median SQNR of ${all.length} models ${middle.toFixed(1)} dB`;
}

const mark = (yes: boolean | undefined, text: string): string => (yes === false ? `WRONG ${text}` : text);

/** Cells of a model that was read: its kind, the result against the reference, and its streams or quality. */
const found = ({ kind, right, reference, quality, equal, streamed, refused }: Row): string[] => [
  kind,
  mark(right, reference),
  quality ? qualityText(quality) : mark(equal, streamed || refused),
];

function print(rows: Row[]): void {
  const taken = rows.filter((row) => row.taken);
  const lines = taken.map((row) => [row.id, ...found(row)]);
  const print = (body: string[][], head: string[]): void => say(table(body, { head, columns }));
  print(lines, ['model', 'kind', 'reference', options.good ? 'same answer, SQNR' : 'equal at hops']);
  const refused = rows.filter((row) => !row.taken);
  if (refused.length > 0) say();
  print(
    refused.map(({ id, refused }) => [id, refused.slice(0, refused.indexOf(':')), refused.slice(refused.indexOf(':') + 2)]),
    ['refused', 'code', 'reason'],
  );
  const families = [...new Set(rows.map((row) => row.family))].filter(Boolean).sort();
  if (families.length > 0) {
    say();
    const of = (family: string) => rows.filter((row) => row.family === family);
    print(
      families.map((family) => [
        family,
        `${of(family).filter((row) => row.taken).length} of ${of(family).length}`,
        share(of(family), 'right'),
      ]),
      ['family', 'taken', 'right'],
    );
  }
  say();
  for (const { id, note, options } of rows) {
    if (options) say(`${id}: read with ${JSON.stringify(options)}`);
    if (note) say(`${id}: ${note}`);
  }
  if (options.good) say(qualitySums(rows.flatMap(({ quality }) => quality ?? [])));
  say(`right against a reference: ${share(rows, 'right')}; streams equal windows: ${share(rows, 'equal')}`);
  say(`taken ${taken.length} of ${rows.length}`);
}

const [folder] = positionals;
if (!folder) {
  say('npm run corpus -- DIR [--wasm | --quick | --good] [--only NAME,NAME] [--options FILE] [--minutes 3] [--jobs 1] [--json]');
  process.exitCode = 2;
} else if (options.one) {
  const tell = (verdict: Verdict): void => say(`verdict ${JSON.stringify(verdict)}`);
  tell(await judge(folder, { ...options, read: JSON.parse(options.read) }, tell));
} else {
  const rows = await judgeAll(resolve(folder));
  if (options.json) say(JSON.stringify(rows, undefined, 2));
  else print(rows);
  if (rows.some((row) => row.right === false || row.equal === false || row.refused.startsWith('crash'))) process.exitCode = 1;
}
