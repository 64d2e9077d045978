/**
 * `compile` turns a model file into a bundle where no compiler is available, for example in a web page. It
 * reads, plans and quantises the model, and builds it in style `table`.
 *
 * In: the bytes of a model file or a Graph, options, and for a float model a calibration signal.
 * Out: the bundle and its manifest. Labels, rate, detector and hop come from the file's metadata.
 * Exact: the same bytes as `runlet build --style table` with every kernel in the interpreter.
 * Cost: that of calibration; a build takes a few milliseconds. Has no Node import. Needs WebCrypto, which
 * browsers offer only to pages from https: or localhost.
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
  /** Number of frames between two outputs. Default: from the file, else about a tenth of the window. */
  hop?: number;
  /**
   * Signal of the kind that the model will see: real values `[frames][f][c]`, one array per input, a few
   * hundred windows long. Required for a float model.
   */
  calibration?: Calibration;
  /** Preset of quantisation methods (docs/quantisation.md). */
  preset?: Preset;
  /** Class names, in the order of the output's elements. Default: from the file. */
  labels?: string[];
  /** Name of the program that builds the bundle, for the manifest. Default: `runlet`. */
  producer?: string;
  /** Last step, from plan to bundle, for example a build with AssemblyScript. Default: style `table`. */
  build?: Build;
}

/** Builds a bundle from a plan. @param fields further fields of the manifest. */
export type Build = (quant: QuantPlan, fields: ReturnType<typeof manifestFields> & { producer?: string }) => Promise<Compiled>;

export interface Compiled {
  /** The bundle. Pass it to openSession or save it as a .wasm file. */
  wasm: Uint8Array;
  manifest: Manifest;
}

/** Checks that WebCrypto is available. @throws RN780 */
export function checkWebCrypto(): void {
  if (globalThis.crypto?.subtle) return;
  throw new RunletError('RN780', {
    what: 'this page cannot compile models: it has no WebCrypto',
    where: 'crypto.subtle',
    why: 'browsers offer it only to pages from https: or localhost',
    tryThis: 'open the page at its 127.0.0.1 address, or serve it over https',
  });
}

/** Reads the graph of a model. Its digest covers all files of the model, in the order of reading. */
async function readWhole(model: Uint8Array, options: ReadOptions): Promise<Graph> {
  const { files } = options;
  const parts = [model];
  const counted = async (path: string, limitBytes: number): Promise<Uint8Array> => {
    const listed = typeof files === 'object' && Object.hasOwn(files, path) ? files[path] : undefined;
    const part = typeof files === 'function' ? await files(path, limitBytes) : listed;
    if (!part) throw new Error('it is not there');
    parts.push(part);
    return part;
  };
  const digest = await sha256(model);
  const graph = await readModel(model, { ...options, digest, ...(files && { files: counted }) });
  // a quantised model keeps the digest of the file that it was made from
  if (graph.sourceDigest !== digest || parts.length === 1) return graph;
  return { ...graph, sourceDigest: await sha256(join(Uint8Array, parts)) };
}

/**
 * Compiles a model to a bundle.
 * @param model bytes of a file that readModel reads (TensorFlow Lite, ONNX, TensorFlow.js, .rnq), or a Graph.
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
      why: 'the ranges are measured on a signal of the kind that the model will see',
      tryThis: 'give a calibration signal: a few minutes of sound (.wav), or frames (.csv, .npy)',
    });
  const plan: PlanOptions = { ...rest, hop: wanted ?? hopInFile(graph) ?? defaultHop(graph).hop };
  const int8 =
    calibration && !isQuantised(graph) ? quantize(graph, calibration, { ...plan, preset, noReport: true }).graph : graph;
  return build(quantPlan(planStream(int8, plan)), { ...(producer && { producer }), ...manifestFields(graph, {}, labels) });
}
