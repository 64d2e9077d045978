/**
 * A tenant with a bad neighbour on a gateway in a separate process. The tenant's streams come over WebSocket
 * while their bundle is swapped. In another slot, the neighbour sends messages that are refused, opens a
 * flood of connections and runs modules that hang.
 *
 * Each output is compared with a separate session that takes the same ticks here. Frames are sent as fast as
 * outputs come back, with a pause. RUNLET_NEIGHBOUR_STREAMS, _SWAPS and _MINUTES (`npm run soak --
 * neighbour`: 200, 100 and 10; from 4 minutes on memory is checked too).
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import WebSocket from 'ws';
import { publicPem } from '../../assembly/bundle/keys.ts';
import { readOutput, writeFrames } from '../../host/gateway/streams/wire.ts';
import { GatewayClient } from '../../host/remote/client.ts';
import { openSession, type Session } from '../../host/session/index.ts';
import { isRunletError } from '../../models/error.ts';
import { root } from '../shared.ts';
import { bundleOf, bytesOf, keys, later, loop, type MadeBundle, signal } from './bundles.ts';

const streams = Number(process.env.RUNLET_NEIGHBOUR_STREAMS ?? 16);
const swaps = Number(process.env.RUNLET_NEIGHBOUR_SWAPS ?? 4);
const minutes = Number(process.env.RUNLET_NEIGHBOUR_MINUTES ?? 0);
const connections = streams >= 200 ? 1200 : 60;

const folder = mkdtempSync(join(tmpdir(), 'runlet-neighbour-'));
const at = (name: string) => join(folder, name);
const token = 'a-token-of-some-length';
let gateway: ChildProcess | undefined;
test.after(() => {
  gateway?.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function start(): Promise<{ url: string; pid: number }> {
  writeFileSync(at('mine.pub'), publicPem(keys));
  writeFileSync(at('token'), token);
  const limits = ['--budget-ms', '1000', '--max-waiting', '1000', '--max-lag-ms', '60000', '--safe-after', '1000'];
  const files = ['--state', at('state'), '--key', at('mine.pub'), '--token-file', at('token')];
  const args = ['gateway', ...files, '--port', '0', '--json', '--log', 'error', '--threads', '1', ...limits];
  gateway = spawn(process.execPath, [join(root, 'host/cli/bin.js'), ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(createInterface({ input: gateway.stdout as NodeJS.ReadableStream }), 'line')) as [string];
  return { url: JSON.parse(line).url, pid: gateway.pid as number };
}

const rssBytes = (pid: number): number =>
  1024 * Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);

async function open(url: string, slot: string): Promise<WebSocket> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/v1/ws?slot=${slot}`, {
    headers: { Authorization: `Bearer ${token}` },
  });
  await once(socket, 'open');
  return socket;
}

/** Retries a connection that breaks during the flood. */
async function patiently<T>(run: () => Promise<T>): Promise<T> {
  for (let failed = 0; ; failed++)
    try {
      return await run();
    } catch (error) {
      if (!isRunletError(error) || error.code !== 'RN860' || failed > 20) throw error;
      await pause(100);
    }
}

/** Flashes a bundle and waits for the result of its trial. */
async function flash(client: GatewayClient, slot: string, { wasm, digest }: MadeBundle): Promise<string> {
  const options = { enduranceHops: 8, outputs: 2, streams: 2, seconds: 20 };
  await patiently(() => client.flash(wasm, slot));
  for (;;) {
    // the request may have arrived, and only its answer been lost
    await patiently(() => client.try(slot, options)).catch((error: unknown) => {
      if (!isRunletError(error) || error.code !== 'RN804') throw error;
    });
    const { report } = await patiently(() => client.slot(slot));
    if (report?.digest === digest) break;
  }
  for (;;) {
    const { report } = await patiently(() => client.slot(slot));
    if (report?.phase === 'confirmed' || report?.phase === 'failed') return report.failure?.code ?? report.phase;
    await pause(50);
  }
}

/** The streams of the tenant, and the errors that were found in their outputs. */
class Tenant {
  readonly found = { outputs: 0, missing: 0, repeated: 0, different: 0, refused: 0 };
  /** Number of ticks sent on each stream. */
  sent = 0;
  #sockets: WebSocket[];
  #own: { session: Session; next: number; due: number[][] }[];

  private constructor(sockets: WebSocket[], sessions: Session[]) {
    this.#sockets = sockets;
    this.#own = sessions.map((session) => ({ session, next: 0, due: [] }));
    for (const socket of sockets)
      socket.on('message', (data: Buffer, binary) => (binary ? this.#take(data) : this.found.refused++));
  }

  static async begin(url: string, wasm: Uint8Array): Promise<Tenant> {
    const sockets = await Promise.all([1, 2, 3, 4].map(() => open(url, 'main')));
    return new Tenant(sockets, await Promise.all(Array.from({ length: streams }, () => openSession(wasm))));
  }

  /** Largest number of outputs that are still due on one stream. */
  get waiting(): number {
    return this.#own.reduce((max, { due }) => Math.max(max, due.length), 0);
  }

  send(ticks: number): void {
    for (const [n, { session, due }] of this.#own.entries()) {
      const frames = signal(n, this.sent, ticks);
      const { scale, zeroPoint } = session.manifest.outputs[0] as { scale: number; zeroPoint: number };
      for (let from = 0; from < ticks; from += session.hop)
        if (session.pushPart(frames, from, session.hop))
          due.push([...session.outputRaw(0)].map((q) => Math.fround(Math.fround(scale) * (q - zeroPoint))));
      const message = writeFrames({ stream: `t${n}`, from: this.sent, bytes: bytesOf(frames) });
      this.#sockets[n % this.#sockets.length]?.send(message);
    }
    this.sent += ticks;
  }

  #take(data: Buffer): void {
    const { found } = this;
    const { stream, sequence, values } = readOutput(new Uint8Array(data));
    const own = this.#own[Number(stream.slice(1))];
    if (!own) throw new Error(`an output of ${stream}`);
    found.outputs++;
    if (sequence < own.next) {
      found.repeated++;
      return;
    }
    found.missing += sequence - own.next;
    own.due.splice(0, sequence - own.next);
    own.next = sequence + 1;
    const want = own.due.shift();
    if (!want || want.some((value, i) => value !== values[i])) found.different++;
  }

  close(): void {
    for (const socket of this.#sockets) socket.close();
  }
}

/** A neighbour that disturbs the gateway in every way until it is stopped. */
class Neighbour {
  readonly done = { messages: 0, refused: 0, connections: 0, hangs: 0 };
  readonly #url: string;
  readonly #client: GatewayClient;
  #stopped = false;

  constructor(url: string) {
    this.#url = url;
    this.#client = new GatewayClient({ url, token });
  }

  stop(): void {
    this.#stopped = true;
  }

  /** Sends messages of which most are refused; a few use the names of the tenant's streams. */
  async send(): Promise<void> {
    const socket = await open(this.#url, 'other');
    socket.on('message', (_, binary) => {
      if (!binary) this.done.refused++;
    });
    const values = (n: number, value = 1) => new Uint8Array(new Float32Array(n * 6).fill(value).buffer);
    for (let i = 0, tick = 0; !this.#stopped; i++, tick += 4) {
      socket.send(writeFrames({ stream: 'n', from: tick, bytes: values(4) }));
      const bad = [
        writeFrames({ stream: `t${i % streams}`, from: tick, bytes: values(4) }),
        writeFrames({ stream: `x${i}`, bytes: values(4, Number.NaN) }),
        writeFrames({ stream: 'n', from: tick, bytes: values(4, Number.NaN) }),
        writeFrames({ stream: 'n', from: 2 ** 40 + 1000 * i, bytes: values(4) }),
        writeFrames({ stream: 'n', from: tick, bytes: values(4).subarray(0, 50) }),
        writeFrames({ stream: `../${i}`, bytes: values(4) }),
        new Uint8Array(7),
        writeFrames({ stream: `y${i}`, from: 0, bytes: values(30_000, Number.NaN) }),
      ];
      socket.send(bad[i % bad.length] as Uint8Array);
      this.done.messages += 2;
      await pause(10);
    }
    socket.close();
  }

  /**
   * Opens connections from another address. They send nothing, half a request, or ask for a socket without a
   * token.
   */
  async flood(): Promise<void> {
    const { hostname, port } = new URL(this.#url);
    const held: Socket[] = [];
    for (let i = 0; !this.#stopped; i++) {
      const socket = connect({ host: hostname, port: Number(port), localAddress: '127.0.0.2' });
      socket.on('error', () => {});
      const ask = 'GET /v1/ws HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
      socket.once('connect', () => socket.write(['', 'POST /v1/streams/t0/frames HT', ask][i % 3] as string));
      this.done.connections++;
      if (held.push(socket) > connections) held.shift()?.destroy();
      if (i % 10 === 0) await pause(100);
    }
    for (const socket of held) socket.destroy();
  }

  /** Flashes bundles that pass their trial and hang a little later, so that the one before runs again. */
  async hang(): Promise<void> {
    for (let sequence = 2; !this.#stopped; sequence++) {
      const bundle = await bundleOf(sequence, { hostType: 'float32', edit: [later(loop)] });
      await flash(this.#client, 'other', bundle);
      for (;;) {
        const { active, last } = await patiently(() => this.#client.slot('other'));
        if (last?.code === 'RN830' && active?.digest !== bundle.digest) break;
        if (this.#stopped) return;
        await pause(100);
      }
      this.done.hangs++;
    }
  }
}

test(`with ${streams} streams, ${swaps} swaps and a bad neighbour, no output is missing, repeated or wrong`, async () => {
  const { url, pid } = await start();
  const client = new GatewayClient({ url, token });
  const first = await bundleOf(1);
  assert.is(await flash(client, 'main', first), 'confirmed');
  assert.is(await flash(client, 'other', await bundleOf(1, { hostType: 'float32' })), 'confirmed');
  const tenant = await Tenant.begin(url, first.wasm);
  const neighbour = new Neighbour(url);
  const disturbance = [neighbour.send(), neighbour.flood(), neighbour.hang()];
  const begunMs = performance.now();
  const elapsedS = () => (performance.now() - begunMs) / 1000;
  const memory: { s: number; bytes: number }[] = [];
  let swapped = 0;
  const swapping = (async () => {
    for (let n = 2; swapped < swaps; n++) {
      const due = (60 * minutes * swapped) / swaps;
      while (elapsedS() < due) await pause(100);
      // consecutive bundles differ in their state digest, and every fourth is rolled back
      const stateDigest = (n % 2 ? 'f' : '0').repeat(64);
      const bundle = await bundleOf(n, { manifest: (m) => ({ ...m, version: `${n}`, sequence: n, stateDigest }) });
      assert.is(await flash(client, 'main', bundle), 'confirmed');
      swapped++;
      if (n % 4 !== 0) continue;
      await patiently(() => client.rollBack('main')).catch((error: unknown) => {
        if (!isRunletError(error) || error.code !== 'RN804') throw error;
      });
      swapped++;
    }
  })();
  let over = false;
  void swapping.finally(() => {
    over = true;
  });
  while (!over || elapsedS() < 60 * minutes || neighbour.done.hangs === 0) {
    tenant.send(8);
    memory.push({ s: elapsedS(), bytes: rssBytes(pid) });
    await pause(minutes > 0 ? 200 : 20);
    while (tenant.waiting > 40) await pause(10);
  }
  await swapping;
  neighbour.stop();
  await Promise.all(disturbance);
  for (let wait = 0; tenant.waiting > 0 && wait < 6000; wait++) await pause(10);
  const { found } = tenant;
  const about = (s: number) => {
    const some = memory.filter((one) => Math.abs(one.s - s) < 15).map(({ bytes }) => bytes);
    return some.sort((a, b) => a - b)[some.length >> 1] ?? Number.NaN;
  };
  const [early, late] = [about(120), about(60 * minutes - 15)];
  const mib = (bytes: number) => (bytes / 2 ** 20).toFixed(0);
  const { messages, refused, connections: opened, hangs } = neighbour.done;
  console.log(
    `${streams} streams, ${swapped} swaps, ${elapsedS().toFixed(0)} s; beside them ${messages} messages (${refused} refused), ${opened} connections, ` +
      `${hangs} modules that hung: ${found.outputs} outputs, ${found.missing + tenant.waiting} missing, ${found.repeated} repeated, ` +
      `${found.different} different${minutes >= 4 ? `; memory ${mib(early)} MiB after 2 minutes, ${mib(late)} MiB after ${minutes}` : ''}`,
  );
  const each = (tenant.sent - 8) / 4 + 1;
  assert.equal(found, { outputs: streams * each, missing: 0, repeated: 0, different: 0, refused: 0 });
  assert.is(gateway?.exitCode, null);
  assert.ok(refused > 0 && hangs > 0 && opened > 0);
  if (minutes >= 4) assert.ok(late <= 1.1 * early, `memory grew from ${mib(early)} to ${mib(late)} MiB`);
  tenant.close();
  gateway?.kill('SIGTERM');
  assert.equal(await once(gateway as ChildProcess, 'exit'), [0, null]);
});

test.run();
