/**
 * Gateways for clusters in one process, each with the same confirmed bundle, and what a cluster needs of one.
 *
 * In: their number.  Out: open gateways, which end with the tests of the file.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Cluster } from '../../host/gateway/cluster/cluster.ts';
import { Gateway, type GatewayOptions } from '../../host/gateway/gateway.ts';
import type { Intake } from '../../host/gateway/streams/intake.ts';
import { bundleOf, keys } from '../gateway/bundles.ts';
import { CrashDisk } from '../gateway/crash-disk.ts';
import type { MemoryBroker } from './memory-broker.ts';

export interface Member {
  broker: MemoryBroker;
  intake: Intake;
  cluster: Cluster;
}

export async function openGateways(count: number, options: Pick<GatewayOptions, 'pool'> = {}): Promise<Gateway[]> {
  const opened = Array.from({ length: count }, async () => {
    const gateway = await Gateway.open(new CrashDisk(), { policy: { keys: [keys.publicKey] }, ...options });
    const { wasm, digest } = await bundleOf(1);
    await gateway.receive(wasm, digest);
    assert.is((await gateway.try('main', { enduranceHops: 8, latencyMs: 1e5 })).phase, 'confirmed');
    return gateway;
  });
  const gateways = await Promise.all(opened);
  test.after(async () => {
    for (const gateway of gateways) await gateway.close();
  });
  return gateways;
}
