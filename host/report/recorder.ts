/**
 * Keeps what a run reports at its end: outputs, truth, times per hop, and, for a plot, the input.
 *
 * In: frames and outputs as they pass.  Out: a summary and the series of a plot. Memory: 8 bytes per value
 * kept; the input is kept only where a plot is wanted.
 */
import type { Manifest, TruthAt } from '../../assembly/bundle/manifest.ts';
import { classOf } from '../../models/class-index.ts';
import type { GapPolicy } from '../session/index.ts';
import type { GapList } from '../sources/gaps.ts';
import { Track } from '../sources/source.ts';
import { accuracy, meanAbsoluteError, quantile, truthIn } from '../statistics.ts';
import type { RunPlot } from './plot.ts';

export interface RunSummary {
  model: string;
  source: string;
  frames: number;
  outputs: number;
  /**
   * Outputs of the warm-up that were held back, after gaps of policy reset too, and frames still missing to
   * the next output.
   */
  warmUp: { outputsHeldBack: number; framesLeft: number };
  /** Lost frames, where a policy was given. */
  gaps?: GapCount;
  /** Length of the signal with its gaps, where the rate is known. */
  signalSeconds?: number;
  /** Wall time of the run. */
  seconds: number;
  /** Time of a hop in the module, quantisation included. */
  microsecondsPerHop?: { median: number; p95: number };
  /** Frames a second of computing. */
  framesPerSecond?: number;
  /** framesPerSecond over the signal's rate. */
  timesRealTime?: number;
  /** How often each label won. */
  labels?: Record<string, number>;
  /** How often each word was heard. */
  heard?: Record<string, number>;
  truth?: { column: string; at: TruthAt; outputs: number; mae?: number; accuracy?: number };
}

export interface GapCount {
  policy: GapPolicy;
  count: number;
  frames: number;
  /** Outputs of long gaps that were not computed, since they repeat. */
  outputsLeftOut: number;
}

export interface RecorderOptions {
  manifest: Manifest;
  source: string;
  rateHz?: number;
  keepInput: boolean;
  inputNames?: string[];
  truthName?: string;
  /**
   * Default: what the bundle says, else the majority of the window for classes, and its last frame for
   * values.
   */
  truthAt?: TruthAt;
  /** Jumps in time between the rows of the truth. */
  jumps?: GapList;
}

export class Recorder {
  readonly classes: boolean;
  /** Elements of output 0, one track each. */
  readonly outputs: Track[];
  #options: RecorderOptions;
  /** Elements of input 0, and its frames a tick: of several inputs the plot has the first. */
  #inputs: Track[];
  #rate: number;
  #times = new Track();
  #truth = new Track();
  #winners = new Track();
  #hopMs = new Track();
  #ms = 0;
  #frames = 0;
  #lost = 0;
  #heard: Record<string, number> | undefined;
  #started = performance.now();

  constructor(options: RecorderOptions) {
    this.#options = options;
    const { inputs, outputs, labels } = options.manifest;
    const elements = outputs[0]?.elements ?? 0;
    const { length: names = 0 } = labels ?? [];
    this.classes = names > 1 && (elements === 1 || names === elements);
    this.outputs = Array.from({ length: elements }, () => new Track());
    this.#rate = inputs[0]?.rate ?? 1;
    this.#inputs = options.keepInput ? Array.from({ length: inputs[0]?.elements ?? 0 }, () => new Track()) : [];
  }

  /** Which truth an output is held against. */
  get truthAt(): TruthAt {
    return (
      this.#options.truthAt ?? this.#options.manifest.truthAt ?? (this.outputs.length > 1 || this.classes ? 'majority' : 'end')
    );
  }

  get count(): number {
    return this.#times.length;
  }

  /**
   * A pushed piece of input 0: whole frames (ticks, where there are several inputs) from `from` on, and the
   * milliseconds that the push took.
   */
  frames(values: ArrayLike<number>, from: number, count: number, ms: number): void {
    this.#frames += count;
    this.#ms += ms;
    const elements = this.#inputs.length;
    const rate = this.#rate;
    for (let n = from * rate; n < (from + count) * rate && elements > 0; n++)
      for (let e = 0; e < elements; e++) (this.#inputs[e] as Track).push(values[n * elements + e] as number);
  }

  /** Lost frames. With a plot they take as much memory as others. */
  gap(frames: number): void {
    this.#lost += frames;
    for (const track of this.#inputs) for (let n = 0; n < frames; n++) track.push(Number.NaN);
  }

  /** A whole hop took `ms`. */
  hop(ms: number): void {
    this.#hopMs.push(ms);
  }

  /**
   * An output fell due; its window is frames [startFrame, endFrame) of the signal, `truth` the truth per row
   * as far as it was read.
   */
  output(values: Float32Array, startFrame: number, endFrame: number, truth?: { values: Float64Array }): void {
    const { rateHz = 1, jumps } = this.#options;
    this.#times.push(endFrame / rateHz);
    for (let e = 0; e < this.outputs.length; e++) (this.outputs[e] as Track).push(values[e] as number);
    if (values.length > 1 || this.classes) this.#winners.push(this.#classOf(values));
    if (!truth) return;
    const row = (frame: number) => jumps?.before(frame) ?? frame;
    this.#truth.push(truthIn(truth.values, row(startFrame), row(endFrame), this.truthAt));
  }

  /** A detector heard this. */
  heard(label: string): void {
    this.#heard ??= {};
    this.#heard[label] = (this.#heard[label] ?? 0) + 1;
  }

  /** Name of the latest output's label, where the model has labels. */
  label(values: Float32Array): string | undefined {
    return this.classes ? this.#options.manifest.labels?.[this.#classOf(values)] : undefined;
  }

  #classOf = (values: Float32Array): number =>
    classOf(values, this.classes ? (this.#options.manifest.labels?.length ?? 0) : values.length);

  /** @param stream what only the run knows. */
  summary(stream: Pick<RunSummary, 'warmUp' | 'gaps'>): RunSummary {
    const { manifest, rateHz, truthName } = this.#options;
    const hops = this.#hopMs.view();
    const framesPerSecond = this.#ms > 0 ? (1000 * this.#frames) / this.#ms : undefined;
    const summary: RunSummary = {
      model: manifest.name,
      source: this.#options.source,
      frames: this.#frames,
      outputs: this.count,
      ...stream,
      signalSeconds: rateHz && (this.#frames + this.#lost) / rateHz,
      seconds: rounded((performance.now() - this.#started) / 1000),
      microsecondsPerHop: hops.length
        ? { median: rounded(1000 * quantile(hops, 0.5)), p95: rounded(1000 * quantile(hops, 0.95)) }
        : undefined,
      framesPerSecond: framesPerSecond && rounded(framesPerSecond),
      timesRealTime: rateHz && framesPerSecond && rounded(framesPerSecond / rateHz),
    };
    if (this.#heard) summary.heard = this.#heard;
    if (this.classes) {
      // a label may have the name of what every object inherits
      summary.labels = Object.create(null) as Record<string, number>;
      for (const winner of this.#winners.view()) {
        const name = manifest.labels?.[winner] ?? `${winner}`;
        summary.labels[name] = (summary.labels[name] ?? 0) + 1;
      }
    }
    if (truthName !== undefined) {
      const truth = this.#truth.view();
      const classes = this.#judgesClasses() ? accuracy(this.#winners.view(), truth) : undefined;
      const real = classes ? undefined : meanAbsoluteError((this.outputs[0] as Track).view(), truth);
      summary.truth = {
        column: truthName,
        at: this.truthAt,
        outputs: (classes ?? real)?.count ?? 0,
        mae: real && rounded(real.mae),
        accuracy: classes?.accuracy,
      };
    }
    return summary;
  }

  /** Truth as a line, or as a strip beside that of the answers. */
  #truthPlot(): Pick<RunPlot, 'truth' | 'classes'> {
    const { truthName } = this.#options;
    if (truthName === undefined) return {};
    const values = this.#truth.view();
    if (!this.#judgesClasses()) return { truth: { name: `truth (${truthName})`, values } };
    return { classes: [{ name: 'truth', values }, { name: 'answer', values: this.#winners.view() }] }; // biome-ignore format: one line
  }

  /** Whether truths are classes: of several output elements, where all of them are indexes of one. */
  #judgesClasses(): boolean {
    const elements = this.outputs.length;
    const isIndex = (value: number) => Number.isNaN(value) || (Number.isInteger(value) && value >= 0 && value < elements);
    return this.classes || (elements > 1 && this.#truth.view().every(isIndex));
  }

  /** What plotRun draws. Truth of a classifier is a strip: it is no value on the outputs' axis. */
  plot(): RunPlot {
    const { manifest, rateHz, source, inputNames } = this.#options;
    const nameOf = (names: string[] | undefined, i: number, count: number, port: string) =>
      names?.[i] ?? (count === 1 ? port : `${port}[${i}]`);
    return {
      title: `${manifest.name}: ${source}`,
      input: this.#inputs.map((track, i) => ({
        name: nameOf(inputNames, i, this.#inputs.length, manifest.inputs[0]?.name ?? 'input'),
        values: track.view(),
      })),
      inputRateHz: rateHz === undefined ? (this.#rate > 1 ? this.#rate : undefined) : rateHz * this.#rate,
      outputs: this.outputs.map((track, i) => ({
        name: nameOf(this.classes ? manifest.labels : undefined, i, this.outputs.length, manifest.outputs[0]?.name ?? 'output'),
        values: track.view(),
      })),
      ...this.#truthPlot(),
      times: this.#times.view(),
      unit: manifest.unit,
    };
  }
}

/** Times are not known better than to 4 digits. */
const rounded = (x: number): number => Number(x.toPrecision(4));
