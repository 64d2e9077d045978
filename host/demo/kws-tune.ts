/**
 * npm run tune:kws -- TUNE.csv [DIR]: chooses the rule of detection of models/zoo/kws, a cutoff for each
 * word.
 *
 * In: sentences of the part `tune` (models/zoo/kws/talk.py --tune), and Speech Commands clips in DIR (default
 * ../shared/data/gsc12-test).  Out: the detector for export.py. False accepts are counted on the sentences,
 * by kws.onnx. Hits are counted on words of half of the speakers, set between the sentences, by the networks
 * that were not trained on them. `npm run eval:kws` judges with other sentences and the other half of the
 * speakers.
 *
 * Each word's cutoff is the one with the most hits, less confusions, less `price` times the false accepts.
 * The price is the lowest at which all words together are heard wrongly at most `allowed` times an hour.
 */

import { join } from 'node:path';
import { uniform } from '../../models/xorshift.ts';
import { table } from '../report/table.ts';
import { type Clip, folds, labels, readClips, tunes } from './kws-clips.ts';
import { count, detect, type Rule, scoresOf, type Word } from './kws-detect.ts';
import { openSound, rateHz, readFloat, root, toInt8 } from './kws-model.ts';
import { embedded, running } from './kws-running.ts';
import { readTalk } from './kws-speech.ts';

const allowed = 1;
const slidingWindows = [4, 5, 6, 8];
const refractoryMs = 1000;
const cutoffs = Array.from({ length: 33 }, (_, i) => (0.35 + 0.02 * i).toFixed(2)).map(Number);

interface Stream {
  manifest: Parameters<typeof detect>[0];
  scores: Float32Array[];
  words: Word[];
  hours: number;
}

/** Figures of one word at one cutoff. */
interface Point {
  cutoff: number;
  hits: number;
  confused: number;
  wrong: number;
}

async function streamOf(file: string, sound: (words: Word[]) => Iterable<Int16Array>): Promise<Stream> {
  const { session } = await openSound(toInt8(await readFloat(file)));
  const words: Word[] = [];
  const { scores, samples } = scoresOf(session, sound(words));
  process.stderr.write(`${file}: ${(samples / rateHz / 60).toFixed(0)} minutes\n`);
  return { manifest: session.manifest, scores, words, hours: samples / rateHz / 3600 };
}

function pointsOf(label: string, slidingWindow: number, talk: Stream, said: readonly Stream[]): Point[] {
  return cutoffs.map((cutoff) => {
    const rule: Rule = { cutoff, slidingWindow, refractoryMs, label };
    const wrong = detect(talk.manifest, talk.scores, rule).length;
    const counts = said.map((s) =>
      count(
        s.words.filter((w) => w.word === label),
        detect(s.manifest, s.scores, rule),
      ),
    );
    const sum = (of: (c: (typeof counts)[number]) => number) => counts.reduce((total, c) => total + of(c), 0);
    return { cutoff, hits: sum((c) => c.hits), confused: sum((c) => c.falseAccepts.length), wrong };
  });
}

const best = (points: readonly Point[], price: number): Point =>
  points.reduce((a, b) => {
    const value = (p: Point) => p.hits - p.confused - price * p.wrong;
    return value(b) > value(a) ? b : a;
  });

/** The points of all words at the lowest price that keeps the false accepts within the limit. */
function chosen(all: readonly Point[][], hours: number): Point[] {
  for (let price = 0.1; ; price *= 1.2) {
    const points = all.map((p) => best(p, price));
    if (points.reduce((sum, p) => sum + p.wrong, 0) <= allowed * hours || price > 1e4) return points;
  }
}

async function main(): Promise<void> {
  const [file, folder = join(root, '..', 'shared', 'data', 'gsc12-test')] = process.argv.slice(2);
  if (!file) throw new Error('no sentences: models/zoo/kws/talk.py --talk 6000 --tune FILE.csv writes them');
  const lines = readTalk(file);
  const clips = readClips(folder).filter((c: Clip) => c.label > 1 && tunes(c.speaker));
  const talk = await streamOf('kws.onnx', () => running(lines));
  const said: Stream[] = [];
  for (let fold = 0; fold < folds; fold++) {
    const kept = clips.filter((c) => c.fold === fold);
    const part = lines.filter((_, i) => i % folds === fold);
    const sound = (words: Word[]) => embedded(kept, running(part, 9), uniform(fold + 1), words);
    said.push(await streamOf(`folds/fold-${fold}.onnx`, sound));
  }
  const total = said.reduce((sum, s) => sum + s.words.length, 0);
  const names = labels.slice(2);
  const rows = slidingWindows.map((slidingWindow) => {
    const points = chosen(
      names.map((label) => pointsOf(label, slidingWindow, talk, said)),
      talk.hours,
    );
    const sum = (of: (p: Point) => number) => points.reduce((all, p) => all + of(p), 0);
    const rule = Object.fromEntries(names.map((name, i) => [name, (points[i] as Point).cutoff]));
    process.stdout.write(`${JSON.stringify({ cutoff: 0.7, cutoffs: rule, slidingWindow, refractoryMs, output: 0 })}\n`);
    return [
      slidingWindow,
      `${((100 * sum((p) => p.hits)) / total).toFixed(1)} %`,
      sum((p) => p.confused),
      (sum((p) => p.wrong) / talk.hours).toFixed(2),
    ];
  });
  const head = ['mean of', `hits of ${total}`, 'confused', `false accepts an hour, in ${talk.hours.toFixed(2)} h`];
  process.stdout.write(`${table(rows, { head })}\n`);
}

await main();
