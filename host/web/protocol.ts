/**
 * What the page and its engine (a Web Worker) say to each other.
 *
 * In: nothing (types).  Out: requests with an id, one reply each; batches come unasked while a signal runs.
 * Times are seconds of the signal.
 */
import type { Manifest } from '../../assembly/bundle/manifest.ts';
import type { Target } from '../../assembly/emit/target.ts';
import type { ErrorParts } from '../../models/error.ts';

/**
 * A front end that the page was built with (catalogue.json): a module that turns sound into rows of features.
 */
export interface FrontEndEntry {
  id: string;
  /** Name of the preset, as manifests have it. */
  preset: string;
  title: string;
  file: string;
  sampleRateHz: number;
  windowSamples: number;
  stepSamples: number;
  channels: number;
}

/** A recording that belongs to a model of the zoo. */
export interface DemoEntry {
  title: string;
  file: string;
  /**
   * Raw float32 samples have their rate here; a WAV file has its own. Of several channels: frames a second.
   */
  rateHz?: number;
  /** Names of the channels; one that is left out has the name of the input. */
  channels?: string[];
  /**
   * float32, one value each `stepS` seconds: what the model should say; of a classifier, the index of a
   * class. NaN: not known.
   */
  truth?: { file: string; stepS: number };
  /** JSON, a list of Said: what the model should find. */
  script?: string;
}

/**
 * What is there in a signal, by a script: a word, a state that lasts, a beat (start and end are the same).
 * Seconds.
 */
export interface Said {
  word: string;
  start: number;
  end: number;
}

/** A signal that the page plays. */
export interface Recording {
  name: string;
  samples: Float32Array;
  /** Undefined: frames as the model takes them. */
  rateHz?: number;
  seconds: number;
  /** Names of the channels, where the file has them. */
  channels?: string[];
  /** Rows a second by the file itself. */
  fileHz?: number;
  truth?: { values: Float32Array; stepS: number };
  /** What is said in it, in order. */
  said?: Said[];
}

/** How the answers of a model of the zoo are read, where its manifest does not say it. */
export interface AnswersEntry {
  /** Seconds from what an answer is about to the end of its window. */
  delayS: number;
  /** Beats of an ECG: JSON with the weights of host/features/beat-kinds.ts. */
  beats?: string;
}

export interface ModelEntry {
  name: string;
  note: string;
  file: string;
  /** Weights that are a file apart. */
  weights?: string;
  /** What is known of it beside its manifest. */
  options?: Pick<LoadOptions, 'rateHz' | 'labels'>;
  demo?: DemoEntry;
  answers?: AnswersEntry;
}

export interface Catalogue {
  version: string;
  models: ModelEntry[];
  frontEnds: FrontEndEntry[];
  /**
   * Kernel sources as JSON, for code that the page compiles for one model; left out where the page has no
   * compiler.
   */
  compiler?: { kernels: string };
  /** Files are kept for visits without the server. */
  offline?: boolean;
}

/** How samples reach the model. */
export type Feed =
  /** Sound, one sample a frame. */
  | 'sound'
  /** Sound, through a front end beside the model. */
  | 'rows'
  /** Another signal of one value a frame, such as PPG. */
  | 'signal'
  /** Frames of several channels: from files. */
  | 'frames';

/** What a bundle is, once it runs. */
export interface Loaded {
  manifest: Manifest;
  /** The module, to be saved. */
  wasm: Uint8Array;
  feed: Feed;
  /** Samples a second that the engine works at; frames a second for `frames`. */
  rateHz: number;
  /** Frames of the model a second. */
  frameHz: number;
  /** Seconds between two outputs. */
  hopS: number;
  /** Channels of the signal that are drawn as traces; 0 where rows are drawn instead. */
  traces: number;
  fileBytes: number;
  codeBytes: number;
  /** The front end beside the model: for its rows, or to draw only. */
  rows?: {
    id: string;
    title: string;
    channels: number;
    stepS: number;
    windowS: number;
    needed: boolean;
    memoryBytes: number;
    fileBytes: number;
  };
  /** The host's own filter before the model (manifest frontEnd `ppg`). */
  filter?: string;
  /** Compiled in the page: how long it took. */
  compiledMs?: number;
  /** What the user should know: guesses that were made. */
  notes: string[];
}

/** What a stretch of signal gave. */
export interface Batch {
  /** Run that it belongs to: a new one begins with every `begin`. */
  run: number;
  /** Seconds of signal so far. */
  endS: number;
  /** [buckets][channels][2]: least and greatest sample of each whole bucket that ended. */
  wave: Float32Array;
  /** int8 [rows][channels]. */
  rows: Int8Array;
  /** Values of output 0, [outputs][elements], and the end of what each has seen, in seconds. */
  outputs: Float32Array;
  times: Float64Array;
  /** Hops timed, and microseconds that model and front end took for them. */
  hops: number;
  modelUs: number;
  frontEndUs: number;
}

export interface LoadOptions {
  /** Id of a front end in the catalogue, or `frames` for none; by default what the model says. */
  frontEnd?: string;
  /** Frames a second, where the model does not say it. */
  rateHz?: number;
  /** Names of the output's values, where the model has none. */
  labels?: string[];
  hop?: number;
  frame?: number;
  /** The dimension of the input that is time, where the file allows several. */
  timeAxis?: number;
  /** Frames of a window, where the file leaves them open. */
  window?: number;
  /** Inputs that are numbers, by name. */
  set?: Record<string, number>;
  /** Code for this model and this class of engine, by the compiler; else a layer table, at once. */
  code?: Target;
}

/** What must be known before a model can run, and the file does not say. */
export interface Question {
  asks: 'rate';
  name: string;
  elements: number;
  /** Front ends whose rows have as many values. */
  frontEnds: FrontEndEntry[];
}

/** A signal for calibration: samples of one channel, or whole frames. */
export interface Calibration {
  samples: Float32Array;
  /** Undefined: frames as the model takes them. */
  rateHz?: number;
  /** Columns that the file has, where it has such. */
  width?: number;
}

export interface NamedBytes {
  name: string;
  bytes: Uint8Array;
}

/** Samples of one channel at a rate, or whole frames as the model takes them. */
export type SignalKind = { rateHz: number } | { rateHz?: undefined };

export type Request =
  | { do: 'setup'; catalogue: Catalogue }
  | {
      do: 'load';
      name: string;
      bytes: Uint8Array;
      options: LoadOptions;
      json?: NamedBytes;
      calibration?: Calibration;
      weights?: Uint8Array;
    }
  | { do: 'begin'; run: number; signal: SignalKind }
  | { do: 'push'; samples: Float32Array }
  /** The signal ends here. */
  | { do: 'end' }
  /** A whole signal as fast as possible, and its end. */
  | { do: 'all'; samples: Float32Array }
  | { do: 'stop' };

export type Reply =
  | { id: number; loaded?: Loaded | Question }
  | { id: number; error: { code: string; parts: ErrorParts } }
  | { batch: Batch }
  /** What the engine does while a request runs. */
  | { progress: string };
