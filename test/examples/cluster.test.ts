/**
 * The configuration of examples/cluster: each role can do its work over TLS, and nothing else.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { jetstream } from '@nats-io/jetstream';
import { connect, type NatsConnection, PermissionViolationError } from '@nats-io/transport-node';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ClusterStatus } from '../../host/gateway/cluster/cluster.ts';
import { storedOutputs } from '../../scripts/cluster/audit.ts';
import { Member } from '../../scripts/cluster/member.ts';
import { natsProgram, noNats } from '../../scripts/cluster/nats-server.ts';
import { freePort, listens } from '../../scripts/gateway/port.ts';
import { message, tinySite } from '../cluster/tiny-site.ts';
import { bundleOf } from '../gateway/bundles.ts';
import { authority } from '../gateway/certificates.ts';
import { startProcess } from '../gateway/processes.ts';

const root = join(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'runlet-accounts-'));
const at = (name: string) => join(folder, name);
const children = new Set<ChildProcess>();
const connections: NatsConnection[] = [];
test.after(async () => {
  for (const one of connections) await one.close();
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, maxRetries: 20, retryDelay: 100 });
});

const users = ['s1', 'gateway', 'rollout', 'reader'] as const;
type User = (typeof users)[number];
const passwordOf = (user: User): string => `a-password-of-${user}`;

/** Starts a server with the configuration. @returns its port, and the certificate of its CA */
async function started(): Promise<{ port: number; ca: string }> {
  const ours = await authority('ours');
  const { cert, key } = await ours.server();
  for (const [name, text] of Object.entries({ 'nats.crt': cert, 'nats.key': key, 'ca.crt': ours.cert }))
    writeFileSync(at(name), text);
  for (const user of users) writeFileSync(at(`${user}.password`), passwordOf(user));
  const port = await freePort();
  const [device, gateway, rollout, reader] = users.map(passwordOf);
  const child = spawn(
    natsProgram as string,
    ['-c', join(root, 'examples/cluster/nats.conf'), '-a', '127.0.0.1', '-p', `${port}`],
    {
      cwd: folder,
      stdio: 'ignore',
      env: { DEVICE_PASSWORD: device, GATEWAY_PASSWORD: gateway, ROLLOUT_PASSWORD: rollout, READER_PASSWORD: reader },
    },
  );
  children.add(child);
  await listens(port, 'data', 'nats-server');
  return { port, ca: ours.cert };
}

/** Tries subjects, and returns those that the server refused. */
async function refusedOf(nats: NatsConnection, publishes: string[], subscribes: string[]): Promise<string[]> {
  const refused: string[] = [];
  const watching = (async () => {
    for await (const status of nats.status())
      if (status.type === 'error' && status.error instanceof PermissionViolationError) refused.push(status.error.subject);
  })();
  for (const subject of publishes) nats.publish(subject, 'x');
  for (const subject of subscribes) nats.subscribe(subject);
  await nats.flush();
  for (let tries = 0; tries < 40 && refused.length < publishes.length + subscribes.length; tries++) await pause(50);
  await nats.close();
  await watching;
  return refused.sort();
}

/** Some versions of NATS name the subject before the mapping, some after it. */
const unmapped = (subject: string): string => subject.replace(/^runlet\.lab\.frames\.\d+\.s2$/, 'runlet.lab.in.s2');

/** Subjects that each role must not write or read. */
const forbidden: Record<User, { publish: string[]; subscribe: string[] }> = {
  s1: {
    publish: ['runlet.lab.in.s2', 'runlet.lab.frames.0.s2', 'runlet.lab.outputs.0.s1', '$KV.runlet_lab_leases.partition.0'],
    subscribe: ['runlet.lab.>', '_INBOX_gateway.>', '$KV.>'],
  },
  gateway: {
    publish: ['runlet.lab.frames.0.s1', '$KV.runlet_lab_desired.a', '$O.runlet_lab_bundles.C.x', '$O.runlet_lab_bundles.M.x'],
    subscribe: ['runlet.lab.>', '_INBOX_rollout.>'],
  },
  rollout: {
    publish: ['runlet.lab.frames.0.s1', 'runlet.lab.outputs.0.s1', '$KV.runlet_lab_leases.x', '$KV.runlet_lab_states.x'],
    subscribe: ['runlet.lab.>', '_INBOX_gateway.>'],
  },
  reader: { publish: ['runlet.lab.outputs.0.s1', '$KV.runlet_lab_states.x'], subscribe: ['runlet.lab.frames.>'] },
};
/** Requests to JetStream that no role may make. */
const never = ['DELETE', 'PURGE', 'UPDATE'].flatMap((what) =>
  ['RUNLET_lab_FRAMES', 'RUNLET_lab_OUTPUTS', 'KV_runlet_lab_desired'].map((stream) => `$JS.API.STREAM.${what}.${stream}`),
);

async function scenario(): Promise<void> {
  await tinySite(folder);
  const { port, ca } = await started();
  const as = async (user: User): Promise<NatsConnection> => {
    const secret = { user, pass: passwordOf(user), inboxPrefix: `_INBOX_${user}`, tls: { ca } };
    const nats = await connect({ servers: `tls://127.0.0.1:${port}`, ...secret });
    connections.push(nats);
    return nats;
  };
  const place = { nats: `tls://gateway@127.0.0.1:${port}`, site: 'lab', partitions: 16, leaseMs: 1000 };
  const secrets = ['--cluster-ca', at('ca.crt'), '--cluster-token', at('gateway.password')];
  const member = new Member('a', folder, place, secrets);
  await member.start();
  for (let tries = 0; tries < 100 && (await member.held()).length < 16; tries++) await pause(100);
  assert.is((await member.held()).length, 16, member.errors);

  const device = jetstream(await as('s1'));
  for (let from = 0; from < 100; from += 10) await device.publish('runlet.lab.in.s1', message(0, from, 10));
  const reader = await as('reader');
  let outputs = await storedOutputs(reader, 'lab');
  for (let tries = 0; tries < 100 && (outputs.get('s1')?.length ?? 0) < 24; tries++) {
    await pause(100);
    outputs = await storedOutputs(reader, 'lab');
  }
  assert.is(outputs.get('s1')?.length, 24, '100 ticks, a window of 8 and a hop of 4');
  const sumOf = async () => ((await (await fetch(`${member.url}/v1/cluster`)).json()) as ClusterStatus).sum;
  let sum = await sumOf();
  for (let tries = 0; tries < 100 && !sum.settled; tries++) {
    await pause(100);
    sum = await sumOf();
  }
  assert.equal([sum.settled, sum.balances, sum.books.received], [true, true, 100], 'it may read the records');

  const { wasm, digest } = await bundleOf(2);
  writeFileSync(at(`${digest}.wasm`), wasm);
  const fleet = ['--fleet', `tls://rollout@127.0.0.1:${port}/lab`, '--key', at('mine.key')];
  const secret = ['--tls-ca', at('ca.crt'), '--token-file', at('rollout.password')];
  const rules = ['--settle', '0', '--latency-ms', '100000', '--outputs', '1', '--seconds', '1', '--json'];
  const all = [join(root, 'host/cli/bin.js'), 'flash', at(`${digest}.wasm`), ...fleet, ...secret, ...rules];
  const flashed = await startProcess(children, process.execPath, all).ended;
  assert.is(flashed.code, 0, flashed.out + flashed.err);

  for (const user of users) {
    const { publish, subscribe } = forbidden[user];
    const tried = [...publish, ...never];
    const refused = await refusedOf(await as(user), tried, subscribe);
    assert.equal(refused.map(unmapped).sort(), [...tried, ...subscribe].map(unmapped).sort(), user);
  }
  await strangers(port, ca);
  assert.is(await member.end('SIGTERM'), 0, member.errors);
}

/** A wrong password, and a connection without the CA, get nothing. */
async function strangers(port: number, ca: string): Promise<void> {
  const servers = `tls://127.0.0.1:${port}`;
  const failed = (options: object) =>
    connect({ servers, maxReconnectAttempts: 0, ...options }).then(
      async (nats) => {
        await nats.close();
        return 'connected';
      },
      (error: Error) => error.message,
    );
  assert.match(await failed({ user: 'gateway', pass: 'wrong', tls: { ca } }), /authorization/i);
  assert.match(await failed({ tls: { ca } }), /authorization/i);
  assert.match(await failed({ user: 'gateway', pass: passwordOf('gateway') }), /certificate|issuer/i);
}

if (natsProgram) test('each role of the example does its work over TLS, and may do nothing else', scenario);
else console.log(noNats);

test.run();
