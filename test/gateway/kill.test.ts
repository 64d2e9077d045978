/**
 * The real gateway, ended by kill -9 while bundles are flashed, tried, confirmed and rolled back: each start finds the old bundle or the new one, whole.
 *
 * RUNLET_KILLS times (`npm run soak -- store`: 200). The floor never falls, and a trial never outlives its gateway.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { publicPem } from '../../assembly/bundle/keys.ts';
import { GatewayClient } from '../../host/gateway/http/client.ts';
import { isRunletError } from '../../models/error.ts';
import { randomOf } from '../host/helpers.ts';
import { bundleOf, bytesOf, digestOf, keys, type MadeBundle, signal } from './bundles.ts';

const kills = Number(process.env.RUNLET_KILLS ?? 20);
const seed = Number(process.env.RUNLET_SEED ?? 20260722);
console.log(`seed ${seed}, ${kills} kills`);
const random = randomOf(seed);
const folder = mkdtempSync(join(tmpdir(), 'runlet-kill-'));
const at = (name: string) => join(folder, name);
let child: ChildProcess | undefined;
test.after(() => {
  child?.kill('SIGKILL');
  rmSync(folder, { recursive: true });
});

const bin = join(import.meta.dirname, '../../host/cli/bin.js');

/** Starts the gateway; its address once it listens. */
async function start(): Promise<{ url: string; ended: Promise<unknown> }> {
  const args = [
    'gateway',
    '--state',
    at('state'),
    '--port',
    '0',
    '--insecure-no-token',
    '--key',
    at('mine.pub'),
    '--safe-after',
    '100000',
    '--json',
  ];
  const process_ = spawn(process.execPath, [bin, ...args, '--log', 'error'], { stdio: ['ignore', 'pipe', 'pipe'] });
  child = process_;
  let text = '';
  let errors = '';
  process_.stderr?.on('data', (part) => {
    errors += part;
  });
  const ended = new Promise((resolve) => process_.on('close', resolve));
  const line = await new Promise<string>((resolve, reject) => {
    process_.stdout?.on('data', (part) => {
      text += part;
      if (text.includes('\n')) resolve(text);
    });
    void ended.then(() => reject(new Error(`the gateway ended: ${errors}`)));
    setTimeout(() => reject(new Error(`the gateway says nothing in two minutes: ${errors}`)), 120_000).unref();
  });
  return { url: JSON.parse(line).url, ended };
}

let resumed = 0;
/** What was left of the latest upload is its bundle's first bytes: with the rest after it the digest holds. */
async function goesOn(url: string, id: string, { wasm, digest }: MadeBundle): Promise<void> {
  const location = `${url}/v1/uploads/${id}`;
  const offset = Number((await fetch(location)).headers.get('upload-offset'));
  assert.ok(Number.isSafeInteger(offset) && offset <= wasm.length, `${offset}`);
  const put = `${location}?digest=sha256:${digest}&dryRun=true`;
  const response = await fetch(put, { method: 'PUT', body: wasm.slice(offset) as BodyInit });
  const { error } = (await response.json()) as { error?: { code: string } };
  // it may have been confirmed before the kill
  assert.ok(error === undefined || ['RN817', 'RN818'].includes(error.code), error?.code);
  resumed++;
}

const ignoreDead = async (run: () => Promise<unknown>): Promise<void> => {
  try {
    await run();
  } catch (error) {
    // it was killed, or what it did before it was killed does not fit
    if (!isRunletError(error) || !['RN860', 'RN861', 'RN804', 'RN817', 'RN818'].includes(error.code)) throw error;
  }
};

test(`${kills} times kill -9: the old bundle or the new one runs, whole, and the floor never falls`, async () => {
  writeFileSync(at('mine.pub'), publicPem(keys));
  let sequence = 1;
  let floor = -1;
  let ran = 0;
  /** How long a flash takes here; the first one ends. */
  let flashMs = 0;
  for (let kill = 0; kill <= kills; kill++) {
    const { url, ended } = await start();
    const client = new GatewayClient({ url, tries: 0 });
    const { slots } = await client.status();
    const [slot] = slots;
    if (slot) {
      assert.ok(slot.floor >= floor, `the floor fell from ${floor} to ${slot.floor}`);
      assert.not.ok(slot.trial, 'no trial outlives its gateway');
      floor = slot.floor;
      if (floor >= 0) assert.ok(slot.active, 'something runs');
      const named = [slot.active, slot.previous, slot.staged].flatMap((one) => (one ? [one.digest] : []));
      const blobs = readdirSync(at('state/blobs'));
      assert.equal(blobs.sort(), [...new Set(named)].sort(), 'what is on the disk is what is named');
      for (const blob of blobs) assert.is(digestOf(readFileSync(at(`state/blobs/${blob}`))), blob, 'whole');
      for (const id of readdirSync(at('state/uploads'))) await goesOn(url, id, await bundleOf(sequence));
      assert.equal(readdirSync(at('state/uploads')), []);
      if (slot.active) {
        ran++;
        // and it runs
        const response = await fetch(`${url}/v1/streams/s/frames`, {
          method: 'POST',
          body: bytesOf(signal(0, 0, 40)) as BodyInit,
        });
        assert.is(response.status, 202);
      }
    }
    if (kill === kills) break;
    const afterMs = flashMs === 0 ? 600_000 : random(1.6 * flashMs);
    const work = ignoreDead(async () => {
      const { wasm } = await bundleOf(++sequence);
      const timer = setTimeout(() => process.kill(child?.pid as number, 'SIGKILL'), afterMs);
      const began = performance.now();
      try {
        await client.flash(wasm, 'main');
        await client.try('main', { enduranceHops: 50, outputs: 2, seconds: 0.05 });
        for (let phase = ''; phase !== 'confirmed'; ) {
          const { report } = await client.slot('main');
          phase = report?.phase ?? '';
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
        if (flashMs === 0) flashMs = performance.now() - began;
        if (random(3) === 0) await client.rollBack('main');
      } finally {
        clearTimeout(timer);
        child?.kill('SIGKILL');
      }
    });
    await Promise.all([work, ended]);
    assert.is(child?.signalCode, 'SIGKILL');
  }
  console.log(`floor ${floor} after ${sequence} bundles; ${ran} starts found a bundle, ${resumed} a half-sent upload`);
  assert.ok(floor > 0 && ran > 0, 'some were confirmed');
  child?.kill('SIGTERM');
});

test.run();
