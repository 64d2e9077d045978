/**
 * Measures one start in a new process: `start-once.mjs runlet|web FILE WINDOW SHAPE`.
 *
 * In: a module of Runlet or an ONNX file, a window as float32 bytes, its shape for ONNX.  Out: on standard
 * output, milliseconds from the file's bytes to the first output. Runlet compiles and instantiates the module
 * and pushes the window; onnxruntime-web creates a session and runs it. Imports are done before, as in an
 * application; Runlet is the package that `npm run prepare` compiled.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [kind, file, windowFile, shape = ''] = process.argv.slice(2);
const bytes = new Uint8Array(readFileSync(file));
const window = new Float32Array(new Uint8Array(readFileSync(windowFile)).buffer);

async function runlet() {
  const { openSession } = await import('runlet/session');
  const began = performance.now();
  const session = await openSession(bytes);
  let ended = 0;
  session.pushAll(window, () => {
    session.output();
    ended ||= performance.now();
  });
  return ended - began;
}

async function web() {
  const entry = join(import.meta.dirname, 'peers/node_modules/onnxruntime-web/dist/ort.node.min.mjs');
  const loaded = await import(pathToFileURL(entry).href);
  const ort = loaded.InferenceSession ? loaded : loaded.default;
  ort.env.wasm.numThreads = 1;
  const began = performance.now();
  const session = await ort.InferenceSession.create(bytes, { graphOptimizationLevel: 'all', logSeverityLevel: 3 });
  const x = new ort.Tensor('float32', window, shape.split(',').map(Number));
  await session.run({ x });
  return performance.now() - began;
}

const ms = await (kind === 'web' ? web() : runlet());
process.stdout.write(`${ms}\n`);
process.exit(ms > 0 ? 0 : 1);
