/**
 * Figures of a benchmark's page: a hop's time, a hop compared with its window, memory and code by part, the
 * share of the engine's peak.
 *
 * In: results of a model.  Out: SVG text; colours are the page's variables, so it follows light and dark.
 */
import { maxOf } from '../../../models/lists.ts';
import type { TimesFigures, TimesRow } from '../../bench/times.ts';
import { bytesText } from '../../bytes-text.ts';
import { type Drawing, drawing, type PlotOptions } from '../design/draw.ts';
import { shortName } from '../plan-table.ts';

/** Parts of the memory figure, with names and colours. */
export const parts: { name: string; colour: string; of: (row: TimesRow) => number }[] = [
  { name: 'weights', colour: 'var(--held)', of: (r) => r.weightBytes },
  { name: 'tables', colour: 'var(--queued)', of: (r) => r.tableBytes },
  { name: 'state', colour: 'var(--left)', of: (r) => r.stateBytes },
  { name: 'scratch, inputs, outputs', colour: 'var(--whole)', of: (r) => r.scratchBytes + r.ioBytes },
  { name: 'code', colour: 'var(--new)', of: (r) => r.codeBytes },
];

/** Formats microseconds with three digits: 2.14, 10.2, 984. */
export const usText = (us: number): string => (us >= 100 ? Math.round(us).toLocaleString('en') : us.toPrecision(3));

export interface Figures {
  time(model: TimesFigures): string;
  window(model: TimesFigures): string;
  bytes(model: TimesFigures): string;
  peak(models: TimesFigures[], width: number): string;
}

const width = 352;
const row = 34;

/** Draws horizontal bars, one per row. */
const bars = (draw: Drawing['draw'], rows: number, label: string, options: PlotOptions): string =>
  draw(label, {
    width,
    height: rows * row,
    marginLeft: 52,
    marginTop: 0,
    marginBottom: 0,
    marginRight: 0,
    style: { fontSize: '13px' },
    ...options,
    x: { axis: null, ...options.x },
    y: { label: null, padding: 0.42, tickSize: 0, ...options.y },
  });
const order = ({ rows }: TimesFigures) => ({ domain: rows.map((r) => r.target) });
/** Style of the text next to a bar. */
const text = { textAnchor: 'start' as const, dx: 7, fill: 'currentColor' };

/** Draws the median time of a hop, with a line from the 5th to the 95th percentile. */
function timeFigure({ Plot, draw }: Drawing, model: TimesFigures): string {
  const { rows, network } = model;
  // a very long line is cut, so that disturbances of the machine do not make all bars small
  const maxUs = Math.min(maxOf(rows.map((r) => r.p95Us)), 1.5 * maxOf(rows.map((r) => r.medianUs)));
  const high = (r: TimesRow) => Math.min(r.p95Us, maxUs);
  return bars(draw, rows.length, `${network}: microseconds per hop`, {
    x: { domain: [0, maxUs * 1.36] },
    y: order(model),
    marks: [
      Plot.barX(rows, { x: 'medianUs', y: 'target', fill: 'var(--held)' }),
      Plot.ruleY(rows, { x1: 'p5Us', x2: high, y: 'target', stroke: 'currentColor', strokeWidth: 1.5 }),
      Plot.text(rows, { x: high, y: 'target', text: (r: TimesRow) => `${usText(r.medianUs)} us`, ...text }),
    ],
  });
}

/** Draws a hop's time as a share of its window's, with a tick at its share of the window's multiply-adds. */
function windowFigure({ Plot, draw }: Drawing, model: TimesFigures): string {
  const { rows, network, macsPerHop, macsPerWindow = 0 } = model;
  const share = (r: TimesRow) => r.medianUs / r.windowUs;
  const line = (r: TimesRow) => `${r.timesLess.toFixed(r.timesLess < 100 ? 1 : 0)} times less`;
  return bars(draw, rows.length, `${network}: a hop's time as a share of the window's`, {
    x: { domain: [0, 1.68] },
    y: order(model),
    marks: [
      Plot.barX(rows, { x: () => 1, y: 'target', fill: 'var(--past)' }),
      Plot.barX(rows, { x: share, y: 'target', fill: 'var(--held)' }),
      Plot.tickX(rows, {
        x: () => macsPerHop / macsPerWindow,
        y: 'target',
        stroke: 'currentColor',
        strokeWidth: 2,
        inset: -4,
      }),
      Plot.text(rows, { x: () => 1, y: 'target', text: line, ...text }),
    ],
  });
}

/** Draws memory and code by part. */
function bytesFigure({ Plot, draw }: Drawing, model: TimesFigures): string {
  const { rows, network } = model;
  const total = (r: TimesRow) => parts.reduce((sum, { of }) => sum + of(r), 0);
  const cells = rows.flatMap((r) => {
    let from = 0;
    return parts.map(({ name, colour, of }) => {
      const cell = { target: r.target, name, colour, from, to: from + of(r) };
      from = cell.to;
      return cell;
    });
  });
  return bars(draw, rows.length, `${network}: bytes of memory and code`, {
    x: { domain: [0, maxOf(rows.map(total)) * 1.32] },
    y: order(model),
    marks: [
      Plot.barX(cells, {
        x1: 'from',
        x2: 'to',
        y: 'target',
        fill: (d: (typeof cells)[number]) => d.colour,
        title: (d: (typeof cells)[number]) => `${d.name}: ${(d.to - d.from).toLocaleString('en')} bytes`,
      }),
      Plot.text(rows, { x: total, y: 'target', text: (r: TimesRow) => bytesText(total(r)), ...text }),
    ],
    color: { type: 'identity' },
  });
}

/** Draws the share of the engine's peak, for each network and target with a peak. */
function peakFigure({ Plot, draw }: Drawing, models: TimesFigures[], wide: number): string {
  const narrow = wide < 500;
  const rows = models.flatMap(({ network, hop, rows: all }) =>
    all.flatMap(({ target, shareOfPeak, macsPerNs, peakMacsPerNs = 0 }) =>
      shareOfPeak === undefined
        ? []
        : [
            {
              name: `${shortName(network, narrow ? 12 : 24)}, ${hop}${target === 'simd' ? '' : `, ${target}`}`,
              share: shareOfPeak,
              macsPerNs,
              peakMacsPerNs,
            },
          ],
    ),
  );
  const longest = maxOf(rows.map((r) => r.name.length));
  const line = (r: (typeof rows)[number]) =>
    `${Math.round(100 * r.share)} %${narrow ? '' : `: ${r.macsPerNs.toFixed(1)} of ${r.peakMacsPerNs.toFixed(1)} multiply-adds per ns`}`;
  return bars(draw, rows.length, 'share of the peak', {
    width: wide,
    marginLeft: 12 + 8 * longest,
    x: { domain: [0, narrow ? 1.3 : 1.62] },
    y: { domain: rows.map((r) => r.name) },
    marks: [
      Plot.barX(rows, { x: () => 1, y: 'name', fill: 'var(--past)' }),
      Plot.barX(rows, { x: 'share', y: 'name', fill: 'var(--held)' }),
      Plot.text(rows, { x: () => 1, y: 'name', text: line, ...text }),
    ],
  });
}

export async function figures(): Promise<Figures> {
  const loaded = await drawing();
  return {
    time: (model) => timeFigure(loaded, model),
    window: (model) => windowFigure(loaded, model),
    bytes: (model) => bytesFigure(loaded, model),
    peak: (models, wide) => peakFigure(loaded, models, wide),
  };
}
