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
  #items = new Map<Detection, HTMLElement>();

  clear(): void {
    this.#list.replaceChildren();
    this.#items.clear();
    byId('heard').hidden = true;
  }

  /** Those that are not in the script are marked. */
  mark(wrong: ReadonlySet<Detection>): void {
    for (const [detection, item] of this.#items) item.classList.toggle('wrong', wrong.has(detection));
  }

  add(detection: Detection, colour: string): void {
    const { label, timeMs, probability } = detection;
    const swatch = make('i');
    swatch.style.background = colour;
    const time = make('time', {}, clockText(timeMs / 1000, 2));
    const item = make('li', {}, time, swatch, make('b', {}, label), make('span', {}, `${Math.round(100 * probability)} %`));
    this.#list.prepend(item);
    this.#items.set(detection, item);
    for (const [oldest, old] of this.#items) {
      if (this.#items.size <= most) break;
      old.remove();
      this.#items.delete(oldest);
    }
    byId('heard').hidden = false;
  }
}
