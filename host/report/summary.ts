/**
 * Formats the summary of a run as a table.
 *
 * In: a RunSummary.  Out: lines of text, without a newline at the end.
 */
import type { TruthAt } from '../../assembly/bundle/manifest.ts';
import type { RunSummary } from './recorder.ts';
import { type Cell, table } from './table.ts';

/** How the truth of an output is taken from its window. */
const placeText: Record<TruthAt, string> = {
  majority: "compared with its window's majority",
  middle: "compared with its window's middle",
  end: "compared with its window's end",
  mean: "compared with its window's mean",
};

/** Formats the summary. @param unit unit of the outputs. */
export function summaryText(summary: RunSummary, unit?: string): string {
  const { microsecondsPerHop: us, framesPerSecond, timesRealTime, truth } = summary;
  const number = (x: number) => (x >= 100 ? Math.round(x).toLocaleString('en') : `${Number(x.toPrecision(3))}`);
  const seconds = summary.signalSeconds === undefined ? '' : ` (${number(summary.signalSeconds)} s)`;
  const rows: Cell[][] = [
    ['frames', `${summary.frames.toLocaleString('en')}${seconds}`],
    ['outputs', summary.outputs.toLocaleString('en')],
  ];
  const { outputsHeldBack, framesLeft } = summary.warmUp;
  if (outputsHeldBack > 0) rows.push(['held back', `${outputsHeldBack.toLocaleString('en')} outputs of the warm-up`]);
  if (summary.outputs === 0) rows.push(['first output', `after ${framesLeft.toLocaleString('en')} more frames`]);
  if (us) rows.push(['time per hop', `${number(us.median)} us median, ${number(us.p95)} us 95th percentile`]);
  if (framesPerSecond)
    rows.push([
      'speed',
      `${number(framesPerSecond)} frames/s${timesRealTime ? `, ${number(timesRealTime)} times real time` : ''}`,
    ]);
  if (summary.labels)
    rows.push([
      'labels',
      Object.entries(summary.labels)
        .sort((a, b) => b[1] - a[1])
        .slice(0, 8)
        .map(([label, count]) => `${label} ${count}`)
        .join(', '),
    ]);
  if (summary.heard) {
    const words = Object.entries(summary.heard).map(([label, count]) => `${label} ${count}`);
    rows.push(['heard', words.join(', ')]);
  }
  if (truth) {
    const { mae, accuracy } = truth;
    const found =
      mae !== undefined
        ? `mean absolute error ${number(mae)}${unit ? ` ${unit}` : ''}`
        : accuracy !== undefined
          ? `accuracy ${(100 * accuracy).toFixed(1)} %`
          : 'not known for any output';
    rows.push([`truth (${truth.column})`, `${found}, ${truth.outputs} outputs, ${placeText[truth.at]}`]);
  }
  return table(rows);
}
