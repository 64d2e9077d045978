/**
 * npm run cluster:demo: nats-server and three gateways on this machine, with sample streams at their rate.
 *
 * In: --gateways 3 --streams 12.  Out: the gateways' pages, until Ctrl-C; out/cluster-demo has what
 * `npm run cluster:kill` needs. Half of the streams are ppg-hr, half are har. It needs nats-server.
 */
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { jetstream } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { type Demo, demoFolder, wasmFile } from './cluster/demo.ts';
import { Device } from './cluster/devices.ts';
import { natsProgram, noNats } from './cluster/nats-server.ts';
import { type Kind, prepare } from './cluster/prepare.ts';
import { openSite } from './cluster/site.ts';

const { values: args } = parseArgs({
  options: { gateways: { type: 'string', default: '3' }, streams: { type: 'string', default: '12' } },
});
const [gateways, streams, partitions, leaseMs] = [Number(args.gateways), Number(args.streams), 16, 3000];
const say = (line: string) => process.stdout.write(`${line}\n`);

async function run(): Promise<void> {
  rmSync(demoFolder, { recursive: true, force: true });
  mkdirSync(demoFolder, { recursive: true });
  const folder = mkdtempSync(join(tmpdir(), 'runlet-cluster-demo-'));
  process.once('exit', () => {
    for (const one of [folder, demoFolder]) rmSync(one, { recursive: true, force: true });
  });
  say('builds two bundles and starts nats-server ...');
  const kinds = await prepare(folder);
  const names = Array.from({ length: gateways }, (_, i) => `gateway-${i + 1}`);
  const { server, members, place } = await openSite({ ...{ folder, gateways, partitions, leaseMs }, names });
  const end = async () => {
    await Promise.all(members.map((one) => one.end('SIGKILL')));
    await server.end();
    process.exit();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => void end());
  const nats = await connect({ servers: server.url, maxReconnectAttempts: -1 });
  for (let index = 0; index < streams; index++) {
    const device = new Device(kinds[index % kinds.length] as Kind, index, place.site, partitions);
    device.run(jetstream(nats), new AbortController().signal).catch((error) => {
      throw error;
    });
  }
  const demo: Demo = { ...place, gateways: members.map(({ id, url, pid }) => ({ id, url, pid })) };
  for (const { slot, wasm } of kinds) writeFileSync(wasmFile(slot), wasm);
  writeFileSync(join(demoFolder, 'begun.json'), JSON.stringify(demo));
  renameSync(join(demoFolder, 'begun.json'), join(demoFolder, 'demo.json'));
  for (const { id, url } of members) say(`${id}  ${url}`);
  say(
    `${streams} streams send ${kinds.map(({ slot }) => (slot === 'main' ? 'ppg-hr' : slot)).join(' and ')} at their rate. The page of any gateway shows all of them.`,
  );
  say('In another terminal, kill one gateway: npm run cluster:kill');
  say('Ctrl-C ends all.');
}

if (natsProgram) await run();
else {
  process.stderr.write(`${noNats.replace('skipped: ', '')}\n`);
  process.exitCode = 1;
}
