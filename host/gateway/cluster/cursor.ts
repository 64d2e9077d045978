/**
 * Cursor: the number of a message up to which the records of a partition hold everything. The next owner of
 * the partition reads from there.
 *
 * Errors: Conflict, if somebody else has moved it.
 */
import type { Broker } from './broker.ts';

export class Cursor {
  value = 0;
  #revision = 0;
  #key: string;
  #broker: Broker;
  #asked: <T>(ask: () => Promise<T>) => Promise<T | undefined>;

  /** @param asked tries a request until it is answered; undefined if the partition is over */
  constructor(partition: number, broker: Broker, asked: <T>(ask: () => Promise<T>) => Promise<T | undefined>) {
    [this.#key, this.#broker, this.#asked] = [`cursor.${partition}`, broker, asked];
  }

  /** False if the partition is over. */
  async read(): Promise<boolean> {
    const stored = await this.#asked(async () => ({ entry: await this.#broker.read(this.#key) }));
    if (stored?.entry) {
      this.value = Number(new TextDecoder().decode(stored.entry.value)) || 0;
      this.#revision = stored.entry.revision;
    }
    return stored !== undefined;
  }

  async move(value: number): Promise<void> {
    if (value <= this.value) return;
    const bytes = new TextEncoder().encode(`${value}`);
    const written = await this.#asked(() => this.#broker.write(this.#key, bytes, this.#revision));
    if (written !== undefined) [this.value, this.#revision] = [value, written];
  }
}
