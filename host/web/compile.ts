/**
 * Reads a model file for the page. host/compile.ts (`runlet/compile`) then makes a bundle of it.
 *
 * In: the file's bytes, options, the manifest of a microWakeWord model.  Out: its graph, its hop, and notes
 * about assumptions.
 */
import { sha256 } from '../../assembly/bundle/digest.ts';
import { frameOf, type Graph, isQuantised } from '../../models/graph/types.ts';
import { mwwMetadata } from '../../models/read/detection.ts';
import { readModel } from '../../models/read/index.ts';
import { readMwwManifest } from '../../models/read/mww-manifest.ts';
import { defaultHop } from '../../models/stream/default-hop.ts';
import { checkWebCrypto } from '../compile.ts';
import { hopInFile } from '../model-fields.ts';
import { severalInputs } from './feed.ts';
import type { LoadOptions, NamedBytes } from './protocol.ts';

/** A model file that has been read but not compiled. */
export interface ModelFile {
  graph: Graph;
  /** Ticks between two outputs: by the user or the file, else a tenth of the window. */
  hop: number;
  /** Assumptions, for the user. */
  notes: string[];
  /** Values per frame of the input. */
  elements: number;
  /** True if the model is not quantised and needs a calibration signal. */
  float: boolean;
}

/** Reads a model. @param json manifest of a microWakeWord model. @throws RN1xx, RN3xx, RN780, RN781 */
export async function readModelFile(
  { name, bytes }: NamedBytes,
  { frame, timeAxis, window, set, hop }: LoadOptions,
  json?: NamedBytes,
): Promise<ModelFile> {
  checkWebCrypto();
  const manifest = json && readMwwManifest(json.bytes, json.name);
  const digest = await sha256(bytes);
  const read = await readModel(bytes, { name: name.replace(/\.[^.]*$/, ''), digest, frame, timeAxis, window, set });
  const graph = manifest ? { ...read, metadata: { ...read.metadata, ...mwwMetadata(manifest) } } : read;
  const [input, second] = graph.inputs;
  if (!input || second) throw severalInputs(name, graph.inputs);
  const notes = manifest?.notice ? [manifest.notice] : [];
  const named = hop ?? hopInFile(graph);
  const usual = named === undefined ? defaultHop(graph) : undefined;
  const chosen = named ?? usual?.hop ?? 1;
  if (usual && !graph.stateful) notes.push(`An answer comes every ${chosen} frames: ${usual.why}.`);
  const shape = graph.tensors[input.tensor]?.shape ?? { t: 0, f: 0, c: 0 };
  return { graph, hop: chosen, notes, elements: frameOf(shape), float: !isQuantised(graph) };
}
