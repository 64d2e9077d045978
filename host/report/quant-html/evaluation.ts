/**
 * The evaluation part of a quantisation's page: one row per form, and the confusion matrix.
 *
 * In: a comparison of forms.  Out: HTML.
 */
import type { FormComparison } from '../../../quant/evaluate/compare-forms.ts';
import { tableHtml } from '../design/page.ts';
import { escaped, number } from '../design/text.ts';

const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;

function confusionHtml({ forms, names }: FormComparison): string {
  const last = forms.at(-1);
  if (!last?.classes) return '';
  const { confusion, classes } = last.classes;
  const head = ['', ...names, 'recall', 'F1'];
  const rows = confusion.map((row, truth) => {
    const all = row.reduce((a, b) => a + b, 0);
    const cells = row.map((n, answer) => {
      const share = Math.round((100 * n) / Math.max(1, all));
      const colour = truth === answer ? 'var(--held)' : 'var(--new)';
      return n === 0
        ? ''
        : `<span style="background: color-mix(in srgb, ${colour} ${Math.max(12, Math.round(0.6 * share))}%, transparent)">${number(n)}</span>`;
    });
    const score = classes[truth];
    return [
      escaped(names[truth] as string),
      ...cells,
      all > 0 ? percent(score?.recall ?? 0) : '',
      all > 0 ? percent(score?.f1 ?? 0) : '',
    ];
  });
  return `<h3>${last.name}: rows are the truth, columns the answers</h3>${tableHtml(head, rows, { label: 'Confusion matrix', numeric: (i) => i > 0, narrow: true, classes: 'small confusion' })}`;
}

export function evaluationHtml(comparison: FormComparison): string {
  const { forms, judged, windows } = comparison;
  const [first] = forms;
  const head = [
    'form',
    ...(first?.classes ? ['accuracy', 'macro F1'] : []),
    ...(first?.values ? ['MAE', 'RMSE', 'bias', 'largest'] : []),
    'output SQNR',
    ...(first?.agreement === undefined ? [] : ['same class']),
    'against',
  ];
  const rows = forms.map(({ name, against, classes, values, outputSqnrDb, agreement, sameAsWindowed }) => [
    name,
    ...(classes ? [percent(classes.accuracy), percent(classes.macroF1)] : []),
    ...(values ? [values.mae, values.rmse, values.bias, values.maxError].map((x) => `${Number(x.toPrecision(4))}`) : []),
    !against ? '' : Number.isFinite(outputSqnrDb) ? `${outputSqnrDb.toFixed(1)} dB` : 'equal',
    ...(agreement === undefined ? [] : [against ? percent(agreement) : '']),
    `<span class="soft">${sameAsWindowed ? 'int8 windowed, equal by construction' : (against ?? '')}</span>`,
  ]);
  return `<section><h2>The task</h2><p class="note">${number(judged)} of ${number(windows)} windows, the same for every form.</p>${tableHtml(head, rows, { label: 'The task', numeric: (i) => i > 0, classes: 'small' })}${confusionHtml(comparison)}</section>`;
}
