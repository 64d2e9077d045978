/**
 * `npm run pools [-- DIR RUNS]`: renders the figures of models/zoo/pool-search.
 *
 * In: models/zoo/pool-search/results.json. With DIR, the recordings of har, and RUNS, the folder that
 * search.py wrote, results.json is made first: every network is quantised, built and judged.
 * Out: the tables in README.md and plot.svg.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { evaluated } from './pools/evaluate.ts';
import { rowsOf, withFigures } from './pools/page.ts';
import { poolsPlot } from './pools/plot.ts';
import { folder, readResults, writeResults } from './pools/results.ts';

const [data, runs] = process.argv.slice(2);
if (data && !runs) throw new Error('npm run pools -- DIR RUNS needs both folders');
if (data && runs)
  writeResults(await evaluated(data, runs, readResults(join(runs, 'runs.json')), (text) => process.stdout.write(`${text}\n`)));
const results = readResults();
const page = join(folder, 'README.md');
writeFileSync(page, withFigures(readFileSync(page, 'utf8'), results));
writeFileSync(join(folder, 'plot.svg'), await poolsPlot(rowsOf(results)));
process.stdout.write(`${page} and plot.svg are up to date\n`);
