/**
 * Who reads which stream.
 *
 * In: readers, each with names of streams, or with all of them.  Out: the readers of one stream, each once;
 * those of its name come before those of all. A reader that left is nowhere.
 */
export class Readers<Reader> {
  /** By the stream's name; a set is never empty. */
  readonly #byStream = new Map<string, Set<Reader>>();
  readonly #streamsOf = new Map<Reader, Set<string>>();
  readonly #ofAll = new Set<Reader>();

  /** From now on `reader` reads `stream` too. */
  read(reader: Reader, stream: string): void {
    const streams = this.#streamsOf.get(reader) ?? new Set();
    if (streams.has(stream)) return;
    this.#streamsOf.set(reader, streams.add(stream));
    const all = this.#byStream.get(stream) ?? new Set();
    this.#byStream.set(stream, all.add(reader));
  }

  /** From now on `reader` reads every stream. It must not name streams beside that. */
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
