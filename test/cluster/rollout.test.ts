/**
 * Rollouts over a cluster, by NATS: a good bundle reaches all gateways, and a bad one stops at the limit of
 * failures and goes back, while gateways are killed and streams run. Every output is stored once, with the
 * bytes of a run without interruption, whichever version gave it.
 *
 * RUNLET_ROLLOUTS rounds of a good and a bad bundle (`npm run soak -- cluster-rollouts`: 5).
 */
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { jetstream } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { RolloutReport } from '../../host/gateway/fleet/rollout-runner.ts';
import { openSession } from '../../host/session/index.ts';
import { storedOutputs } from '../../scripts/cluster/audit.ts';
import { Member } from '../../scripts/cluster/member.ts';
import { NatsServer, natsProgram, noNats } from '../../scripts/cluster/nats-server.ts';
import { bundleOf, expected, later, type MadeBundle } from '../gateway/bundles.ts';
import { startProcess } from '../gateway/processes.ts';
import { randomOf } from '../host/helpers.ts';
import { message, rateHz, tinySite } from './tiny-site.ts';

const rounds = Number(process.env.RUNLET_ROLLOUTS ?? 1);
const seed = Number(process.env.RUNLET_SEED ?? 20261202);
const random = randomOf(seed);
const [site, partitions, leaseMs, streams, messageTicks] = ['hall', 8, 1000, 6, 10];
const bin = join(import.meta.dirname, '../../host/cli/bin.js');
const folder = mkdtempSync(join(tmpdir(), 'runlet-rollout-'));
const at = (name: string) => join(folder, name);
const children = new Set<ChildProcess>();
/** Functions that end what was begun, the latest first. */
const ends: (() => unknown)[] = [() => rmSync(folder, { recursive: true, maxRetries: 20, retryDelay: 100 })];
test.after(async () => {
  for (const child of children) child.kill('SIGKILL');
  for (const end of ends) await end();
});

/** Sends a stream at its rate until `quit`. @returns the number of ticks */
async function send(nats: NatsConnection, stream: number, quit: AbortSignal): Promise<number> {
  const js = jetstream(nats);
  let sent = 0;
  for (const begunMs = performance.now(); !quit.aborted; sent += messageTicks) {
    const subject = `runlet.${site}.frames.${stream % partitions}.s${stream}`;
    const bytes = message(stream, sent, messageTicks);
    while (!(await js.publish(subject, bytes, { msgID: `s${stream}/${sent}` }).catch(() => undefined))) await pause(100);
    await pause(Math.max(0, begunMs + (1000 * sent) / rateHz - performance.now()));
  }
  return sent;
}

/** Kills gateways at random times, and starts them again, until `quit`. @returns how often */
async function killing(members: readonly Member[], quit: AbortSignal): Promise<number> {
  let kills = 0;
  for (; !quit.aborted; kills++) {
    await pause(1500 + random(3000), undefined, { signal: quit }).catch(() => {});
    if (quit.aborted) break;
    const one = members[random(members.length)] as Member;
    await one.end('SIGKILL');
    await one.start();
  }
  return kills;
}

/** Options of a rollout: one gateway, then all. */
const rules = ['--waves', '1,all', '--settle', '0.5', '--outputs', '4', '--seconds', '1', '--latency-ms', '100000'];

/** Rolls a bundle out while gateways are killed. */
async function flash({ wasm, digest }: MadeBundle, url: string, members: readonly Member[], more: string[]) {
  writeFileSync(at(`${digest}.wasm`), wasm);
  const all = ['--key', at('mine.key'), '--wave-seconds', '120', '--json', ...more];
  const what = ['flash', at(`${digest}.wasm`), '--fleet', `${url}/${site}`];
  const { ended } = startProcess(children, process.execPath, [bin, ...what, ...all]);
  const quit = new AbortController();
  const kills = killing(members, quit.signal);
  const { code, out, err } = await ended;
  quit.abort();
  const report: RolloutReport | undefined = out.startsWith('{') ? JSON.parse(out.split('\n')[0] as string) : undefined;
  console.log(`  ${report?.phase ?? err}: ${report?.touched} touched, ${report?.failed} failed, ${await kills} kills`);
  return { code, report: report as RolloutReport, text: out + err };
}

const versions = (members: readonly Member[]): Promise<string[]> =>
  Promise.all(
    members.map(async ({ url }) => {
      const found = await fetch(`${url}/v1/slots/main`).then(
        (answer) => answer.json(),
        () => ({}),
      );
      return (found as { active?: { version: string } }).active?.version ?? 'none';
    }),
  );

/** Waits until all gateways run a version. */
async function allRun(members: readonly Member[], version: string): Promise<void> {
  for (let tries = 0; tries < 300 && (await versions(members)).some((one) => one !== version); tries++) await pause(100);
  assert.equal(
    await versions(members),
    members.map(() => version),
  );
}

/** Waits for all outputs, and compares them. @returns the number of outputs of each bundle */
async function compare(nats: NatsConnection, first: MadeBundle, ticks: readonly number[]): Promise<Record<string, number>> {
  const session = await openSession(first.wasm as BufferSource);
  const { scale, zeroPoint } = session.manifest.outputs[0] as { scale: number; zeroPoint: number };
  const wanted = ticks.map((sent, stream) =>
    expected(stream, sent).map((values) => [...values].map((q) => Math.fround(scale) * (q - zeroPoint))),
  );
  const count = wanted.flat().length;
  let stored = await storedOutputs(nats, site);
  for (let tries = 0; tries < 60 && [...stored.values()].flat().length < count; tries++) {
    await pause(500);
    stored = await storedOutputs(nats, site);
  }
  const by: Record<string, number> = {};
  for (const [stream, outputs] of wanted.entries()) {
    const found = stored.get(`s${stream}`) ?? [];
    assert.equal(
      found.map(({ sequence }) => sequence),
      outputs.map((_, n) => n),
      `stream ${stream}`,
    );
    for (const [n, { values, digest }] of found.entries()) {
      assert.equal([...values], outputs[n]?.map(Math.fround), `stream ${stream}, output ${n}`);
      by[digest] = (by[digest] ?? 0) + 1;
    }
  }
  return by;
}

/**
 * Rolls good bundles out until one is complete. A gateway that is killed in its trial has failed, so some may
 * stop. @returns the version that runs everywhere
 */
async function goodRollout(url: string, members: readonly Member[], before: string, sequence: number): Promise<string> {
  for (let at = sequence; at < sequence + 8; at++) {
    const { code, report, text } = await flash(await bundleOf(at), url, members, rules);
    assert.is(code, report.phase === 'done' ? 0 : 1, text);
    if (report.phase === 'done') {
      assert.equal([report.touched, report.failed], [3, 0]);
      await allRun(members, `1.${at}.0`);
      return `1.${at}.0`;
    }
    assert.ok(report.failed > 0, text);
    await allRun(members, before);
  }
  throw new Error('no rollout of a good bundle is completed');
}

async function scenario(): Promise<void> {
  const first = await tinySite(folder);
  const server = await NatsServer.begin();
  ends.unshift(() => server.end());
  const place = { nats: server.url, site, partitions, leaseMs };
  const members = ['a', 'b', 'c'].map((id) => new Member(id, folder, place));
  for (const one of members) ends.unshift(() => one.end('SIGKILL'));
  await Promise.all(members.map((one) => one.start()));
  const nats = await connect({ servers: server.url, maxReconnectAttempts: -1 });
  const quit = new AbortController();
  ends.unshift(() => {
    quit.abort();
    return nats.close();
  });
  const sending = Array.from({ length: streams }, (_, i) => send(nats, i, quit.signal));
  let version = '1.1.0';
  for (let round = 1; round <= rounds; round++) {
    version = await goodRollout(server.url, members, version, 10 * round);
    const bad = await bundleOf(10 * round + 9, { version: '6.6.6', edit: [later('unreachable();')] });
    const { code, report, text } = await flash(bad, server.url, members, rules);
    assert.is(code, 1, text);
    assert.equal([report.phase, report.touched, report.failed], ['stopped', 1, 1]);
    await allRun(members, version);
  }
  quit.abort();
  const by = await compare(nats, first, await Promise.all(sending));
  console.log(`  outputs by bundle: ${JSON.stringify(by)}`);
  for (const one of members) assert.is(await one.end('SIGTERM'), 0, one.errors);
}

console.log(`  seed ${seed}`);
if (natsProgram) test('a good rollout is completed, and a bad one goes back, while gateways are killed', scenario);
else console.log(noNats);

test.run();
