/**
 * Swaps under load: 64 streams of six channels at 100 Hz while one bundle after the other is flashed, tried,
 * confirmed and rolled back.
 *
 * Every output is checked by its number: none is lost or repeated, and its bytes are those of an
 * uninterrupted run. This holds both if the state is carried over and if the module is warmed up by replay.
 * RUNLET_SWAPS is the number of swaps (`npm run soak -- swaps`: 10,000). Frames come at five times real time,
 * or as fast as they are computed.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Gateway } from '../../host/gateway/gateway.ts';
import { bundleOf, bytesOf, channels, expected, keys, signal } from './bundles.ts';
import { CrashDisk } from './crash-disk.ts';

const swaps = Number(process.env.RUNLET_SWAPS ?? 300);
const streams = 64;
const stepFrames = 5;

/** Compares the outputs of all streams, as they come, with an uninterrupted run. */
class Account {
  readonly next = new Array<number>(streams).fill(0);
  #ahead = new Map<number, { from: number; raws: Int8Array[] }>();
  wrong: string[] = [];

  take(stream: number, sequence: number, frame: number, raw: Int8Array): void {
    const n = this.next[stream] as number;
    if (sequence !== n) this.wrong.push(`stream ${stream}: output ${sequence} where ${n} comes next`);
    if (frame !== 8 + 4 * n) this.wrong.push(`stream ${stream}: output ${n} is due at ${frame}`);
    const block = n >> 8;
    let known = this.#ahead.get(stream);
    if (known?.from !== block) {
      // the expected outputs are computed in blocks of 256, from the frames of the block
      const frames = signal(stream, 1024 * block, 1024 + 4);
      known = { from: block, raws: blockOf(frames) };
      this.#ahead.set(stream, known);
    }
    const want = known.raws[n & 255] as Int8Array;
    if (!raw.every((value, i) => value === want[i])) this.wrong.push(`stream ${stream}: output ${n} has other bytes`);
    this.next[stream] = n + 1;
  }
}

function blockOf(frames: Int8Array): Int8Array[] {
  return Array.from({ length: 256 }, (_, n) =>
    Int8Array.from({ length: channels }, (_, c) => {
      let sum = 0;
      for (let k = 0; k < 8; k++) sum += frames[(4 * n + k) * channels + c] as number;
      return sum >> 3;
    }),
  );
}

test('the expected blocks equal an uninterrupted run', () => {
  const raws = expected(3, 1028);
  assert.equal(blockOf(signal(3, 0, 1028)).slice(0, raws.length), raws.slice(0, 256));
});

test(`in ${swaps} swaps of ${streams} streams no output is lost, repeated or changed`, async () => {
  const gateway = await Gateway.open(new CrashDisk(), {
    policy: { keys: [keys.publicKey] },
    pool: { threads: 2, budgetMs: 20_000 },
  });
  const account = new Account();
  const count = { state: 0, trial: 0, replay: 0, refused: [] as string[] };
  gateway.events.on('output', ({ stream, sequence, frame, raw }) => account.take(Number(stream), sequence, frame, raw));
  gateway.events.on('refused', ({ code, why }) => count.refused.push(`${code} ${why}`));
  gateway.events.on('step', ({ step, text, failure }) => {
    if (failure && failure.code !== 'RN836') count.refused.push(`${failure.code} ${failure.why}`);
    if (step !== 'swapped') return;
    for (const [, n, way] of text.matchAll(/(\d+) (with their state|with the trial's|warmed up by replay)/g))
      count[way === 'with their state' ? 'state' : way === "with the trial's" ? 'trial' : 'replay'] += Number(n);
  });
  const first = await bundleOf(1);
  await gateway.receive(first.wasm, first.digest);
  await gateway.try('main', { enduranceHops: 8 });
  let at = 0;
  let running = true;
  const load = (async () => {
    while (running) {
      for (let stream = 0; stream < streams; stream++)
        gateway.push(String(stream), bytesOf(signal(stream, at, stepFrames)), { from: at });
      at += stepFrames;
      // five times real time, or as fast as they are computed
      do await new Promise((resolve) => setTimeout(resolve, 10));
      while (gateway.streamStatus().some(({ waiting }) => waiting > 40 * stepFrames));
    }
  })();
  let done = 0;
  for (let n = 2; done < swaps; n++) {
    const other = n % 2 ? 'f' : '0';
    // Consecutive bundles differ in their state digest; every fourth is rolled back after its confirmation.
    const bundle = await bundleOf(n, {
      manifest: (m) => ({ ...m, version: `${n}`, sequence: n, stateDigest: other.repeat(64) }),
    });
    await gateway.receive(bundle.wasm, bundle.digest);
    const report = await gateway.try('main', { enduranceHops: 8, outputs: 2, streams: n % 3 ? 2 : 64, agreement: 1 });
    assert.is(report.phase, 'confirmed', JSON.stringify(report));
    done++;
    if (n % 4 === 0) {
      await gateway.rollBack();
      done++;
    }
  }
  running = false;
  await load;
  const due = (at - 8) / 4 + 1;
  for (let wait = 0; wait < 600 && account.next.some((n) => n < Math.floor(due)); wait++)
    await new Promise((resolve) => setTimeout(resolve, 50));
  console.log(
    `${done} swaps, ${at} frames of ${streams} streams, ${account.next.reduce((a, b) => a + b)} outputs: ` +
      `${count.state} streams went on with their state, ${count.trial} with the trial's, ${count.replay} were warmed up`,
  );
  assert.equal(count.refused, []);
  assert.equal(account.wrong.slice(0, 5), []);
  assert.equal(account.next, new Array(streams).fill(Math.floor(due)));
  assert.ok(count.trial > 0 && count.replay > 0);
  await gateway.close();
});

test.run();
