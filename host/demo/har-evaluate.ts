/**
 * npm run eval:har [-- DIR]: computes the figures of models/zoo/har/card.md.
 *
 * In: recordings in DIR (default ../shared/data/har-uji) and the networks of four folds of each device and
 * size.  Out: accuracy on held-out subjects with one answer per hop (float, int8 windowed, int8 streamed),
 * per fold and per subject; the confusion of the streamed answers; the sizes of the watch's network with
 * their accuracy and cost.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { table } from '../report/table.ts';
import { type Device, folds, frameOf, hop, readSubjects } from './har-recordings.ts';
import { costHead, costOf } from './size-costs.ts';
import { confusionOf, floatScores, moduleScores, openInt8, readFloat, root, toInt8, zooArray } from './zoo.ts';

const say = (text = '') => process.stdout.write(`${text}\n`);
const labels = ['seated', 'standing up', 'walking', 'turning', 'sitting down'];
const kinds = ['float', 'int8 windowed', 'int8 streamed'] as const;
type Counts = number[][];

const empty = (): Counts => labels.map(() => labels.map(() => 0));
const add = (to: Counts, from: Counts) => {
  for (const [i, row] of from.entries()) for (const [j, n] of row.entries()) (to[i] as number[])[j] = (to[i]?.[j] as number) + n;
};
const total = (counts: Counts) => counts.flat().reduce((a, b) => a + b, 0);
const share = (counts: Counts) => counts.reduce((sum, row, i) => sum + (row[i] as number), 0) / total(counts);
const percent = (x: number) => (100 * x).toFixed(2);

/** Mean F1 of the classes. */
function macroF1(counts: Counts): number {
  const f1 = counts.map((row, i) => {
    const found = counts.reduce((sum, r) => sum + (r[i] as number), 0);
    const there = row.reduce((a, b) => a + b, 0);
    return (2 * (row[i] as number)) / (found + there);
  });
  return f1.reduce((a, b) => a + b, 0) / f1.length;
}

/** Judges the networks of four folds. @param name `watch`, or `watch-small`. @returns accuracies by kind. */
async function judge(folder: string, device: Device, name: string): Promise<number[]> {
  const subjects = readSubjects(folder, device);
  const calibration = zooArray('har', `calib-${device}.npy`).data as Float32Array;
  const sums = Object.fromEntries(kinds.map((k) => [k, empty()])) as Record<(typeof kinds)[number], Counts>;
  const perSubject: [name: string, accuracy: number][] = [];
  const rows: (string | number)[][] = [];
  for (let fold = 0; fold < folds; fold++) {
    const graph = await readFloat('har', `folds/${name}-${fold}.onnx`);
    const int8 = toInt8(graph, hop, calibration);
    const streamed = (await openInt8(int8, { hop })).session;
    const windowed = (await openInt8(int8, { hop, mode: 'windowed' })).session;
    const foldCounts = Object.fromEntries(kinds.map((k) => [k, empty()])) as typeof sums;
    const kept = subjects.filter((s) => s.fold === fold);
    for (const { name: subject, signal, labels: truth } of kept) {
      const count = (scores: Float32Array[]) => confusionOf(scores, (n) => truth[frameOf(n)] as number, labels.length);
      const found = {
        float: count(floatScores(graph, hop, signal)),
        'int8 windowed': count(moduleScores(windowed, signal)),
        'int8 streamed': count(moduleScores(streamed, signal)),
      };
      for (const k of kinds) add(foldCounts[k], found[k]);
      perSubject.push([subject, share(found['int8 streamed'])]);
    }
    for (const k of kinds) add(sums[k], foldCounts[k]);
    rows.push([
      fold,
      kept.map((s) => s.name).join(' '),
      total(foldCounts.float),
      ...kinds.map((k) => percent(share(foldCounts[k]))),
    ]);
  }
  rows.push(['all', `${subjects.length} subjects`, total(sums.float), ...kinds.map((k) => percent(share(sums[k])))]);
  say(`\n${name}: accuracy in %, on held-out subjects\n`);
  say(table(rows, { head: ['fold', 'subjects', 'answers', ...kinds] }));
  const sorted = perSubject.map(([, a]) => a).sort((a, b) => a - b);
  const middle = ((sorted[sorted.length / 2 - 1] as number) + (sorted[sorted.length / 2] as number)) / 2;
  say(
    `\nper subject, int8 streamed: lowest ${percent(sorted[0] as number)}, median ${percent(middle)}; macro F1 ${macroF1(sums['int8 streamed']).toFixed(3)}\n`,
  );
  const confusion = sums['int8 streamed'].map((row, i) => [
    labels[i] as string,
    ...row.map((n) => n || ''),
    percent((row[i] as number) / row.reduce((a, b) => a + b, 0)),
  ]);
  say(table(confusion, { head: ['is', ...labels, 'right %'] }));
  return kinds.map((k) => share(sums[k]));
}

/** Judges every size of the watch's network, and prints their accuracies and costs. */
async function judgeSizes(folder: string): Promise<void> {
  const accuracies: (string | number)[][] = [];
  const costs: (string | number)[][] = [];
  for (const name of ['watch', 'watch-small', 'watch-tiny']) {
    accuracies.push([`har-${name}`, ...(await judge(folder, 'watch', name)).map(percent)]);
    costs.push([
      `har-${name}`,
      ...(await costOf({ model: 'har', name: `har-${name}`, calibration: 'calib-watch.npy', hop, rateHz: 50 })),
    ]);
  }
  say('\nsizes: accuracy in %, on held-out subjects, all folds\n');
  say(table(accuracies, { head: ['size', ...kinds] }));
  say('\nsizes: cost of an answer\n');
  say(table(costs, { head: ['size', ...costHead] }));
}

const folder = process.argv[2] ?? join(root, '..', 'shared', 'data', 'har-uji');
if (!existsSync(folder))
  say(`no recordings at ${folder}: npm run eval:har -- DIR with the folder that models/zoo/har/recordings.py describes`);
else {
  await judgeSizes(folder);
  await judge(folder, 'phone', 'phone');
}
