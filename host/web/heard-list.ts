/**
 * The list of detections, newest first.
 *
 * In: detections in order.  Out: list items, which a screen reader announces.
 */
import type { Detection } from '../session/index.ts';
import { byId, make } from './dom.ts';
import { clockText } from './draw/axis.ts';

const maxItems = 200;

export class HeardList {
  #list = byId('heard-list');
  #items = new Map<Detection, HTMLElement>();

  clear(): void {
    this.#list.replaceChildren();
    this.#items.clear();
    byId('heard').hidden = true;
  }

  /** Marks the detections that are not in the script. */
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
      if (this.#items.size <= maxItems) break;
      old.remove();
      this.#items.delete(oldest);
    }
    byId('heard').hidden = false;
  }
}
