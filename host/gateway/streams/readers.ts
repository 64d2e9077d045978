/**
 * Readers: an index of the readers of each stream.
 *
 * In: readers, each of some named streams or of all streams.  Out: the readers of one stream, each once;
 * those that named it come first.
 */
export class Readers<Reader> {
  /** Readers by the stream's name; no set is empty. */
  readonly #byStream = new Map<string, Set<Reader>>();
  readonly #streamsOf = new Map<Reader, Set<string>>();
  readonly #ofAll = new Set<Reader>();

  /** Adds `stream` to the streams of `reader`. */
  read(reader: Reader, stream: string): void {
    const streams = this.#streamsOf.get(reader) ?? new Set();
    if (streams.has(stream)) return;
    this.#streamsOf.set(reader, streams.add(stream));
    const all = this.#byStream.get(stream) ?? new Set();
    this.#byStream.set(stream, all.add(reader));
  }

  /** Adds `reader` to the readers of all streams. The caller must not call `read` for it as well. */
  readAll(reader: Reader): void {
    this.#ofAll.add(reader);
  }

  leave(reader: Reader): void {
    this.#ofAll.delete(reader);
    for (const stream of this.#streamsOf.get(reader) ?? []) {
      const all = this.#byStream.get(stream);
      if (all?.delete(reader) && all.size === 0) this.#byStream.delete(stream);
    }
    this.#streamsOf.delete(reader);
  }

  *of(stream: string): Iterable<Reader> {
    yield* this.#byStream.get(stream) ?? [];
    yield* this.#ofAll;
  }
}
