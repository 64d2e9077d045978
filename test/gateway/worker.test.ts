/**
 * The gateway's worker threads: a module that loops for ever, traps or lies is ended, and no other stream
 * loses, repeats or changes an output.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readManifest } from '../../assembly/bundle/read.ts';
import { type InstanceEvents, type Loaded, Pool, type Snapshot } from '../../host/gateway/worker/pool.ts';
import { TickLog } from '../../host/gateway/worker/tick-log.ts';
import { type BundleOptions, bundleOf, bytesOf, expected, later, loop, signal } from './bundles.ts';

const loadedOf = async (options: BundleOptions = {}): Promise<Loaded> => {
  const { wasm, digest } = await bundleOf(1, options);
  return { wasm, digest, manifest: readManifest(wasm) };
};

const silent: InstanceEvents = { output: () => {}, failed: () => {} };

/** The log of a stream, and a module that reads it. */
class Running {
  readonly log = new TickLog(6);
  readonly instance;

  constructor(pool: Pool, loaded: Loaded, events: Partial<InstanceEvents> = {}, start: Snapshot = { base: 0, frame: 0 }) {
    if (start.frame > 0) this.log.append(new Uint8Array(6 * start.frame));
    this.instance = pool.open(loaded, this.log, start, start.frame, { ...silent, ...events });
  }

  push(bytes: Uint8Array): void {
    this.log.append(bytes);
    this.instance.advance();
  }

  gap(ticks: number): void {
    this.log.gap(ticks);
    this.instance.advance();
  }
}

const until = async (done: () => boolean): Promise<void> => {
  for (let wait = 0; !done(); wait++) {
    if (wait > 3000) throw new Error('it does not come');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
};

for (const [what, code, edit] of [
  ['an endless loop in push', 'RN830', later(loop)],
  ['a trap in push', 'RN831', later('unreachable();')],
  ['a negative result of push', 'RN831', later('return -7;')],
] as const)
  test(`${what}: that stream fails, and 20 others on the same thread give every output once`, async () => {
    const pool = new Pool({ threads: 1, budgetMs: 400, snapshotHops: 5 });
    const good = await loadedOf();
    const bad = await loadedOf({ edit: [edit] });
    const frames = 400;
    const given: { frame: number; raw: Int8Array }[][] = [];
    const failures: string[] = [];
    const open = (loaded: Loaded, n: number) => {
      const mine: { frame: number; raw: Int8Array }[] = [];
      given[n] = mine;
      return new Running(pool, loaded, {
        output: (frame, raw) => mine.push({ frame, raw }),
        failed: ({ code: found }) => failures.push(`${n} ${found}`),
      });
    };
    const instances = Array.from({ length: 20 }, (_, n) => open(good, n));
    const broken = [open(bad, 20), open(bad, 21)];
    for (let at = 0; at < frames; at += 5) {
      for (const [n, instance] of [...instances, ...broken].entries()) instance.push(bytesOf(signal(n, at, 5)));
      if (at % 20 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    }
    const want = Array.from({ length: 20 }, (_, n) => expected(n, frames));
    await until(() => failures.length === 2 && want.every((outputs, n) => (given[n]?.length ?? 0) >= outputs.length));
    assert.equal(failures.sort(), [`20 ${code}`, `21 ${code}`]);
    for (const [n, outputs] of want.entries()) {
      assert.equal(
        given[n]?.map(({ frame }) => frame),
        outputs.map((_, k) => 8 + 4 * k),
        `stream ${n}: every output once, in order`,
      );
      assert.equal(
        given[n]?.map(({ raw }) => [...raw]),
        outputs.map((raw) => [...raw]),
      );
    }
    assert.is(pool.size, 20);
    await pool.stop();
  });

for (const [what, code, edit] of [
  ['reset', 'RN830', ['export function rn_reset(): void {', `export function rn_reset(): void { ${loop}`]],
  ['rn_info', 'RN830', ['export function rn_info(what: i32): i32 {', `export function rn_info(what: i32): i32 { ${loop}`]],
  ['rn_abi', 'RN830', ['export function rn_abi(): i32 { return 1; }', `export function rn_abi(): i32 { ${loop} return 1; }`]],
] as const)
  test(`an endless loop in ${what} is ended, in the trial and in the run`, async () => {
    const pool = new Pool({ threads: 1, budgetMs: 300 });
    const bad = await loadedOf({ edit: [edit as unknown as [string, string]] });
    assert.is(((await pool.check(bad, 10, 5)) as { code: string }).code, code);
    const failures: string[] = [];
    new Running(pool, bad, { failed: ({ code: found }) => failures.push(found) });
    await until(() => failures.length === 1);
    assert.equal(failures, [code]);
    const good = await pool.check(await loadedOf(), 100, 5);
    assert.is((good as { hops: number }).hops, 100, JSON.stringify(good));
    await pool.stop();
  });

test('after a trap in one stream, other streams of the same module continue in a new instance', async () => {
  const damage = 'if (load<i32>(input) == 0x7f7f7f7f) { store<i32>(8, 1); unreachable(); } if (load<i32>(8)) return -9;';
  const pool = new Pool({ threads: 1, budgetMs: 400, snapshotHops: 5 });
  const loaded = await loadedOf({ edit: [['let due: i32 = 0;', `let due: i32 = 0; ${damage}`]] });
  const given: Int8Array[][] = [];
  const failures: string[] = [];
  const instances = Array.from({ length: 6 }, (_, n) => {
    const mine: Int8Array[] = [];
    given[n] = mine;
    const failed = ({ code }: { code: string }) => failures.push(`${n} ${code}`);
    return new Running(pool, loaded, { output: (_, raw) => mine.push(raw), failed });
  });
  for (let at = 0; at < 200; at += 4) {
    for (const [n, instance] of instances.entries()) {
      const poison = at === 20 * n && n % 2 === 1;
      instance.push(poison ? new Uint8Array(24).fill(0x7f) : bytesOf(signal(n, at, 4)));
    }
    if (at % 40 === 20) await new Promise((resolve) => setTimeout(resolve, 5));
  }
  for (const n of [0, 2, 4]) {
    const want = expected(n, 200).map((raw) => [...raw]);
    await until(() => (given[n]?.length ?? 0) >= want.length);
    assert.equal(given[n]?.map((raw) => [...raw]), want, `stream ${n}`); // biome-ignore format: one line
  }
  assert.equal(failures.sort(), ['1 RN831', '3 RN831', '5 RN831']);
  await pool.stop();
});

test('tick by tick, an output comes with the last tick of its hop, and an incomplete hop waits outside the thread', async () => {
  const pool = new Pool({ threads: 1, budgetMs: 400 });
  const outputs: { frame: number; raw: Int8Array }[] = [];
  const output = (frame: number, raw: Int8Array) => outputs.push({ frame, raw });
  const running = new Running(pool, await loadedOf(), { output });
  const stream = running.instance;
  const push = (at: number) => running.push(bytesOf(signal(0, at, 1)));
  for (let at = 0; at < 6; at++) push(at);
  await until(() => stream.taken === 6); // the thread has reported where hops end
  assert.is(stream.heldTicks, 0);
  for (let at = 6; at < 60; at++) {
    push(at);
    const whole = (at + 1) % 4 === 0;
    assert.is(stream.heldTicks, whole ? 0 : ((at + 1) % 4) - (at < 8 ? 2 : 0), `tick ${at}`);
    if (whole) await until(() => outputs.length === (at + 1 - 8) / 4 + 1);
  }
  // the signal restarts: hops of four from tick 63
  running.gap(3);
  for (let at = 63; at < 71; at++) push(at);
  await until(() => outputs.length === 15 && stream.taken === 71);
  assert.is(outputs.at(-1)?.frame, 71);
  push(71);
  assert.is(stream.heldTicks, 1);
  assert.is((await stream.snapshot())?.frame, 72, 'a snapshot holds all ticks');
  assert.equal(outputs.slice(0, 14).map(({ raw }) => [...raw]), expected(0, 60).map((raw) => [...raw])); // biome-ignore format: one line
  await pool.stop();
});

test('a stream is undisturbed by another module on its thread, and continues from its snapshot after the thread ends', async () => {
  const pool = new Pool({ threads: 2, budgetMs: 300, snapshotHops: 3 });
  const good = await loadedOf();
  const bad = await loadedOf({ edit: [later(loop)] });
  const outputs: Int8Array[] = [];
  const open = (loaded: Loaded) => new Running(pool, loaded, { output: (_, raw) => outputs.push(raw) });
  const first = open(good);
  const second = open(good);
  const third = open(bad);
  assert.is(third.instance.lane, first.instance.lane);
  assert.is.not(second.instance.lane, first.instance.lane);
  for (let at = 0; at < 200; at += 4) {
    third.push(new Uint8Array(24));
    first.push(bytesOf(signal(0, at, 4)));
  }
  const snapshot = await first.instance.snapshot();
  assert.is(snapshot?.frame, 200);
  assert.is(await third.instance.snapshot(), undefined);
  const want = expected(0, 200);
  assert.equal(
    outputs.map((raw) => [...raw]),
    want.map((raw) => [...raw]),
  );
  // another stream continues from the snapshot
  const more: Int8Array[] = [];
  const next = new Running(pool, good, { output: (_, raw) => more.push(raw) }, snapshot);
  next.push(bytesOf(signal(0, 200, 40)));
  await until(() => more.length === 10);
  assert.equal(
    more.map((raw) => [...raw]),
    expected(0, 240)
      .slice(-10)
      .map((raw) => [...raw]),
  );
  await pool.stop();
});

test('when a thread dies, outputs that came after the latest snapshot are not repeated', async () => {
  // only the first snapshot exists, so a new thread runs everything again
  const pool = new Pool({ threads: 1, budgetMs: 300, snapshotHops: 1e6 });
  const frames: number[] = [];
  const raws: Int8Array[] = [];
  const failures: string[] = [];
  const output = (frame: number, raw: Int8Array) => {
    frames.push(frame);
    raws.push(raw);
  };
  const good = new Running(pool, await loadedOf(), { output });
  const bad = new Running(pool, await loadedOf({ edit: [later(loop)] }), { failed: ({ code }) => failures.push(code) });
  const push = (from: number, ticks: number) => good.push(bytesOf(signal(0, from, ticks)));
  push(0, 100);
  await until(() => frames.length === expected(0, 100).length);
  for (let at = 0; at < 160; at += 4) bad.push(new Uint8Array(24));
  push(100, 60);
  await until(() => failures.length === 1 && frames.length >= expected(0, 160).length);
  push(160, 40);
  assert.is((await good.instance.snapshot())?.frame, 200);
  const want = expected(0, 200);
  assert.equal(
    frames,
    want.map((_, k) => 8 + 4 * k),
  );
  assert.equal(
    raws.map((raw) => [...raw]),
    want.map((raw) => [...raw]),
  );
  await pool.stop();
});

test('a pool always has one thread, more while some are left, and none once it is idle', async () => {
  const running = { threads: 0 };
  const pools = Array.from({ length: 4 }, () => new Pool({ threads: 3, running, idleMs: 10 }));
  const good = await loadedOf();
  const open = (pool: Pool) => new Running(pool, good).instance;
  const threads = () => pools.map((pool) => pool.threads);
  const instances = pools.flatMap((pool) => Array.from({ length: 5 }, () => open(pool)));
  assert.equal(threads(), [3, 1, 1, 1], 'threads + pools - 1 at the most');
  assert.is(running.threads, 6);
  for (const instance of instances.slice(0, 5)) instance.close();
  await until(() => pools[0]?.threads === 0);
  assert.is(running.threads, 3);
  open(pools[0] as Pool);
  open(pools[0] as Pool);
  assert.equal(threads(), [1, 1, 1, 1], 'the others have all that are left');
  await Promise.all(pools.map((pool) => pool.stop()));
  assert.is(running.threads, 0);
});

test.run();
