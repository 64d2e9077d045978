/**
 * Terminal output of models that listen: a line for each detected word, and below them a live line with time,
 * sound level and the detectors' means.
 *
 * In: reports of a Listener.  Out: words on stdout; the live line on stderr, redrawn at most 15 times per
 * second.
 */

import { append } from '../../models/lists.ts';
import type { GateSummary, ListeningCount, ListeningModel } from '../session/index.ts';
import { gateRows } from './gate.ts';
import { type Cell, table } from './table.ts';
import { emptyLine } from './terminal.ts';

/** Colour functions of picocolors. */
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

/** Formats a detected word. */
export const heardLine = (label: string, timeMs: number, probability: number, colours: Colours): string =>
  `${secondsText(timeMs)}  ${colours.green('●')} ${colours.bold(label)}  ${colours.dim(probability.toFixed(2))}`;

/** Formats a word that did not count because no voice was detected. */
export const blockedLine = (label: string, timeMs: number, probability: number, colours: Colours): string =>
  colours.dim(`${secondsText(timeMs)}  ○ ${label}  ${probability.toFixed(2)}, but no voice`);

/** Returns the loudness of samples: 0 at 60 dB below full scale, 1 at full scale. */
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

  /** Removes the live line, so that something else can be printed. */
  clear(): void {
    if (this.#shown) this.#stream.write(emptyLine(this.#stream));
    this.#shown = false;
  }

  /** Draws the live line. @param loudness 0 to 1. @param force true to draw at any rate. */
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
    /** Number of detections of each label. */
    heard?: Record<string, number>;
    /** Number of words that did not count because no voice was detected. */
    blocked?: number;
    /** Share of outputs at which there was voice. */
    voice?: number;
    microsecondsPerOutput?: number;
    gate?: GateSummary;
  }[];
  frontEnds: { name: string; rows: number; microsecondsPerRow?: number }[];
  /** Speed of computing relative to real time, without waiting for the source. */
  timesRealTime?: number;
}

export const perOutput = ({ outputs, milliseconds }: ListeningCount): number | undefined =>
  outputs > 0 ? Number(((1000 * milliseconds) / outputs).toPrecision(4)) : undefined;

const times = (n: number, what: string): string => `${n.toLocaleString('en')} ${what}${n === 1 ? '' : 's'}`;

/** Formats the summary as a table. */
export function listeningText({ seconds, models, frontEnds, timesRealTime }: ListeningSummary): string {
  const cost = (us: number | undefined, of: string) =>
    us === undefined ? '' : `${us < 10 ? us.toFixed(1) : Math.round(us)} us ${of}`;
  const gates: Cell[][] = [];
  const rows: Cell[][] = [['sound', `${seconds.toFixed(2)} s`, '', '']];
  for (const { name, rows: count, microsecondsPerRow } of frontEnds)
    rows.push(['front end', name, times(count, 'row'), cost(microsecondsPerRow, 'per row')]);
  for (const { name, outputs, heard, blocked, voice, microsecondsPerOutput, gate } of models) {
    const words = Object.entries(heard ?? {}).map(
      ([label, n]) => `${label} ${n === 1 ? 'once' : n === 2 ? 'twice' : `${n} times`}`,
    );
    const found =
      voice !== undefined
        ? `voice ${Math.round(100 * voice)} % of the time`
        : heard
          ? `heard ${words.length > 0 ? words.join(', ') : 'nothing'}${blocked ? `; ${blocked} without voice` : ''}`
          : '';
    rows.push([name, found, times(outputs, 'output'), cost(microsecondsPerOutput, 'per output')]);
    if (gate) append(gates, gateRows(name, gate));
  }
  if (timesRealTime !== undefined)
    rows.push(['speed', `${Math.round(timesRealTime).toLocaleString('en')} times real time`, '', '']);
  return gates.length > 0 ? `${table(rows)}\n${table(gates)}` : table(rows);
}
