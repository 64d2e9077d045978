/**
 * Asks the user for facts that a model file does not state: open numbers, the rate, names of the classes.
 *
 * In: a question.  Out: a form in place of the picture or above it; the user's answer. Until then nothing is
 * assumed.
 */
import { RunletError } from '../../models/error.ts';
import { problemsIn } from '../../models/read/problems.ts';
import { byId, make } from './dom.ts';
import type { Action } from './error-panel.ts';
import type { Loaded, LoadOptions, Question } from './protocol.ts';
import type { Reading } from './reading.ts';

/** Buttons for the input dimensions that may be time, if the reader cannot tell which one is (RN168). */
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

/** Numbers that a model file leaves open. */
export interface Open {
  /** True if the number of frames in a window is open. */
  window: boolean;
  /** Names of the inputs that are numbers. */
  inputs: string[];
}

/** Numbers that the reader needs; undefined if the error has other causes too. */
export function openNumbers(error: unknown): Open | undefined {
  if (!(error instanceof RunletError) || !/^RN1(56|57|64|69)$/.test(error.code)) return undefined;
  const { tryThis = '' } = error.parts;
  const inputs = [...tryThis.matchAll(/--set (\S+)=N/g)].map(([, name]) => name as string);
  const window = /--window \d/.test(tryThis);
  return problemsIn(error) === inputs.length + Number(window) ? { window, inputs } : undefined;
}

/** Asks for the numbers that a model leaves open. @param cancel as for askRate */
export function askNumbers(
  name: string,
  { window, inputs }: Open,
  answer: (options: LoadOptions) => void,
  cancel: () => void,
): void {
  const form = byId<HTMLFormElement>('question');
  const field = (id: string) => make('input', { id, inputMode: 'decimal', autocomplete: 'off', size: 9 });
  const frames = field('frames');
  const fields = inputs.map((input, i) => ({ input, value: field(`number-${i}`) }));
  form.replaceChildren(
    make('h2', {}, `${name} needs more information`),
    make('p', {}, window ? 'The window is the part of the signal for one answer.' : 'The number is the same for every answer.'),
    make(
      'div',
      { className: 'fields' },
      ...(window ? [make('label', { htmlFor: 'frames' }, 'Frames per window', frames)] : []),
      ...fields.map(({ input, value }) => make('label', { htmlFor: value.id }, `Input ${input}`, value)),
      make('button', { type: 'submit', textContent: 'Use' }),
      make('button', { type: 'button', textContent: 'Cancel', onclick: cancel }),
    ),
  );
  const numberIn = (input: HTMLInputElement, isRight: (n: number) => boolean, wanted: string): number => {
    const text = input.value.trim().replace(',', '.');
    input.setCustomValidity(text !== '' && isRight(Number(text)) ? '' : wanted);
    return Number(text);
  };
  for (const input of [frames, ...fields.map(({ value }) => value)]) input.oninput = () => input.setCustomValidity('');
  form.onsubmit = (event) => {
    event.preventDefault();
    const length = window && numberIn(frames, (n) => Number.isInteger(n) && n > 0, 'Enter a whole number above 0');
    const set = Object.fromEntries(fields.map(({ input, value }) => [input, numberIn(value, Number.isFinite, 'Enter a number')]));
    if (form.reportValidity()) answer({ ...(length && { window: length }), ...(inputs.length > 0 && { set }) });
  };
  form.hidden = false;
  (form.querySelector('input') as HTMLInputElement).focus();
}

/** Asks for the rate or the front end. @param cancel called when the user returns to the previous model. */
export function askRate(
  { name, elements, frontEnds }: Question,
  answer: (options: LoadOptions) => void,
  cancel: () => void,
): void {
  const form = byId<HTMLFormElement>('question');
  const rate = make('input', { id: 'rate', inputMode: 'decimal', autocomplete: 'off', size: 9 });
  const what = elements === 1 ? 'Samples per second' : 'Frames per second';
  const select = make('select', { id: 'rows' }, make('option', { value: 'frames', textContent: 'none (frames from files)' }));
  select.append(...frontEnds.map(({ id, title }) => make('option', { value: id, textContent: title })));
  const rateLabel = make('label', { htmlFor: 'rate' }, what, rate);
  select.onchange = () => {
    rateLabel.hidden = select.value !== 'frames';
  };
  form.replaceChildren(
    make('h2', {}, `What is the sampling rate of ${name}?`),
    make('p', {}, `The model file does not state it. You can also open a recording with a time column (.csv).`),
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
    rate.setCustomValidity(rateHz > 0 && rateHz <= 1e6 ? '' : 'Enter a number above 0');
    if (form.reportValidity()) answer({ rateHz, ...(frontEnds.length > 0 && { frontEnd: 'frames' }) });
  };
  rate.oninput = () => rate.setCustomValidity('');
  form.hidden = false;
  rate.focus();
}

/** Asks for the names of the classes if the model has none. */
export function askLabels({ manifest }: Loaded, { kind, names }: Reading, answer: (labels: string[]) => void): void {
  const form = byId<HTMLFormElement>('names');
  const unknown = kind === 'words' && manifest.labels?.length !== names.length;
  form.hidden = !unknown;
  if (!unknown) return;
  const input = byId<HTMLInputElement>('labels');
  byId('labels-text').textContent =
    `The model does not name its ${names.length} classes. Enter the names in order, separated by commas`;
  input.value = '';
  input.oninput = () => input.setCustomValidity('');
  form.onsubmit = (event) => {
    event.preventDefault();
    const labels = input.value.split(',').map((label) => label.trim());
    const right = labels.length === names.length && labels.every((label) => label !== '');
    input.setCustomValidity(right ? '' : `Enter ${names.length} names; there are ${labels.filter(Boolean).length}`);
    if (form.reportValidity()) answer(labels);
  };
}
