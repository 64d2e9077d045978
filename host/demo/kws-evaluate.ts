/**
 * npm run eval:kws [-- DIR]: computes the figures of models/zoo/kws/card.md.
 *
 * In: Speech Commands development clips in DIR (default ../shared/data/gsc12-test), the networks of five
 * folds in all sizes, and sentences of talk.csv spoken by espeak-ng.  Out, for each size: accuracy per fold
 * on held-out speakers (float windowed, int8 windowed, int8 streamed), and what an answer costs; the
 * confusion of the streamed answers of the largest; detection: false accepts per hour in two hours of
 * sentences and noise, and hits on held-out clips between such sentences. Parts whose clips or espeak-ng are
 * missing are left out with a notice.
 */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { append } from '../../models/lists.ts';
import { uniform } from '../../models/xorshift.ts';
import { manifestFields } from '../command/load.ts';
import { type Cell, table } from '../report/table.ts';
import type { Session } from '../session/index.ts';
import { type Found, judge } from './kws-accuracy.ts';
import { type Clip, folds, labels, readClips, tunes } from './kws-clips.ts';
import { count, detect, type Rule, scoresOf, type Word } from './kws-detect.ts';
import { hop, openSound, rateHz, readFloat, root, rowsPerSecond, sizes, toInt8, zoo } from './kws-model.ts';
import { embedded, running } from './kws-running.ts';
import { hasEspeak, readTalk } from './kws-speech.ts';
import { costHead, costOf } from './size-costs.ts';

const say = (text = '') => process.stdout.write(`${text}\n`);
const progress = (text: string) => process.stderr.write(`${text}\n`);
const percent = (share: number) => (100 * share).toFixed(2);
const share = (found: readonly Found[], which: 'float' | 'windowed' | 'streamed') =>
  found.filter((f) => f[which] === f.label).length / found.length;

const foldFile = (fold: number, size = '') => `folds/fold-${fold}${size}.onnx`;

const soundOf = async (file: string): Promise<Session> => (await openSound(toInt8(await readFloat(file)))).session;

function confusion(found: readonly Found[]): string {
  const head = ['said', ...labels.map((l) => l.replaceAll('_', '')), 'right %'];
  const rows = labels.map((name, label) => {
    const mine = found.filter((f) => f.label === label);
    const counts = labels.map((_, as) => mine.filter((f) => f.streamed === as).length || '');
    return [name.replaceAll('_', ''), ...counts, percent(share(mine, 'streamed'))];
  });
  return table(rows, { head });
}

/** Judges the networks of a size. Returns the answers of all folds. */
async function accuracy(clips: readonly Clip[], size: string): Promise<Found[]> {
  const all: Found[] = [];
  const rows: (string | number)[][] = [];
  for (let fold = 0; fold < folds; fold++) {
    const kept = clips.filter((c) => c.fold === fold);
    const found = await judge(await readFloat(foldFile(fold, size)), kept);
    append(all, found);
    const speakers = new Set(kept.filter((c) => c.label > 0).map((c) => c.speaker)).size;
    rows.push([
      fold,
      kept.length,
      speakers,
      ...(['float', 'windowed', 'streamed'] as const).map((w) => percent(share(found, w))),
    ]);
    progress(`fold ${fold}${size}: ${rows.at(-1)?.slice(3).join(' ')}`);
  }
  const mean = (column: number) => (rows.reduce((sum, r) => sum + Number(r[column]), 0) / folds).toFixed(2);
  const speakers = new Set(clips.filter((c) => c.label > 0).map((c) => c.speaker)).size;
  rows.push(['mean', clips.length, speakers, mean(3), mean(4), mean(5)]);
  say(`\nkws${size}: accuracy in %, on held-out speakers\n`);
  say(table(rows, { head: ['fold', 'clips', 'speakers', 'float windowed', 'int8 windowed', 'int8 streamed'] }));
  return all;
}

const plainRules: Rule[] = [
  [0.5, 4],
  [0.7, 4],
  [0.9, 4],
  [0.7, 6],
].map(([cutoff, slidingWindow]) => ({ cutoff, slidingWindow, refractoryMs: 1000 }) as Rule);

async function detection(clips: readonly Clip[]): Promise<void> {
  const lines = readTalk(join(zoo, 'talk.csv'));
  const session = await soundOf('kws.onnx');
  const talk = scoresOf(session, running(lines));
  const hours = talk.samples / rateHz / 3600;
  progress(`${hours.toFixed(2)} hours of sentences and noise`);
  const streams: { foldSession: Session; words: Word[]; scores: Float32Array[]; hours: number }[] = [];
  for (let fold = 0; fold < folds && clips.length > 0; fold++) {
    const words: Word[] = [];
    const kept = clips.filter((c) => c.fold === fold && c.label > 1 && !tunes(c.speaker));
    const part = lines.filter((_, i) => i % folds === fold);
    const foldSession = await soundOf(foldFile(fold));
    const { scores, samples } = scoresOf(foldSession, embedded(kept, running(part, 9), uniform(fold + 1), words));
    streams.push({ foldSession, words, scores, hours: samples / rateHz / 3600 });
    progress(`fold ${fold}: ${words.length} words in ${(samples / rateHz / 60).toFixed(0)} minutes`);
  }
  const total = streams.reduce((sum, s) => sum + s.words.length, 0);
  const rows = [...plainRules, manifestFields(await readFloat('kws.onnx')).detector as Rule].map((rule, i) => {
    const wrong = detect(session.manifest, talk.scores, rule).length;
    const counts = streams.map((s) => count(s.words, detect(s.foldSession.manifest, s.scores, rule)));
    const hits = counts.reduce((sum, c) => sum + c.hits, 0);
    const others = counts.reduce((sum, c) => sum + c.falseAccepts.length, 0);
    const embeddedHours = streams.reduce((sum, s) => sum + s.hours, 0);
    return [
      i < plainRules.length ? rule.cutoff : 'of each word',
      rule.slidingWindow,
      wrong,
      (wrong / hours).toFixed(1),
      total ? percent(hits / total) : '',
      total ? (others / embeddedHours).toFixed(1) : '',
    ];
  });
  say(
    `\ndetection: ${hours.toFixed(2)} hours of sentences and noise that no network was trained on (kws.onnx); ${total} held-out words between such sentences (folds)\n`,
  );
  say(table(rows, { head: ['cutoff', 'outputs', 'false accepts', 'per hour', 'hits %', 'wrong per hour, with words'] }));
}

async function costs(): Promise<string> {
  const rows: Cell[][] = [];
  for (const size of sizes) {
    const network = { model: 'kws', name: `kws${size}`, calibration: 'calib.npy', hop, rateHz: rowsPerSecond };
    rows.push([network.name, ...(await costOf(network))]);
  }
  return table(rows, { head: ['model', ...costHead] });
}

async function main(): Promise<void> {
  const folder = process.argv[2] ?? join(root, '..', 'shared', 'data', 'gsc12-test');
  const clips = existsSync(folder) ? readClips(folder) : [];
  if (clips.length === 0) progress(`no Speech Commands clips at ${folder}: accuracy and hits are left out`);
  else {
    for (const [i, size] of sizes.entries()) {
      const found = await accuracy(clips, size);
      if (i === 0) say(`\nanswers of int8 streamed, all folds\n\n${confusion(found)}`);
    }
    say(`\n${await costs()}`);
  }
  if (hasEspeak()) await detection(clips);
  else progress('espeak-ng is not installed: false accepts are left out');
}

await main();
