/**
 * Makes labels for the windows of the kws demo from its script, for `runlet quantize --eval`.
 *
 * In: models/zoo/kws/demo.json.  Out: models/zoo/kws/demo-labels.json, one label per window; a window of 49
 * rows of 20 ms starts every 25 rows (0.5 s). The label of a window with exactly one complete word is this
 * word, or `_unknown_` for a distractor. A window inside a sentence is `_unknown_`, a window without speech
 * is `_silence_`. All other windows, such as those with a cut word, have no label.
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
