/**
 * readTfjs: reads a TensorFlow.js model into a float Graph; graph/ reads graph models.
 *
 * In: the bytes of model.json and its weight files (ReadOptions.files).  Out: a folded Graph.  The files are
 * not trusted: whatever they hold, the result is a Graph or a RunletError (RN160 to RN165). Source:
 * tfjs-layers' model.json (format `layers-model`), as tf.LayersModel.save and the converter write it.
 */
import { RunletError } from '../../error.ts';
import type { Graph } from '../../graph/types.ts';
import { boundedJson, JsonTooLarge } from '../../json.ts';
import type { ReaderOptions } from '../options.ts';
import { malformed, tooLarge } from './fail.ts';
import { graphOfLayers } from './layers.ts';
import { isObject, type Json } from './model.ts';
import { readWeights } from './weights.ts';

const maxJsonBytes = 1 << 26;

const isGraphModel = ({ format, modelTopology }: Json): boolean =>
  format === 'graph-model' || (isObject(modelTopology) && Array.isArray(modelTopology.node));

/** Returns the JSON object of a model. @throws RN161, RN163 */
function parsed(bytes: Uint8Array): Json {
  let json: unknown;
  try {
    json = boundedJson(bytes, maxJsonBytes);
  } catch (error) {
    if (error instanceof JsonTooLarge) throw tooLarge('model.json is too large', error.message);
    throw malformed('model.json is no JSON', 'model.json', (error as Error).message);
  }
  if (!isObject(json) || !isObject(json.modelTopology))
    throw new RunletError('RN163', {
      what: 'this JSON file is no model',
      where: 'model.json',
      why: 'it has no modelTopology',
      tryThis: 'the model.json of a TensorFlow.js model, the JSON file of a microWakeWord model, .tflite, .onnx or .rnq',
    });
  return json;
}

export async function readTfjs(bytes: Uint8Array, given: ReaderOptions = {}): Promise<Graph> {
  const json = parsed(bytes);
  if (isGraphModel(json)) {
    const { readGraphModel } = await import('./graph/index.ts');
    return readGraphModel(json, given);
  }
  const user = isObject(json.userDefinedMetadata) ? json.userDefinedMetadata : {};
  const metadata: Record<string, string> = {};
  for (const [k, v] of Object.entries(user)) if (typeof v === 'string' && k !== '__proto__') metadata[k] = v;
  const weights = () => readWeights(json.weightsManifest, given.files);
  return graphOfLayers({ format: 'tfjs', model: json.modelTopology, metadata, weights }, given);
}
