/**
 * Sender: sends the messages of many streams on schedule, and measures the latency of each output.
 *
 * In: a signal, and a rate (or none: as fast as outputs come back).  Out: calls of `send`; latencies, from
 * the sending of an output's last frame to the output. The starts of streams are spread over the time of a
 * hop or of a message, whichever is longer. Each stream starts at another position of the signal.
 */
import { quantile } from '../../host/statistics.ts';

export interface SenderOptions {
  /** [frame][element]. */
  signal: Float32Array;
  frameElements: number;
  rateHz: number;
  streams: number;
  ticksPerMessage: number;
  totalTicks: number;
  ticksPerSecond: number;
  /** Largest number of ticks sent beyond the newest output, or beyond the ticks of the first output. */
  maxAheadTicks: number;
  /** Number of ticks until the first output. Later outputs need a hop each. */
  firstOutputTicks: number;
  hop: number;
  send(stream: number, from: number, ticks: Float32Array): void;
}

/** Time to wait for outputs after the last frame was sent. */
const patienceMs = 10_000;

export class Sender {
  expected = 0;
  received = 0;
  #options: SenderOptions;
  #sent: Int32Array;
  #answered: Int32Array;
  /** Sending time of messages, by stream and position in a ring buffer. */
  #times: Float64Array;
  #ring: number;
  #latencies: number[] = [];
  #delays: number[] = [];
  #doubled: Float32Array;

  constructor(options: SenderOptions) {
    const { signal, frameElements, streams, ticksPerMessage, totalTicks, firstOutputTicks, hop } = options;
    this.#options = options;
    this.#sent = new Int32Array(streams);
    this.#answered = new Int32Array(streams);
    this.#ring = 2048;
    this.#times = new Float64Array(streams * this.#ring);
    this.#doubled = new Float32Array(2 * signal.length);
    this.#doubled.set(signal);
    this.#doubled.set(signal, signal.length);
    if (ticksPerMessage * frameElements > signal.length) throw new Error('a message is longer than the signal');
    this.expected = streams * Math.max(0, Math.floor((totalTicks - firstOutputTicks) / hop) + 1);
  }

  /** Share of all ticks that have been sent, 0 to 1. */
  get share(): number {
    return this.#sent.reduce((sum, n) => sum + n, 0) / (this.#options.totalTicks * this.#options.streams);
  }

  get signalS(): number {
    return this.#options.totalTicks / this.#options.rateHz;
  }

  /** Records an output. @param tick last tick that it depends on */
  output(stream: number, tick: number): void {
    const now = performance.now();
    const { ticksPerMessage } = this.#options;
    this.received++;
    this.#answered[stream] = Math.max(this.#answered[stream] as number, tick + 1);
    const message = Math.floor(tick / ticksPerMessage);
    this.#latencies.push(now - (this.#times[stream * this.#ring + (message % this.#ring)] as number));
  }

  async run(): Promise<void> {
    const { streams, totalTicks, ticksPerSecond, ticksPerMessage, hop } = this.#options;
    const paced = Number.isFinite(ticksPerSecond);
    const begun = performance.now() + 200;
    const tickMs = 1000 / ticksPerSecond;
    const spread = Math.max(hop, ticksPerMessage);
    for (;;) {
      let open = 0;
      let sent = 0;
      for (let stream = 0; stream < streams; stream++) {
        if ((this.#sent[stream] as number) >= totalTicks) continue;
        open++;
        const due = paced ? begun + ((stream / streams) * spread + (this.#sent[stream] as number) + ticksPerMessage) * tickMs : 0;
        const now = performance.now();
        if (due > now || !this.#mayGo(stream)) continue;
        if (paced) this.#delays.push(now - due);
        this.#one(stream);
        sent++;
      }
      if (open === 0) break;
      await new Promise((resolve) => (paced || sent === 0 ? setTimeout(resolve, 1) : setImmediate(resolve)));
    }
    for (const until = performance.now() + patienceMs; this.received < this.expected && performance.now() < until; )
      await new Promise((resolve) => setTimeout(resolve, 20));
  }

  #mayGo(stream: number): boolean {
    const { maxAheadTicks, firstOutputTicks } = this.#options;
    const from = Math.max(this.#answered[stream] as number, firstOutputTicks);
    return (this.#sent[stream] as number) < from + maxAheadTicks;
  }

  #one(stream: number): void {
    const { signal, frameElements, ticksPerMessage, send } = this.#options;
    const from = this.#sent[stream] as number;
    const at = ((from + stream * 37) * frameElements) % signal.length;
    this.#sent[stream] = from + ticksPerMessage;
    this.#times[stream * this.#ring + (Math.floor(from / ticksPerMessage) % this.#ring)] = performance.now();
    send(stream, from, this.#doubled.subarray(at, at + ticksPerMessage * frameElements));
  }

  latency(): { p50: number; p95: number; p99: number; most: number } {
    if (this.#latencies.length === 0) return { p50: Number.NaN, p95: Number.NaN, p99: Number.NaN, most: Number.NaN };
    const sorted = Float64Array.from(this.#latencies).sort();
    const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] as number;
    return { p50: at(0.5), p95: at(0.95), p99: at(0.99), most: at(1) };
  }

  /** Number of outputs that came after a later one was due. */
  get late(): number {
    const hopMs = (1000 * this.#options.hop) / this.#options.rateHz;
    return this.#latencies.filter((ms) => ms > hopMs).length;
  }

  /** Returns the 99th percentile of the delay of messages in ms, which this process itself caused. */
  sendDelayMs = (): number => (this.#delays.length > 0 ? quantile(this.#delays, 0.99) : 0);
}
