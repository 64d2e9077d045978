/**
 * The figure of a plan: time runs to the right, layers downwards from the input; a tensor is a bar of rows.
 *
 * In: a Picture.  Out: HTML with one small SVG per lane. The SVGs stretch to the available width; text is
 * outside them, so it keeps its size. Parts that move with the hop are in groups of class `move`, which the
 * page's script translates.
 */
import { maxOf, minOf } from '../../../models/lists.ts';
import type { Picture, PictureLayer, RowKind, Run } from '../../../models/report/picture.ts';
import { axisTicks, escaped, number, plain } from '../design/text.ts';
import { shortName } from '../plan-table.ts';

/** Number of hops of the stepper, and of frames on the axis. A choice: enough to see the windows move. */
export interface Axis {
  steps: number;
  frames: number;
}

export function axisOf({ window, hop, delay, layers }: Picture): Axis {
  const phases = maxOf(layers.map((l) => l.phases));
  const minSteps = Math.min(8, Math.max(2, phases));
  const steps = Math.min(24, Math.max(minSteps, Math.floor((0.6 * window) / hop)));
  return { steps, frames: window + delay + steps * hop };
}

const heights: Record<Run['lane'], number> = { window: 16, stream: 6, ahead: 6 };

/** Numbers of cells on the axis above which a phone (fineFrom) or any screen (solidFrom) hides their gaps. */
const fineFrom = 90;
const solidFrom = 220;
/** Fraction of the axis below which a bar gets an outline, so that it stays visible. */
const thin = 0.003;

/** Joins runs of one kind into one bar if the gaps between them are too small to be seen. */
function merged(runs: Run[], gap: number): Run[] {
  const out: Run[] = [];
  for (const run of runs) {
    const last = out.at(-1);
    const end = last ? last.at + (last.rows - 1) * last.pitch + last.width : 0;
    if (last?.kind === run.kind && run.at - end <= gap)
      last.width = run.at + (run.rows - 1) * run.pitch + run.width - last.at - (last.rows - 1) * last.pitch;
    else out.push({ ...run });
  }
  return out;
}

/** Draws one lane: a path of bars for each kind, with the gaps between rows on top. */
function laneSvg(layer: PictureLayer, lane: Run['lane'], axis: Axis): string {
  const runs = layer.runs.filter((r) => r.lane === lane);
  if (runs.length === 0) return '';
  const height = lane === 'window' && layer.rows === 1 ? 9 : heights[lane];
  const cells = axis.frames / minOf(runs.map((r) => r.width));
  const bars = (of: Run[]) =>
    of.map((r) => `M${plain(r.at)} 0h${plain((r.rows - 1) * r.pitch + r.width)}v${height}H${plain(r.at)}z`).join('');
  const kinds = [...new Set(runs.map((r) => r.kind))];
  const paths = kinds.map((kind) => {
    const ofKind = runs.filter((r) => r.kind === kind);
    const rows = ofKind.reduce((n, r) => n + r.rows, 0);
    const drawn = cells > solidFrom ? merged(ofKind, layer.pitch) : ofKind;
    const slim = drawn.some((r) => (r.rows - 1) * r.pitch + r.width < thin * axis.frames) ? ' thin' : '';
    return `<path class="${kind}${slim}" data-kind="${kind}" data-rows="${rows}" d="${bars(drawn)}"/>`;
  });
  const cuts = runs.flatMap((r) =>
    Array.from({ length: r.rows }, (_, i) => `M${plain(r.at + i * r.pitch + r.width)} 0v${height}`),
  );
  const gaps = cells > solidFrom ? '' : `<path class="cuts${cells > fineFrom ? ' fine' : ''}" d="${cuts.join('')}"/>`;
  return `<svg class="lane ${lane}" data-lane="${lane}" viewBox="0 0 ${axis.frames} ${height}" preserveAspectRatio="none" style="height:${height}px"><g class="move">${paths.join('')}${gaps}</g></svg>`;
}

/** Draws phases as dots; more than 8 as a number. */
const phaseMark = (phases: number): string => {
  if (phases === 1) return '';
  if (phases > 8) return `<span class="phase" data-phases="${phases}">phase <b>1</b>/${phases}</span>`;
  const dots = Array.from({ length: phases }, (_, i) => `<i${i === 0 ? ' class="on"' : ''}></i>`).join('');
  return `<span class="phase dots" data-phases="${phases}" title="${phases} phases: windows alternate between them">${dots}</span>`;
};

const computed: RowKind[] = ['new', 'left', 'right', 'whole'];

function layerRow(layer: PictureLayer, index: number, axis: Axis, maxMacs: number): string {
  const lanes = (['window', 'stream', 'ahead'] as const).map((lane) => laneSvg(layer, lane, axis)).join('');
  const rows = layer.runs
    .filter((r) => computed.includes(r.kind) && (r.lane !== 'ahead' || r.kind === 'left'))
    .reduce((n, r) => n + r.rows, 0);
  const isInput = layer.op === 'input';
  const done = isInput ? `${number(rows)} new` : `${number(layer.counted ?? rows)}/${number(layer.rows)}`;
  const share = (macs: number) => `${plain(maxMacs > 0 ? (100 * macs) / maxMacs : 0)}%`;
  const work =
    layer.macsPerWindow > 0
      ? `<span class="work" title="${number(layer.macsPerHop)} of ${number(layer.macsPerWindow)} MACs"><i style="width:${share(layer.macsPerWindow)}"></i><b style="width:${share(layer.macsPerHop)}"></b></span>`
      : '';
  return [
    `<div class="layer" data-layer="${index}">`,
    `<div class="name"><b title="${escaped(layer.name)}">${escaped(shortName(layer.name, 24))}</b><span>${layer.op}${phaseMark(layer.phases)}</span></div>`,
    `<div class="lanes">${lanes}</div>`,
    `<div class="side"><span class="rows">${done}</span>${work}</div>`,
    '</div>',
  ].join('');
}

/** Draws the windows above the layers: the last one, this one, and the one whose left edge is computed. */
function windowLane({ window, hop, ahead }: Picture, axis: Axis): string {
  const bar = (kind: string, at: number, y: number) => `<path class="${kind}" d="M${at} ${y}h${window}"/>`;
  const later = ahead > 0 ? bar('later', ahead * hop, 15) : '';
  return [
    `<div class="layer windows"><div class="name"><b>windows</b><span>${ahead > 0 ? `n − 1, n, n + ${ahead}` : 'n − 1, n'}</span></div><div class="lanes">`,
    `<svg class="lane" viewBox="0 0 ${axis.frames} 18" preserveAspectRatio="none" style="height:18px"><g class="move">${bar('before', -hop, 3)}${bar('this', 0, 9)}${later}</g></svg>`,
    '</div><div class="side"><span class="rows">rows</span><span class="head">MACs</span></div></div>',
  ].join('');
}

/** Makes the whole figure. */
export function figureHtml(picture: Picture, axis: Axis): string {
  const maxMacs = maxOf(picture.layers.map((l) => l.macsPerWindow));
  const ticks = axisTicks(axis.frames, 8)
    .map((t, i) => `<span${i % 2 ? ' class="odd"' : ''} style="left:${plain((100 * t) / axis.frames)}%">${number(t)}</span>`)
    .join('');
  const band = `<svg class="bands" viewBox="0 0 ${axis.frames} 1" preserveAspectRatio="none"><g class="move"><path class="fresh" d="M${picture.window + picture.delay - picture.hop} 0h${picture.hop}v1h-${picture.hop}z"/><path class="edge" d="M0 0v1M${picture.window} 0v1"/></g></svg>`;
  return [
    `<div class="figure" data-frames="${axis.frames}" data-steps="${axis.steps}" tabindex="0" role="group" aria-label="Rows of every layer over time. Up and down select a layer, left and right a row, Escape clears it.">`,
    `<div class="back"><div class="name"></div><div class="lanes">${band}</div><div class="side"></div></div>`,
    windowLane(picture, axis),
    ...picture.layers.map((layer, i) => layerRow(layer, i, axis, maxMacs)),
    `<div class="layer axis"><div class="name"></div><div class="lanes"><div class="ticks">${ticks}</div></div><div class="side"></div></div>`,
    '<svg class="cone" aria-hidden="true"></svg><div class="tip" role="status" hidden></div></div>',
  ].join('\n');
}
