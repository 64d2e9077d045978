/**
 * Collected windows on the disk: a crash at every operation of adding, labelling, deleting and making room;
 * random double faults and a full disk; bounds, retention and deletion, with a search of everything that was
 * ever written; encryption.
 *
 * After each crash a window is there as a whole or not at all, what was confirmed is there, and what was
 * deleted is gone. RUNLET_STORE_FAULTS is the number of random runs (`npm run soak -- store`: 5,000).
 */
import { linkSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { decodeRecord, encodeRecord, type WindowRecord } from '../../host/gateway/collect/record.ts';
import { keyOf, seal, sealBytes, unseal } from '../../host/gateway/collect/seal.ts';
import { blockBytes, timeOf, Windows } from '../../host/gateway/collect/windows.ts';
import { nodeDisk } from '../../host/gateway/store/disk.ts';
import type { Reason } from '../../host/learn/reasons.ts';
import { codeOf, randomOf } from '../host/helpers.ts';
import { Crash, CrashDisk, type Faults } from './crash-disk.ts';

const seed = Number(process.env.RUNLET_SEED ?? 20260722);
const runs = Number(process.env.RUNLET_STORE_FAULTS ?? 500);
console.log(`seed ${seed}, ${runs} random runs`);

const many = Number(process.env.RUNLET_WINDOWS ?? 200);
const limits = { maxBytes: 1 << 20, keepDays: 30 };
const startMs = 1.7e12;
const key = keyOf('0f'.repeat(32), 'test');

/** Returns window n: its signal has a pattern that no other window has. */
const patternOf = (n: number): Uint8Array => {
  const random = randomOf(1000 + n);
  return Uint8Array.from({ length: 96 }, () => 1 + random(255));
};
const windowOf = (n: number, why: Reason = 'asked', timeMs = startMs + n): WindowRecord => ({
  ...{ stream: `s${n}`, sequence: n, frame: 40 + n, timeMs, digest: 'ab', version: '1.0.0', reasons: [why], share: 0 },
  ...{ from: 4, windowFrom: 8, windowTicks: 80, tickBytes: 1, filled: 0 },
  inputs: [{ name: 'x', hostType: 'int8', elements: 1, scale: 1, zeroPoint: 0 }],
  outputs: [{ name: 'y', hostType: 'int8', elements: 3, scale: 0.5, zeroPoint: 0 }],
  signal: patternOf(n),
  raw: Uint8Array.of(1, 2, n & 255),
});

/** Returns true if 16 bytes in a row of the window's signal are in `bytes`. */
function holds(bytes: Uint8Array, n: number): boolean {
  const all = Buffer.from(bytes);
  const pattern = patternOf(n);
  for (let at = 0; at + 16 <= pattern.length; at += 8) if (all.includes(Buffer.from(pattern.subarray(at, at + 16)))) return true;
  return false;
}
const searched = (disk: CrashDisk, n: number): boolean => disk.everything().some((bytes) => holds(bytes, n));

const all = (n: number) => n;
const none = () => 0;
const half = (n: number) => n >> 1;
const survivals = [
  [none, none, false],
  [all, all, false],
  [all, none, false],
  [none, all, false],
  [half, half, false],
  [all, half, true],
] as const;

/** What the caller of the store was told. */
interface Told {
  added: Map<number, number>;
  /** Windows whose deletion was begun, and those whose deletion was confirmed. */
  ends: Set<number>;
  ended: Set<number>;
  labelled: Set<number>;
  /** Windows whose only label was removed. */
  unlabelled: Set<number>;
}
const nothing = (): Told => ({ added: new Map(), ends: new Set(), ended: new Set(), labelled: new Set(), unlabelled: new Set() });

async function add(windows: Windows, told: Told, n: number, why: Reason = 'asked', maxBytes = limits.maxBytes): Promise<void> {
  const id = await windows.add(windowOf(n, why), { ...limits, maxBytes });
  if (id !== undefined) told.added.set(n, id);
}
async function remove(windows: Windows, told: Told, n: number): Promise<void> {
  told.ends.add(n);
  await windows.remove(told.added.get(n) as number);
  told.ended.add(n);
}
async function label(windows: Windows, told: Told, n: number): Promise<void> {
  await windows.label(told.added.get(n) as number, { annotator: 'a', label: `class ${n}`, seconds: 2 });
  told.labelled.add(n);
}

const journeys: Record<string, (windows: Windows, told: Told) => Promise<void>> = {
  add: async (windows, told) => {
    for (const n of [1, 2]) await add(windows, told, n);
  },
  label: async (windows, told) => {
    await add(windows, told, 1);
    await label(windows, told, 1);
  },
  unlabel: async (windows, told) => {
    for (const n of [1, 2]) await add(windows, told, n);
    for (const n of [1, 2]) await label(windows, told, n);
    told.labelled.delete(1);
    await windows.unlabel(told.added.get(1) as number, 'a');
    told.unlabelled.add(1);
  },
  remove: async (windows, told) => {
    for (const n of [1, 2]) await add(windows, told, n);
    await label(windows, told, 2);
    for (const n of [2, 1]) await remove(windows, told, n);
  },
  clear: async (windows, told) => {
    for (const n of [1, 2]) {
      await add(windows, told, n);
      told.ends.add(n);
    }
    await windows.clear();
    for (const n of [1, 2]) told.ended.add(n);
  },
  room: async (windows, told) => {
    for (const n of [1, 2]) await add(windows, told, n, 'random');
    for (const n of [1, 2]) told.ends.add(n);
    await add(windows, told, 3, 'random', 2 * blockBytes);
    told.ended.add(1);
  },
};

/** Opens a disk, and checks every window and every file. */
async function check(disk: CrashDisk, told: Told): Promise<void> {
  const windows = await Windows.open(disk, 'main');
  const there = windows.list();
  for (const { id, labelled, bytes } of there) {
    const { labels, ...record } = await windows.read(id);
    const whole = encodeRecord(windowOf(record.sequence, record.reasons[0]));
    assert.equal([encodeRecord(record), bytes], [whole, whole.length + sealBytes(undefined)], 'the window is whole');
    assert.is(labels.length, labelled ? 1 : 0);
    assert.not.ok(told.ended.has(record.sequence), 'a deleted window is gone');
  }
  const ids = new Set(there.map(({ id }) => id));
  for (const [n, id] of told.added) if (!told.ends.has(n)) assert.ok(ids.has(id), `window ${n} is there`);
  for (const n of told.unlabelled) assert.not.ok(there.find(({ id }) => id === told.added.get(n))?.labelled, 'the label is gone');
  for (const n of told.labelled)
    if (!told.ends.has(n))
      assert.ok(
        there.some(({ id, labelled }) => id === told.added.get(n) && labelled),
        'its label is there',
      );
  const wanted = there.flatMap(({ id, labelled }) => (labelled ? [`${id}`, `${id}`] : [`${id}`]));
  assert.equal(
    disk.files().map((path) => path.split('/')[2]?.split('.')[0]),
    wanted.sort(),
    'no other file is left',
  );
  for (const n of told.ended) assert.not.ok(searched(disk, n), `no byte of window ${n} is left`);
}

for (const [name, journey] of Object.entries(journeys))
  test(`${name}: a crash at every operation leaves whole windows, and nothing of deleted ones`, async () => {
    let points = 0;
    for (let crashAt = 0; ; crashAt++) {
      let ended = false;
      for (const torn of [0, 0.5, 1]) {
        const disk = new CrashDisk({ crashAt, torn });
        const told = nothing();
        try {
          await journey(await Windows.open(disk, 'main'), told);
          ended = true;
        } catch (error) {
          if (!(error instanceof Crash)) throw error;
        }
        for (const [names, keep, zeros] of survivals) await check(disk.survivor(names, keep, {}, zeros), told);
        if (ended) for (const n of told.ended) assert.not.ok(searched(disk, n), 'nothing is left after the deletion');
      }
      if (ended) break;
      points++;
    }
    console.log(`${name}: ${points} operations`);
    assert.ok(points >= 9, `${points} operations`);
  });

test('random double faults: crashes, a second one while opening or continuing, a full disk', async () => {
  const random = randomOf(seed);
  const faults = (): Faults => ({
    crashAt: random(60),
    torn: random(5) / 4,
    ...(random(3) === 0 && { roomBytes: 300 + random(2500) }),
  });
  let [crashes, full] = [0, 0];
  for (let run = 0; run < runs; run++) {
    let disk = new CrashDisk(faults());
    const told = nothing();
    for (let fault = 0; fault < 2; fault++) {
      try {
        const windows = await Windows.open(disk, 'main');
        for (let step = 0; step < 4; step++) {
          const n = 10 * fault + step;
          await add(windows, told, n);
          if (random(2) === 0) await label(windows, told, n);
          if (random(2) === 0) await remove(windows, told, n);
        }
      } catch (error) {
        if (error instanceof Crash) crashes++;
        else if ((error as { code?: string }).code === 'RN802') full++;
        else throw error;
      }
      const zeros = random(4) === 0;
      disk = disk.survivor(
        (n) => random(n + 1),
        (n) => random(n + 1),
        faults(),
        zeros,
      );
    }
    disk.faults = {};
    await check(disk, told);
  }
  console.log(`${crashes} crashes, ${full} times a full disk`);
  assert.ok(crashes > runs / 4 && full > runs / 100);
});

test('a full disk ends one window: nothing of it is left, the others stay, and deletion still works', async () => {
  const disk = new CrashDisk();
  const windows = await Windows.open(disk, 'main');
  const told = nothing();
  await add(windows, told, 1);
  for (let room = 0; room < 300; room += 60) {
    const used = disk.everything().length;
    disk.faults = { roomBytes: (await usedBytes(disk)) + room };
    assert.is(await codeOf(() => windows.add(windowOf(2), limits)), 'RN802');
    assert.ok(disk.everything().length > used, 'it was tried');
    assert.not.ok(searched(disk, 2), 'the incomplete file was overwritten');
    assert.is(windows.count, 1);
  }
  disk.faults = { roomBytes: 0 };
  await remove(windows, told, 1);
  assert.equal(disk.files(), []);
  assert.not.ok(searched(disk, 1));
  disk.faults = {};
  await add(windows, told, 3);
  assert.is(windows.count, 1);
});

async function usedBytes(disk: CrashDisk): Promise<number> {
  let sum = 0;
  for (const path of disk.files()) sum += (await disk.read(path))?.length ?? 0;
  return sum;
}

test('the bytes are bounded, and the oldest window of the least useful kind goes first; each kind keeps an eighth', async () => {
  const windows = await Windows.open(new CrashDisk(), 'main');
  const room = { ...limits, maxBytes: 24 * blockBytes };
  const kept = () => windows.list().map(({ reasons }) => reasons[0]);
  for (let n = 0; n < 24; n++) await windows.add(windowOf(n, n % 2 ? 'random' : 'uncertain'), room);
  assert.is(windows.bytes, 24 * blockBytes);
  const [first] = windows.list();
  await windows.add(windowOf(24, 'asked'), room);
  assert.is(windows.bytes, 24 * blockBytes);
  assert.not.ok(
    windows.list().some(({ id }) => id === first?.id),
    'the oldest uncertain window has gone',
  );
  for (let n = 25; n < 80; n++) await windows.add(windowOf(n, 'asked'), room);
  const count = (reason: string) => kept().filter((one) => one === reason).length;
  assert.equal([count('uncertain'), count('random'), count('asked')], [3, 3, 18]);
  for (let n = 80; n < 90; n++) assert.type(await windows.add(windowOf(n, 'drift'), room), 'number');
  assert.is(count('drift'), 3);
  assert.is(windows.bytes, 24 * blockBytes);
  // a label makes a window the most useful one
  const [oldest] = windows.list(-1, 1, 'random');
  await windows.label(oldest?.id as number, { annotator: 'a', label: null });
  await windows.tidy(room, startMs);
  for (let n = 90; n < 140; n++) await windows.add(windowOf(n, 'random'), room);
  assert.ok(
    windows.list().some(({ id }) => id === oldest?.id),
    'a labelled window stays',
  );
  assert.ok(windows.bytes <= room.maxBytes);
});

test('windows beyond the retention are deleted, and ids keep their order when the clock goes back', async () => {
  const disk = new CrashDisk();
  const windows = await Windows.open(disk, 'main');
  const day = 86_400_000;
  const ids: number[] = [];
  for (const time of [startMs, startMs + day, startMs - day, startMs + 3 * day])
    ids.push((await windows.add(windowOf(ids.length, 'asked', time), limits)) as number);
  assert.equal(
    ids,
    ids.toSorted((a, b) => a - b),
  );
  assert.is(timeOf(ids[3] as number), startMs + 3 * day);
  assert.is(await windows.tidy({ ...limits, keepDays: 2.5 }, startMs + 3 * day), 1);
  assert.not.ok(searched(disk, 0));
  assert.is(windows.count, 3);
  assert.is(await codeOf(() => windows.read(ids[0] as number)), 'RN874');
  assert.is(await codeOf(() => windows.remove(ids[0] as number)), 'RN874');
  assert.is(await windows.clear(), 3);
  assert.equal(disk.files(), []);
});

test('on a real disk, no byte of a deleted window is left in its blocks or anywhere in the folder', async () => {
  const root = mkdtempSync(join(tmpdir(), 'runlet-windows-'));
  try {
    const windows = await Windows.open(nodeDisk(root), 'main');
    const ids: number[] = [];
    for (let n = 1; n <= 6; n++) ids.push((await windows.add(windowOf(n), limits)) as number);
    // a hard link shows the blocks of a file after its name is gone
    const links = join(root, 'links');
    mkdirSync(links);
    const folder = join(root, 'collected/main');
    for (const name of readdirSync(folder)) linkSync(join(folder, name), join(links, name));
    const found = (at: string, n: number) => readdirSync(at).some((name) => holds(readFileSync(join(at, name)), n));
    for (let n = 1; n <= 6; n++) assert.ok(found(links, n) && found(folder, n), 'the search finds a window that is there');
    await windows.remove(ids[0] as number);
    assert.not.ok(found(links, 1) || found(folder, 1));
    assert.ok(found(folder, 2));
    await windows.tidy({ ...limits, maxBytes: 3 * blockBytes }, startMs);
    for (const n of [2, 3]) assert.not.ok(found(links, n) || found(folder, n), `window ${n} had to make room`);
    await windows.clear();
    for (let n = 1; n <= 6; n++) assert.not.ok(found(links, n), `window ${n}`);
    assert.equal(readdirSync(folder), []);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});

test(`a store of ${many} windows is read again by one look at its folder, stays within its bytes, and is emptied`, async () => {
  const root = mkdtempSync(join(tmpdir(), 'runlet-windows-'));
  try {
    const room = { maxBytes: many * blockBytes, keepDays: 30 };
    let windows = await Windows.open(nodeDisk(root), 'main');
    for (let n = 0; n < many + 20; n++) await windows.add(windowOf(n, n % 3 ? 'random' : 'uncertain'), room);
    assert.equal([windows.count, windows.bytes], [many, room.maxBytes]);
    const before = windows.list(-1, many);
    const startedMs = performance.now();
    windows = await Windows.open(nodeDisk(root), 'main');
    console.log(`${many} windows opened in ${(performance.now() - startedMs).toFixed(0)} ms`);
    assert.equal(windows.list(-1, many), before);
    const newest = before.at(-1)?.id as number;
    assert.is((await windows.read(newest)).sequence, many + 19);
    assert.is(await windows.clear(), many);
    assert.equal(readdirSync(join(root, 'collected/main')), []);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});

test('with a key nothing of a window is on the disk in the clear; another key, place or byte is refused', async () => {
  const disk = new CrashDisk();
  const windows = await Windows.open(disk, 'main', key);
  const id = (await windows.add(windowOf(1), limits)) as number;
  await windows.label(id, { annotator: 'somebody', label: 'walking' });
  assert.not.ok(searched(disk, 1));
  for (const text of ['stream', 'somebody', 'walking'])
    assert.not.ok(
      disk.everything().some((bytes) => Buffer.from(bytes).includes(text)),
      text,
    );
  assert.equal((await windows.read(id)).signal, patternOf(1));
  assert.equal((await windows.read(id)).labels, [{ annotator: 'somebody', label: 'walking' }]);
  const other = keyOf('0e'.repeat(32), 'test');
  for (const wrong of [undefined, other]) {
    const found = await Windows.open(disk, 'main', wrong);
    assert.is(await codeOf(() => found.read(id)), 'RN877');
  }
  await (await Windows.open(disk, 'main')).remove(id);
  assert.equal(disk.files(), [], 'it can be deleted without the key');
  const bytes = encodeRecord(windowOf(2));
  for (const one of [undefined, key]) {
    const sealed = seal(bytes, 'here', one);
    assert.equal(unseal(sealed, 'here', one), bytes);
    assert.is(await codeOf(() => unseal(sealed, 'there', one)), 'RN877');
    for (let i = 0; i < sealed.length; i += 5) {
      const changed = sealed.slice();
      changed[i] = (changed[i] as number) ^ 1;
      assert.is(await codeOf(() => unseal(changed, 'here', one)), 'RN877', `byte ${i}`);
      assert.is(await codeOf(() => unseal(sealed.subarray(0, i), 'here', one)), 'RN877', `${i} bytes`);
    }
  }
  assert.not.equal(seal(bytes, 'here', key), seal(bytes, 'here', key), 'the nonce is new each time');
  for (const text of ['', 'ab', '0g'.repeat(32), '00'.repeat(33)]) assert.is(await codeOf(() => keyOf(text, 'x')), 'RN740');
});

test('damaged records are refused, whatever their lengths say', async () => {
  const bytes = encodeRecord({ ...windowOf(3), otherDigest: 'cd', other: Uint8Array.from({ length: 12 }, (_, i) => i) });
  assert.equal(
    decodeRecord(bytes, 'x').other,
    Uint8Array.from({ length: 12 }, (_, i) => i),
  );
  const random = randomOf(seed);
  for (let i = 0; i < 2000; i++) {
    const changed = bytes.slice(0, random(3) === 0 ? random(bytes.length) : bytes.length);
    for (let k = random(4); k >= 0 && changed.length; k--) changed[random(Math.min(changed.length, 600))] = random(256);
    const code = await codeOf(() => decodeRecord(changed, 'x'));
    assert.ok(code === 'none' || code === 'RN877', code);
  }
});

test.run();
