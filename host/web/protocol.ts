/**
 * Messages between the page and its engine (a Web Worker).
 *
 * Out: types of requests, each with an id and one reply, and of the batches that the engine sends while a
 * signal runs. Times are seconds of the signal.
 */
import type { Manifest } from '../../assembly/bundle/manifest.ts';
import type { Target } from '../../assembly/emit/target.ts';
import type { ErrorParts } from '../../models/error.ts';
import type { GateSummary, ModelGate } from '../session/index.ts';

/** A front end of the page (catalogue.json): a module that converts sound to rows of features. */
export interface FrontEndEntry {
  id: string;
  /** Name of the preset, as in manifests. */
  preset: string;
  title: string;
  file: string;
  sampleRateHz: number;
  windowSamples: number;
  stepSamples: number;
  channels: number;
}

/** The demo recording of a zoo model. */
export interface DemoEntry {
  title: string;
  file: string;
  /** Samples or frames per second of a raw float32 file; absent for files that state their rate, as WAV. */
  rateHz?: number;
  /** Names of the channels; by default the name of the input. */
  channels?: string[];
  /** float32 file of true values, one per `stepS` seconds: a quantity or a class index; NaN: unknown. */
  truth?: { file: string; stepS: number };
  /** JSON file with a list of Said: what the model should detect. */
  script?: string;
}

/** An entry of a recording's script: a word, a state, or a beat (start equals end). Times in seconds. */
export interface Said {
  word: string;
  start: number;
  end: number;
}

/** A signal that the page plays. */
export interface Recording {
  name: string;
  samples: Float32Array;
  /** Samples per second; undefined if `samples` has whole frames of the model. */
  rateHz?: number;
  seconds: number;
  /** Names of the channels, if the file has them. */
  channels?: string[];
  /** Rows per second by the file's time column. */
  fileHz?: number;
  truth?: { values: Float32Array; stepS: number };
  /** Script of the recording, in order of time. */
  said?: Said[];
}

/** How the outputs of a zoo model are read, if its manifest does not tell. */
export interface AnswersEntry {
  /** Seconds from the time that an output describes to the end of its window. */
  delayS: number;
  /** For beats of an ECG: JSON file with the weights of host/features/beat-kinds.ts. */
  beats?: string;
}

export interface ModelEntry {
  name: string;
  note: string;
  file: string;
  /** Separate file of weights. */
  weights?: string;
  /** Facts that its manifest lacks. */
  options?: Pick<LoadOptions, 'rateHz' | 'labels' | 'frontEnd'>;
  /** The model runs only while this gate is open. It names another entry of the catalogue. */
  gate?: ModelGate;
  demo?: DemoEntry;
  answers?: AnswersEntry;
}

export interface Catalogue {
  version: string;
  models: ModelEntry[];
  frontEnds: FrontEndEntry[];
  /** Page with the cards of the models. */
  cards?: string;
  /** JSON file of the kernel sources, to compile code for one model; absent if the page has no compiler. */
  compiler?: { kernels: string };
  /** True: a service worker caches the files for use without the server. */
  offline?: boolean;
}

/** How samples reach the model. */
export type Feed =
  /** Sound, one sample per frame. */
  | 'sound'
  /** Sound, converted to rows by a separate front end. */
  | 'rows'
  /** Another signal with one value per frame, such as PPG. */
  | 'signal'
  /** Frames of several channels, from files. */
  | 'frames';

/** A loaded bundle. */
export interface Loaded {
  manifest: Manifest;
  /** The module, for the user to save. */
  wasm: Uint8Array;
  feed: Feed;
  /** Samples per second in the engine; for `frames` frames per second. */
  rateHz: number;
  /** Frames of the model per second. */
  frameHz: number;
  /** Seconds between two outputs. */
  hopS: number;
  /** Number of channels that are drawn as traces; 0 if rows are drawn instead. */
  traces: number;
  fileBytes: number;
  codeBytes: number;
  /** The separate front end; `needed` is false if it only draws. */
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
  /** The gate behind which the model sleeps, and the model that decides it, with seconds per output. */
  gate?: { rule: ModelGate; manifest: Manifest; hopS: number };
  /** The host's filter before the model (manifest frontEnd `ppg`). */
  filter?: string;
  /** Duration of the compilation in the page; undefined for bundles. */
  compiledMs?: number;
  /** Notes for the user about assumptions. */
  notes: string[];
}

/** A gate opens or closes. */
export interface GateChange {
  open: boolean;
  timeS: number;
}

/** The gate of the shown model, in a piece of the signal. */
export interface GateBatch {
  /** Counts since the signal began. */
  summary: GateSummary;
  changes: GateChange[];
  /** Values that the gate compares, and their times in seconds. */
  outputs: Float32Array;
  times: Float64Array;
}

/** Results for a piece of the signal. */
export interface Batch {
  /** Number of the run; every `begin` starts a new one. */
  run: number;
  /** Seconds of signal so far. */
  endS: number;
  /** [buckets][channels][2]: minimum and maximum of each completed bucket. */
  wave: Float32Array;
  /** int8 [rows][channels]. */
  rows: Int8Array;
  /** Values of output 0, [outputs][elements], and the end of the signal that each used, in seconds. */
  outputs: Float32Array;
  times: Float64Array;
  /**
   * One per output: 0 if no word can be heard at it, because there is no voice, or because it is from before
   * the gate opened and only fills the detector's window.
   */
  voice: Uint8Array;
  /** Hops that the model computed, and the microseconds that model and front end took. */
  hops: number;
  modelUs: number;
  frontEndUs: number;
  /** Present if the model has a gate. */
  gate?: GateBatch;
}

export interface LoadOptions {
  /** Id of a front end in the catalogue, or `frames` for none; by default that of the model. */
  frontEnd?: string;
  /** Frames per second, if the model does not state them. */
  rateHz?: number;
  /** Names of the output's values, if the model has none. */
  labels?: string[];
  hop?: number;
  frame?: number;
  /** Index of the input's dimension that is time, if the file allows several. */
  timeAxis?: number;
  /** Frames per window, if the file leaves them open. */
  window?: number;
  /** Values of the inputs that are numbers, by name. */
  set?: Record<string, number>;
  /** Target for which the compiler makes code; by default the model becomes a layer table. */
  code?: Target;
}

/** A question for facts that the file lacks and the model needs to run. */
export interface Question {
  asks: 'rate';
  name: string;
  elements: number;
  /** Front ends whose rows have `elements` values. */
  frontEnds: FrontEndEntry[];
}

/** A signal for calibration: samples of one channel, or whole frames. */
export interface Calibration {
  samples: Float32Array;
  /** Samples per second; undefined if `samples` has whole frames of the model. */
  rateHz?: number;
  /** Number of columns of the file, if it has columns. */
  width?: number;
}

export interface NamedBytes {
  name: string;
  bytes: Uint8Array;
}

/** Samples of one channel at a rate, or whole frames of the model. */
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
      gate?: ModelGate;
    }
  | { do: 'begin'; run: number; signal: SignalKind }
  | { do: 'push'; samples: Float32Array }
  /** Ends the signal. */
  | { do: 'end' }
  /** Processes a whole signal as fast as possible, and ends it. */
  | { do: 'all'; samples: Float32Array }
  | { do: 'stop' };

export type Reply =
  | { id: number; loaded?: Loaded | Question }
  | { id: number; error: { code: string; parts: ErrorParts } }
  | { batch: Batch }
  /** The engine's present step while a request runs. */
  | { progress: string };
