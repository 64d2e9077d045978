/**
 * A gateway in a process of its own, alone or in a cluster.
 *
 * In: a folder of prepare.ts, from which it copies its state; the cluster, if it has one.  Out: its address,
 * the partitions that it holds, its processor time and memory, the end of its log. It ends with this process.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { bound, type Usage, usageOf } from '../gateway/usage.ts';

const bin = join(import.meta.dirname, '../../host/cli/bin.js');

export interface ClusterPlace {
  /** Address of NATS. */
  nats: string;
  site: string;
  partitions: number;
  leaseMs: number;
}

export class Member {
  readonly id: string;
  url = '';
  #child?: ChildProcess;
  #log = '';
  #args: string[];

  /** @param more further options of `runlet gateway` */
  constructor(id: string, folder: string, place?: ClusterPlace, more: readonly string[] = []) {
    this.id = id;
    cpSync(join(folder, 'state'), join(folder, id), { recursive: true });
    const own = ['--state', join(folder, id), '--port', '0', '--insecure-no-token', '--key', join(folder, 'mine.pub')];
    const site = place && ['--cluster', `${place.nats}/${place.site}`, '--gateway-id', id];
    const facts = place && ['--partitions', `${place.partitions}`, '--lease-ms', `${place.leaseMs}`];
    const rest = ['--safe-after', '1000000', '--threads', '1', '--log', 'error', '--json'];
    this.#args = ['gateway', ...own, ...(site ?? []), ...(facts ?? []), ...rest, ...more];
  }

  /** Resolves once it listens, or has ended. */
  async start(): Promise<void> {
    const child = spawn(process.execPath, [bin, ...this.#args], { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    bound(child);
    child.stderr.on('data', (part) => {
      this.#log = (this.#log + part).slice(-4000);
    });
    let printed = '';
    const listens = new Promise<void>((resolve) =>
      child.stdout.on('data', (part) => {
        printed += part;
        this.url = /"url":\s*"([^"]+)"/.exec(printed)?.[1] ?? '';
        if (this.url) resolve();
      }),
    );
    await Promise.race([listens, once(child, 'close')]);
  }

  /** The end of its log. */
  get errors(): string {
    return this.#log;
  }

  /** Of its process; 0 before its start. */
  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  usage(): Usage {
    return usageOf(this.#child ?? { pid: undefined });
  }

  /** @returns its exit code; null if a signal ended it */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#child;
    if (!child) return null;
    if (child.exitCode === null && child.signalCode === null) {
      const closed = once(child, 'close');
      child.kill(signal);
      await closed;
    }
    return child.exitCode;
  }

  /** Numbers of the partitions that it holds; none if it does not answer. */
  async held(): Promise<number[]> {
    const found = await fetch(`${this.url}/v1/cluster`).catch(() => undefined);
    if (!found?.ok) return [];
    return ((await found.json()) as { held: { number: number }[] }).held.map(({ number }) => number);
  }
}
