/**
 * compile: from a model file to a bundle where there is no compiler, as in a web page: read, plan, quantise,
 * and build in style `table`.
 *
 * In: the bytes of a model file or a Graph, options, and for a float model a signal to calibrate with.  Out:
 * the bundle and its manifest. The same input gives the bytes of `runlet build --style table` with every
 * kernel in the interpreter. Labels, rate, detector and hop come from the file's metadata. Cost: that of
 * calibration; a build takes some milliseconds. No Node import; browsers have the WebCrypto that it needs in
 * pages from https: or localhost only.
 */

import { build as buildTable } from '../assembly/build-table.ts';
import { sha256 } from '../assembly/bundle/digest.ts';
import type { Manifest } from '../assembly/bundle/manifest.ts';
import { RunletError } from '../models/error.ts';
import { type Graph, isQuantised } from '../models/graph/types.ts';
import { join } from '../models/lists.ts';
import { type ReadOptions, readModel } from '../models/read/index.ts';
import { defaultHop } from '../models/stream/default-hop.ts';
import { planStream } from '../models/stream/plan.ts';
import type { PlanOptions } from '../models/stream/types.ts';
import type { Calibration } from '../quant/calibration/signals.ts';
import { type QuantPlan, quantPlan } from '../quant/plan.ts';
import type { Preset } from '../quant/presets.ts';
import { quantize } from '../quant/quantize.ts';
import { hopInFile, manifestFields } from './model-fields.ts';

export interface CompileOptions extends Omit<ReadOptions, 'digest'>, Omit<PlanOptions, 'hop'> {
  /** Frames between two outputs. Default: what the file's metadata says, else about a tenth of the window. */
  hop?: number;
  /**
   * A signal of the kind that the model will see, real values `[frames][f][c]`, or one for each input; a
   * float model needs it. Some hundred windows.
   */
  calibration?: Calibration;
  /** Methods of quantisation (docs/quantisation.md). */
  preset?: Preset;
  /** Names of the classes, in the output's order. Default: the file's. */
  labels?: string[];
  /** Who built it, for the manifest. Default: `runlet`. */
  producer?: string;
  /** Another last step, such as a build with AssemblyScript. Default: style `table`. */
  build?: Build;
}

/** From a plan to a bundle, with what the manifest says beside it. */
export type Build = (quant: QuantPlan, fields: ReturnType<typeof manifestFields> & { producer?: string }) => Promise<Compiled>;

export interface Compiled {
  /** The bundle: for openSession, or to be saved as a .wasm file. */
  wasm: Uint8Array;
  manifest: Manifest;
}

/** @throws RN780 */
export function checkWebCrypto(): void {
  if (globalThis.crypto?.subtle) return;
  throw new RunletError('RN780', {
    what: 'this page cannot compile models: it has no WebCrypto',
    where: 'crypto.subtle',
    why: 'browsers give it only to pages from https: or localhost',
    tryThis: 'open the page at its 127.0.0.1 address, or serve it over https',
  });
}

/**
 * The graph of a model file; its digest is over all files of the model, in the order in which they were read.
 */
async function readWhole(model: Uint8Array, options: ReadOptions): Promise<Graph> {
  const { files } = options;
  const parts = [model];
  const counted = async (path: string, limitBytes: number): Promise<Uint8Array> => {
    const own = typeof files === 'object' && Object.hasOwn(files, path) ? files[path] : undefined;
    const part = typeof files === 'function' ? await files(path, limitBytes) : own;
    if (!part) throw new Error('it is not there');
    parts.push(part);
    return part;
  };
  const digest = await sha256(model);
  const graph = await readModel(model, { ...options, digest, ...(files && { files: counted }) });
  // a quantised model keeps the digest of the file that it was made of
  if (graph.sourceDigest !== digest || parts.length === 1) return graph;
  return { ...graph, sourceDigest: await sha256(join(Uint8Array, parts)) };
}

/**
 * Compiles a model.
 * @param model a file that readModel reads (TensorFlow Lite, ONNX, TensorFlow.js, .rnq), or a Graph.
 * @throws RunletError RN1xx, RN3xx (the file), RN2xx (the plan), RN4xx (quantisation), RN5xx (the build),
 * RN780 (no WebCrypto), RN782 (a float model without calibration)
 */
export async function compile(model: Uint8Array | Graph, options: CompileOptions = {}): Promise<Compiled> {
  checkWebCrypto();
  const { hop: wanted, calibration, preset, labels, producer, build = buildTable, ...rest } = options;
  const graph = 'nodes' in model ? model : await readWhole(model, rest);
  if (!isQuantised(graph) && !calibration)
    throw new RunletError('RN782', {
      what: 'this is a float model, and int8 needs the range of every activation',
      where: graph.name,
      why: 'only a signal of the kind it will see has those ranges',
      tryThis: 'give a signal to calibrate with: some minutes of sound (.wav), or frames (.csv, .npy)',
    });
  const plan: PlanOptions = { ...rest, hop: wanted ?? hopInFile(graph) ?? defaultHop(graph).hop };
  const int8 =
    calibration && !isQuantised(graph) ? quantize(graph, calibration, { ...plan, preset, noReport: true }).graph : graph;
  return build(quantPlan(planStream(int8, plan)), { ...(producer && { producer }), ...manifestFields(graph, {}, labels) });
}
