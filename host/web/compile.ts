/**
 * A model file becomes a bundle in the page: the pipeline of `runlet build`, around an interpreter that was compiled beforehand (style `table`, every
 * kernel) or around the compiler (compiler.ts).
 *
 * In: the file's bytes, options, the last step, and for a float model the frames of a calibration signal.  Out: the bundle's bytes, those that build gives in Node.
 */
import { sha256 } from '../../assembly/bundle/digest.ts';
import { RunletError } from '../../models/error.ts';
import { frameOf, type Graph, isQuantised } from '../../models/graph/types.ts';
import { mwwMetadata } from '../../models/read/detection.ts';
import { readModel } from '../../models/read/index.ts';
import { readMwwManifest } from '../../models/read/mww-manifest.ts';
import { type QuantPlan, quantPlan } from '../../quant/plan.ts';
import { quantize } from '../../quant/quantize.ts';
import { hopInFile, manifestFields, windowOf } from '../model-fields.ts';
import { severalInputs } from './feed.ts';
import type { LoadOptions, NamedBytes } from './protocol.ts';

/** What the reader found, before anything is computed. */
export interface ModelFile {
  graph: Graph;
  /** Ticks between two outputs: what the user or the file says, else a tenth of the window. */
  hop: number;
  /** What was assumed, for people. */
  notes: string[];
  /** Values of one frame of the input. */
  elements: number;
  /** It has no scales: a calibration signal is needed. */
  float: boolean;
}

/** A file with state has one step; a window is answered ten times, at an even hop, since most strides are 2. */
function usualHop(graph: Graph): number {
  const window = windowOf(graph);
  return graph.stateful || window < 4 ? window : 2 * Math.ceil(window / 20);
}

/** @param json the manifest of a microWakeWord model. @throws RunletError RN1xx, RN3xx, RN781 */
export async function readModelFile(
  { name, bytes }: NamedBytes,
  { frame, window, hop }: LoadOptions,
  json?: NamedBytes,
): Promise<ModelFile> {
  const manifest = json && readMwwManifest(json.bytes, json.name);
  const digest = await sha256(bytes);
  const read = await readModel(bytes, { name: name.replace(/\.[^.]*$/, ''), digest, frame, window });
  const graph = manifest ? { ...read, metadata: { ...read.metadata, ...mwwMetadata(manifest) } } : read;
  const [input, second] = graph.inputs;
  if (!input || second) throw severalInputs(name, graph.inputs);
  const notes = manifest?.notice ? [manifest.notice] : [];
  const named = hop ?? hopInFile(graph);
  const chosen = named ?? usualHop(graph);
  if (named === undefined && chosen < windowOf(graph))
    notes.push(`The file names no hop; an answer every ${chosen} frames is taken, about a tenth of its window.`);
  const shape = graph.tensors[input.tensor]?.shape ?? { t: 0, f: 0, c: 0 };
  return { graph, hop: chosen, notes, elements: frameOf(shape), float: !isQuantised(graph) };
}

/** From a plan to a bundle, with what the manifest says beside it. */
export type Making = (
  quant: QuantPlan,
  fields: ReturnType<typeof manifestFields> & { producer: string },
) => Promise<{ wasm: Uint8Array }>;

/**
 * @param calibration frames [n][f][c] of a float model's input.
 * @throws RunletError RN2xx, RN4xx, RN5xx; RN782 where a float model comes without calibration.
 */
export async function compileModel(
  { graph, float, hop }: ModelFile,
  make: Making,
  producer: string,
  calibration?: Float32Array,
): Promise<Uint8Array> {
  if (float && !calibration)
    throw new RunletError('RN782', {
      what: 'this is a float model, and int8 needs the range of every activation',
      where: graph.name,
      why: 'only a signal of the kind it will see has those ranges',
      tryThis: 'give a signal to calibrate with: some minutes of sound (.wav), or frames (.csv, .npy)',
    });
  const int8 = float ? quantize(graph, { hop }, calibration as Float32Array, { noReport: true }).graph : graph;
  const fields = { producer, ...manifestFields(graph) };
  return (await make(quantPlan(int8, { hop }), fields)).wasm;
}
