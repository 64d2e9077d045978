/**
 * A page that runs bundles with the session, in headless Chromium.
 *
 * In: a module's bytes and int8 frames.  Out: the outputs of the page's session, in order. The session is
 * bundled unchanged, since it has no Node import. `chromiumPath` is undefined if there is no Chromium
 * (CHROMIUM names another one).
 */
import { existsSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { build as bundle } from 'esbuild';
import { type Browser, type BrowserContext, chromium } from 'playwright-core';
import { root } from '../shared.ts';

export const chromiumPath = [
  process.env.CHROMIUM,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
].find((p) => p && existsSync(p));

const page = '<!doctype html><meta charset="utf-8"><title>runlet</title><script type="module" src="/session.js"></script>';
export const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

async function serve(wasm: Uint8Array): Promise<Server> {
  const entry = `export { openSession, selfTest } from './index.ts'; import * as session from './index.ts'; globalThis.runlet = session;`;
  const built = await bundle({
    stdin: { contents: entry, resolveDir: join(root, 'host/session'), loader: 'ts' },
    bundle: true,
    format: 'esm',
    platform: 'browser',
    write: false,
  });
  const files: Record<string, [string, string | Uint8Array]> = {
    '/': ['text/html', page],
    '/session.js': ['text/javascript', built.outputFiles[0]?.contents ?? ''],
    '/model.wasm': ['application/wasm', wasm],
  };
  const server = createServer((request, response) => {
    const [type, body] = files[request.url ?? ''] ?? ['text/plain', ''];
    response.writeHead(files[request.url ?? ''] ? 200 : 404, { 'content-type': type });
    response.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

export interface BrowserJob {
  frames: Int8Array | Int16Array;
  /** Snapshot to continue from; default: a reset. */
  snapshot?: Uint8Array;
}

export interface BrowserRun {
  /** Per job: output 0 of every due output, and a snapshot at the end. */
  runs: { outputs: number[][]; indexes: number[]; snapshot: Uint8Array }[];
  selfTest: boolean;
  userAgent: string;
}

let opened: Promise<Browser> | undefined;
let users = 0;
let closing: NodeJS.Timeout | undefined;

/**
 * Runs `work` with a new browser context. All calls of a file share one browser, which closes after two idle
 * seconds.
 */
async function inBrowser<T>(work: (visitor: BrowserContext) => Promise<T>): Promise<T> {
  clearTimeout(closing);
  users++;
  opened ??= chromium.launch({ executablePath: chromiumPath as string, args: flags });
  const browser = opened;
  try {
    const visitor = await (await browser).newContext();
    return await work(visitor).finally(() => visitor.close());
  } finally {
    if (--users === 0)
      closing = setTimeout(() => {
        opened = undefined;
        browser.then((one) => one.close());
      }, 2000);
  }
}

/** Runs the module in the page, each job over its frames, one hop per push. */
export async function runInChromium(wasm: Uint8Array, jobs: BrowserJob[]): Promise<BrowserRun> {
  const server = await serve(wasm);
  try {
    return await inBrowser((visitor) => runIn(visitor, server, jobs));
  } finally {
    server.close();
  }
}

async function runIn(visitor: BrowserContext, server: Server, jobs: BrowserJob[]): Promise<BrowserRun> {
  const tab = await visitor.newPage();
  await tab.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  await tab.waitForFunction(() => 'runlet' in globalThis);
  const given = jobs.map(({ frames, snapshot }) => ({
    frames: Array.from(frames),
    sound: frames instanceof Int16Array,
    snapshot: snapshot && Array.from(snapshot),
  }));
  const { runs, ...rest } = await tab.evaluate(async (list) => {
    // biome-ignore lint/suspicious/noExplicitAny: the page's own global
    const { openSession, selfTest } = (globalThis as any).runlet;
    const session = await openSession(await (await fetch('/model.wasm')).arrayBuffer());
    const check = await selfTest(session);
    const runs = list.map(({ frames, sound, snapshot }) => {
      session.reset();
      if (snapshot) session.restore(Uint8Array.from(snapshot));
      const outputs: number[][] = [];
      const indexes: number[] = [];
      session.pushAll(sound ? Int16Array.from(frames) : Int8Array.from(frames), (n: number) => {
        outputs.push([...session.outputRaw(0)]);
        indexes.push(n);
      });
      return { outputs, indexes, snapshot: [...session.snapshot()] as number[] };
    });
    return { runs, selfTest: check.ok as boolean, userAgent: navigator.userAgent };
  }, given);
  return { ...rest, runs: runs.map((run) => ({ ...run, snapshot: Uint8Array.from(run.snapshot) })) };
}
