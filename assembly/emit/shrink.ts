/**
 * binaryen's optimiser once more, in process: the smaller of two modules.
 *
 * In: a compiled module.  Out: the same behaviour, at most the same size.  binaryen (13 MB) runs in a thread for the reason given in asc-worker.mjs.
 */
import { Worker } from 'node:worker_threads';

export function smaller(wasm: Uint8Array): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./binaryen-worker.mjs', import.meta.url), { execArgv: [], workerData: wasm });
    worker.once('message', (out: Uint8Array) => resolve(out.length < wasm.length ? out : wasm));
    worker.once('error', reject);
  });
}
