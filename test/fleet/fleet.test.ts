/**
 * A fleet of gateways, one process each, over a real broker: a good rollout, a bad one that stops and is
 * reverted, and a restart of the broker.
 *
 * RUNLET_FLEET gateways (`npm run soak -- fleet`: 50), with aedes (MQTT 3.1.1, forgets everything at a
 * restart) and, if it is installed, mosquitto (MQTT 5, keeps retained messages).
 */
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { publicPem, secretPem } from '../../assembly/bundle/keys.ts';
import { openBroker } from '../../host/gateway/fleet/broker.ts';
import { type Desired, gatewayOf, type OnlineReport, parseReported, type Reported } from '../../host/gateway/fleet/messages.ts';
import { MqttLink } from '../../host/gateway/fleet/mqtt-link.ts';
import type { RolloutReport } from '../../host/gateway/fleet/rollout-runner.ts';
import { opener } from '../../host/gateway/fleet/signed.ts';
import { freePort } from '../../scripts/gateway/port.ts';
import { bundleOf, keys, type MadeBundle } from '../gateway/bundles.ts';
import { startProcess } from '../gateway/processes.ts';
import { registryOf } from './registry.ts';

const count = Number(process.env.RUNLET_FLEET ?? 4);
const bin = join(import.meta.dirname, '../../host/cli/bin.js');
const folder = mkdtempSync(join(tmpdir(), 'runlet-fleet-'));
const at = (name: string) => join(folder, name);
const children = new Set<ChildProcess>();
const ends: (() => unknown)[] = [];
test.after(async () => {
  for (const child of children) child.kill('SIGKILL');
  for (const end of ends) await end();
  rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
});
writeFileSync(at('mine.pub'), publicPem(keys));
writeFileSync(at('mine.key'), secretPem(keys));
const open = await opener({ keys: [keys.publicKey], insecureUnsigned: false });

const start = (command: string, args: string[]) => startProcess(children, command, args);

const until = async (what: string, done: () => boolean, seconds = 300): Promise<void> => {
  for (let wait = 0; !done(); wait++) {
    assert.ok(wait < seconds * 20, `${what}: it does not come`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};

interface TestBroker {
  port: number;
  mqtt: number;
  start(): Promise<void>;
  stop(): Promise<void>;
}

async function aedes(): Promise<TestBroker> {
  const port = await freePort();
  let broker: Awaited<ReturnType<typeof openBroker>> | undefined;
  const start = async () => {
    broker = await openBroker({ port, host: '127.0.0.1' });
  };
  return { port, mqtt: 4, start, stop: async () => broker?.close() };
}

async function mosquitto(program: string): Promise<TestBroker> {
  const port = await freePort();
  mkdirSync(at('mosquitto'));
  const lines = [
    `listener ${port} 127.0.0.1`,
    'allow_anonymous true',
    'persistence true',
    `persistence_location ${at('mosquitto')}/`,
  ];
  writeFileSync(at('mosquitto.conf'), `${lines.join('\n')}\n${process.getuid?.() === 0 ? 'user root\n' : ''}`);
  let running: ReturnType<typeof start> | undefined;
  return {
    port,
    mqtt: 5,
    start: async () => {
      running = start(program, ['-c', at('mosquitto.conf')]);
    },
    stop: async () => {
      running?.child.kill('SIGTERM');
      await running?.ended;
    },
  };
}

/** Starts the gateways and a client that reads all messages. */
async function fleetOf(name: string, broker: TestBroker, registry: string) {
  await broker.start();
  ends.push(() => broker.stop());
  const fleet = `mqtt://127.0.0.1:${broker.port}/${name}`;
  const reports = new Map<string, Reported>();
  const desired = new Map<string, Desired>();
  const link = new MqttLink({ url: `mqtt://127.0.0.1:${broker.port}`, clientId: `reader-${name}` });
  ends.unshift(() => link.close());
  link.listen((topic, payload) => {
    const id = gatewayOf(topic, name, 'reported');
    if (id) reports.set(id, parseReported(payload));
    const wanted = gatewayOf(topic, name, 'desired');
    if (wanted) desired.set(wanted, open(payload));
  });
  await link.ready(60_000);
  assert.is(link.version, broker.mqtt);
  await link.subscribe(`runlet/${name}/+/reported`, `runlet/${name}/+/desired`);
  const ids = Array.from({ length: count }, (_, i) => `g${`${i}`.padStart(3, '0')}`);
  const begin = (id: string) => {
    const own = ['--state', at(`${name}-${id}`), '--port', '0', '--insecure-no-token', '--key', at('mine.pub'), '--threads', '1'];
    const joins = ['--fleet', fleet, '--gateway-id', id, '--registry', registry, '--log', 'warn'];
    return start(process.execPath, [bin, 'gateway', ...own, ...joins]);
  };
  const gateways = new Map(ids.map((id) => [id, begin(id)]));
  const online = () => [...reports.values()].filter((report) => report.online).length;
  await until('the gateways report', () => online() === count);
  const flash = async (bundle: MadeBundle | string, ...more: string[]) => {
    const path = typeof bundle === 'string' ? bundle : at(`${bundle.digest}.wasm`);
    if (typeof bundle !== 'string') writeFileSync(path, bundle.wasm);
    const rules = ['--key', at('mine.key'), '--settle', '0', '--wave-seconds', '240', '--json', ...more];
    return start(process.execPath, [bin, 'flash', path, '--fleet', fleet, ...rules]);
  };
  const run = (): string[] => [...reports.values()].map((report) => (report as OnlineReport).active?.version ?? 'nothing').sort();
  const stop = async () => {
    for (const { child } of gateways.values()) child.kill('SIGTERM');
    for (const { ended } of gateways.values()) {
      const { code, err } = await ended;
      assert.is(code, 0, err);
    }
    await until('they say that they are gone', () => online() === 0);
  };
  return { name, broker, flash, run, reports, desired, gateways, begin, stop, ids };
}

const all = (version: string): string[] => Array.from({ length: count }, () => version);
const shown = ({ phase, touched, failed, seconds, waves }: RolloutReport): string =>
  `${phase}, waves ${waves.join(', ')}: ${touched} touched, ${failed} failed, ${seconds.toFixed(1)} s`;
const atPush = (n: number, body: string): [string, string][] => [
  [
    'let due: i32 = 0;',
    `let due: i32 = 0; store<i32>(state, load<i32>(state, 12) + 1, 12); if (load<i32>(state, 12) == ${n}) { ${body} }`,
  ],
];

type Fleet = Awaited<ReturnType<typeof fleetOf>>;

/** Rolls out a good bundle in three waves. */
async function goodRollout({ flash, run, name, broker }: Fleet): Promise<void> {
  const good = await (await flash(await bundleOf(1), '--waves', '1,50%,all')).ended;
  assert.is(good.code, 0, good.out + good.err);
  const report: RolloutReport = JSON.parse(good.out);
  console.log(`${name}, ${count} gateways, MQTT ${broker.mqtt}; good: ${shown(report)}`);
  assert.equal([report.phase, report.touched, report.failed], ['done', count, 0]);
  assert.ok(report.rows.every(({ state, runs }) => state === 'confirmed' && runs?.endsWith('1.1.0')));
  await until('all run it', () => run().join() === all('1.1.0').join());
}

/** Rolls out a bundle that traps on its hundredth push: the self-test of each gateway finds it. */
async function badRollout({ flash, run }: Fleet): Promise<void> {
  const trap = await bundleOf(2, { edit: atPush(100, 'unreachable();') });
  const bad = await (await flash(trap, '--waves', '1,50%,all')).ended;
  assert.is(bad.code, 1, bad.out + bad.err);
  const stopped: RolloutReport = JSON.parse(bad.out.split('\n')[0] as string);
  console.log(`  bad, no failure allowed: ${shown(stopped)}`);
  assert.equal([stopped.phase, stopped.touched, stopped.failed], ['stopped', 1, 1]);
  assert.is(stopped.rows[0]?.code, 'RN831');
  assert.match(bad.err, /RN857/);
  assert.equal(run(), all('1.1.0'));
}

/**
 * Rolls out a bad bundle with one allowed failure. The rollout stops in the second wave, and the remaining
 * gateways are untouched.
 */
async function oneFailureAllowed({ flash, run }: Fleet): Promise<void> {
  const half = Math.ceil(count / 2);
  const wrong = await bundleOf(2, { manifest: (m) => ({ ...m, golden: { ...m.golden, digest: '0'.repeat(64) } }) });
  const later = await (await flash(wrong, '--waves', '1,50%,all', '--max-failures', '1')).ended;
  const second: RolloutReport = JSON.parse(later.out.split('\n')[0] as string);
  console.log(`  bad, one failure allowed: ${shown(second)}`);
  assert.is(second.phase, 'stopped');
  assert.is(second.touched, half);
  // it stops at the second failure; other gateways of the wave may be in progress and also go back
  const kinds = new Set(second.rows.map(({ state }) => state));
  assert.equal([...kinds].sort(), count > half ? ['untouched', 'went back'] : ['went back']);
  const codes = second.rows.flatMap(({ code }) => code ?? []);
  assert.equal([codes.length, [...new Set(codes)]], [second.failed, ['RN713']]);
  assert.is(second.failed, 2);
  assert.equal(run(), all('1.1.0'));
}

/** Interrupts a rollout after its first wave has confirmed: that gateway returns to its old bundle. */
async function interruptedRollout({ flash, run, reports, ids }: Fleet): Promise<void> {
  const good2 = await bundleOf(2);
  const interrupted = await flash(good2, '--waves', '1,all', '--settle', '600');
  const [canary] = ids as [string];
  await until('the first confirms', () => {
    const report = reports.get(canary);
    return report?.online === true && report.state === 'confirmed' && report.digest === good2.digest;
  });
  assert.equal(run(), [...all('1.1.0').slice(1), '1.2.0']);
  interrupted.child.kill('SIGINT');
  const third = await interrupted.ended;
  assert.is(third.code, 1, third.out + third.err);
  const back: RolloutReport = JSON.parse(third.out.split('\n')[0] as string);
  console.log(`  interrupted: ${shown(back)}`);
  assert.equal([back.touched, back.failed, back.rows[0]?.state, back.rows[0]?.runs], [1, 0, 'went back', 'moving-average 1.1.0']);
  await until('all run the one before', () => run().join() === all('1.1.0').join());
}

/** Restarts the broker during a rollout. */
async function brokerRestarts({ flash, run, reports, broker }: Fleet): Promise<void> {
  const next = await bundleOf(3);
  const rolling = await flash(next, '--waves', '1,all', '--max-failures', '0', '--outputs', '1');
  await until('the rollout begins', () => [...reports.values()].some((one) => one.online && one.digest === next.digest));
  await broker.stop();
  await new Promise((resolve) => setTimeout(resolve, 1500));
  await broker.start();
  const { code, out, err } = await rolling.ended;
  assert.is(code, 0, out + err);
  console.log(`  the broker restarted meanwhile: ${shown(JSON.parse(out))}`);
  await until('all run it', () => run().join() === all('1.3.0').join());
}

/** Kills a gateway and waits for its last will from the broker. */
async function kill({ gateways, reports }: Fleet, id: string): Promise<void> {
  gateways.get(id)?.child.kill('SIGKILL');
  gateways.delete(id);
  await until('the will', () => reports.get(id)?.online === false, 120);
}

/** Kills a gateway: its last will is published, and a rollout from a registry leaves it out. */
async function oneGone(fleet: Fleet, registry: Awaited<ReturnType<typeof registryOf>>): Promise<void> {
  const { flash, ids } = fleet;
  await kill(fleet, ids.at(-1) as string);
  const remote = await (await flash(registry.reference, '--waves', 'all')).ended;
  assert.is(remote.code, 0, remote.out + remote.err);
  const last: RolloutReport = JSON.parse(remote.out);
  console.log(`  from a registry, one gateway gone: ${shown(last)}`);
  assert.equal([last.touched, last.rows.at(-1)?.state], [count - 1, 'offline']);
  assert.is(registry.seen.filter(({ path }) => path.includes('/blobs/')).length, count, 'each gateway and the command');
}

/** Ends a gateway before a rollout is reverted: it goes back when it returns. */
async function oneAway(fleet: Fleet): Promise<void> {
  const { flash, reports, desired, gateways, begin, ids } = fleet;
  const [canary] = ids as [string];
  const fifth = await bundleOf(5);
  const away = await flash(fifth, '--waves', 'all', '--only', canary, '--settle', '600');
  const canaryRuns = () => {
    const report = reports.get(canary);
    return report?.online ? `${report.state} ${report.active?.version}` : 'away';
  };
  await until('it confirms', () => canaryRuns() === 'confirmed 1.5.0');
  await kill(fleet, canary);
  away.child.kill('SIGINT');
  await until('it is told to go back', () => desired.get(canary)?.instead === fifth.digest);
  away.child.kill('SIGINT');
  await away.ended;
  gateways.set(canary, begin(canary));
  await until('it goes back', () => canaryRuns() === 'confirmed 1.4.0');
}

async function scenario(name: string, broker: TestBroker): Promise<void> {
  const registry = await registryOf((await bundleOf(4)).wasm);
  ends.push(registry.close);
  const fleet = await fleetOf(name, broker, registry.host);
  await goodRollout(fleet);
  await badRollout(fleet);
  await oneFailureAllowed(fleet);
  await interruptedRollout(fleet);
  await brokerRestarts(fleet);
  await oneGone(fleet, registry);
  await oneAway(fleet);
  await fleet.stop();
}

test(`${count} gateways with aedes`, async () => scenario('home', await aedes()));

const program = ['/usr/sbin/mosquitto', '/usr/bin/mosquitto', '/usr/local/sbin/mosquitto'].find(existsSync);
if (program) test(`${count} gateways with mosquitto`, async () => scenario('plant', await mosquitto(program)));
else console.log('skipped: mosquitto is not installed (apt-get install mosquitto)');

test('a rollout without gateways, without a broker or with wrong options ends with its code', async () => {
  const bundle = await bundleOf(1);
  writeFileSync(at('any.wasm'), bundle.wasm);
  const port = await freePort();
  const broker = await openBroker({ port, host: '127.0.0.1', password: 'a-password-of-some-length' });
  ends.push(() => broker.close());
  writeFileSync(at('password'), 'a-password-of-some-length\n');
  const fleet = `mqtt://127.0.0.1:${port}/empty`;
  const code = async (...args: string[]) => {
    const { code, err } = await start(process.execPath, [bin, 'flash', at('any.wasm'), '--key', at('mine.key'), ...args]).ended;
    return `${code} ${/RN\d+/.exec(err)?.[0]}`;
  };
  assert.is(await code('--fleet', fleet, '--token-file', at('password')), '4 RN858');
  assert.is(await code('--fleet', `mqtt://127.0.0.1:${port}`), '2 RN852');
  assert.is(await code('--fleet', fleet, '--waves', '0'), '2 RN852');
  assert.is(await code('--fleet', fleet, '--to', 'http://127.0.0.1:1'), '2 RN852');
  assert.is(await code('--fleet', fleet), '4 RN851', 'the password is missing');
  const bare = await start(process.execPath, [bin, 'flash', at('any.wasm'), '--fleet', fleet]).ended;
  assert.is(`${bare.code} ${/RN\d+/.exec(bare.err)?.[0]}`, '2 RN895', 'no key');

  // a gateway that is also the broker
  const own = await freePort();
  const hall = `mqtt://127.0.0.1:${own}/hall`;
  const gateway = start(process.execPath, [
    ...[
      bin,
      'gateway',
      '--state',
      at('hall'),
      '--port',
      '0',
      '--insecure-no-token',
      '--key',
      at('mine.pub'),
      '--threads',
      '1',
      '--log',
      'warn',
    ],
    ...['--broker', `${own}`, '--fleet', hall, '--gateway-id', 'one', '--fleet-token', at('password')],
  ]);
  const args = ['--fleet', hall, '--token-file', at('password'), '--waves', 'all', '--settle', '0'];
  let result = '';
  for (let tries = 0; tries < 20 && !result.startsWith('0'); tries++) result = await code(...args);
  assert.is(result, '0 undefined');
  gateway.child.kill('SIGTERM');
  assert.is((await gateway.ended).code, 0);
});

test.run();
