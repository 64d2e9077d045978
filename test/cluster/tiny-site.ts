/**
 * A folder in which gateways of a cluster run the small bundle of test/gateway/bundles.ts, and its keys.
 *
 * In: a folder.  Out: `state` (a gateway's state with the bundle confirmed), `mine.pub`, `mine.key`.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { publicPem, secretPem } from '../../assembly/bundle/keys.ts';
import { Gateway } from '../../host/gateway/gateway.ts';
import { nodeDisk } from '../../host/gateway/store/disk.ts';
import { writeFrames } from '../../host/gateway/streams/wire.ts';
import { bundleOf, bytesOf, keys, type MadeBundle, signal } from '../gateway/bundles.ts';

export const rateHz = 100;

export async function tinySite(folder: string): Promise<MadeBundle> {
  mkdirSync(join(folder, 'state'));
  writeFileSync(join(folder, 'mine.pub'), publicPem(keys));
  writeFileSync(join(folder, 'mine.key'), secretPem(keys));
  const gateway = await Gateway.open(nodeDisk(join(folder, 'state')), { policy: { keys: [keys.publicKey] } });
  const first = await bundleOf(1);
  await gateway.receive(first.wasm, first.digest);
  assert.is((await gateway.try('main', { latencyMs: 1e5 })).phase, 'confirmed');
  await gateway.close();
  return first;
}

/** A message with frames [from, from + ticks) of a stream. */
export const message = (stream: number, from: number, ticks: number): Uint8Array =>
  writeFrames({ from, timestampMs: 1e12 + (1000 * from) / rateHz, bytes: bytesOf(signal(stream, from, ticks)) });
