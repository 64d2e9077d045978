/**
 * Records a run for its final report: outputs, truth, times per hop, and for a plot also the input.
 *
 * In: frames and outputs as they pass.  Out: a summary, and the series of a plot.  Memory: 8 bytes per kept
 * value.
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
   * Number of outputs held back during warm-up (also after gaps with policy reset), and number of frames
   * until the next output.
   */
  warmUp: { outputsHeldBack: number; framesLeft: number };
  /** Counts of lost frames, if a gap policy is set. */
  gaps?: GapCount;
  /** Length of the signal with its gaps, if the rate is known. */
  signalSeconds?: number;
  /** Wall time of the run. */
  seconds: number;
  /** Time of a hop in the module, with quantisation. */
  microsecondsPerHop?: { median: number; p95: number };
  /** Frames per second of computing time. */
  framesPerSecond?: number;
  /** framesPerSecond divided by the signal's rate. */
  timesRealTime?: number;
  /** Number of outputs that each label won. */
  labels?: Record<string, number>;
  /** Number of detections of each word. */
  heard?: Record<string, number>;
  truth?: { column: string; at: TruthAt; outputs: number; mae?: number; accuracy?: number };
}

export interface GapCount {
  policy: GapPolicy;
  count: number;
  frames: number;
  /** Number of outputs in long gaps that were not computed, since they repeat. */
  outputsLeftOut: number;
}

export interface RecorderOptions {
  manifest: Manifest;
  source: string;
  rateHz?: number;
  keepInput: boolean;
  inputNames?: string[];
  truthName?: string;
  /** Default: from the bundle, else the majority of the window for classes and its last frame for values. */
  truthAt?: TruthAt;
  /** Gaps in time between the rows of the truth. */
  jumps?: GapList;
}

export class Recorder {
  readonly classes: boolean;
  /** One track per element of output 0. */
  readonly outputs: Track[];
  #options: RecorderOptions;
  /** One track per element of input 0, and its frames per tick. A plot shows only the first input. */
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

  /** How the truth of an output is taken from the frames of its window. */
  get truthAt(): TruthAt {
    return (
      this.#options.truthAt ?? this.#options.manifest.truthAt ?? (this.outputs.length > 1 || this.classes ? 'majority' : 'end')
    );
  }

  get count(): number {
    return this.#times.length;
  }

  /**
   * Records a pushed piece of input 0.
   * @param from first frame of the piece in `values` (with several inputs, first tick). @param count number
   * of frames or ticks. @param ms duration of the push in milliseconds.
   */
  frames(values: ArrayLike<number>, from: number, count: number, ms: number): void {
    this.#frames += count;
    this.#ms += ms;
    const elements = this.#inputs.length;
    const rate = this.#rate;
    for (let n = from * rate; n < (from + count) * rate && elements > 0; n++)
      for (let e = 0; e < elements; e++) (this.#inputs[e] as Track).push(values[n * elements + e] as number);
  }

  /** Records lost frames. With a plot they take as much memory as other frames. */
  gap(frames: number): void {
    this.#lost += frames;
    for (const track of this.#inputs) for (let n = 0; n < frames; n++) track.push(Number.NaN);
  }

  /** Records the duration of a hop. @param ms milliseconds. */
  hop(ms: number): void {
    this.#hopMs.push(ms);
  }

  /**
   * Records an output. Its window is frames [startFrame, endFrame) of the signal.
   * @param truth truth of each row that was read so far.
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

  /** Records a detection. */
  heard(label: string): void {
    this.#heard ??= {};
    this.#heard[label] = (this.#heard[label] ?? 0) + 1;
  }

  /** Returns the label of an output; undefined if the model has no labels. */
  label(values: Float32Array): string | undefined {
    return this.classes ? this.#options.manifest.labels?.[this.#classOf(values)] : undefined;
  }

  #classOf = (values: Float32Array): number =>
    classOf(values, this.classes ? (this.#options.manifest.labels?.length ?? 0) : values.length);

  /** Returns the summary. @param stream the part that only the run knows. */
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
      // no prototype: a label may have the name of an inherited property
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

  /** Returns the truth as a line, or for classes as a strip next to the strip of the answers. */
  #truthPlot(): Pick<RunPlot, 'truth' | 'classes'> {
    const { truthName } = this.#options;
    if (truthName === undefined) return {};
    const values = this.#truth.view();
    if (!this.#judgesClasses()) return { truth: { name: `truth (${truthName})`, values } };
    return { classes: [{ name: 'truth', values }, { name: 'answer', values: this.#winners.view() }] }; // biome-ignore format: one line
  }

  /** Checks whether truths are classes: every truth is an index of one of several output elements. */
  #judgesClasses(): boolean {
    const elements = this.outputs.length;
    const isIndex = (value: number) => Number.isNaN(value) || (Number.isInteger(value) && value >= 0 && value < elements);
    return this.classes || (elements > 1 && this.#truth.view().every(isIndex));
  }

  /** Returns the data for plotRun. A classifier's truth is a strip: it is not a value on the output axis. */
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

/** Rounds to 4 digits, the precision of the times. */
const rounded = (x: number): number => Number(x.toPrecision(4));
