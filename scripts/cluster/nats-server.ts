/**
 * A nats-server with JetStream for tests and load tests of a cluster, on free ports, with its own folder.
 *
 * Out: its address; `kill` ends it at once, and `start` runs it again on the same folder. `usage` has its
 * processor time and memory, `traffic` the bytes and messages that clients sent and received, and `stored`
 * what its streams keep (from its monitoring port).
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, listens } from '../gateway/port.ts';
import { bound, type Usage, usageOf } from '../gateway/usage.ts';

export const natsProgram = [
  process.env.RUNLET_NATS,
  '/usr/sbin/nats-server',
  '/usr/bin/nats-server',
  '/usr/local/bin/nats-server',
].find((path) => path !== undefined && existsSync(path));
export const noNats = 'skipped: nats-server is not installed (apt-get install nats-server, or RUNLET_NATS)';

/** What clients have sent to the server, and received from it. */
export interface Traffic {
  inBytes: number;
  outBytes: number;
  inMessages: number;
  outMessages: number;
}

/** A stream of JetStream: what it keeps, and how many messages it has ever taken. */
export interface Kept {
  name: string;
  bytes: number;
  messages: number;
  taken: number;
}

interface Jsz {
  account_details?: { stream_detail?: { name: string; state: { bytes: number; messages: number; last_seq: number } }[] }[];
}

export class NatsServer {
  readonly port: number;
  #monitorPort: number;
  #folder = mkdtempSync(join(tmpdir(), 'runlet-nats-'));
  #running?: ChildProcess;

  private constructor(port: number, monitorPort: number) {
    [this.port, this.#monitorPort] = [port, monitorPort];
  }

  /** @param more lines of the configuration */
  static async begin(more = ''): Promise<NatsServer> {
    const server = new NatsServer(await freePort(), await freePort());
    const monitor = `http: "127.0.0.1:${server.#monitorPort}"`;
    const store = `jetstream { store_dir: "${server.#folder}/store" }`;
    writeFileSync(
      join(server.#folder, 'nats.conf'),
      ['host: 127.0.0.1', `port: ${server.port}`, monitor, store, more].join('\n'),
    );
    await server.start();
    return server;
  }

  get url(): string {
    return `nats://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    this.#running = spawn(natsProgram as string, ['-c', join(this.#folder, 'nats.conf')], { stdio: 'ignore' });
    bound(this.#running);
    await listens(this.port, 'data', 'nats-server');
  }

  usage(): Usage {
    return usageOf(this.#running as ChildProcess);
  }

  async #monitor<T>(path: string): Promise<T> {
    return (await (await fetch(`http://127.0.0.1:${this.#monitorPort}/${path}`)).json()) as T;
  }

  async traffic(): Promise<Traffic> {
    const found = await this.#monitor<{ in_bytes: number; out_bytes: number; in_msgs: number; out_msgs: number }>('varz');
    return { inBytes: found.in_bytes, outBytes: found.out_bytes, inMessages: found.in_msgs, outMessages: found.out_msgs };
  }

  async stored(): Promise<Kept[]> {
    const { account_details = [] } = await this.#monitor<Jsz>('jsz?accounts=true&streams=true');
    return account_details
      .flatMap(({ stream_detail = [] }) => stream_detail)
      .map(({ name, state }) => ({ name, bytes: state.bytes, messages: state.messages, taken: state.last_seq }));
  }

  async kill(): Promise<void> {
    const { exitCode, signalCode } = this.#running ?? { exitCode: 0, signalCode: null };
    if (exitCode !== null || signalCode !== null) return;
    this.#running?.kill('SIGKILL');
    await once(this.#running as ChildProcess, 'exit');
  }

  async end(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
