/**
 * Other engines on a whole window of the same network, with one thread each.
 *
 * In: a float Graph, its int8 twin, a window.  Out: for each engine a function that runs the window and
 * returns its outputs, or why it is absent. They are installed separately (npm run bench:install).
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Graph } from '../../models/graph/types.ts';
import { onnxInput, onnxOf } from './onnx-of.ts';
import { tfjsOf } from './tfjs-of.ts';

const folder = join(import.meta.dirname, 'peers');
const installed = createRequire(join(folder, 'package.json'));

export interface Peer {
  name: string;
  version: string;
  /** Runs one whole window. @returns the network's outputs */
  run(): Promise<Float32Array>;
  /** Milliseconds from the package's import to the first output. */
  startMs: number;
}

export interface Absent {
  name: string;
  why: string;
}

// biome-ignore lint/suspicious/noExplicitAny: packages that are installed apart have no types here
type Loaded = any;

const versionOf = (name: string): string =>
  (installed(join(folder, 'node_modules', name, 'package.json')) as { version: string }).version;
const load = (path: string): Promise<Loaded> => import(pathToFileURL(join(folder, 'node_modules', path)).href);

/** Starts onnxruntime-node or onnxruntime-web with one graph. */
async function onnx(path: string, name: string, bytes: Uint8Array, window: Float32Array, graph: Graph): Promise<Peer> {
  const began = performance.now();
  const loaded = await load(path);
  const ort = loaded.InferenceSession ? loaded : loaded.default;
  if (ort.env?.wasm) ort.env.wasm.numThreads = 1;
  const options = { intraOpNumThreads: 1, interOpNumThreads: 1, graphOptimizationLevel: 'all', logSeverityLevel: 3 };
  const session = await ort.InferenceSession.create(bytes, options);
  const { data, dims } = onnxInput(graph, window);
  const feeds = { x: new ort.Tensor('float32', data, dims) };
  const output = session.outputNames[0] as string;
  const run = async () => (await session.run(feeds))[output].data as Float32Array;
  await run();
  return { name, version: versionOf(path.split('/')[0] as string), run, startMs: performance.now() - began };
}

async function tfjs(float: Graph, window: Float32Array): Promise<Peer> {
  const began = performance.now();
  // both are loaded with require, so that the backend registers with this core
  const tf: Loaded = installed('@tensorflow/tfjs-core');
  const backend: Loaded = installed('@tensorflow/tfjs-backend-wasm');
  backend.setThreadsCount(1);
  await tf.setBackend('wasm');
  await tf.ready();
  const { t, f, c } = float.tensors[float.inputs[0]?.tensor ?? -1]?.shape ?? { t: 0, f: 0, c: 0 };
  const net = tfjsOf(tf, float);
  const x = tf.tensor4d(window, [1, t, f, c]);
  const run = async () => tf.tidy(() => net(x).dataSync() as Float32Array);
  await run();
  const version = versionOf('@tensorflow/tfjs-backend-wasm');
  return { name: 'tfjs wasm, float', version, run, startMs: performance.now() - began };
}

/** Starts every peer. @returns those that run, and those that are absent */
export async function startPeers(float: Graph, int8: Graph, window: Float32Array): Promise<{ peers: Peer[]; absent: Absent[] }> {
  const makers: [name: string, start: () => Promise<Peer>][] = [
    [
      'onnxruntime-node, float',
      () => onnx('onnxruntime-node/dist/index.js', 'onnxruntime-node, float', onnxOf(float), window, float),
    ],
    [
      'onnxruntime-node, int8',
      () => onnx('onnxruntime-node/dist/index.js', 'onnxruntime-node, int8', onnxOf(int8), window, int8),
    ],
    [
      'onnxruntime-web, float',
      () => onnx('onnxruntime-web/dist/ort.node.min.mjs', 'onnxruntime-web, float', onnxOf(float), window, float),
    ],
    [
      'onnxruntime-web, int8',
      () => onnx('onnxruntime-web/dist/ort.node.min.mjs', 'onnxruntime-web, int8', onnxOf(int8), window, int8),
    ],
    ['tfjs wasm, float', () => tfjs(float, window)],
  ];
  const peers: Peer[] = [];
  const absent: Absent[] = [];
  for (const [name, start] of makers) {
    if (!existsSync(join(folder, 'node_modules'))) absent.push({ name, why: 'not installed: npm run bench:install' });
    else {
      try {
        peers.push(await start());
      } catch (error) {
        absent.push({ name, why: String((error as Error).message).split('\n')[0] as string });
      }
    }
  }
  return { peers, absent };
}
