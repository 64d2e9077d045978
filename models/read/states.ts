/**
 * States that a model takes as inputs and returns as outputs: the next value of each element, and whether an
 * output returns it.
 *
 * In: the use of state elements by operators; elements are numbered through all states.  Out: whether an
 * output is a state's next value, and which states are read. Pairs follow from the data flow, element by
 * element: an element is a value that a cell keeps, or a row of a signal's past, and the output must hold its
 * next value at the same index. Names and shapes prove nothing. All states begin at zero, as in the programs
 * that run such models.
 */

export interface StateInput {
  name: string;
  /** Its elements are numbered [from, from + count). */
  from: number;
  count: number;
}

/** Largest number of elements of all states. A choice: the largest models seen have some ten thousand. */
export const maxElements = 2 ** 20;

export class States {
  private readonly inputs: StateInput[] = [];
  private elements = 0;
  /** Next value of an element: another element, or -1 - k for new value k. */
  private readonly follows = new Map<number, number>();
  private readonly sources = new Map<string, number>();

  get any(): boolean {
    return this.elements > 0;
  }

  /** Adds a state and returns the numbers of its elements; undefined if there are too many. */
  add(name: string, count: number): Float64Array | undefined {
    const from = this.elements;
    if (from + count > maxElements) return undefined;
    this.inputs.push({ name, from, count });
    this.elements += count;
    return Float64Array.from({ length: count }, (_, i) => from + i);
  }

  /**
   * Records that each element of `ids` receives one value of `source` next, in order. Returns false if this
   * contradicts an earlier record.
   */
  keep(ids: ArrayLike<number>, source: string): boolean {
    const base = this.baseOf(source);
    return Array.from(ids).every((id, i) => this.follow(id, -1 - base - i));
  }

  /**
   * Records that rows of a state that precede new rows of a signal move up by the number of new rows.
   * @param ids [outer][rows][inner]. @param fresh number of new rows. @param source name of the new rows
   * @returns [outer][rows + fresh][inner]: the element that each row's value goes into, or -1 for none.
   * Undefined if this contradicts an earlier record.
   */
  join(
    ids: ArrayLike<number>,
    [outer, rows, inner]: [number, number, number],
    fresh: number,
    source: string,
  ): Float64Array | undefined {
    const base = this.baseOf(source);
    const at = (o: number, r: number, i: number) => ids[(o * rows + r) * inner + i] as number;
    const total = rows + fresh;
    const next = new Float64Array(outer * total * inner);
    for (let o = 0; o < outer; o++)
      for (let i = 0; i < inner; i++) {
        // a state may have older rows than are joined here
        const step = rows > 1 ? at(o, 1, i) - at(o, 0, i) : 0;
        const olds = (r: number) => (step === 0 ? -1 : at(o, 0, i) + r * step);
        for (let r = 0; r < total; r++) next[(o * total + r) * inner + i] = r < fresh ? olds(r - fresh) : at(o, r - fresh, i);
        for (let r = 0; r < rows; r++) {
          const from = r + fresh - rows;
          const value = from < 0 ? at(o, r + fresh, i) : -1 - base - ((o * fresh + from) * inner + i);
          if (!this.follow(at(o, r, i), value)) return undefined;
        }
      }
    return next;
  }

  /** Returns the state whose elements `ids` are, in order. Elements that nothing reads may be any. */
  nextOf(ids: ArrayLike<number>): StateInput | undefined {
    return this.inputs.find(({ from, count }) => {
      const fits = (i: number) => ids[i] === from + i || !this.follows.has(from + i);
      return (
        ids.length === count && Array.from(ids).every((_, i) => fits(i)) && Array.from(ids).some((id) => this.follows.has(id))
      );
    });
  }

  /** Returns the states that something reads. */
  read(): StateInput[] {
    return this.inputs.filter(({ from, count }) => Array.from({ length: count }).some((_, i) => this.follows.has(from + i)));
  }

  private baseOf(source: string): number {
    const known = this.sources.get(source) ?? this.sources.size * maxElements * 16;
    this.sources.set(source, known);
    return known;
  }

  private follow(id: number, value: number): boolean {
    const known = this.follows.get(id);
    if (known !== undefined && known !== value) return false;
    this.follows.set(id, value);
    return true;
  }
}

/** An input or output of a file; a dimension may be symbolic. */
export interface Declared {
  name: string;
  dims: readonly (number | string)[] | undefined;
}

/** Names that exporters and people give to states. */
const stateName =
  /(^|[^a-z])(states?|hidden|cells?|caches?|mem(ory)?|buf(fer)?s?|context|carry|recurrent|h[xn0]?|c[xn0]?)([^a-z]|in|n?$)/i;

export const isStateName = (name: string): boolean => stateName.test(name);

/** Checks whether an output may be the next value of an input: its shape must fit. */
export const mayBe = (input: Declared, output: Declared): boolean =>
  input.dims !== undefined &&
  input.dims.length === output.dims?.length &&
  input.dims.every((d, i) => {
    const e = output.dims?.[i];
    return typeof d === 'string' || typeof e === 'string' || d === e;
  });

/** Returns the inputs that may be states: an output has their shape. At least one input stays a signal. */
export function stateInputs<T extends Declared>(all: readonly T[], outputs: readonly Declared[]): T[] {
  const inputs = all.filter(({ dims }) => dims?.length !== 0);
  const found = inputs.filter((input) => outputs.some((output) => mayBe(input, output)));
  if (found.length < inputs.length) return found;
  const signal = inputs.find(({ name }) => !isStateName(name)) ?? inputs[0];
  return found.filter((input) => input !== signal);
}
