/**
 * Messages under another name of a stream that runs are refused, and nothing is kept of such names: whoever
 * may send can invent as many as there are. The broker is in memory.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Cluster } from '../../host/gateway/cluster/cluster.ts';
import type { Gateway } from '../../host/gateway/gateway.ts';
import { Intake } from '../../host/gateway/streams/intake.ts';
import { hop } from '../gateway/bundles.ts';
import { until } from '../host/helpers.ts';
import { openGateways } from './gateways.ts';
import { MemoryBroker, Site } from './memory-broker.ts';
import { message } from './tiny-site.ts';

const [gateway] = await openGateways(1);
const site = new Site(1, 1000);

/** Counts the questions for each stream. */
class CountingBroker extends MemoryBroker {
  readonly asked = new Map<string, number>();

  override lastOutput = (_: number, stream: string) => {
    this.asked.set(stream, 1 + (this.asked.get(stream) ?? 0));
    return Promise.resolve(site.outputs.get(stream)?.at(-1));
  };
}

test('a name that is refused is asked for again with its next message, so nothing is kept of it', async () => {
  const intake = new Intake(gateway as Gateway, { maxLagMs: 1e6, maxWaitingHops: 1e6 });
  const broker = new CountingBroker(site, 'one');
  const cluster = new Cluster(broker, intake, { id: 'one', recordOutputs: 4, recordMs: 40, log: () => {} });
  await cluster.join();
  const refused = () => cluster.status().held.reduce((all, one) => all + one.refused, 0);
  site.send('x-0', message(1, 0, hop));
  await until(() => broker.asked.size === 1);
  const times = 3;
  for (let i = 1; i <= times; i++) {
    site.send('other=x-0', message(1, i * hop, hop));
    await until(() => refused() === i);
    assert.is(refused(), i);
  }
  assert.equal([...broker.asked], [['x-0', 1], ['other=x-0', times]]); // biome-ignore format: one line
  await cluster.leave();
  intake.close();
});

test.run();
