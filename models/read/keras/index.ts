/**
 * readH5, readKeras: read files of Keras into a float Graph.
 *
 * In: the bytes of an .h5 file, or the members of a .keras file (ZIP); the files are not trusted.  Out: a
 * folded Graph, or a RunletError. Both files hold the topology as JSON, which the layers reader of
 * TensorFlow.js reads, and weights in HDF5. HDF5 in an unsupported form gives RN166 with the line that
 * converts the model. Source: keras.Model.save (saving_lib of Keras 2.12 to 3, hdf5_format).
 */
import type { RunletError } from '../../error.ts';
import type { Graph } from '../../graph/types.ts';
import { boundedJson, JsonTooLarge } from '../../json.ts';
import { refusal } from '../foreign/found.ts';
import { fromKeras } from '../foreign/lines.ts';
import type { ReaderOptions } from '../options.ts';
import { malformed, tooLarge } from '../tfjs/fail.ts';
import { graphOfLayers, type Weights } from '../tfjs/layers.ts';
import { isObject, type Json } from '../tfjs/model.ts';
import { damaged } from './fail.ts';
import { Hdf5Error, type Hdf5Object, openHdf5 } from './hdf5/index.ts';
import { archiveWeights, namedWeights } from './weights.ts';

const maxJsonBytes = 1 << 26;

function parsed(bytes: Uint8Array, where: string): Json {
  let json: unknown;
  try {
    json = boundedJson(bytes, maxJsonBytes);
  } catch (error) {
    if (error instanceof JsonTooLarge) throw tooLarge(`${where} is too large`, error.message);
    throw malformed(`${where} is no JSON`, where, (error as Error).message);
  }
  if (!isObject(json)) throw malformed(`${where} is no model`, where);
  return json;
}

/** Calls `run`, and turns an Hdf5Error into an error about the file. */
function within<T>(path: string | undefined, what: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof Hdf5Error)) throw error;
    if (error.damaged) throw damaged(`${what} is damaged`, error.message);
    throw refusal({ what: `${what} in a form that is not read`, why: error.message, tryThis: fromKeras(path, 'model.h5') }, path);
  }
}

/** Wraps weights so that reading them reports errors as `within` does. */
const guarded = (weights: Weights, path: string | undefined, what: string): Weights =>
  new Map([...weights].map(([name, make]) => [name, () => within(path, what, make)]));

const isKeras3 = (version: unknown): boolean => typeof version === 'string' && Number.parseInt(version, 10) >= 3;

/** Reads a whole model in HDF5. @throws RN160 to RN165, RN166, RN170 */
export async function readH5(bytes: Uint8Array, options: ReaderOptions): Promise<Graph> {
  const what = 'a Keras model (.h5)';
  const open = (): { root: Hdf5Object; config: string | undefined; version: string | undefined } => {
    const root = openHdf5(bytes);
    return { root, config: root.text('model_config'), version: root.text('keras_version') };
  };
  const { root, config, version } = within(options.path, what, open);
  if (config === undefined) throw weightsAlone(options.path);
  const model = parsed(new TextEncoder().encode(config), 'model_config');
  const weights = () =>
    guarded(
      within(options.path, what, () => namedWeights(root)),
      options.path,
      what,
    );
  return graphOfLayers({ format: 'keras', model, metadata: {}, keras3: isKeras3(version), weights }, options);
}

const weightsAlone = (path: string | undefined): RunletError =>
  refusal(
    {
      what: 'an HDF5 file without layers',
      why: 'the file holds only weights; their layers are defined in the program that trained them',
      tryThis: `in the program that builds the model, call model.load_weights('weights.h5'); model.save('model.keras'), and give model.keras`,
    },
    path,
  );

/** The members of a .keras file. */
export interface KerasMembers {
  config: Uint8Array;
  weights: Uint8Array;
  metadata?: Uint8Array;
}

/** Reads a .keras file. @throws RN160 to RN165, RN166, RN170 */
export async function readKeras({ config, weights: bytes, metadata }: KerasMembers, options: ReaderOptions): Promise<Graph> {
  const what = 'a Keras model (.keras)';
  const model = parsed(config, 'config.json');
  const version = metadata && parsed(metadata, 'metadata.json').keras_version;
  const weights = () =>
    guarded(
      within(options.path, what, () => archiveWeights(model, openHdf5(bytes))),
      options.path,
      what,
    );
  return graphOfLayers({ format: 'keras', model, metadata: {}, keras3: isKeras3(version), weights }, options);
}
