/**
 * The manifest: a bundle's description of itself, in the custom section `runlet` of the module (UTF-8 JSON).
 *
 * In: the bytes of a .wasm file.  Out: a checked Manifest.  No dependency and no Node import: host/session
 * reads it in a browser. A C host needs only the exports (docs/abi.md); the manifest is for hosts that can
 * parse it.
 */

export interface PortManifest {
  name: string;
  /**
   * Type that the caller of the host passes or gets. For float32 the host quantises or dequantises with scale
   * and zeroPoint.
   */
  hostType: 'float32' | 'int8' | 'uint8' | 'int16';
  /** Type in the module of a float32 input or output, if it is not int8. */
  type?: 'int16';
  /** Elements of one frame (input) or of one output (output). */
  elements: number;
  /** [t, f, c] of a whole window (input) or of one output. */
  shape: [number, number, number];
  /** Order of the model file's row-major elements over t, f, c. */
  order: ('t' | 'f' | 'c')[];
  fileShape: number[];
  scale: number;
  zeroPoint: number;
  /** Input of a bundle with several inputs: frames per tick of the clock. Default: 1, a tick is a frame. */
  rate?: number;
}

/** Checks whether the module holds int16 for this input or output. */
export const isInt16 = ({ hostType, type }: Pick<PortManifest, 'hostType' | 'type'>): boolean =>
  hostType === 'int16' || type === 'int16';

/** Returns the bytes of one stored value of this input or output. */
export const storedBytes = (port: Pick<PortManifest, 'hostType' | 'type'>): number => (isInt16(port) ? 2 : 1);

export interface LayerManifest {
  name: string;
  op: string;
  /** 'trunk' runs at every micro-hop, 'head' once per output. */
  section: 'trunk' | 'head';
  macsPerHop: number;
  macsPerWindow: number;
}

export interface BytesManifest {
  /** Weights as packed, in memory. 0 with home `tile`. */
  weightBytes: number;
  /** Biases, multipliers, shifts, tables. */
  tableBytes: number;
  stateBytes: number;
  scratchBytes: number;
  ioBytes: number;
  /** Alignment between regions. */
  paddingBytes: number;
  /** weights + tables + state + scratch + io + padding. */
  memoryBytes: number;
}

/** Weights in a separate file (docs/abi.md, "Weights"). */
export interface WeightsManifest {
  /** `linear`: the host copies them into memory once. `tile`: the module's import fetches parts of them. */
  home: 'linear' | 'tile';
  bytes: number;
  /** SHA-256 of the file, hex. */
  digest: string;
  /** Home `tile`: the largest number of bytes that one fetch copies. */
  tileBytes?: number;
}

/** Settings of word detection, for hosts that detect (host/session/label-detector.ts). */
export interface DetectorManifest {
  /**
   * The word; in a model with several labels, the only label that is detected. Default: every label that is
   * not background.
   */
  label?: string;
  /** Threshold: a word is detected if its mean probability is above it, 0 to 1. */
  cutoff: number;
  /** Thresholds by label, for labels with another threshold. */
  cutoffs?: Record<string, number>;
  /** Number of outputs in the mean. */
  slidingWindow: number;
  /** Refractory time: milliseconds below the cutoff before the next detection. */
  refractoryMs: number;
  /** Index of the output that has the probabilities. */
  output: number;
  /** True if the model detects voice: detections of other models count only while it does. */
  voice?: boolean;
}

/** A label's own cutoff. hasOwn: it may be named like a property of every object. */
export const labelCutoff = (cutoffs: Record<string, number> | undefined, label: string): number | undefined =>
  cutoffs && Object.hasOwn(cutoffs, label) ? cutoffs[label] : undefined;

/** The front end whose rows a model takes, if it is not inside the module. */
export interface FeaturesManifest {
  /** Name of a preset (models/frontend). */
  preset: string;
  /** Samples between two rows, at sampleRateHz samples per second. */
  stepSamples: number;
  sampleRateHz: number;
}

/**
 * The audio front end inside a bundle. Every stepSamples it makes a row of `channels` features from about
 * windowSamples.
 */
export interface FrontEndManifest {
  /** Name of the preset or the model. */
  name: string;
  sampleRateHz: number;
  windowSamples: number;
  stepSamples: number;
  channels: number;
  fftSamples: number;
  noiseReduction: boolean;
  gainControl: boolean;
  logarithm: boolean;
  /** A feature q (int8) has the real value scale * (q - zeroPoint). */
  scale: number;
  zeroPoint: number;
  /** Present if it was made from parameters (models/frontend/types.ts), not from a file's constants. */
  lowerHz?: number;
  upperHz?: number;
  tables?: string;
  noise?: Record<string, number>;
  pcan?: Record<string, number>;
  log?: Record<string, number>;
}

/**
 * Entry points of a module in addition to the ABI of docs/abi.md. `wasi`: it is also a command, which imports
 * the three functions below.
 */
export const forms = ['wasi'] as const;
export type Form = (typeof forms)[number];

export const wasiModule = 'wasi_snapshot_preview1';
export const wasiFunctions = ['fd_read', 'fd_write', 'proc_exit'] as const;

/** Returns all imports that a bundle may have, as module.name in order: those that its manifest explains. */
export const importsOf = ({ form, weights }: Pick<Manifest, 'form' | 'weights'>): string[] => [
  ...(weights?.home === 'tile' ? ['runlet.weights'] : []),
  ...(form === 'wasi' ? wasiFunctions.map((name) => `${wasiModule}.${name}`) : []),
];

/**
 * Which label of an output's window is its truth: the class of most frames, that of the middle frame, that of
 * the last frame, or the mean over all frames.
 */
export const truthPlaces = ['majority', 'middle', 'end', 'mean'] as const;
export type TruthAt = (typeof truthPlaces)[number];

export interface Manifest {
  /** Version of the manifest's format. */
  manifest: 1;
  abi: 1;
  name: string;
  /** Version of the model for people (1.4.0); gateways show it. */
  version?: string;
  /** Increases with every release. A gateway refuses bundles below the highest number that it confirmed. */
  sequence?: number;
  /** Version of Runlet that built the bundle. */
  producer: string;
  target: string;
  /**
   * `calls` (the default): one call per layer. `table`: a table of layers and an interpreter. Hosts need not
   * care.
   */
  style?: 'calls' | 'table';
  /**
   * The reference whose bytes the fully connected layers give, with its version (docs/quantisation.md).
   * Default: TensorFlow Lite Micro, for a model that names no reference.
   */
  reference?: string;
  mode: 'windowed' | 'edge-exact' | 'stream' | 'approx' | 'misaligned';
  inputs: PortManifest[];
  outputs: PortManifest[];
  /** Length of a window in ticks; with one input, in frames. */
  window: number;
  hop: number;
  microHop: number;
  /** Outputs that mode `stream` suppresses until all context is real; ticks of look-ahead. */
  warmUpHops: number;
  delayFrames: number;
  /** Ticks per second, if known; with one input, frames (samples) per second. */
  sampleRateHz?: number;
  /** A front end that the host applies before the module (host/features). */
  frontEnd?: string;
  /** The front end inside the module. The input is then int16 sound. */
  frontEndConfig?: FrontEndManifest;
  labels?: string[];
  /**
   * Names of the elements of an input's frame, in order: the columns of a file. For models with one input.
   */
  columns?: string[];
  /**
   * Which label is the truth of an output. Default: the majority of the window for classes, its last frame
   * for values.
   */
  truthAt?: TruthAt;
  /** Accuracy on held-out data in %, 0 to 100, as whoever trained the model states it. */
  accuracy?: number;
  detector?: DetectorManifest;
  features?: FeaturesManifest;
  unit?: string;
  macsPerHop: number;
  macsPerWindow: number;
  layers: LayerManifest[];
  bytes: BytesManifest;
  /** Default: only the entry points of the ABI. */
  form?: Form;
  /** Default: the weights are in the module. */
  weights?: WeightsManifest;
  /**
   * Ranges of i32 words in the state that may grow for ever, modulo 2^32 (only their differences count);
   * `offset` in bytes from the start of the state. Under repeated frames they change by the same amount each
   * period, while the rest of the state repeats. Default: none.
   */
  runningSums?: { offset: number; words: number }[];
  /**
   * True if an output depends on all frames since the reset, by a recurrence, a state, or a front end that
   * estimates noise. Default: on those of its window, warmUpHops hops before it and delayFrames after it.
   */
  carriesState?: boolean;
  /** Checked by provenance.ts. Default: nothing is stated. */
  provenance?: unknown;
  /** SHA-256 over layout, scales and all weights that feed the state, hex. */
  stateDigest: string;
  /** SHA-256 of the source model file, hex. */
  sourceDigest: string;
  /** Self-test: seed of the generator (docs/abi.md), hops pushed, SHA-256 of the outputs in order, hex. */
  golden: { seed: number; hops: number; outputs: number; digest: string };
}

export const manifestSection = 'runlet';

/** Longest sliding window of a detector, in outputs. A choice: longer ones are useless and slow. */
export const maxSlidingWindow = 4096;
