/**
 * Reading ahead: a partition asks the broker for a stream when a message of it arrives, not when its turn
 * comes.
 *
 * A gateway that takes a partition begins all its streams. Each begin waits for an answer of the broker, some
 * ms; one after the other they would take a second.
 */

/** Passes items on in order. Takes up to `most` further ones meanwhile; each is `seen` as it arrives. */
export async function* ahead<T>(source: AsyncIterable<T>, most: number, seen: (one: T) => void): AsyncGenerator<T> {
  const iterator = source[Symbol.asyncIterator]();
  const next = (): Promise<IteratorResult<T>> => {
    const one = iterator.next().then((found) => {
      if (!found.done) seen(found.value);
      return found;
    });
    // an error is thrown below, unless nobody reads any more
    one.catch(() => {});
    return one;
  };
  const waiting = Array.from({ length: most }, next);
  try {
    for (let one = await waiting.shift(); one && !one.done; one = await waiting.shift()) {
      waiting.push(next());
      yield one.value;
    }
  } finally {
    // the source may wait for its next item; it ends by its own signal, and nobody hears of its end
    iterator.return?.().catch(() => {});
  }
}

/** Answers by name. Each is kept until it is forgotten; an error is not kept. */
export class Answers<T> {
  #ask: (name: string) => Promise<T>;
  #asked = new Map<string, Promise<T>>();

  constructor(ask: (name: string) => Promise<T>) {
    this.#ask = ask;
  }

  /** Asks, unless that was done. @throws as the question does */
  get(name: string): Promise<T> {
    const known = this.#asked.get(name);
    if (known) return known;
    const answer = this.#ask(name);
    answer.catch(() => this.forget(name));
    this.#asked.set(name, answer);
    return answer;
  }

  forget(name: string): void {
    this.#asked.delete(name);
  }
}
