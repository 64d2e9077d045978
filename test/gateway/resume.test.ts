/**
 * `runlet flash` against a gateway that is ended by kill -9 during the upload and started again. The command
 * prints a line about it and resumes at the byte that the gateway's disk has reached, and the bundle runs.
 *
 * A relay between the two counts bytes: only bytes that were in flight are sent twice.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { publicPem } from '../../assembly/bundle/keys.ts';
import { signBundle, unsigned } from '../../assembly/bundle/sign.ts';
import { GatewayClient } from '../../host/remote/client.ts';
import { codeOf } from '../host/helpers.ts';
import { withSection } from '../host/tiny-bundle.ts';
import { root } from '../shared.ts';
import { bundleOf, digestOf, keys } from './bundles.ts';
import { startProcess } from './processes.ts';

const bin = join(root, 'host/cli/bin.js');
const folder = mkdtempSync(join(tmpdir(), 'runlet-resume-'));
const at = (name: string) => join(folder, name);
const children = new Set<ChildProcess>();
const relays: Relay[] = [];
test.after(() => {
  for (const child of children) child.kill('SIGKILL');
  for (const one of relays) one.close();
  rmSync(folder, { recursive: true, force: true });
});
writeFileSync(at('mine.pub'), publicPem(keys));

/** Size of a piece: 64 KiB. */
const pieceBytes = 64 << 10;
const largeBundle = async (sequence: number): Promise<Uint8Array> => {
  const noise = Uint8Array.from({ length: 20 * pieceBytes }, (_, i) => (Math.imul(i + sequence, 0x9e3779b1) >>> 13) & 255);
  return signBundle(withSection(unsigned((await bundleOf(sequence)).wasm), 'noise', noise), keys);
};

async function startGateway(): Promise<{ child: ChildProcess; port: number }> {
  const args = [
    'gateway',
    '--state',
    at('state'),
    '--port',
    '0',
    '--insecure-no-token',
    '--key',
    at('mine.pub'),
    '--json',
    '--log',
    'error',
  ];
  const child = spawn(process.execPath, [bin, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.add(child);
  const [line] = (await once(createInterface({ input: child.stdout as NodeJS.ReadableStream }), 'line')) as [string];
  return { child, port: Number(new URL(JSON.parse(line).url).port) };
}

interface Relay {
  url: string;
  /** Number of bytes that clients sent. */
  sent: number;
  /** Port that connections are relayed to; if undefined they are refused. */
  port?: number;
  /** True if answers are dropped. */
  mute?: boolean;
  /** Called with each piece before it is relayed. */
  seen?: (sent: number) => void;
  cut(): void;
  close(): void;
}

async function relay(port: number): Promise<Relay> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    if (one.port === undefined) return client.destroy();
    const up = connect(one.port, '127.0.0.1');
    for (const [socket, other] of [
      [client, up],
      [up, client],
    ] as const) {
      // biome-ignore format: one line
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
    client.on('data', (part) => {
      one.sent += part.length;
      one.seen?.(one.sent);
      up.write(part);
    });
    up.on('data', (part) => one.mute || client.write(part));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const one: Relay = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    sent: 0,
    port,
    cut: () => {
      for (const socket of sockets) socket.destroy();
    },
    close: () => {
      one.cut();
      server.close();
    },
  };
  relays.push(one);
  return one;
}

for (const [what, signal] of [
  ['kill -9', 'SIGKILL'],
  ['a stop', 'SIGTERM'],
] as const)
  test(`after ${what} during the upload and a new start, flash resumes where it was and prints a line about it`, async () => {
    const sequence = signal === 'SIGKILL' ? 1 : 2;
    const wasm = await largeBundle(sequence);
    writeFileSync(at('large.wasm'), wasm);
    let gateway = await startGateway();
    const line = await relay(gateway.port);
    const killed = new Promise<void>((resolve) => {
      line.seen = (sent) => {
        if (sent < 10.5 * pieceBytes) return;
        line.seen = undefined;
        line.port = undefined;
        gateway.child.once('exit', () => {
          line.cut();
          resolve();
        });
        gateway.child.kill(signal);
      };
    });
    const args = [bin, 'flash', at('large.wasm'), '--to', line.url];
    const { child: flash, printed, ended } = startProcess(children, process.execPath, args);
    await Promise.race([killed, ended]);
    assert.is(flash.exitCode, null, printed.err);
    assert.is(readdirSync(at('state/uploads')).length, 1, 'it waits on the disk');
    gateway = await startGateway();
    line.port = gateway.port;
    const { code, out, err } = await ended;
    assert.is(code, 0, err);
    assert.match(err, /^upload +interrupted at [1-9]\d+ of \d+ bytes \(.+\); retry 1 of 8 in 0\.25 s$/m);
    assert.match(out, new RegExp(`^confirmed[\\s\\S]*^running +\\S+ 1\\.${sequence}\\.0 \\(sequence ${sequence}\\)$`, 'm'));
    // no acknowledged piece is sent again; 64 KiB allow for headers and all other requests
    const maxBytes = wasm.length + 2 * pieceBytes + 64 * 1024;
    console.log(`  ${line.sent} bytes sent for ${wasm.length}; ${err.trim().split('\n').length} lines: ${err.split('\n')[0]}`);
    assert.ok(line.sent > wasm.length && line.sent < maxBytes, `${line.sent} bytes for ${wasm.length}`);
    const [slot] = (await new GatewayClient({ url: line.url }).status()).slots;
    assert.is(slot?.active?.digest, digestOf(wasm));
    assert.equal(readdirSync(at('state/uploads')), []);
    gateway.child.kill('SIGTERM');
    await once(gateway.child, 'exit');
  });

test('a lost gateway is RN860 after the retries, an absent one at once; a lost last answer does not prevent staging', async () => {
  const gateway = await startGateway();
  const line = await relay(gateway.port);
  const wasm = await largeBundle(3);
  let broke = 0;
  line.seen = (sent) => {
    if (sent < 3 * pieceBytes) return;
    line.port = undefined;
    line.cut();
  };
  const lost = new GatewayClient({ url: line.url, tries: 2 });
  assert.is(await codeOf(() => lost.flash(wasm, 'main', { broke: () => broke++ })), 'RN860');
  assert.is(broke, 2);
  assert.is(await codeOf(() => lost.flash(wasm, 'main', { broke: () => broke++ })), 'RN860');
  assert.is(broke, 2, 'it was never there');
  // the last request arrives, but its answer is lost
  line.port = gateway.port;
  line.seen = undefined;
  const client = new GatewayClient({ url: line.url, tries: 4 });
  const direct = new GatewayClient({ url: `http://127.0.0.1:${gateway.port}` });
  const flashed = client.flash(wasm, 'main', {
    seen: (received) => {
      // all bytes have arrived: the next request is the last
      if (received < wasm.length || broke > 2) return;
      line.mute = true;
      line.seen = () => void waitAndCut();
    },
    broke: () => broke++,
  });
  const waitAndCut = async () => {
    line.seen = undefined;
    for (let wait = 0; (await direct.slot('main')).staged?.digest !== digestOf(wasm); wait++) {
      assert.ok(wait < 3000, 'it is not staged');
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    line.cut();
    line.mute = false;
  };
  assert.is((await flashed).staged.digest, digestOf(wasm));
  assert.is(broke, 3, 'once');
  gateway.child.kill('SIGTERM');
  await once(gateway.child, 'exit');
});

test.run();
