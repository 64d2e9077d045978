/**
 * Timeline: events of a model in the order of their time.
 *
 * In: events with times.  Out: they run in order; events of one time run in the order of their arrival.
 */
import TinyQueue from 'tinyqueue';

interface Due {
  atMs: number;
  order: number;
  run: () => void;
}

export class Timeline {
  now = 0;
  #due = new TinyQueue<Due>([], (a, b) => a.atMs - b.atMs || a.order - b.order);
  #order = 0;

  after(ms: number, run: () => void): void {
    this.at(this.now + ms, run);
  }

  at(atMs: number, run: () => void): void {
    this.#due.push({ atMs: Math.max(this.now, atMs), order: this.#order++, run });
  }

  /** Runs everything that is due before `untilMs`. `each` is called after each event. */
  run(untilMs: number, each?: () => void): void {
    for (let first = this.#due.peek(); first && first.atMs < untilMs; first = this.#due.peek()) {
      this.#due.pop();
      this.now = first.atMs;
      first.run();
      each?.();
    }
    this.now = untilMs;
  }
}
