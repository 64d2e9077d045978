/**
 * Starts the processes of a load test: mosquitto and the gateway.
 *
 * In: a folder.  Out: addresses, processor time and memory (from /proc), the log. `stop` ends a process.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Gateway } from '../../host/gateway/gateway.ts';
import type { Board } from '../../host/gateway/page/board.ts';
import type { Profile } from './flame.ts';
import type { LoadedModel } from './model.ts';
import { freePort, listens } from './port.ts';
import { bound, usageOf } from './usage.ts';

const root = join(import.meta.dirname, '../..');

async function stopped(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
  await ended;
  clearTimeout(timer);
}

export async function startBroker(folder: string) {
  const port = await freePort();
  const file = join(folder, 'mosquitto.conf');
  // max_queued_messages 0: mosquitto itself drops nothing
  writeFileSync(
    file,
    `listener ${port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\nmax_queued_messages 0\npersistence false\nlog_type error\n`,
  );
  const child = spawn('/usr/sbin/mosquitto', ['-c', file], { stdio: ['ignore', 'ignore', 'inherit'] });
  bound(child);
  await listens(port, 'connect', 'mosquitto');
  const usage = () => usageOf(child);
  return { url: `mqtt://127.0.0.1:${port}`, usage, startedCpuS: usage().cpuS, stop: () => stopped(child) };
}

export interface GatewayProcessOptions {
  folder: string;
  model: Pick<LoadedModel, 'bundle' | 'key'>;
  broker?: string;
  threads?: string;
  streams: number;
  /** True: frames are sent as fast as outputs come, so larger queues are allowed before frames are shed. */
  fullSpeed: boolean;
  /** True: the threads can be profiled. */
  profiled: boolean;
}

export const gatewayId = 'load';
export type Collected = ReturnType<Gateway['collection']['status']>;

export async function startGateway({ folder, model, broker, threads, streams, fullSpeed, profiled }: GatewayProcessOptions) {
  const args = [
    'gateway',
    '--state',
    join(folder, 'state'),
    '--port',
    '0',
    '--insecure-no-token',
    '--model',
    model.bundle,
    '--key',
    model.key,
  ];
  args.push('--max-streams', `${streams + 16}`, ...(threads ? ['--threads', threads] : []));
  // the warm-up has 9 hops without outputs, so nothing slows the sender down
  if (fullSpeed) args.push('--max-waiting', '16', '--max-lag-ms', '10000');
  if (broker) args.push('--mqtt', broker, '--mqtt-id', gatewayId);
  const profiles = join(folder, 'profiles.json');
  const before = profiled ? ['--import', join(root, 'scripts/gateway/profile.mjs')] : [];
  const child = spawn(process.execPath, [...before, join(root, 'host/cli/bin.js'), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, RUNLET_PROFILES: profiles },
  });
  bound(child);
  const log: string[] = [];
  createInterface({ input: child.stderr }).on('line', (line) => {
    if (log.length < 1000) log.push(line);
  });
  const url = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const found = /^gateway at (\S+);/.exec(line)?.[1];
      if (found) resolve(found);
    });
    child.once('exit', () => reject(new Error(`the gateway ended:\n${log.join('\n')}`)));
  });
  return {
    url,
    usage: () => usageOf(child),
    log: () => log.join('\n'),
    exited: () => child.exitCode !== null || child.signalCode !== null,
    board: async () => (await (await fetch(`${url}/v1/board`)).json()) as Board,
    /** Turns collection on: a random share, and 1,000 uncertain windows a day. */
    collect: async (share: number) => {
      const body = JSON.stringify({ random: { share }, uncertain: { perDay: 1000, cutoff: 0 } });
      const answer = await fetch(`${url}/v1/slots/main/collection`, { method: 'PUT', body });
      if (!answer.ok) throw new Error(await answer.text());
    },
    /** Turns drift detection on, for as many streams as it takes. */
    watch: async () => {
      const answer = await fetch(`${url}/v1/slots/main/drift`, { method: 'PUT', body: JSON.stringify({ streams: 256 }) });
      if (!answer.ok) throw new Error(await answer.text());
    },
    collected: async () => (await (await fetch(`${url}/v1/slots/main/collection`)).json()) as Collected,
    /** Starts profiling, if `profiled` is true. */
    profile: () => profiled && child.kill('SIGUSR2'),
    /** Ends profiling and returns the profiles. */
    profiled: async () => {
      child.kill('SIGUSR2');
      while (!existsSync(profiles)) await new Promise((resolve) => setTimeout(resolve, 50));
      return JSON.parse(readFileSync(profiles, 'utf8')) as Profile[];
    },
    stop: () => stopped(child),
  };
}
