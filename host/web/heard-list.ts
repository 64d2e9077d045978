/**
 * The list of what was heard, newest first.
 *
 * In: detections as they come.  Out: list items; a screen reader says them.
 */
import type { Detection } from '../session/index.ts';
import { byId, make } from './dom.ts';
import { clockText } from './draw/axis.ts';

const most = 200;

export class HeardList {
  #list = byId('heard-list');

  clear(): void {
    this.#list.replaceChildren();
    byId('heard').hidden = true;
  }

  add({ label, timeMs, probability }: Detection, colour: string): void {
    const swatch = make('i');
    swatch.style.background = colour;
    const time = make('time', {}, clockText(timeMs / 1000, 2));
    this.#list.prepend(
      make('li', {}, time, swatch, make('b', {}, label), make('span', {}, `${Math.round(100 * probability)} %`)),
    );
    while (this.#list.childElementCount > most) this.#list.lastElementChild?.remove();
    byId('heard').hidden = false;
  }
}
