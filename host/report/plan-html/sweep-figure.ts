/**
 * The figure of a sweep: the cost of every hop (or window), in panels over one axis: work per hop, work per
 * frame, state, look-ahead.
 *
 * In: a Sweep and a width.  Out: SVG text; colours are classes of sweep.css. Each dot is a plan; its colour
 * is the mode. Large dots are hops that are multiples of the total stride.
 */

import { append, maxOf, minOf } from '../../../models/lists.ts';
import type { Sweep, SweepRow } from '../../../models/report/sweep.ts';
import type { Mode } from '../../../models/stream/modes.ts';
import { axisTicks, escaped, number, plain, short } from '../design/text.ts';

export interface SweepView {
  sweep: Sweep;
  over: 'hop' | 'window';
  /** Hop or window to mark with a line. */
  mark?: number;
  rate?: number;
}

interface Panel {
  title: string;
  of: (row: SweepRow) => number;
  log: boolean;
}

const modes: Mode[] = ['stream', 'edge-exact', 'windowed', 'approx', 'misaligned'];

export function panelsOf({ sweep, over, rate }: SweepView): Panel[] {
  const perSecond = rate !== undefined;
  const frame: Panel = {
    title: perSecond ? 'MACs per second' : 'MACs per frame of the signal',
    of: (r) => r.macsPerFrame * (rate ?? 1),
    log: true,
  };
  const all: Panel[] = [
    { title: 'MACs per hop', of: (r) => r.macsPerHop, log: false },
    ...(over === 'hop'
      ? [frame]
      : [{ title: 'times less work than the whole window', of: (r: SweepRow) => r.macsPerWindow / r.macsPerHop, log: false }]),
    { title: 'state, bytes', of: (r) => r.stateBytes, log: over === 'hop' },
    { title: 'look-ahead, frames', of: (r) => r.delayFrames, log: false },
  ];
  return all.filter((p) => sweep.rows.some((r) => p.of(r) > 0));
}

interface Scale {
  at: (value: number) => number;
  ticks: number[];
}

/**
 * Makes a scale: linear from 0, or with `log` and a range of at least 4 logarithmic, over at most three
 * decades; smaller values are drawn on the base line.
 */
function scaleOf(values: number[], height: number, log: boolean): Scale {
  const top = maxOf(values);
  const bottom = Math.max(top / 1000, minOf(values.filter((v) => v > 0)));
  if (!log || top < 4 * bottom) {
    const ticks = axisTicks(top * 1.04, height > 100 ? 4 : 3);
    return { at: (v) => height - (height * v) / (top * 1.04), ticks };
  }
  const [low, high] = [Math.log10(bottom) - 0.05, Math.log10(top) + 0.05];
  const decades = high - low;
  const marks = decades > 3.5 ? [1] : decades > 1.2 ? [1, 3] : [1, 2, 3, 5];
  const ticks: number[] = [];
  for (let p = Math.floor(low); p <= Math.ceil(high); p++)
    append(
      ticks,
      marks.map((m) => m * 10 ** p),
    );
  const at = (v: number) => height * (1 - (Math.log10(Math.max(v, 10 ** low)) - low) / (high - low));
  return { at, ticks: ticks.filter((t) => Math.log10(t) >= low && Math.log10(t) <= high) };
}

/** Draws the dots of a mode as one path: lines of length 0 with round ends. */
const dots = (points: [number, number][], classes: string): string =>
  points.length === 0
    ? ''
    : `<path class="dot ${classes}" data-dots="${points.length}" d="${points.map(([x, y]) => `M${plain(Number(x.toFixed(1)))} ${plain(Number(y.toFixed(1)))}h0`).join('')}"/>`;

/** Makes the figure. Its data attributes map values to positions, for the page's tooltip. */
export function sweepSvg(view: SweepView, width: number): string {
  const { sweep, over, mark } = view;
  const narrow = width < 600;
  const [left, right, gap, height] = narrow ? [44, 12, 40, 120] : [64, 20, 44, 140];
  const values = sweep.rows.map((r) => r[over]);
  const maxValue = maxOf(values);
  const x = (value: number) => left + ((width - left - right) * value) / (maxValue * 1.01);
  const panels = panelsOf(view);
  const total = panels.length * (height + gap) + 24;
  const free = Math.floor(maxValue / sweep.totalStride);
  const lines =
    over === 'hop' && sweep.totalStride > 1 && free <= 40
      ? Array.from({ length: free }, (_, i) => (i + 1) * sweep.totalStride)
      : [];
  const drawn = panels.map((panel, i) => {
    const top = i * (height + gap) + gap - 12;
    const y = scaleOf(sweep.rows.map(panel.of), height, panel.log);
    const grid = y.ticks.map(
      (t) =>
        `<path class="grid" d="M${left} ${plain(top + y.at(t))}H${width - right}"/><text class="tick" x="${left - 8}" y="${plain(top + y.at(t) + 4)}" text-anchor="end">${short(t)}</text>`,
    );
    const uprights = lines.map((v) => `<path class="free" d="M${plain(x(v))} ${top}v${height}"/>`);
    const points = modes.flatMap((mode) =>
      [false, true].map((isFree) => {
        const ofMode = sweep.rows.filter((r) => r.mode === mode && r.free === isFree);
        const shown: [number, number][] = ofMode.map((r) => [x(r[over]), top + y.at(panel.of(r))]);
        return dots(shown, `${mode} ${isFree && sweep.totalStride > 1 && over === 'hop' ? 'big' : ''}`);
      }),
    );
    const marked = mark === undefined ? '' : `<path class="mark" d="M${plain(x(mark))} ${top}v${height}"/>`;
    return `<text class="title" x="${left}" y="${top - 10}">${escaped(panel.title)}</text>${uprights.join('')}${grid.join('')}<path class="base" d="M${left} ${top + height}H${width - right}"/>${marked}${points.join('')}`;
  });
  const bottom = panels.length * (height + gap) - 12;
  const ticks = axisTicks(maxValue, narrow ? 5 : 10)
    .filter((t) => t > 0)
    .map((t) => `<text class="tick" x="${plain(x(t))}" y="${bottom + 16}" text-anchor="middle">${number(t)}</text>`);
  return [
    `<svg class="sweep ${narrow ? 'slim' : 'wide'}" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${total}" width="${width}" height="${total}" data-left="${left}" data-right="${right}" data-most="${plain(maxValue * 1.01)}">`,
    ...drawn,
    `${ticks.join('')}<text class="tick" x="${plain((left + width - right) / 2)}" y="${bottom + 33}" text-anchor="middle">${over}, frames</text>`,
    `<path class="here" d="M0 ${gap - 12}V${bottom}" visibility="hidden"/></svg>`,
  ].join('\n');
}

/** Returns the entries of the legend: the modes that occur, the large dots, the mark. */
export function sweepLegend({ sweep, over, mark }: SweepView): { classes: string; text: string }[] {
  const exact = (mode: Mode) => sweep.rows.filter((r) => r.mode === mode).every((r) => r.exact);
  const entries = modes
    .filter((mode) => sweep.rows.some((r) => r.mode === mode))
    .map((mode) => ({ classes: mode as string, text: exact(mode) ? mode : `${mode} (equals the model on longer windows)` }));
  if (over === 'hop' && sweep.totalStride > 1 && sweep.rows.some((r) => r.free))
    entries.push({ classes: 'big plain', text: `multiple of the total stride ${sweep.totalStride}` });
  if (mark !== undefined) entries.push({ classes: 'line', text: `${over} ${number(mark)}` });
  return entries;
}
