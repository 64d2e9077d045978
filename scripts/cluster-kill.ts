/**
 * npm run cluster:kill: kills a gateway of `npm run cluster:demo`, and shows that no output was lost.
 *
 * In: the name of a gateway, by default the one with most partitions.  Out: who takes over, and when; then
 * the outputs of each stream against a session that runs over all stored frames without interruption. Exit
 * code 1 if an output is lost, repeated or different.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import type { ClusterStatus } from '../host/gateway/cluster/cluster.ts';
import { openSession } from '../host/session/index.ts';
import { differenceOf, signalOf, storedFrames, storedOutputs, uninterrupted } from './cluster/audit.ts';
import { type Demo, runningDemo, wasmFile } from './cluster/demo.ts';

/** Signal after the take-over that is compared too; patience. */
const [afterMs, patienceMs] = [5000, 60_000];
const say = (line: string) => process.stdout.write(`${line}\n`);
const many = (count: number, what: string) => `${count.toLocaleString('en')} ${what}${count === 1 ? '' : 's'}`;

type Gateway = Demo['gateways'][number] & { held: number[]; sum?: ClusterStatus['sum'] };

/** Asks gateways for what they hold; those that do not answer are left out. */
async function asked(gateways: Demo['gateways']): Promise<Gateway[]> {
  const answers = gateways.map(async (one) => {
    const found = await fetch(`${one.url}/v1/cluster`).catch(() => undefined);
    if (!found?.ok) return [];
    const { id, held, sum } = (await found.json()) as ClusterStatus;
    return id === one.id ? [{ ...one, held: held.map(({ number }) => number).sort((a, b) => a - b), sum }] : [];
  });
  return (await Promise.all(answers)).flat();
}

/** Kills a gateway, and waits until its partitions have owners. @returns those that are left */
async function kill(alive: readonly Gateway[], partitions: number): Promise<Gateway[]> {
  const most = alive.reduce((a, b) => (b.held.length > a.held.length ? b : a));
  const name = process.argv[2] ?? most.id;
  const victim = alive.find(({ id }) => id === name);
  if (!victim) throw new Error(`${name} does not run; these do: ${alive.map(({ id }) => id).join(', ')}`);
  if (alive.length < 2) throw new Error(`${name} is the last one. Start the cluster again: npm run cluster:demo`);
  process.kill(victim.pid, 'SIGKILL');
  say(`killed     ${name} (kill -9), which ran partitions ${victim.held.join(', ')}`);
  const begunMs = performance.now();
  const rest = alive.filter(({ id }) => id !== name);
  for (;;) {
    const now = await asked(rest);
    const afterS = ((performance.now() - begunMs) / 1000).toFixed(1);
    if (now.flatMap(({ held }) => held).length === partitions) {
      say(
        `took over  after ${afterS} s: ${now.map(({ id, held }) => `${id} runs ${many(held.length, 'partition')}`).join(', ')}`,
      );
      return now;
    }
    if (performance.now() - begunMs > patienceMs) throw new Error(`after ${afterS} s, not every partition has a gateway`);
    await pause(50);
  }
}

/** Compares what is stored now. @returns true if every output is there, once, with the right bytes */
async function audit(nats: NatsConnection, site: string): Promise<boolean> {
  const frames = await storedFrames(nats, site);
  const wants = new Map<string, Float32Array[]>();
  for (const [stream, messages] of frames) {
    const wasm = readFileSync(wasmFile(stream.includes('=') ? (stream.split('=')[0] as string) : 'main'));
    const { frameElements } = await openSession(wasm as BufferSource);
    wants.set(stream, await uninterrupted(wasm, signalOf(stream, messages, frameElements)));
  }
  let outputs = await storedOutputs(nats, site);
  const isComplete = () => [...wants].every(([stream, want]) => (outputs.get(stream)?.at(-1)?.sequence ?? -1) >= want.length - 1);
  for (const begunMs = performance.now(); !isComplete() && performance.now() - begunMs < patienceMs; await pause(500))
    outputs = await storedOutputs(nats, site);
  const found = [...wants].map(([stream, want]) => differenceOf(stream, want, outputs.get(stream) ?? []));
  const of = (what: 'lost' | 'repeated' | 'different') => found.reduce((sum, one) => sum + (one?.[what] ?? 0), 0);
  const wanted = [...wants.values()].reduce((sum, { length }) => sum + length, 0);
  say(`compared   ${many(wants.size, 'stream')}, ${many(wanted, 'output')} since the start, with a run without interruption:`);
  say(`           ${of('lost')} lost, ${of('repeated')} repeated, ${of('different')} different`);
  for (const one of found) if (one) say(`           ${one.stream}: the first at number ${one.first}`);
  return found.every((one) => one === undefined);
}

async function run(): Promise<void> {
  const demo = await runningDemo();
  const alive = await asked(demo.gateways);
  if (alive.length === 0) throw new Error('no gateway answers. Start the cluster again: npm run cluster:demo');
  const rest = await kill(alive, demo.partitions);
  say(`waits      ${afterMs / 1000} s for outputs of the new owners`);
  await pause(afterMs);
  const nats = await connect({ servers: demo.nats });
  if (!(await audit(nats, demo.site))) process.exitCode = 1;
  await nats.close();
  const [{ sum } = { sum: undefined }] = await asked(rest);
  if (sum)
    say(
      `books      ${many(sum.books.received, 'tick')} received, ${sum.books.lost} lost; they ${sum.balances ? 'balance' : 'do not balance'}`,
    );
}

await run().catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});
