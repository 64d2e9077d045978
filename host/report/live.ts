/**
 * Shows a running run on a terminal: one line with progress bar, time, latest output and a sparkline.
 *
 * In: outputs as they come.  Out: a line on stderr, redrawn at most 15 times per second by cli-progress;
 * stdout stays free for results. If the length is unknown, there is no bar.
 */

import type { SingleBar } from 'cli-progress';
import { printable } from '../../models/printable.ts';
import type { Track } from '../sources/source.ts';
import { sparkline } from './sparkline.ts';
import { rawStream } from './terminal.ts';

export interface LiveOptions {
  totalFrames?: number;
  rateHz?: number;
  unit?: string;
  stream: NodeJS.WriteStream;
}

/** Number of values in the sparkline. */
const shownOutputs = 24;

export class Live {
  #bar: SingleBar;
  #options: LiveOptions;
  #latest = '';

  private constructor(bar: SingleBar, options: LiveOptions) {
    this.#bar = bar;
    this.#options = options;
  }

  static async start(options: LiveOptions): Promise<Live> {
    const { default: progress } = await import('cli-progress');
    const known = options.totalFrames !== undefined;
    const bar = new progress.SingleBar({
      format: `${known ? '{bar} {percentage}% ' : ''}{time}  {latest}`,
      barCompleteChar: '█',
      barIncompleteChar: '░',
      barsize: 20,
      fps: 15,
      stream: rawStream(options.stream),
      linewrap: false,
      gracefulExit: false,
    });
    bar.start(options.totalFrames ?? 0, 0, { time: '', latest: '' });
    return new Live(bar, options);
  }

  /** Sets the latest output. @param label replaces the number. @param track values for the sparkline. */
  output(label: string | undefined, value: number, track: Track): void {
    const { unit } = this.#options;
    const text = label ?? `${value.toFixed(2)}${unit ? ` ${unit}` : ''}`;
    const recent = track.values.subarray(Math.max(0, track.length - shownOutputs), track.length);
    this.#latest = `${printable(text).padEnd(12)} ${sparkline(recent, shownOutputs)}`;
  }

  /** Redraws the line. @param frames number of frames so far. */
  progress(frames: number): void {
    const { rateHz } = this.#options;
    const time = rateHz ? `${(frames / rateHz).toFixed(1)} s` : `frame ${frames}`;
    this.#bar.update(frames, { time: time.padStart(9), latest: this.#latest });
  }

  /** Ends the line. */
  stop(): void {
    this.#bar.stop();
  }
}
