/**
 * `npm run figures [-- TABLE ...]`: measures and prints the tables of docs/performance.md and of the README,
 * by default all of them.
 *
 * In: names of tables; `--rounds N` instead of the default of each table.  Out: Markdown. `--write` stores
 * the figures in docs/performance/<version>.json, with machine, versions, date and command, and renders the
 * pages; tables that were not measured do not change. `--render` only renders the pages from that file.
 * `--check` exits with code 1 if a page differs from it. A table is skipped if its tools are missing; a line
 * explains how to install them.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { root } from '../test/shared.ts';
import { block } from './figures/blocks.ts';
import { type Figures, type History, readHistory, type TableName, writeHistory } from './figures/history.ts';
import { machine } from './figures/machine.ts';
import { type Table, tablesOf } from './figures/measure.ts';
import { stalePages } from './figures/pages.ts';

const { values, positionals } = parseArgs({
  options: {
    rounds: { type: 'string' },
    write: { type: 'boolean', default: false },
    render: { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
  },
  allowPositionals: true,
});
const say = (text: string): void => {
  process.stdout.write(`${text}\n`);
};
const tables = tablesOf(values.write);
const names = Object.keys(tables) as TableName[];
const unknown = positionals.filter((name) => !Object.hasOwn(tables, name));
if (unknown.length > 0) throw new Error(`no table ${unknown.join(', ')}; there are ${names.join(', ')}`);
if (values.rounds !== undefined && !(Number(values.rounds) >= 1)) throw new Error('--rounds is a whole number from 1');

async function measure<K extends TableName>(name: K, history: History): Promise<void> {
  const table = tables[name] as Table<Figures[K]>;
  const absent = table.absent();
  if (absent) return say(`skipped: ${name}, ${absent}`);
  const began = performance.now();
  const rounds = table.rounds && Number(values.rounds ?? table.rounds);
  const { figures, versions = {} } = await table.measure(rounds ?? 1);
  const command = `npm run figures -- ${name}${values.rounds && rounds ? ` --rounds ${rounds}` : ''}`;
  const date = new Date().toISOString().slice(0, 10);
  Object.assign(history.tables, { [name]: { date, command, rounds, machine: machine(), versions, figures } });
  if (values.write) writeHistory(history);
  say(`\n${name}, measured in ${((performance.now() - began) / 1000).toFixed(0)} s\n\n${block(name, history)}`);
}

const history = readHistory();
if (!values.render && !values.check)
  for (const name of positionals.length > 0 ? (positionals as TableName[]) : names)
    try {
      await measure(name, history);
    } catch (error) {
      say(`failed: ${name}, ${(error as Error).message}`);
      process.exitCode = 1;
    }
if (values.write || values.render || values.check)
  try {
    // read again, because the file has fewer digits than the figures in memory
    for (const { page, text } of stalePages(readHistory())) {
      say(`${values.check ? 'stale' : 'wrote'}: ${page}`);
      if (values.check) process.exitCode = 1;
      else writeFileSync(join(root, page), text);
    }
  } catch (error) {
    say(`no page was written: ${(error as Error).message}`);
    process.exitCode = 1;
  }
