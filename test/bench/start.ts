/**
 * Measures the time from a file's bytes to the first output. Each start is a new process; engines alternate.
 *
 * In: a float Graph, its int8 twin, a window, Runlet's modules.  Out: for each engine the median in
 * milliseconds, and the spread.
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { quantile } from '../../host/statistics.ts';
import type { Graph } from '../../models/graph/types.ts';
import { onnxInput, onnxOf } from './onnx-of.ts';

const once = join(import.meta.dirname, 'start-once.mjs');
const web = join(import.meta.dirname, 'peers/node_modules/onnxruntime-web');

export interface Start {
  name: string;
  medianMs: number;
  minMs: number;
  maxMs: number;
}

export async function starts(
  modules: { name: string; wasm: Uint8Array }[],
  float: Graph,
  int8: Graph,
  window: Float32Array,
  times = 5,
): Promise<Start[]> {
  const folder = mkdtempSync(join(tmpdir(), 'runlet-start-'));
  const file = (name: string, bytes: Uint8Array) => {
    writeFileSync(join(folder, name), bytes);
    return join(folder, name);
  };
  const raw = (values: Float32Array) => new Uint8Array(values.slice().buffer);
  const { data, dims } = onnxInput(float, window);
  const ours = modules.map(({ name, wasm }, i) => {
    return { name, args: ['runlet', file(`${i}.wasm`, wasm), file('window', raw(window))], all: [] as number[] };
  });
  const theirs = [
    { name: 'onnxruntime-web, float', model: onnxOf(float) },
    { name: 'onnxruntime-web, int8', model: onnxOf(int8) },
  ].map(({ name, model }, i) => {
    return { name, args: ['web', file(`${i}.onnx`, model), file('input', raw(data)), dims.join()], all: [] as number[] };
  });
  const subjects = [...ours, ...(existsSync(web) ? theirs : [])];
  try {
    for (let i = 0; i < times; i++)
      for (const { args, all } of subjects) {
        const { stdout } = await promisify(execFile)(process.execPath, [once, ...args]);
        all.push(Number(stdout));
      }
  } finally {
    rmSync(folder, { recursive: true });
  }
  return subjects.map(({ name, all }) => {
    return { name, medianMs: quantile(all, 0.5), minMs: Math.min(...all), maxMs: Math.max(...all) };
  });
}
