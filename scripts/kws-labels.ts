/**
 * Labels for the windows of the kws demo's minute, out of its script: what `runlet quantize --eval` judges
 * by.
 *
 * In: models/zoo/kws/demo.json.  Out: models/zoo/kws/demo-labels.json, one label a window of 49 rows of 20 ms
 * every 25 rows (0.5 s). A window that holds one word whole and touches no other speech is that word; another
 * word, or a part of a sentence, is `_unknown_`; no speech is `_silence_`; anything cut in two has no label.
 * node --import tsx scripts/kws-labels.ts
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

interface Speech {
  start: number;
  end: number;
}

export interface Script {
  seconds: number;
  words: (Speech & { word: string })[];
  distractors: Speech[];
  sentences: Speech[];
}

const rowSeconds = 0.02;
const frameSeconds = 0.025;
export const windowRows = 49;
export const hopRows = 25;

export function labelsOf({ seconds, words, distractors, sentences }: Script): (string | null)[] {
  const rows = Math.floor((seconds - frameSeconds) / rowSeconds + 1e-9) + 1;
  const spoken = [
    ...words.map((s) => ({ ...s, label: s.word, whole: true })),
    ...distractors.map((s) => ({ ...s, label: '_unknown_', whole: true })),
    ...sentences.map((s) => ({ ...s, label: '_unknown_', whole: false })),
  ];
  return Array.from({ length: Math.floor((rows - windowRows) / hopRows) + 1 }, (_, n) => {
    const from = n * hopRows * rowSeconds;
    const to = from + (windowRows - 1) * rowSeconds + frameSeconds;
    const heard = spoken.filter((s) => s.end > from && s.start < to);
    const [only] = heard;
    if (!only) return '_silence_';
    const fits = only.whole ? only.start >= from && only.end <= to : only.start <= from && only.end >= to;
    return heard.length === 1 && fits ? only.label : null;
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = new URL('../models/zoo/kws/', import.meta.url);
  const script = JSON.parse(readFileSync(new URL('demo.json', folder), 'utf8')) as Script;
  writeFileSync(new URL('demo-labels.json', folder), `${JSON.stringify({ labels: labelsOf(script) })}\n`);
}
