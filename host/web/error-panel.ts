/**
 * The error panel of the page: what went wrong, where, why, and what to try.
 *
 * In: an error, and actions that may help.  Out: the panel, which a screen reader announces. Its button or
 * Escape closes it.
 */
import { byId, make, pairs } from './dom.ts';
import { errorOf } from './engine-error.ts';

export interface Action {
  text: string;
  run: () => void;
}

export function hideError(): void {
  const panel = byId('error');
  panel.hidden = true;
  panel.replaceChildren();
}

/** Shows an error. @param closed called when the user closes the panel. */
export function showError(error: unknown, actions: Action[] = [], closed: () => void = () => {}): void {
  const { code, parts } = errorOf(error);
  const panel = byId('error');
  const close = make('button', { type: 'button', className: 'close', ariaLabel: 'Close' }, '×');
  close.onclick = () => {
    hideError();
    closed();
  };
  panel.onkeydown = ({ key }) => key === 'Escape' && close.click();
  const rows: [string, string][] = [];
  if (parts.where) rows.push(['where', parts.where]);
  if (parts.why) rows.push(['why', parts.why]);
  if (parts.tryThis) rows.push(['try', parts.tryThis]);
  const buttons = actions.map(({ text, run }) =>
    make('button', {
      type: 'button',
      textContent: text,
      onclick: () => {
        hideError();
        run();
      },
    }),
  );
  const what = `${parts.what.charAt(0).toUpperCase()}${parts.what.slice(1)}`;
  panel.replaceChildren(
    make('h2', {}, what, make('small', {}, code)),
    close,
    make('dl', {}, ...pairs(rows)),
    ...(buttons.length > 0 ? [make('div', { className: 'actions' }, ...buttons)] : []),
  );
  panel.hidden = false;
}
