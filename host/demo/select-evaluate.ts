/**
 * npm run eval:select [-- DIR]: does the choice of windows to label keep its promises?
 *
 * In: recordings in DIR/har-uji and clips in DIR/gsc12-test (default DIR: ../shared/data), and the networks
 * of their folds, each on people that it was not trained on.  Out: a table with the mistakes that 100 labels
 * find, chosen by uncertainty and at random; how often the interval of the random share covers the true
 * accuracy; both with the needed figures; and out/select.svg. A stream whose data is missing is left out with
 * a notice.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { table } from '../report/table.ts';
import { selectPlot } from './select-plot.ts';
import { harStreams, kwsStreams, type Streams } from './select-streams.ts';
import { type Trial, trial, ways } from './select-trials.ts';
import { root } from './zoo.ts';

const say = (text = '') => process.stdout.write(`${text}\n`);
const progress = (text: string) => process.stderr.write(`${text}\n`);

const [seeds, budget] = [20, 100];
/** What is needed: mistakes found against the baseline, and shares of the runs that the interval covers. */
const [neededTimes, neededCover] = [2.5, [0.9, 0.99] as const];

const sum = (trials: readonly Trial[], of: (t: Trial) => number) => trials.reduce((total, t) => total + of(t), 0);
const mean = (trials: readonly Trial[], of: (t: Trial) => number) => sum(trials, of) / trials.length;
const percent = (share: number) => (100 * share).toFixed(1);
const met = (isMet: boolean) => (isMet ? 'met' : 'not met');

function report(results: readonly { name: string; trials: Trial[] }[]): void {
  say(`mistakes that ${budget} labels find, mean of ${seeds} seeds; in brackets, times the baseline at random\n`);
  const times = (trials: readonly Trial[], way: (typeof ways)[number]) =>
    sum(trials, (t) => t.found[way]) / sum(trials, (t) => t.random);
  const found = results.map(({ name, trials }) => [
    name,
    Math.round(mean(trials, (t) => t.windows)),
    percent(mean(trials, (t) => t.accuracy)),
    mean(trials, (t) => t.random).toFixed(1),
    ...ways.map((way) => `${mean(trials, (t) => t.found[way]).toFixed(1)} (${times(trials, way).toFixed(2)})`),
    mean(trials, (t) => t.spent).toFixed(0),
    `${met(times(trials, 'margin') >= neededTimes)}`,
  ]);
  say(
    table(found, {
      head: ['stream', 'windows', 'accuracy %', 'random', ...ways, 'labels online', `margin >= ${neededTimes}`],
    }),
  );
  say(`\nintervals of 95 % from a random share of ${budget} windows on average: share of the runs that they cover\n`);
  const covers = results.map(({ name, trials }) => {
    const share = sum(trials, (t) => t.covered) / sum(trials, (t) => t.drawn);
    return [
      name,
      sum(trials, (t) => t.drawn),
      percent(share),
      `${trials.filter((t) => t.firstCovers).length} of ${seeds}`,
      percent(mean(trials, (t) => t.width)),
      percent(mean(trials, (t) => t.expectedCalibrationError)),
      met(share >= neededCover[0] && share <= neededCover[1]),
    ];
  });
  const needed = neededCover.map((c) => 100 * c).join(' to ');
  say(
    table(covers, {
      head: ['stream', 'runs', 'covered %', 'first draws', 'mean width %', 'calibration error %', `${needed} %`],
    }),
  );
}

async function main(): Promise<void> {
  const folder = process.argv[2] ?? join(root, '..', 'shared', 'data');
  const [har, clips] = [join(folder, 'har-uji'), join(folder, 'gsc12-test')];
  const sources: [path: string, read: () => Promise<Streams>][] = [
    [har, () => harStreams(har, 'watch')],
    [har, () => harStreams(har, 'phone')],
    [clips, () => kwsStreams(clips)],
  ];
  const results: { name: string; trials: Trial[] }[] = [];
  for (const [path, read] of sources) {
    if (!existsSync(path)) {
      progress(`no data at ${path}: its streams are left out`);
      continue;
    }
    const streams = await read();
    results.push({ name: streams.name, trials: Array.from({ length: seeds }, (_, seed) => trial(streams, seed, budget)) });
    progress(`${streams.name}: done`);
  }
  if (results.length === 0) return;
  report(results);
  mkdirSync(join(root, 'out'), { recursive: true });
  writeFileSync(join(root, 'out/select.svg'), await selectPlot(results, budget));
  progress('wrote out/select.svg');
}

await main();
