/**
 * The page of a plan: the figure with its stepper, the reason for each layer's plan, and the table.
 *
 * In: a StreamPlan.  Out: one HTML file without external resources; it includes page.css and page-script.js
 * from this folder.
 */
import { readFileSync } from 'node:fs';
import { alternatives, explainPlan } from '../../../models/report/explain.ts';
import { type Picture, planPicture, type RowKind } from '../../../models/report/picture.ts';
import { planJson, planSummary } from '../../../models/report/print.ts';
import type { StreamPlan } from '../../../models/stream/types.ts';
import { dataScript, pageHtml, tableHtml } from '../design/page.ts';
import { escaped, number } from '../design/text.ts';
import { choiceCells, choiceHead, planCells, planHead } from '../plan-table.ts';
import { axisOf, figureHtml } from './figure.ts';

const fileText = (name: string): string => readFileSync(new URL(`./${name}`, import.meta.url), 'utf8');

const kindNames = (picture: Picture, mode: string): [group: string, kinds: [RowKind, string][]][] => [
  [
    'computed at this hop',
    [
      ['new', 'new rows'],
      ['left', picture.ahead > 0 ? `left edge, ahead, for window n + ${picture.ahead}` : 'left edge of the window'],
      ['right', 'right edge, for window n only'],
      ['whole', mode === 'windowed' ? 'every row again' : 'all rows'],
    ],
  ],
  [
    'computed before',
    [
      ['held', 'kept'],
      ['queued', 'left edge, computed ahead and queued'],
      ['folded', 'summed in accumulators'],
      ['past', 'no longer needed, not kept'],
    ],
  ],
];

function legend(picture: Picture, mode: string): string {
  const present = new Set(picture.layers.flatMap((l) => l.runs.map((r) => r.kind)));
  const groups = kindNames(picture, mode).flatMap(([group, kinds]) => {
    const shown = kinds.filter(([kind]) => present.has(kind));
    if (shown.length === 0) return [];
    const items = shown.map(
      ([kind, text]) => `<li><svg width="14" height="10"><path class="${kind}" d="M0 0h14v10H0z"/></svg>${text}</li>`,
    );
    return [`<div><b>${group}</b><ul>${items.join('')}</ul></div>`];
  });
  return `<div class="legend">${groups.join('')}</div>`;
}

function facts(plan: StreamPlan, rate?: number): string {
  const { stateBytes, exact, layers } = planJson(plan);
  const isApproximate = layers.some((l) => l.exact === 'approx');
  const ratio = plan.macsPerHop > 0 ? plan.macsPerWindow / plan.macsPerHop : 1;
  const ms = (frames: number) => (rate ? ` (${number((1000 * frames) / rate)} ms)` : '');
  const delay = plan.delayFrames === 0 ? 'none' : `${number(plan.delayFrames)}<small> frames</small>`;
  const items: [string, string, string][] = [
    ['mode', plan.mode, `window ${number(plan.window)}, hop ${number(plan.hop)}${ms(plan.hop)}`],
    plan.graph.stateful
      ? ['work', `${number(plan.macsPerHop)}<small> MACs</small>`, 'at every step']
      : [
          'less work',
          `${ratio.toFixed(2)}<small> times</small>`,
          `${number(plan.macsPerHop)} of ${number(plan.macsPerWindow)} MACs`,
        ],
    [
      'state',
      `${number(stateBytes)}<small> B</small>`,
      plan.phases > 1 ? `${plan.phases} phases` : 'histories and partial results',
    ],
    ['look-ahead', delay, plan.warmUpHops > 0 ? `the first ${plan.warmUpHops} outputs are held back` : 'an answer at every hop'],
    [
      'equals',
      exact ? 'the model' : isApproximate ? 'nearly' : 'extended',
      exact
        ? `the ${plan.graph.stateful ? 'model run step by step' : 'windowed model'}, bit for bit`
        : isApproximate
          ? 'an approximation, not bit for bit'
          : `the model on windows with ${number(plan.leftContextFrames)} earlier frames`,
    ],
  ];
  return `<dl class="facts">${items.map(([name, value, note]) => `<div><dt>${name}</dt><dd>${value}</dd><dd class="about">${escaped(note)}</dd></div>`).join('')}</dl>`;
}

/** Makes a table of numbers and texts. Columns of numbers, or of `part/whole`, are aligned to the right. */
function valuesTable(label: string, head: string[], rows: (string | number)[][], classes = ''): string {
  const cells = rows.map((row) => row.map((value) => (typeof value === 'number' ? number(value) : escaped(value))));
  const numeric = (i: number) =>
    rows.length > 0 && rows.every((r) => typeof r[i] === 'number' || /^[\d,]+\/[\d,]+$/.test(String(r[i])));
  return tableHtml(head, cells, { label, numeric, classes });
}

function caption(picture: Picture): string {
  const parts = [
    'Time runs to the right, in frames of the input. The signal flows down, from layer to layer. A tall bar is a tensor of window n. Each cell is one row, as wide as the frames between two rows.',
  ];
  if (picture.layers.some((l) => l.runs.some((r) => r.lane === 'stream')))
    parts.push('The thin bar below it shows the rows in between, which other windows read.');
  if (picture.layers.some((l) => l.counted !== undefined))
    parts.push('The edges of the first layer are sums of some of its taps and cost no multiply-accumulates.');
  if (picture.ahead > 0)
    parts.push(
      `The lowest bar is the left edge of window n + ${picture.ahead}. It is computed now, while the rows that it reads are the newest.`,
    );
  parts.push(
    'The shaded column is the newest hop. Point at a row, or select one with the arrow keys, to see what it depends on.',
  );
  return parts.join(' ');
}

function why(plan: StreamPlan): string {
  const items = explainPlan(plan).map(({ layer, why: text }) => `<div><dt>${escaped(layer)}</dt><dd>${escaped(text)}</dd></div>`);
  const others = alternatives(plan);
  const table =
    others.length > 1
      ? `<h2>Exact plans at this hop</h2>${valuesTable('Exact plans at this hop', choiceHead, others.map(choiceCells), 'small')}`
      : '';
  return `<section><h2>Why</h2><dl class="why">${items.join('')}</dl></section><section>${table}</section>`;
}

/** Makes the page of a plan. */
export function planPage(plan: StreamPlan, sampleRateHz?: number): string {
  const picture = planPicture(plan);
  const axis = axisOf(picture);
  const start = Math.ceil(axis.steps / 2);
  const data = { ...picture, start, rate: sampleRateHz, layers: picture.layers.map(({ runs: _, ...layer }) => layer) };
  const body = [
    '<main>',
    `<header><h1>${escaped(plan.graph.name)}</h1><p>${escaped(plan.mode)}: ${escaped(plan.reason)}.</p></header>`,
    facts(plan, sampleRateHz),
    '<div class="stepper"><button type="button" id="back" aria-label="one hop back">‹</button>',
    `<input id="hop" type="range" min="0" max="${axis.steps}" value="${start}" aria-label="hop">`,
    '<button type="button" id="on" aria-label="one hop on">›</button><output id="where" for="hop"></output></div>',
    figureHtml(picture, axis),
    legend(picture, plan.mode),
    `<p class="caption">${caption(picture)}</p>`,
    why(plan),
    `<section><h2>Layers</h2>${valuesTable('Layers', planHead, planCells(plan))}<pre>${escaped(planSummary(plan, sampleRateHz).join('\n'))}</pre></section>`,
    '</main>',
    dataScript('plan', data),
  ].join('\n');
  return pageHtml(`${plan.graph.name}: how it streams`, fileText('page.css'), body, fileText('page-script.js'));
}
