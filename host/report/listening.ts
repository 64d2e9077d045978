/**
 * What people see of models that listen: a line for each word, and below it, while sound comes in, a line
 * with time, level and means.
 *
 * In: what a Listener reports.  Out: words on stdout, the moving line on stderr, redrawn at most 15 times a
 * second.
 */

import type { ListeningCount, ListeningModel } from '../session/index.ts';
import { type Cell, table } from './table.ts';
import { emptyLine } from './terminal.ts';

/** Colours as picocolors has them. */
export interface Colours {
  bold(text: string): string;
  dim(text: string): string;
  green(text: string): string;
  yellow(text: string): string;
  cyan(text: string): string;
}

const secondsText = (timeMs: number): string => `${(timeMs / 1000).toFixed(2)} s`.padStart(10);

const bar = (share: number, columns: number): string => {
  const filled = Math.round(Math.min(1, Math.max(0, share)) * columns);
  return `${'█'.repeat(filled)}${'░'.repeat(columns - filled)}`;
};

/** A word that was heard. */
export const heardLine = (label: string, timeMs: number, probability: number, colours: Colours): string =>
  `${secondsText(timeMs)}  ${colours.green('●')} ${colours.bold(label)}  ${colours.dim(probability.toFixed(2))}`;

/** A word without voice. */
export const blockedLine = (label: string, timeMs: number, probability: number, colours: Colours): string =>
  colours.dim(`${secondsText(timeMs)}  ○ ${label}  ${probability.toFixed(2)}, but no voice`);

/** Loudness of samples, 0 to 1 over the 60 dB below full scale. */
export function level(samples: Float32Array): number {
  let sum = 0;
  for (const x of samples) sum += x * x;
  return Math.max(0, 1 + (10 * Math.log10(sum / Math.max(1, samples.length) + 1e-12)) / 60);
}

export class LiveListening {
  #stream: NodeJS.WriteStream;
  #models: readonly ListeningModel[];
  #colours: Colours;
  #drawn = 0;
  #shown = false;

  constructor(stream: NodeJS.WriteStream, models: readonly ListeningModel[], colours: Colours) {
    this.#stream = stream;
    this.#models = models;
    this.#colours = colours;
  }

  /** Before something else is printed. */
  clear(): void {
    if (this.#shown) this.#stream.write(emptyLine(this.#stream));
    this.#shown = false;
  }

  /** The moving line. @param loudness 0 to 1 */
  draw(timeMs: number, loudness: number, force = false): void {
    const now = performance.now();
    if (!force && now - this.#drawn < 1000 / 15) return;
    this.#drawn = now;
    const { dim, cyan, yellow } = this.#colours;
    const room = Math.max(40, this.#stream.columns ?? 80);
    const parts = [dim(secondsText(timeMs)), `  ${dim('sound')} ${cyan(bar(loudness, 8))}`];
    let used = 10 + 2 + 6 + 8;
    for (const { name, detector } of this.#models) {
      if (!detector) continue;
      const label = detector.voice ? 'voice' : name;
      used += label.length + 3 + 8;
      if (used >= room) break;
      const text = bar(detector.mean, 8);
      parts.push(`  ${dim(label)} ${detector.active ? yellow(text) : text}`);
    }
    this.#stream.write(`${emptyLine(this.#stream)}${parts.join('')}`);
    this.#shown = true;
  }
}

export interface ListeningSummary {
  source: string;
  seconds: number;
  models: {
    name: string;
    outputs: number;
    /** How often each label was heard, and how often a word did not count for want of voice. */
    heard?: Record<string, number>;
    blocked?: number;
    /** Share of outputs at which there was voice. */
    voice?: number;
    microsecondsPerOutput?: number;
  }[];
  frontEnds: { name: string; rows: number; microsecondsPerRow?: number }[];
  /** Speed of computing, without waiting for the source. */
  timesRealTime?: number;
}

export const perOutput = ({ outputs, milliseconds }: ListeningCount): number | undefined =>
  outputs > 0 ? Number(((1000 * milliseconds) / outputs).toPrecision(4)) : undefined;

const times = (n: number, what: string): string => `${n.toLocaleString('en')} ${what}${n === 1 ? '' : 's'}`;

/** The summary as a table. */
export function listeningText({ seconds, models, frontEnds, timesRealTime }: ListeningSummary): string {
  const cost = (us: number | undefined, of: string) =>
    us === undefined ? '' : `${us < 10 ? us.toFixed(1) : Math.round(us)} us ${of}`;
  const rows: Cell[][] = [['sound', `${seconds.toFixed(2)} s`, '', '']];
  for (const { name, rows: count, microsecondsPerRow } of frontEnds)
    rows.push(['front end', name, times(count, 'row'), cost(microsecondsPerRow, 'a row')]);
  for (const { name, outputs, heard, blocked, voice, microsecondsPerOutput } of models) {
    const words = Object.entries(heard ?? {}).map(
      ([label, n]) => `${label} ${n === 1 ? 'once' : n === 2 ? 'twice' : `${n} times`}`,
    );
    const found =
      voice !== undefined
        ? `voice ${Math.round(100 * voice)} % of the time`
        : heard
          ? `${words.length > 0 ? words.join(', ') : 'nothing'} heard${blocked ? `, ${blocked} without voice` : ''}`
          : '';
    rows.push([name, found, times(outputs, 'output'), cost(microsecondsPerOutput, 'an output')]);
  }
  if (timesRealTime !== undefined)
    rows.push(['speed', `${Math.round(timesRealTime).toLocaleString('en')} times real time`, '', '']);
  return table(rows);
}
