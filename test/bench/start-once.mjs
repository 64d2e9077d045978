/**
 * One start in a process of its own: `start-once.mjs runlet|web FILE WINDOW SHAPE`.
 *
 * In: a module of Runlet's or an ONNX file, a window as float32 bytes, its shape for ONNX.  Out: on stdout,
 * milliseconds from the file's bytes to the first output: the module is compiled, instantiated and given the
 * window; onnxruntime-web creates a session and runs it. What has to be imported before is there already, for
 * both, as their users have it: Runlet is the package that `npm run prepare` compiled.
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
