/**
 * Deviations of the streaming schemes from the windowed networks, one seed at a time (StreamiNNC sections 1.3
 * to 1.6, 3.2 D).
 *
 * In: a network and a number of windows.  Out: per scheme the NRMSE of output and embedding.  Weights and
 * signal have one seed.
 */
import { timingOf } from '../../models/stream/timing.ts';
import { Deviation, Nrmse } from './deviation.ts';
import type { PaperNetwork } from './networks.ts';
import { hopByHop, last, shifted, signalPadded, zeroPadded } from './schemes.ts';
import { cut, headOf, type Layer, type Rows, signalRows, trunkOf } from './trunk.ts';

export interface Deviations {
  output: number;
  embedding: number;
}

export class Experiment {
  readonly layers: Layer[];
  readonly head: (embedding: Rows) => Float32Array;
  readonly signal: Rows;
  /** First window's frame: whole hops, and more than any receptive field. */
  readonly start: number;
  /** Whole receptive field and total stride of the trunk, in frames. */
  readonly receptiveField: number;
  readonly stride: number;
  private readonly references = new Map<string, Rows>();

  readonly net: PaperNetwork;
  readonly windows: number;

  constructor(net: PaperNetwork, seed: number, windows: number) {
    this.net = net;
    this.windows = windows;
    this.layers = trunkOf(net.graph);
    this.head = headOf(net.graph);
    this.receptiveField = timingOf(net.graph, () => true).get(net.graph.outputs[1]?.tensor ?? -1)?.receptiveField ?? 0;
    this.stride = last(this.layers).jump;
    this.start = net.hop * Math.ceil((this.receptiveField + 2 * this.stride) / net.hop);
    const hops = windows + Math.ceil((net.window + this.start) / net.hop) + 1;
    this.signal = signalRows(net.signal(hops * net.hop, seed), net.channels);
  }

  /** Compares two embeddings of every window; `hop` is the network's unless a misaligned one is tried. */
  compare(
    reference: (start: number, n: number) => Rows,
    value: (start: number, n: number) => Rows,
    hop = this.net.hop,
  ): Deviations {
    const deviation = new Deviation(this.head);
    for (let n = 0; n < this.windows; n++) {
      const start = this.start + n * hop;
      deviation.add(reference(start, n), value(start, n));
    }
    return { output: deviation.output, embedding: deviation.embedding };
  }

  /** The windowed model, with `context` earlier frames in place of the left zeros. */
  padded(context: number): (start: number) => Rows {
    return (start) => {
      const key = `${context} ${start}`;
      const known = this.references.get(key);
      if (known) return known;
      const rows = last(signalPadded(this.layers, this.signal, start, this.net.window, context));
      this.references.set(key, rows);
      return rows;
    };
  }

  /** The windowed model as it is. */
  get windowed(): (start: number) => Rows {
    return this.padded(0);
  }

  /** Rows of a trunk over the whole signal; between rows of the grid the window starts at the row before. */
  readonly ofStream = (rows: Rows) => (start: number) =>
    cut(rows, Math.floor(start / this.stride), this.net.window / this.stride);

  /** Exact streaming: history on the left, look-ahead on the right. */
  streamed(): Rows {
    return last(zeroPadded(this.layers, this.signal));
  }

  /**
   * The paper's code on 'same' convolutions (zeros at the right of every hop), and the approximate mode
   * (zeros on both sides).
   */
  seams(history: boolean): Rows {
    return hopByHop(this.layers, this.signal, this.net.hop, history);
  }

  /** The first `count` layers streamed, the others on the window with zero padding. */
  partial(count: number): (start: number) => Rows {
    const first = last(zeroPadded(this.layers.slice(0, count), this.signal));
    const { jump } = this.layers[count - 1] as Layer;
    return (start) => last(zeroPadded(this.layers.slice(count), cut(first, start / jump, this.net.window / jump)));
  }

  /** Embeddings of cached and shifted rows at any hop. */
  shifted(hop: number, rule: 'floored' | 'by time'): (start: number, n: number) => Rows {
    const { start, signal, layers } = this;
    const at = { start, window: this.net.window, hop, context: this.context };
    const rows: Rows[] = [];
    const all = shifted(layers, signal, at, rule);
    for (let n = 0; n < this.windows; n++) rows.push(all.next().value as Rows);
    return (_, n) => rows[n] as Rows;
  }

  /** L_a >= RF - P, rounded up to the total stride (rule R5). */
  get context(): number {
    return this.stride * Math.ceil((this.receptiveField - this.stride) / this.stride);
  }

  /** NRMSE of each layer's rows, exact streaming against windowed. */
  perLayer(): { name: string; percent: number }[] {
    const streams = zeroPadded(this.layers, this.signal);
    const sums = this.layers.map(() => new Nrmse());
    for (let n = 0; n < this.windows; n++) {
      const start = this.start + n * this.net.hop;
      zeroPadded(this.layers, cut(this.signal, start, this.net.window)).forEach((y, i) => {
        sums[i]?.add(y.data, cut(streams[i] as Rows, start / (this.layers[i] as Layer).jump, y.rows).data);
      });
    }
    return this.layers.map(({ name }, i) => ({ name, percent: sums[i]?.percent ?? Number.NaN }));
  }
}
