/**
 * The page of a quantisation: the layers that lose most with advice, the loss of each step, every layer.
 *
 * In: a diagnosis, the methods, and an evaluation if there is one.  Out: HTML without script or external
 * resources; it includes quant.css from this folder and the style of a plan's page.
 */

import { readFileSync } from 'node:fs';
import { maxOf } from '../../../models/lists.ts';
import { adviceFor } from '../../../quant/diagnose/advice.ts';
import { type Diagnosis, type LayerDiagnosis, worstLayers } from '../../../quant/diagnose/diagnose.ts';
import type { FormComparison } from '../../../quant/evaluate/compare-forms.ts';
import type { Methods } from '../../../quant/presets.ts';
import { pageHtml, tableHtml } from '../design/page.ts';
import { escaped, number } from '../design/text.ts';
import { evaluationHtml } from './evaluation.ts';
import { type Figures, figures, measures } from './figure.ts';

export interface QuantReport {
  name: string;
  diagnosis: Diagnosis;
  methods: Partial<Methods>;
  evaluation?: FormComparison;
}

const css = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8');
const db = (x: number | undefined): string => (x === undefined ? '' : Number.isFinite(x) ? x.toFixed(1) : 'equal');
const withUnit = (x: number): string => (Number.isFinite(x) ? `${x.toFixed(1)}<small> dB</small>` : 'equal');
const percent = (share: number, digits = 2): string => `${(100 * share).toFixed(digits)} %`;

/** Converts a signal-to-noise ratio in dB to the noise amplitude relative to the signal. */
const noiseShare = (x: number): number => (Number.isFinite(x) ? 10 ** (-x / 20) : 0);

function facts({ diagnosis, evaluation }: QuantReport): string {
  const { output, layers, streaming, trainedToStream, windows } = diagnosis;
  const [worst] = worstLayers(diagnosis, 1);
  const clipped = layers.reduce((a, b) => (b.clipped > a.clipped ? b : a));
  const last = evaluation?.forms.at(-1);
  const first = evaluation?.forms.find((form) => form.name === last?.against);
  const items: [string, string, string][] = [
    [
      'outputs',
      withUnit(output.totalDb),
      `${streaming ? 'int8 streamed' : 'int8'} against float ${trainedToStream ? 'streamed' : 'windowed'}, ${windows} windows`,
    ],
    ...(worst
      ? [['worst single layer', withUnit(worst.aloneDb), `${worst.name} (${worst.op})`] as [string, string, string]]
      : []),
    [
      'most clipped',
      percent(clipped.clipped, 3).replace(' %', '<small> %</small>'),
      clipped.clipped > 0 ? clipped.name : 'every value fits',
    ],
  ];
  if (first?.classes && last?.classes)
    items.unshift([
      'accuracy',
      percent(last.classes.accuracy).replace(' %', '<small> %</small>'),
      `${last.name}; ${first.name} ${percent(first.classes.accuracy)}`,
    ]);
  if (first?.values && last?.values)
    items.unshift([
      'mean error',
      `${Number(last.values.mae.toPrecision(3))}`,
      `${last.name}; ${first.name} ${Number(first.values.mae.toPrecision(3))}`,
    ]);
  return `<dl class="facts of${items.length}">${items.map(([name, value, note]) => `<div><dt>${name}</dt><dd>${value}</dd><dd class="about">${escaped(note)}</dd></div>`).join('')}</dl>`;
}

function stepsHtml({ output, streaming, exact, trainedToStream }: Diagnosis): string {
  const steps: [string, string, number][] = [
    ['int8, windowed', 'int8 against float, both on whole windows', output.int8WindowedDb],
    ...(streaming
      ? ([
          ['streaming, float', 'float streamed against float on whole windows', output.floatStreamedDb ?? Infinity],
          ['int8, streamed', 'int8 against float, both streamed', output.int8StreamedDb ?? Infinity],
        ] as [string, string, number][])
      : []),
  ];
  const maxShare = Math.max(1e-9, maxOf(steps.map(([, , x]) => noiseShare(x))));
  const rows = steps.map(([name, what, x]) => {
    const share = noiseShare(x);
    const guilty = share === maxShare && share > 0 && !(trainedToStream && name === 'streaming, float') ? ' class="guilty"' : '';
    return `<div${guilty}><b>${name}</b><span class="bar"><i style="width: ${((100 * share) / maxShare).toFixed(2)}%"></i></span><span class="n">${Number.isFinite(x) ? `${percent(share)}<small>${db(x)} dB</small>` : 'none<small>equal</small>'}</span><p>${what}</p></div>`;
  });
  const guilty = steps.reduce((a, b) => (b[2] < a[2] ? b : a));
  const verdict = !streaming
    ? exact
      ? 'Streaming gives the windowed model’s bytes by construction, so all noise comes from int8.'
      : 'The model has no other form than this one.'
    : guilty[0] === 'streaming, float'
      ? trainedToStream
        ? 'The model was trained with earlier context. So the streamed outputs are right, and windows with zeros before them are wrong.'
        : 'Most noise comes from streaming, not from int8: rows near a window’s edges differ. Mode edge-exact computes them again.'
      : Number.isFinite(output.floatStreamedDb ?? Infinity)
        ? 'Most noise comes from int8, not from streaming.'
        : 'Streaming changes nothing; all noise comes from int8.';
  return `<section><h2>Which step</h2><p class="note">Noise at the outputs as a share of the signal. ${verdict}</p><div class="steps">${rows.join('')}</div></section>`;
}

const keys = (items: [mark: string, text: string][]): string =>
  `<ul class="keys">${items.map(([mark, text]) => `<li>${mark}${text}</li>`).join('')}</ul>`;

const histogramKeys = keys([
  ['<i style="background: var(--queued)"></i>', 'float values'],
  ['<i class="stroke" style="background: var(--new)"></i>', 'int8 values'],
  ['<i style="background: var(--fresh); outline: 1px solid var(--line)"></i>', 'outside the range of int8'],
  ['', 'heights show counts on a logarithmic scale'],
]);

function worstHtml({ diagnosis, methods }: QuantReport, draw: Figures): string {
  const cards = worstLayers(diagnosis).map((layer) => {
    const advice = adviceFor(layer, methods, diagnosis).map(
      ({ option, why }) => `<li>${option ? `<code>${escaped(option)}</code> ` : ''}${escaped(why)}</li>`,
    );
    const weights = layer.weights ? `, weights ${db(layer.weights.sqnrDb)} dB` : '';
    return [
      `<article><h3>${escaped(layer.name)} <span>${escaped(layer.op)}</span></h3>`,
      `<p class="big">${withUnit(layer.aloneDb)}</p>`,
      `<p class="note">at the outputs with only this layer in int8; this layer’s values: ${db(layer.int8StreamedDb ?? layer.int8WindowedDb)} dB${weights}</p>`,
      draw.histogram(layer, { width: 352, height: 120 }),
      `<ul class="try">${advice.join('')}</ul></article>`,
    ].join('');
  });
  return `<section><h2>The layers that lose most, and what to try</h2><div class="three worst">${cards.join('')}</div>${histogramKeys}</section>`;
}

function overviewHtml(diagnosis: Diagnosis, draw: Figures): string {
  const shapes = { circle: '●', diamond: '◆', triangle: '▲', square: '■' } as const;
  const legend = keys(
    measures(diagnosis).map(({ name, colour, symbol }) => [`<em style="color: ${colour}">${shapes[symbol]}</em>`, name]),
  );
  return [
    '<section><h2>Layer by layer</h2>',
    '<p class="note">Signal-to-noise ratio in dB; the signal flows down. The further left, the more is lost. Errors of earlier layers are included, except in “alone in int8”.</p>',
    legend,
    `<div class="wide">${draw.overview(diagnosis, 1116)}</div><div class="slim">${draw.overview(diagnosis, 358)}</div></section>`,
  ].join('');
}

function histogramsHtml({ layers }: Diagnosis, draw: Figures): string {
  const all = layers.map(
    (layer, i) =>
      `<figure><figcaption><b>${i + 1}</b> ${escaped(layer.name)}</figcaption>${draw.histogram(layer, { width: 254, height: 84 })}</figure>`,
  );
  return `<section><h2>Values of every layer</h2>${histogramKeys}<div class="small">${all.join('')}</div></section>`;
}

function figuresTable({ layers, streaming }: Diagnosis): string {
  const head = [
    ...['', 'layer', 'op', 'type', 'min', 'max', 'scale', 'zero', 'alone', 'int8 windowed'],
    ...(streaming ? ['streaming', 'int8 streamed'] : []),
    ...['weights', 'worst channel', 'clipped', 'signal, steps', 'shift, steps', 'of the noise'],
  ];
  const row = (l: LayerDiagnosis, i: number): string[] => [
    number(i + 1),
    escaped(l.name),
    l.op,
    l.type,
    ...[l.min, l.max, l.scale].map((x) => `${Number(x.toPrecision(4))}`),
    String(l.zeroPoint),
    ...[db(l.aloneDb), db(l.int8WindowedDb)],
    ...(streaming ? [db(l.floatStreamedDb), db(l.int8StreamedDb)] : []),
    l.weights ? db(l.weights.sqnrDb) : '',
    l.weights ? `${db(l.weights.worstDb)} (${l.weights.worstChannel})` : '',
    ...[percent(l.clipped, 3), l.signalSteps.toFixed(1), l.biasSteps.toFixed(2), percent(l.biasShare, 1)],
  ];
  const text = new Set([1, 2, 3]);
  const note =
    'In dB unless a column has another unit. Shift: the largest change of a channel’s mean. Last column: the share of the noise that such shifts cause.';
  return `<section><h2>Every figure</h2><p class="note">${note}</p>${tableHtml(head, layers.map(row), { label: 'Every figure', numeric: (i) => !text.has(i), classes: 'numbered' })}</section>`;
}

function methodsText(methods: Partial<Methods>): string {
  const { observer, equalise, biasCorrection, rounding, weightScales, narrow } = methods;
  if (observer === undefined) return '';
  return `ranges by ${observer}${narrow && narrow !== 'none' ? ` (${narrow === 'all' ? 'all' : 'inputs and saturating activations'} narrowed if outputs improve)` : ''}, channels ${equalise ? 'equalised' : 'not equalised'}, bias correction ${biasCorrection === false ? 'off' : biasCorrection === true ? 'on' : biasCorrection}, weights rounded ${rounding === 'together' ? 'together' : 'to the nearest'}, scales ${weightScales}`;
}

/** Makes the page. */
export async function quantPage(report: QuantReport): Promise<string> {
  const { name, diagnosis, methods, evaluation } = report;
  const draw = await figures();
  const how = methodsText(methods);
  const body = [
    '<main>',
    `<header><h1>${escaped(name)}: what int8 costs</h1><p>Hop ${number(diagnosis.hop)}, ${escaped(diagnosis.mode)}${how ? `; ${escaped(how)}` : ''}.</p></header>`,
    facts(report),
    worstHtml(report, draw),
    stepsHtml(diagnosis),
    evaluation ? evaluationHtml(evaluation) : '',
    overviewHtml(diagnosis, draw),
    histogramsHtml(diagnosis, draw),
    figuresTable(diagnosis),
    '</main>',
  ].join('\n');
  return pageHtml(
    `${name}: what int8 costs`,
    css('../plan-html/page.css') + css('../bench-html/bench.css') + css('./quant.css'),
    body,
  );
}
