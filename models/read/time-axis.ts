/**
 * Decides which dimension of an input is time if the operators allow several.
 *
 * In: a reader that calls `pick` for each input with several readings.  Out: the graph of the reading that
 * the evidence supports, and a note with the reason; also a notice if only a convention or the lengths
 * support it; RN168 with all readings if nothing does. A silent wrong guess would give a useless stream whose
 * windows are right, so no check of windows would find it.
 *
 * Evidence, the first that applies (docs/reading.md): only one reading has operators that can stream; a
 * dilation, a causal padding, or kernels longer than 1 along one axis only (time); a kernel that covers a
 * whole axis (features); a frame width that the metadata or common front ends have; the file format's
 * convention; a dimension at least twice as long as the other. Cost: the file is lowered once per reading.
 */
import { isRunletError, RunletError } from '../error.ts';
import { isPreset, presetParameters } from '../frontend/presets.ts';
import type { Graph } from '../graph/types.ts';
import { featuresSettings } from './detection.ts';
import { together } from './problems.ts';

/** One way to read an input. */
export interface Reading {
  /** Value of the option `timeAxis` for this reading. */
  dim: number;
  frames: number;
  /** Lengths of the other dimensions, without those of 1. */
  frame: readonly number[];
}

export interface Undecided {
  input: string;
  /** The input as messages name it: `graph input x [1, 1, 40, 49]`. */
  where: string;
  readings: readonly Reading[];
  /** Why the first reading is usual in this file format; used if no other evidence applies. */
  convention?: string;
  /**
   * True if the other readings count only when the first cannot be read and a kernel slides along time: a
   * recurrence over the channels next to convolutions.
   */
  fallback?: true;
}

/** Returns the index of the chosen reading. */
export type Pick = (undecided: Undecided) => number;

/**
 * Usual numbers of values per frame: MFCC (13, 39), mel bands (40, 64, 80, 128), bins of an FFT of 256, 320,
 * 400, 512 and 1024; 232 in the speech commands of TensorFlow.js, on which Teachable Machine builds.
 */
const widths = new Set([13, 39, 40, 64, 80, 128, 129, 161, 201, 232, 257, 513]);
/** Widths that may also be the length of a short window: they count if the other dimension is longer. */
const seldomWidths = new Set([10, 20, 26, 32]);
/**
 * Values per row of the Google speech embedding; openWakeWord's windows have 16 to 40 rows. VGGish has as
 * many frames, of 64 values.
 */
const embeddingWidth = 96;
/** Largest number of channels of a motion sensor or of a few electrodes. */
const maxSensorChannels = 9;

/** Rates how likely a dimension of `width` next to one of `other` is the features; 0 is not at all. */
function likeness(width: number, other: number, named: number | undefined): number {
  if (width === named) return 5;
  if (width <= maxSensorChannels && other >= 12 * width) return 4;
  if (widths.has(width)) return 3;
  if (width <= maxSensorChannels && other >= 4 * width) return 3;
  return width === embeddingWidth || (seldomWidths.has(width) && other > width) ? 1 : 0;
}

interface Verdict {
  reading: number;
  why: string;
  /** True if nothing in the file says it, so the user gets a notice. */
  notice?: true;
}

const values = ({ frames, frame }: Reading): string => `${frames} frames of ${frame.join(' x ') || 1}`;

/** Decides by the lengths of two dimensions. */
function byLengths({ readings, convention }: Undecided, named: number | undefined): Verdict | undefined {
  const usual = convention === undefined ? undefined : { reading: 0, why: convention, notice: true as const };
  const [a, b] = readings as [Reading, Reading];
  if (readings.length > 2 || a.frames === b.frames) return usual;
  const [first, second] = [likeness(b.frames, a.frames, named), likeness(a.frames, b.frames, named)];
  if (first !== second) {
    const [reading, width] = first > second ? [0, b.frames] : [1, a.frames];
    const why = `${width} is ${width === named ? "the front end's" : 'a usual'} number of values in a frame`;
    return { reading, why, ...(Math.max(first, second) === 1 && { notice: true }) };
  }
  if (usual) return usual;
  const [long, short] = a.frames > b.frames ? [a, b] : [b, a];
  if (first > 0 || long.frames < 2 * short.frames) return undefined;
  return { reading: a === long ? 0 : 1, why: 'it is much longer than the other one', notice: true };
}

/** Decides by the number of values per frame that the caller gives. */
function byFrame({ readings }: Undecided, frame: number | undefined): Verdict | undefined {
  const fitting = readings.filter((reading) => reading.frame.reduce((a, b) => a * b, 1) === frame);
  const [only] = fitting;
  return only && fitting.length === 1 ? { reading: readings.indexOf(only), why: `its frames have ${frame} values` } : undefined;
}

interface Slide {
  kernel: number;
  dilation: number;
  pad: readonly [number, number];
  whole: boolean;
}

/**
 * Returns how each convolution slides along t and f. `whole`: its kernel covers the whole axis of the input.
 * In an input without features this is a layer along time in one of the readings, and does not slide.
 */
function slides(graph: Graph): { t: Slide; f: Slide }[] {
  const input = graph.tensors[graph.inputs[0]?.tensor ?? -1]?.shape;
  const isPlane = input !== undefined && input.f > 1;
  return graph.nodes.flatMap((node) => {
    if (node.op !== 'conv' && node.op !== 'depthwise') return [];
    const { attrs } = node;
    const shape = graph.tensors[node.inputs[0] as number]?.shape;
    const takesAll = (axis: 't' | 'f', kernel: number, pad: readonly [number, number]): boolean =>
      kernel > 1 && kernel === shape?.[axis] && pad[0] + pad[1] === 0;
    const slide = (axis: 't' | 'f', kernel: number, dilation: number, pad: readonly [number, number]): Slide => {
      const all = takesAll(axis, kernel, pad);
      return { kernel: all && !isPlane ? 1 : kernel, dilation, pad, whole: all && isPlane && kernel === input?.[axis] };
    };
    const { kernelT, kernelF, dilationT, dilationF, padT, padF } = attrs;
    return [{ t: slide('t', kernelT, dilationT, padT), f: slide('f', kernelF, dilationF, padF) }];
  });
}

const signs: readonly { why: string; holds: (s: Slide) => boolean; feature?: true }[] = [
  { why: 'convolutions are dilated only along it', holds: (s) => s.kernel > 1 && s.dilation > 1 },
  {
    why: 'only it is padded on one side (causal)',
    holds: (s) => s.kernel > 1 && s.pad[1] === 0 && s.pad[0] === (s.kernel - 1) * s.dilation,
  },
  { why: 'a kernel takes the whole other dimension', holds: (s) => s.whole, feature: true },
  { why: 'kernels are longer than 1 only along it', holds: (s) => s.kernel > 1 },
];

/** Decides by the operators of the first reading's graph. The second reading has t and f exchanged. */
function byOperators(graph: Graph): Verdict | undefined {
  const all = slides(graph);
  for (const { why, holds, feature } of signs) {
    const [t, f] = [all.some((s) => holds(s.t)), all.some((s) => holds(s.f))];
    if (t !== f) return { reading: t === (feature !== true) ? 0 : 1, why };
  }
  return undefined;
}

function unclear({ input, where, readings }: Undecided): RunletError {
  const sorted = [...readings].sort((a, b) => a.dim - b.dim);
  return new RunletError('RN168', {
    what: `it cannot be told which dimension of input ${input} is time`,
    where,
    why: `as time ${sorted.map((r) => `dimension ${r.dim} gives ${values(r)}`).join(', ')}`,
    tryThis: `${sorted.map(({ dim }) => `--time-axis ${dim}`).join(' or ')} (in a program the option timeAxis)`,
  });
}

/**
 * Returns the frame width of the front end in the metadata `runlet.features`. Errors in the metadata are
 * reported where it is used.
 */
export function namedWidth(graph: Graph): number | undefined {
  try {
    const preset = featuresSettings(graph.metadata)?.preset;
    return preset !== undefined && isPreset(preset) ? presetParameters(preset).channels : undefined;
  } catch (error) {
    if (isRunletError(error)) return undefined;
    throw error;
  }
}

const slidesAlongTime = (graph: Graph): boolean => slides(graph).some(({ t }) => t.kernel > 1);

const isGraph = (result: Graph | RunletError): result is Graph => !isRunletError(result);

/**
 * Returns the graph of the right reading.
 * @param read lowers the file and calls `pick` for each input. @param onNotice receives choices that the user
 * should see. @param frame values per frame, if the caller knows them
 */
export async function decideTime(
  read: (pick: Pick) => Graph | Promise<Graph>,
  onNotice: (text: string) => void = () => {},
  frame?: number,
): Promise<Graph> {
  const asked = new Map<string, Undecided>();
  const attempt = async (k: number): Promise<Graph | RunletError> => {
    try {
      return await read((undecided) => {
        asked.set(undecided.input, undecided);
        return Math.min(k, undecided.readings.length - 1);
      });
    } catch (error) {
      if (isRunletError(error)) return error;
      throw error;
    }
  };
  const results = [await attempt(0)];
  const inputs = [...asked.values()];
  const [sure] = results as [Graph | RunletError];
  const isFallback = inputs.length > 0 && inputs.every(({ fallback }) => fallback);
  if (isFallback && isGraph(sure)) return sure;
  const readingCount = inputs.reduce((n, { readings }) => Math.max(n, readings.length), 1);
  while (results.length < readingCount) results.push(await attempt(results.length));
  const graphs = results.filter((result): result is Graph => isGraph(result) && (!isFallback || slidesAlongTime(result)));
  const [first] = results as [Graph | RunletError];
  const [graph] = graphs;
  if (!graph) throw inputs.length === 0 ? first : withAxis(first as RunletError, inputs);
  if (inputs.length === 0) return graph;
  const only: Verdict | undefined =
    graphs.length === 1 ? { reading: results.indexOf(graph), why: 'the operators can stream only along it' } : undefined;
  const operators = only ?? (graphs.length === 2 && results.length === 2 ? byOperators(graph) : undefined);
  const verdicts = inputs.map((undecided) => byFrame(undecided, frame) ?? operators ?? byLengths(undecided, namedWidth(graph)));
  const open = inputs.filter((_, i) => !verdicts[i]);
  const index = verdicts[0]?.reading ?? 0;
  const chosen = results[index];
  // all inputs take the same reading, so different verdicts are an error
  if (open.length > 0 || verdicts.some((v) => v?.reading !== index) || !chosen || !isGraph(chosen))
    throw together((open.length > 0 ? open : inputs).map(unclear));
  const notes = inputs.map((undecided, i) => noteOn(undecided, verdicts[i] as Verdict, onNotice));
  return { ...chosen, notes: [...notes, ...chosen.notes] };
}

/** Returns the error if no reading works, with RN168 for inputs whose lengths do not decide. */
function withAxis(error: RunletError, inputs: readonly Undecided[]): RunletError {
  const open = inputs.filter((undecided) => !undecided.fallback && !byLengths(undecided, undefined));
  return together([...open.map(unclear), error]);
}

/** Returns the note on an input, and also notifies the user if nothing in the file says it. */
function noteOn(undecided: Undecided, { reading, why, notice }: Verdict, onNotice: (text: string) => void): string {
  const { input, readings } = undecided;
  const chosen = readings[reading] as Reading;
  const others = readings.filter((r) => r !== chosen).map((r) => `--time-axis ${r.dim} takes ${values(r)}`);
  const text = `input ${input}: time is dimension ${chosen.dim} (${values(chosen)}), since ${why}; ${others.join(', ')}`;
  if (notice) onNotice(text);
  return text;
}
