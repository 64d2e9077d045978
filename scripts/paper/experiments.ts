/**
 * Experiment: deviations of the streaming schemes from the windowed networks, for one seed (StreamiNNC
 * sections 1.3 to 1.6, 3.2 D).
 *
 * In: a network and a number of windows.  Out: for each scheme the NRMSE of output and embedding.  Weights
 * and signal use the same seed.
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
  /** First frame of the first window: a multiple of the hop that exceeds the receptive field. */
  readonly start: number;
  /** Receptive field and total stride of the trunk, in frames. */
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

  /** Compares two embeddings of every window. @param hop default: the network's hop */
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

  /** Returns the windowed model with `context` earlier frames instead of zeros on the left. */
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

  /** The windowed model with zero padding. */
  get windowed(): (start: number) => Rows {
    return this.padded(0);
  }

  /**
   * Returns a window's rows from those of the whole signal. It starts at the last grid row at or before
   * `start`.
   */
  readonly ofStream = (rows: Rows) => (start: number) =>
    cut(rows, Math.floor(start / this.stride), this.net.window / this.stride);

  /** Rows of exact streaming: history on the left, look-ahead on the right. */
  streamed(): Rows {
    return last(zeroPadded(this.layers, this.signal));
  }

  /**
   * Rows of streaming hop by hop. @param history true: the paper's code for 'same' convolutions (zeros only
   * on the right of every hop); false: the approximate mode (zeros on both sides)
   */
  seams(history: boolean): Rows {
    return hopByHop(this.layers, this.signal, this.net.hop, history);
  }

  /** Returns rows with the first `count` layers streamed, and the others on the zero-padded window. */
  partial(count: number): (start: number) => Rows {
    const first = last(zeroPadded(this.layers.slice(0, count), this.signal));
    const { jump } = this.layers[count - 1] as Layer;
    return (start) => last(zeroPadded(this.layers.slice(count), cut(first, start / jump, this.net.window / jump)));
  }

  /** Returns embeddings from cached and shifted rows at any hop. */
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

  /** Returns the NRMSE of each layer's rows, exact streaming against windowed. */
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
