/** Helpers of the host's tests: error codes, collecting a source, a seeded generator, mutation of bytes. */

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Source } from '../../host/sources/index.ts';
import { isRunletError } from '../../models/error.ts';

export const fuzzCount = Number(process.env.RUNLET_FUZZ_COUNT ?? 2000);

/** Returns the code of the RunletError that `run` throws, or 'none'. Rethrows any other error. */
export const codeOf = async (run: () => unknown): Promise<string> => {
  try {
    await run();
  } catch (error) {
    if (isRunletError(error)) return error.code;
    throw error;
  }
  return 'none';
};

export const collect = async (source: Source | Promise<Source>): Promise<number[]> => {
  const all: number[] = [];
  for await (const chunk of (await source).frames) all.push(...chunk);
  return all;
};

/** Returns a generator: random(n) is an integer in [0, n). */
export const randomOf = (seed: number): ((below: number) => number) => {
  let x = seed;
  return (below) => {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    return Math.floor((x / 2 ** 32) * below);
  };
};

/** Returns a copy of `bytes` that is cut off or has changed bytes, more often in headers near the start. */
export const mutate = (bytes: Uint8Array, random: (below: number) => number): Uint8Array => {
  const copy = bytes.slice(0, random(3) === 0 ? random(bytes.length + 1) : bytes.length);
  for (let k = random(5); k > 0 && copy.length; k--)
    copy[random(random(2) ? copy.length : Math.min(copy.length, 128))] = random(256);
  return copy;
};

export async function* once(bytes: Uint8Array, piece = bytes.length || 1): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += piece) yield bytes.subarray(at, at + piece);
}

export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

export interface CliResult {
  code: number | null;
  stdout: string;
  stderr: string;
}

const bin = join(import.meta.dirname, '../../host/cli/bin.js');

/** Runs the command line in `folder`, with `input` on standard input. */
export const runCli = (folder: string, args: readonly string[], input: Uint8Array | string = ''): Promise<CliResult> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [bin, ...args], { cwd: folder });
    const result = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const)
      child[name].setEncoding('utf8').on('data', (text: string) => {
        result[name] += text;
      });
    child.on('error', reject).on('close', (code) => resolve({ code, ...result }));
    child.stdin.on('error', () => {}).end(input);
  });

/** Waits for something, for two seconds at most. The caller checks whether it has come. */
export async function until(isSo: () => boolean): Promise<void> {
  for (let tries = 0; tries < 400 && !isSo(); tries++) await pause(5);
}
