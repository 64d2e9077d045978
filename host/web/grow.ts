/**
 * A growing list of numbers that every batch empties.
 *
 * In: numbers.  Out: a typed array of those since the latest `take`. The memory is reused.
 */
export class Grow<T extends Float32Array | Float64Array | Int8Array | Uint8Array> {
  #make: new (
    length: number,
  ) => T;
  #values: T;
  #length = 0;

  constructor(make: new (length: number) => T) {
    this.#make = make;
    this.#values = new make(256);
  }

  add(values: ArrayLike<number>): void {
    if (this.#length + values.length > this.#values.length) {
      const more = new this.#make(2 * (this.#length + values.length));
      more.set(this.#values);
      this.#values = more;
    }
    this.#values.set(values, this.#length);
    this.#length += values.length;
  }

  take(): T {
    const taken = this.#values.slice(0, this.#length) as T;
    this.#length = 0;
    return taken;
  }
}
