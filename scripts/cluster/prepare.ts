/**
 * Two models of the zoo, ppg-hr and har, and a folder in which gateways run both.
 *
 * In: a folder.  Out: the models with their signals; in the folder `state`, a gateway's state with both of
 * them confirmed, and `mine.pub`, the key that signed them.
 * Cost: two builds, which take some seconds.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { newKeyPair, publicPem } from '../../assembly/bundle/keys.ts';
import { signBundle } from '../../assembly/bundle/sign.ts';
import { framesNeeded } from '../../assembly/bundle/timing.ts';
import { zooBundle } from '../../host/gateway/demo.ts';
import { Gateway } from '../../host/gateway/gateway.ts';
import { nodeDisk } from '../../host/gateway/store/disk.ts';
import { openSession } from '../../host/session/index.ts';

export interface Kind {
  /** Slot, or main. */
  slot: string;
  wasm: Uint8Array;
  /** Real values, [frame][element]; a stream begins at its own place and goes round. */
  signal: Float32Array;
  elements: number;
  rateHz: number;
  messageTicks: number;
  hop: number;
  /** Number of frames until the first output. */
  firstOutputTicks: number;
}

const models = [
  { slot: 'main', model: 'ppg-hr/ppg-hr.onnx', calib: 'ppg-hr/calib.npy', hop: 64, rateHz: 32, messageTicks: 16 },
  { slot: 'har', model: 'har/har-watch.onnx', calib: 'har/calib-watch.npy', hop: 25, rateHz: 50, messageTicks: 25 },
];

/** @throws if a bundle is not confirmed */
export async function prepare(folder: string): Promise<Kind[]> {
  const keys = await newKeyPair();
  const state = join(folder, 'state');
  mkdirSync(state);
  writeFileSync(join(folder, 'mine.pub'), publicPem(keys));
  const gateway = await Gateway.open(nodeDisk(state), { policy: { keys: [keys.publicKey] } });
  const kinds: Kind[] = [];
  for (const { slot, model, calib, hop, rateHz, messageTicks } of models) {
    const made = await zooBundle({ model, calib, hop, quantHop: hop, version: '1.0.0', sequence: 1 });
    const wasm = await signBundle(made.wasm, keys);
    await gateway.receive(wasm, createHash('sha256').update(wasm).digest('hex'), slot);
    const { phase } = await gateway.try(slot, { enduranceHops: 8, latencyMs: 1e5 });
    if (phase !== 'confirmed') throw new Error(`${model} is ${phase}`);
    const { manifest, frameElements: elements } = await openSession(wasm as BufferSource);
    const timing = { rateHz, messageTicks, hop, firstOutputTicks: framesNeeded(manifest) };
    kinds.push({ slot, wasm, signal: made.signal, elements, ...timing });
  }
  await gateway.close();
  return kinds;
}
