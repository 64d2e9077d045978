/**
 * npm run eval:ecg [-- DIR] [--float]: computes the figures of models/zoo/ecg/card.md.
 *
 * In: records in DIR (default ../shared/data/mitdb-mlii), the networks of five folds and their weights for
 * the kinds of beats.  Out, for whole held-out records: sensitivity and precision of each class, per fold and
 * in total, int8 streamed and with --float also float (some minutes); the same by the scores only; the
 * confusion; V per record.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { table } from '../report/table.ts';
import { addBeats, beatsOf, classes, emptyTable, figuresOf, folds, hop, kindWeights, readRecords } from './ecg-records.ts';
import { floatScores, moduleScores, openInt8, readFloat, root, toInt8, zooArray } from './zoo.ts';

const say = (text = '') => process.stdout.write(`${text}\n`);
const percent = (x: number) => (Number.isFinite(x) ? (100 * x).toFixed(2) : '-');
const add = (to: number[][], from: number[][]) => {
  for (const [i, row] of from.entries()) for (const [j, n] of row.entries()) (to[i] as number[])[j] = (to[i]?.[j] as number) + n;
};

function line(name: string | number, records: number, kind: string, counts: number[][]): (string | number)[] {
  const { accuracy, sensitivity, precision } = figuresOf(counts);
  const beats = counts.slice(0, 4).flat();
  return [
    name,
    records,
    beats.reduce((a, b) => a + b, 0),
    kind,
    percent(accuracy),
    ...classes.flatMap((_, c) => [percent(sensitivity[c] as number), percent(precision[c] as number)]),
  ];
}

async function main(folder: string, kinds: readonly ('float' | 'int8')[]): Promise<void> {
  const records = readRecords(folder);
  const calibration = zooArray('ecg', 'calib.npy').data as Float32Array;
  const sums = { float: emptyTable(), int8: emptyTable() };
  const scoresOnly = emptyTable();
  const rows: (string | number)[][] = [];
  const perRecord: (string | number)[][] = [];
  let seconds = 0;
  for (let fold = 0; fold < folds; fold++) {
    const graph = await readFloat('ecg', `folds/fold-${fold}.onnx`);
    const { session } = await openInt8(toInt8(graph, hop, calibration), { hop });
    const weights = kindWeights(fold);
    const foldTables = { float: emptyTable(), int8: emptyTable() };
    const kept = records.filter((r) => r.fold === fold);
    for (const { name, signal, marks } of kept) {
      if (kinds.includes('float')) {
        const float = floatScores(graph, hop, signal);
        addBeats(foldTables.float, beatsOf(signal, float, weights), marks, float.length);
      }
      const began = performance.now();
      const int8 = moduleScores(session, signal);
      const beats = beatsOf(signal, int8, weights);
      seconds += (performance.now() - began) / 1000;
      addBeats(scoresOnly, beatsOf(signal, int8), marks, int8.length);
      const recordTable = emptyTable();
      addBeats(recordTable, beats, marks, int8.length);
      add(foldTables.int8, recordTable);
      const { sensitivity, precision } = figuresOf(recordTable);
      const there = (recordTable[2] as number[]).reduce((a, b) => a + b, 0);
      if (there >= 10) perRecord.push([name, there, percent(sensitivity[2] as number), percent(precision[2] as number)]);
      process.stderr.write(`fold ${fold}, record ${name}\n`);
    }
    for (const kind of kinds) {
      add(sums[kind], foldTables[kind]);
      rows.push(line(fold, kept.length, kind, foldTables[kind]));
    }
  }
  for (const kind of kinds) rows.push(line('all', records.length, kind, sums[kind]));
  rows.push(line('all', records.length, 'int8, scores only', scoresOnly));
  say('beats of held-out records; sensitivity and precision in %\n');
  say(table(rows, { head: ['fold', 'records', 'beats', '', 'accuracy', ...classes.flatMap((c) => [`${c} sens`, `${c} prec`])] }));
  say('\nfound by int8, all folds\n');
  const names = [...classes, 'Q', 'no beat'];
  say(
    table(
      sums.int8.map((row, i) => [names[i] as string, ...row.map((n) => n || '')]),
      { head: ['is', ...classes, 'missed'] },
    ),
  );
  say('\nV per record with at least 10 of them, int8\n');
  say(table(perRecord, { head: ['record', 'V', 'sens', 'prec'] }));
  const hours = records.reduce((sum, r) => sum + r.signal.length, 0) / 180 / 3600;
  say(`\n${hours.toFixed(1)} hours of signal in ${seconds.toFixed(1)} s of streaming`);
}

const { values, positionals } = parseArgs({ allowPositionals: true, options: { float: { type: 'boolean' } } });
const folder = positionals[0] ?? join(root, '..', 'shared', 'data', 'mitdb-mlii');
if (existsSync(folder)) await main(folder, values.float ? ['float', 'int8'] : ['int8']);
else say(`no records at ${folder}: npm run eval:ecg -- DIR with the folder that models/zoo/ecg/records.py describes`);
