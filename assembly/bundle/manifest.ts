/**
 * The manifest: what a bundle says of itself, in the custom section `runlet` of the module (UTF-8 JSON).
 *
 * In: the bytes of a .wasm file.  Out: a checked Manifest.  No dependency and no Node import: host/session
 * reads it in a browser. A C host needs only the exports (docs/abi.md); the manifest is for hosts that can
 * parse it.
 */

export interface PortManifest {
  name: string;
  /**
   * What the host passes or gets: float32 is quantised / dequantised by the host with scale and zeroPoint.
   */
  hostType: 'float32' | 'int8' | 'uint8' | 'int16';
  /** What the module holds of a float32 input or output, where that is not int8. */
  type?: 'int16';
  /** Elements of one frame for an input, of one output for an output. */
  elements: number;
  /** [t, f, c] of a whole window (input) or of one output. */
  shape: [number, number, number];
  /** Order of the model file's row-major elements over t, f, c. */
  order: ('t' | 'f' | 'c')[];
  fileShape: number[];
  scale: number;
  zeroPoint: number;
  /**
   * Inputs of a bundle that has several: frames a tick of the clock. Left out it is 1, and a tick is a frame.
   */
  rate?: number;
}

/** Whether the module holds int16 there. */
export const isInt16 = ({ hostType, type }: Pick<PortManifest, 'hostType' | 'type'>): boolean =>
  hostType === 'int16' || type === 'int16';

export interface LayerManifest {
  name: string;
  op: string;
  /** 'trunk' runs on every micro-hop, 'head' once an output. */
  section: 'trunk' | 'head';
  macsPerHop: number;
  macsPerWindow: number;
}

export interface BytesManifest {
  /** As packed, in memory: none with home `tile`. */
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

/** Weights that are a file apart (docs/abi.md, "Weights"). */
export interface WeightsManifest {
  /** `linear`: the host copies them into memory once. `tile`: the module's import fetches them. */
  home: 'linear' | 'tile';
  bytes: number;
  /** SHA-256 of the file, hex. */
  digest: string;
  /** Home `tile`: the most that is fetched at once. */
  tileBytes?: number;
}

/** When a word counts as heard, for hosts that detect (host/session/label-detector.ts). */
export interface DetectorManifest {
  /**
   * The word; of a model with several labels the only one that is heard. Left out: every label that is no
   * background.
   */
  label?: string;
  /** Mean probability above which it is heard, 0 to 1. */
  cutoff: number;
  /** By label, where they differ. */
  cutoffs?: Record<string, number>;
  /** Outputs in the mean. */
  slidingWindow: number;
  /** Milliseconds below the cutoff before the next detection. */
  refractoryMs: number;
  /** Index of the output that has the probabilities. */
  output: number;
  /** The model says whether there is voice: detections of others count only while it does. */
  voice?: boolean;
}

/** The front end whose rows a model takes, where it is not inside the module. */
export interface FeaturesManifest {
  /** Name of a preset (models/frontend). */
  preset: string;
  /** Samples between two rows, at sampleRateHz samples a second. */
  stepSamples: number;
  sampleRateHz: number;
}

/**
 * The audio front end inside a bundle: rows of `channels` features, one every stepSamples, each about
 * windowSamples.
 */
export interface FrontEndManifest {
  /** Of the preset or the model. */
  name: string;
  sampleRateHz: number;
  windowSamples: number;
  stepSamples: number;
  channels: number;
  fftSamples: number;
  noiseReduction: boolean;
  gainControl: boolean;
  logarithm: boolean;
  /** A feature's int8 q stands for scale * (q - zeroPoint). */
  scale: number;
  zeroPoint: number;
  /** Where it was made of parameters (models/frontend/types.ts), and not of a file's constants. */
  lowerHz?: number;
  upperHz?: number;
  tables?: string;
  noise?: Record<string, number>;
  pcan?: Record<string, number>;
  log?: Record<string, number>;
}

/**
 * What a module is beside the ABI of docs/abi.md. `wasi`: a command too, which imports the three functions
 * below.
 */
export const forms = ['wasi'] as const;
export type Form = (typeof forms)[number];

export const wasiModule = 'wasi_snapshot_preview1';
export const wasiFunctions = ['fd_read', 'fd_write', 'proc_exit'] as const;

/** All imports that a bundle may have, as module.name in order: none but those that its manifest explains. */
export const importsOf = ({ form, weights }: Pick<Manifest, 'form' | 'weights'>): string[] => [
  ...(weights?.home === 'tile' ? ['runlet.weights'] : []),
  ...(form === 'wasi' ? wasiFunctions.map((name) => `${wasiModule}.${name}`) : []),
];

/**
 * Where in an output's window its truth is: the class that most frames have, the frame in the middle, the
 * last one, or the mean over all.
 */
export const truthPlaces = ['majority', 'middle', 'end', 'mean'] as const;
export type TruthAt = (typeof truthPlaces)[number];

export interface Manifest {
  /** Version of this manifest's form. */
  manifest: 1;
  abi: 1;
  name: string;
  /** Of the model, as people write it (1.4.0); gateways show it. */
  version?: string;
  /** Rises with every release: a gateway takes no bundle below the highest that it has confirmed. */
  sequence?: number;
  /** Version of Runlet that built it. */
  producer: string;
  target: string;
  /**
   * One call per layer (where it is left out), or a table of layers and an interpreter. Hosts need not care.
   */
  style?: 'calls' | 'table';
  /**
   * Whose bytes its fully connected layers give, with the version (docs/quantisation.md). Left out:
   * TensorFlow Lite Micro's, of a model that names no reference.
   */
  reference?: string;
  mode: 'windowed' | 'edge-exact' | 'stream' | 'approx' | 'misaligned';
  inputs: PortManifest[];
  outputs: PortManifest[];
  /** Ticks; with one input, frames. */
  window: number;
  hop: number;
  microHop: number;
  /** Outputs that `stream` swallows until all context is real; ticks of look-ahead. */
  warmUpHops: number;
  delayFrames: number;
  /** Ticks a second, where known; with one input, frames (samples) a second. */
  sampleRateHz?: number;
  /** A front end that the host applies before the module (host/features). */
  frontEnd?: string;
  /** The front end inside the module; its input is then int16 sound. */
  frontEndConfig?: FrontEndManifest;
  labels?: string[];
  /**
   * Names of the elements of an input's frame, in their order: the columns of a file. Models with one input.
   */
  columns?: string[];
  /**
   * Which truth an output answers for. Left out: the majority of a window for classes, its last frame for
   * values.
   */
  truthAt?: TruthAt;
  detector?: DetectorManifest;
  features?: FeaturesManifest;
  unit?: string;
  macsPerHop: number;
  macsPerWindow: number;
  layers: LayerManifest[];
  bytes: BytesManifest;
  /** Left out: a module of the ABI and nothing else. */
  form?: Form;
  /** Left out: the weights are in the module. */
  weights?: WeightsManifest;
  /**
   * Stretches of i32 words in the state that may grow for ever, modulo 2^32 (only differences of them count);
   * bytes from the state's start. Under repeated frames they change by the same amount each period, while the
   * rest of the state repeats. Left out: there are none.
   */
  runningSums?: { offset: number; words: number }[];
  /** SHA-256 over layout, scales and all weights that feed the state, hex. */
  stateDigest: string;
  /** SHA-256 of the source model file, hex. */
  sourceDigest: string;
  /** A self-test: seed of the generator (docs/abi.md), hops pushed, SHA-256 of the outputs in order, hex. */
  golden: { seed: number; hops: number; outputs: number; digest: string };
}

export const manifestSection = 'runlet';

/** Longest sliding window of a detector, outputs: longer ones are of no use, and would take long. */
export const mostSlidingWindow = 4096;
