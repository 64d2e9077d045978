/**
 * What the page asks where a model file does not say it: how fast its frames come, and what its answers are
 * called.
 *
 * In: a question.  Out: a form in the place of the picture, or above it; what the user says. Nothing is
 * assumed meanwhile.
 */
import { RunletError } from '../../models/error.ts';
import { byId, make } from './dom.ts';
import type { Action } from './error-panel.ts';
import type { Loaded, LoadOptions, Question } from './protocol.ts';
import type { Reading } from './reading.ts';

/**
 * Dimensions of an input that may be time, where a reader could not tell (RN168), as choices beside the
 * error.
 */
export const timeAxes = (error: unknown, use: (options: LoadOptions) => void): Action[] =>
  error instanceof RunletError && error.code === 'RN168'
    ? [...(error.parts.why ?? '').matchAll(/\bdimension (\d+) gives/g)].map(([, dim]) => ({
        text: `Dimension ${dim} is time`,
        run: () => use({ timeAxis: Number(dim) }),
      }))
    : [];

export function hideQuestion(): void {
  const form = byId('question');
  form.hidden = true;
  form.replaceChildren();
}

/**
 * The rate, or the front end whose rows the model takes. @param cancel the user goes back to the model that
 * ran before.
 */
export function askRate(
  { name, elements, frontEnds }: Question,
  answer: (options: LoadOptions) => void,
  cancel: () => void,
): void {
  const form = byId<HTMLFormElement>('question');
  const rate = make('input', { id: 'rate', inputMode: 'decimal', autocomplete: 'off', size: 9 });
  const what = elements === 1 ? 'Samples a second' : 'Frames a second';
  const select = make('select', { id: 'rows' }, make('option', { value: 'frames', textContent: 'none: frames come from files' }));
  select.append(...frontEnds.map(({ id, title }) => make('option', { value: id, textContent: title })));
  const rateLabel = make('label', { htmlFor: 'rate' }, what, rate);
  select.onchange = () => {
    rateLabel.hidden = select.value !== 'frames';
  };
  form.replaceChildren(
    make('h2', {}, `How fast does the signal of ${name} come?`),
    make('p', {}, `The file does not say it. A recording with a time column (.csv) says it too: open one.`),
    make(
      'div',
      { className: 'fields' },
      ...(frontEnds.length > 0 ? [make('label', { htmlFor: 'rows' }, 'Audio front end', select)] : []),
      rateLabel,
      make('button', { type: 'submit', textContent: 'Use' }),
      make('button', { type: 'button', textContent: 'Cancel', onclick: cancel }),
    ),
  );
  form.onsubmit = (event) => {
    event.preventDefault();
    if (select.value !== 'frames') return answer({ frontEnd: select.value });
    const rateHz = Number(rate.value.trim().replace(',', '.'));
    rate.setCustomValidity(rateHz > 0 && rateHz <= 1e6 ? '' : 'A number above 0');
    if (form.reportValidity()) answer({ rateHz, ...(frontEnds.length > 0 && { frontEnd: 'frames' }) });
  };
  rate.oninput = () => rate.setCustomValidity('');
  form.hidden = false;
  rate.focus();
}

/** Names of the values of a classifier that has none. */
export function askLabels({ manifest }: Loaded, { kind, names }: Reading, answer: (labels: string[]) => void): void {
  const form = byId<HTMLFormElement>('names');
  const unknown = kind === 'words' && manifest.labels?.length !== names.length;
  form.hidden = !unknown;
  if (!unknown) return;
  const input = byId<HTMLInputElement>('labels');
  byId('labels-text').textContent = `The model does not name its ${names.length} classes. Names, in order, between commas`;
  input.value = '';
  input.oninput = () => input.setCustomValidity('');
  form.onsubmit = (event) => {
    event.preventDefault();
    const labels = input.value.split(',').map((label) => label.trim());
    const right = labels.length === names.length && labels.every((label) => label !== '');
    input.setCustomValidity(right ? '' : `${names.length} names, and there are ${labels.filter(Boolean).length}`);
    if (form.reportValidity()) answer(labels);
  };
}
