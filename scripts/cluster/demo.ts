/**
 * What the cluster on this machine (`npm run cluster:demo`) tells `npm run cluster:kill`, as files.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { ClusterPlace } from './member.ts';

export interface Demo extends ClusterPlace {
  gateways: { id: string; url: string; pid: number }[];
}

export const demoFolder = join('out', 'cluster-demo');

export const wasmFile = (slot: string): string => join(demoFolder, `${slot}.wasm`);

/** Waits for a cluster that is just being started. @throws if none runs, or is not ready after a minute */
export async function runningDemo(): Promise<Demo> {
  const file = join(demoFolder, 'demo.json');
  for (const begunMs = performance.now(); existsSync(demoFolder) && performance.now() - begunMs < 60_000; await pause(200))
    if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as Demo;
  throw new Error('no cluster runs here. Start one in another terminal: npm run cluster:demo');
}
