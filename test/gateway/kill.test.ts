/**
 * The real gateway, ended by kill -9 or SIGTERM while bundles are flashed, tried, confirmed and rolled back,
 * also on a full disk. Each time two or four gateways start at once. Exactly one of them runs. It runs the
 * old or the new bundle, whole; the floor never falls; no trial survives its gateway.
 *
 * RUNLET_KILLS times kill -9, and SIGTERM a third as often (`npm run soak -- store`: 300 and 100).
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { publicPem } from '../../assembly/bundle/keys.ts';
import { GatewayClient } from '../../host/remote/client.ts';
import { isRunletError } from '../../models/error.ts';
import { randomOf } from '../host/helpers.ts';
import { bundleOf, bytesOf, digestOf, keys, type MadeBundle, signal } from './bundles.ts';
import { SmallDisk } from './full-disk.ts';

const kills = Number(process.env.RUNLET_KILLS ?? 9);
const terms = Math.round(kills / 3);
const seed = Number(process.env.RUNLET_SEED ?? 20260722);
const random = randomOf(seed);
const folder = mkdtempSync(join(tmpdir(), 'runlet-kill-'));
const at = (name: string) => join(folder, name);
const disk = new SmallDisk(at('disk'));
const state = join(disk.folder, 'state');
const children = new Set<ChildProcess>();
console.log(
  `seed ${seed}, ${kills} kills, ${terms} SIGTERM; full disk by ${disk.isMount ? 'a small tmpfs' : 'a limit of written bytes'}`,
);
test.after(() => {
  for (const child of children) child.kill('SIGKILL');
  disk.close();
  rmSync(folder, { recursive: true });
});

const bin = join(import.meta.dirname, '../../host/cli/bin.js');
const count = { starts: 0, refused: 0, bundle: 0, resumed: 0, fullStarts: 0, fullEnds: 0, stops: 0 };

interface Started {
  child: ChildProcess;
  /** The line with the address at which it listens; undefined if it ended before. */
  line: Promise<string | undefined>;
  ended: Promise<{ code: number | null; signal: string | null; errors: string }>;
}

function startOne(): Started {
  const args = [
    'gateway',
    '--state',
    state,
    '--port',
    '0',
    '--insecure-no-token',
    '--key',
    at('mine.pub'),
    '--safe-after',
    '100000',
    '--json',
  ];
  const [command, all] = disk.command(process.execPath, [bin, ...args, '--threads', '1', '--log', 'error']);
  const child = spawn(command, all, { stdio: ['ignore', 'pipe', 'pipe'] });
  children.add(child);
  const printed = { out: '', errors: '' };
  child.stderr?.on('data', (part) => {
    printed.errors += part;
  });
  const ended = new Promise<Awaited<Started['ended']>>((resolve) =>
    child.on('close', (code, signal) => {
      children.delete(child);
      resolve({ code, signal, errors: printed.errors + printed.out });
    }),
  );
  const line = new Promise<string | undefined>((resolve, reject) => {
    child.stdout?.on('data', (part) => {
      printed.out += part;
      if (printed.out.includes('"url"') && printed.out.includes('\n')) resolve(printed.out);
    });
    void ended.then(() => resolve(undefined));
    setTimeout(() => reject(new Error(`the gateway says nothing in five minutes: ${printed.errors}`)), 300_000).unref();
  });
  return { child, line, ended };
}

/** Starts `starts` gateways at once. Exactly one listens; the others end with RN864. */
async function start(starts: number): Promise<Started & { url: string }> {
  const all = Array.from({ length: starts }, startOne);
  const lines = await Promise.all(all.map(({ line }) => line));
  const losers = all.filter((_, i) => lines[i] === undefined);
  for (const { ended } of losers) {
    const { code, errors } = await ended;
    assert.match(errors, /RN864/);
    assert.is(code, 4, errors);
  }
  assert.is(losers.length, starts - 1, `${starts - losers.length} of ${starts} gateways run`);
  count.starts += starts;
  count.refused += losers.length;
  const won = lines.findIndex((line) => line !== undefined);
  return { ...(all[won] as Started), url: JSON.parse(lines[won] as string).url };
}

/**
 * Checks the rest of the latest upload: it has the first bytes of its bundle, and together with the remaining
 * bytes the digest is right.
 */
async function resumes(url: string, id: string, { wasm, digest }: MadeBundle): Promise<void> {
  const location = `${url}/v1/uploads/${id}`;
  const offset = Number((await fetch(location)).headers.get('upload-offset'));
  assert.ok(Number.isSafeInteger(offset) && offset <= wasm.length, `${offset}`);
  const put = `${location}?digest=sha256:${digest}&dryRun=true`;
  const response = await fetch(put, { method: 'PUT', body: wasm.slice(offset) as BodyInit });
  const { error } = (await response.json()) as { error?: { code: string } };
  // it may have been confirmed before the kill, and a full disk refuses it
  const may = ['RN817', 'RN818', ...(disk.full ? ['RN802'] : [])];
  assert.ok(error === undefined || may.includes(error.code), error?.code);
  count.resumed++;
}

/**
 * Checks a slot after a start. @param may digests of the bundles that may run. @returns the floor, and the
 * digests of the active and the previous bundle
 */
async function check(client: GatewayClient, url: string, floor: number, may: string[], latest: MadeBundle) {
  const { slots } = await client.status();
  const [slot] = slots;
  if (!slot) return { floor, known: [] };
  assert.ok(slot.floor >= floor, `the floor fell from ${floor} to ${slot.floor}`);
  assert.not.ok(slot.trial, 'no trial outlives its gateway');
  const named = [slot.active, slot.previous, slot.staged].flatMap((one) => (one ? [one.digest] : []));
  const blobs = readdirSync(join(state, 'blobs'));
  // a full disk still has the old state, with a bundle that this start has dropped
  const kept = disk.full ? blobs.filter((blob) => named.includes(blob)) : blobs;
  assert.equal(kept.sort(), [...new Set(named)].sort(), 'the disk has exactly the bundles that the slot names');
  for (const blob of blobs) assert.is(digestOf(readFileSync(join(state, 'blobs', blob))), blob, 'whole');
  for (const id of readdirSync(join(state, 'uploads'))) await resumes(url, id, latest);
  assert.equal(readdirSync(join(state, 'uploads')), []);
  if (slot.floor >= 0) assert.ok(slot.active, 'something runs');
  if (slot.active) {
    assert.ok(may.includes(slot.active.digest), 'the bundle before or the new one runs');
    count.bundle++;
    const body = bytesOf(signal(0, 0, 40)) as BodyInit;
    assert.is((await fetch(`${url}/v1/streams/s/frames`, { method: 'POST', body })).status, 202, 'and it runs');
  }
  const known = [slot.active, slot.previous].flatMap((one) => (one ? [one.digest] : []));
  return { floor: slot.floor, known };
}

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function flashAndTry(client: GatewayClient, wasm: Uint8Array, back: boolean): Promise<void> {
  try {
    await client.flash(wasm, 'main');
    await client.try('main', { enduranceHops: 50, outputs: 2, seconds: 0.05 });
    for (let phase: string | undefined = ''; phase !== 'confirmed' && phase !== 'failed'; await wait(5))
      phase = (await client.slot('main')).report?.phase;
    if (back) await client.rollBack('main');
  } catch (error) {
    // the gateway was ended, the disk is full, or the bundle was already staged or confirmed before the end
    const may = ['RN860', 'RN861', 'RN804', 'RN817', 'RN818', ...(disk.full ? ['RN802'] : [])];
    if (!isRunletError(error) || !may.includes(error.code)) throw error;
  }
}

/** The signals to send, in random order. */
const signals: NodeJS.Signals[] = Array.from({ length: kills + terms }, (_, i) => (i < kills ? 'SIGKILL' : 'SIGTERM'));
for (let i = signals.length - 1; i > 0; i--) {
  const j = random(i + 1);
  [signals[i], signals[j]] = [signals[j] as NodeJS.Signals, signals[i] as NodeJS.Signals];
}

test(`after ${kills} times kill -9 and ${terms} SIGTERM, a third on a full disk, exactly one of two or four gateways runs`, async () => {
  writeFileSync(at('mine.pub'), publicPem(keys));
  let sequence = 1;
  let floor = -1;
  let latest = await bundleOf(sequence);
  let may: string[] = [];
  /** Duration of a flash on this machine, measured in the first round. */
  let flashMs = 0;
  let stopped = false;
  for (const [round, how] of [...signals, undefined].entries()) {
    if (disk.full) count.fullStarts++;
    const { url, child, ended } = await start(random(4) === 0 ? 4 : 2);
    const client = new GatewayClient({ url, tries: 0 });
    if (stopped) assert.is((await client.status()).crashes, 0, 'a stop is no crash');
    const found = await check(client, url, floor, may, latest);
    floor = found.floor;
    // a disk that was full is freed half of the time; another disk may be filled while the gateway runs
    if (disk.full && random(2) === 0) disk.free();
    const fillMs = !disk.full && round > 0 && random(3) === 0 ? random(1.2 * flashMs) : undefined;
    latest = await bundleOf(++sequence);
    may = [...found.known, latest.digest];
    const began = performance.now();
    const work = flashAndTry(client, latest.wasm, random(3) === 0);
    const filled = fillMs === undefined ? undefined : wait(fillMs).then(() => disk.fill([child.pid as number]));
    if (round === 0) {
      await work;
      flashMs = performance.now() - began;
    } else await wait(random(1.6 * flashMs));
    await filled;
    child.kill(how ?? 'SIGTERM');
    await work;
    const end = await ended;
    count.fullEnds += disk.full ? 1 : 0;
    if (how === 'SIGKILL') assert.is(end.signal, 'SIGKILL');
    else {
      assert.ok(end.code === 0 || (disk.full && end.code === 4 && /RN802/.test(end.errors)), `${end.code} ${end.errors}`);
      count.stops++;
    }
    stopped = end.code === 0;
  }
  console.log(`floor ${floor} after ${sequence} bundles; ${JSON.stringify(count)}`);
  assert.ok(floor > 0 && count.bundle > 0, 'some were confirmed');
  assert.ok(kills < 9 || count.fullEnds > 0, 'some ended on a full disk');
});

test.run();
