/**
 * npm run eval:versions [-- DIR]: does the choice among versions keep its promises?
 *
 * In: recordings in DIR/har-uji (default DIR: ../shared/data), and the networks of their folds, each on
 * people that it was not trained on.  Out: the accuracy of each mechanism in each phase of a stream whose
 * conditions come back, over the whole phase and after 50 labels; with the needed figures; and
 * out/versions.svg.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { minOf } from '../../models/lists.ts';
import { table } from '../report/table.ts';
import type { Device } from './har-recordings.ts';
import { versionsPlot } from './versions-plot.ts';
import { conditionFolds, conditions } from './versions-streams.ts';
import {
  accuracyIn,
  type Mechanism,
  mechanisms,
  phases,
  settledLabels,
  type VersionTrial,
  versionTrial,
} from './versions-trials.ts';
import { root } from './zoo.ts';

const say = (text = '') => process.stdout.write(`${text}\n`);
const progress = (text: string) => process.stderr.write(`${text}\n`);

const seeds = 20;
/** What is needed: largest distance from the oracle, in points of accuracy. */
const neededPoints = 1;

const mean = (values: readonly number[]) => values.reduce((sum, one) => sum + one, 0) / values.length;
/** Student's t for 95 % and one degree of freedom less than the seeds. */
const studentT = 2.093;

/** Half the length of the 95 % interval of the mean of all seeds. */
function uncertainty(values: readonly number[]): number {
  const middle = mean(values);
  return studentT * Math.sqrt(mean(values.map((one) => (one - middle) ** 2)) / (values.length - 1));
}

const verdictOf = (values: readonly number[], needed: number): string => {
  const middle = mean(values);
  if (middle >= needed) return 'met';
  return middle + uncertainty(values) >= needed ? 'missed, within the interval' : 'not met';
};

/** Accuracy of each seed in a phase, in %. @param settled true: after the first labels of the phase */
const accuracies = (trials: readonly VersionTrial[], m: Mechanism, p: number, settled: boolean): number[] =>
  trials.map(({ phases: found, right }) => {
    const phase = found[p] as VersionTrial['phases'][number];
    return 100 * accuracyIn(right[m], settled ? phase.settled : phase.from, phase.to);
  });

function report(name: string, trials: readonly VersionTrial[]): void {
  for (const settled of [false, true]) {
    say(
      `\n${name}: accuracy in %, ${settled ? `after ${settledLabels} labels of the phase` : 'whole phases'}, mean of ${seeds} seeds\n`,
    );
    const rows = phases.map((condition, p) => [
      `${p + 1} ${conditions[condition]?.name}`,
      ...mechanisms.map((m) => mean(accuracies(trials, m, p, settled)).toFixed(1)),
    ]);
    say(table(rows, { head: ['phase', ...mechanisms] }));
  }
  const swaps = mechanisms.slice(1, 4).map((m) => `${m} ${mean(trials.map((t) => t.swaps[m])).toFixed(1)}`);
  say(`\nlabels of a stream ${mean(trials.map((t) => t.labels)).toFixed(0)}; swaps: ${swaps.join(', ')}`);
  judge(name, trials);
}

/** Prints the needed figures, and the worst of single runs. */
function judge(name: string, trials: readonly VersionTrial[]): void {
  const differences = (other: Mechanism, settled: boolean) =>
    phases.map((_, p) => {
      const theirs = accuracies(trials, other, p, settled);
      return accuracies(trials, 'recommended', p, settled).map((mine, i) => mine - (theirs[i] as number));
    });
  const worst = (all: readonly number[][]) => all.reduce((lowest, one) => (mean(one) < mean(lowest) ? one : lowest));
  const rows = [
    ['oracle', true, -neededPoints],
    ['oracle', false, undefined],
    ['newest', true, 0],
    ['newest', false, undefined],
  ] as const;
  say(`\n${name}: the recommended version less another mechanism, in points; lowest phase\n`);
  say(
    table(
      rows.map(([other, settled, needed]) => {
        const all = differences(other, settled);
        const phase = worst(all);
        const shown = `${mean(phase).toFixed(2)} ± ${uncertainty(phase).toFixed(2)}`;
        const verdict = needed === undefined ? '' : `>= ${needed}: ${verdictOf(phase, needed)}`;
        return [other, settled ? `after ${settledLabels} labels` : 'whole phase', shown, minOf(all.flat()).toFixed(2), verdict];
      }),
      { head: ['less', 'windows', 'mean, 95 % interval', 'single run', 'needed of the mean'] },
    ),
  );
}

async function main(): Promise<void> {
  const folder = join(process.argv[2] ?? join(root, '..', 'shared', 'data'), 'har-uji');
  if (!existsSync(folder)) {
    progress(`no data at ${folder}`);
    return;
  }
  const results: { name: string; trials: VersionTrial[] }[] = [];
  for (const device of ['watch', 'phone'] satisfies Device[]) {
    const folds = await conditionFolds(folder, device);
    const trials = Array.from({ length: seeds }, (_, seed) => {
      const done = versionTrial(folds[seed % folds.length] as (typeof folds)[number], seed);
      progress(`har-${device}, seed ${seed}: done`);
      return done;
    });
    results.push({ name: `har-${device}`, trials });
  }
  for (const { name, trials } of results) report(name, trials);
  mkdirSync(join(root, 'out'), { recursive: true });
  writeFileSync(join(root, 'out/versions.svg'), await versionsPlot(results));
  progress('wrote out/versions.svg');
}

await main();
