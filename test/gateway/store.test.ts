/**
 * The store on the gateway's disk: a crash at every operation of install, trial, confirm, revert and
 * rollback; double faults, torn writes and a full disk.
 *
 * After each crash the store opens again and runs the old or the new bundle, whole. The sequence floor never
 * falls, and no unused file is left. RUNLET_STORE_FAULTS is the number of random runs (`npm run soak --
 * store`: 5,000).
 */
import { createHash } from 'node:crypto';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { decodeState, encodeState } from '../../host/gateway/store/state.ts';
import { Store } from '../../host/gateway/store/store.ts';
import { codeOf, randomOf } from '../host/helpers.ts';
import { Crash, CrashDisk, type Faults } from './crash-disk.ts';

const seed = Number(process.env.RUNLET_SEED ?? 20260722);
const runs = Number(process.env.RUNLET_STORE_FAULTS ?? 500);
console.log(`seed ${seed}, ${runs} random runs`);

const bundle = (sequence: number) => new TextEncoder().encode(`bundle ${sequence} `.repeat(20 + sequence));
const about = (sequence: number) => ({ name: 'heart', version: `1.${sequence}.0`, sequence });
const digestOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** Operations with bundle 2 on a store that runs bundle 1, by name. */
const journeys: Record<string, (store: Store) => Promise<unknown>> = {
  confirm: async (store) => {
    await store.install('main', bundle(2), about(2));
    await store.beginTrial('main');
    await store.confirm('main');
  },
  revert: async (store) => {
    await store.install('main', bundle(2), about(2));
    await store.beginTrial('main');
    await store.revert('main', 'RN801', 'a reason');
  },
  replace: async (store) => {
    await store.install('main', bundle(2), about(2));
    await store.install('main', bundle(3), about(3));
  },
  rollback: async (store) => {
    await journeys.confirm?.(store);
    await store.rollBack('main', 'RN801', 'a reason');
  },
  pool: async (store) => {
    await store.sizePool('main', 2 * bundle(9).length);
    for (const sequence of [2, 3, 4]) {
      await store.install('main', bundle(sequence), about(sequence));
      await store.beginTrial('main');
      await store.confirm('main');
    }
    await store.prefer('main', digestOf(bundle(1)));
    await store.sizePool('main', bundle(2).length);
  },
  'one of the pool': async (store) => {
    await journeys.pool?.(store);
    await store.stageKept('main', digestOf(bundle(1)));
    await store.beginTrial('main');
    await store.confirm('main');
    await store.stageKept('main', digestOf(bundle(4)));
    await store.beginTrial('main');
    await store.revert('main', 'RN831', 'a trap');
  },
  stop: async (store) => {
    await store.healthy();
    await store.close();
  },
};

/** Bundles that may run after a crash in a journey. Default: the first one. */
const mayRun: Record<string, number[]> = {
  confirm: [1, 2],
  rollback: [1, 2],
  pool: [1, 2, 3, 4],
  'one of the pool': [1, 2, 3, 4],
};

async function started(faults: Faults = {}): Promise<CrashDisk> {
  const disk = new CrashDisk();
  const store = await Store.open(disk);
  await store.install('main', bundle(1), about(1));
  await store.beginTrial('main');
  await store.confirm('main');
  await store.close();
  return disk.survivor(
    (n) => n,
    (n) => n,
    faults,
  );
}

/** Opens a disk and checks everything that must hold. @returns the floor */
async function check(disk: CrashDisk, floorBefore: number, may: number[]): Promise<number> {
  const store = await Store.open(disk, { safeAfter: 1000 });
  const { active, floor, trial, staged, previous } = store.slot('main');
  assert.ok(active, 'something runs');
  assert.ok(may.includes(active.sequence), `${active.sequence} runs, one of ${may} may`);
  assert.equal(await store.blob(active), bundle(active.sequence), 'whole');
  if (previous) assert.equal(await store.blob(previous), bundle(previous.sequence), 'the one before is whole');
  if (staged) assert.equal(await store.blob(staged), bundle(staged.sequence), 'what is staged is whole');
  assert.not.ok(trial, 'no trial outlives a start');
  assert.ok(floor >= floorBefore, `the floor fell from ${floorBefore} to ${floor}`);
  const { pool = [], poolBytes = 0 } = store.slot('main');
  for (const one of pool) assert.equal(await store.blob(one), bundle(one.sequence), 'one of the pool is whole');
  assert.ok(pool.reduce((sum, { bytes }) => sum + bytes, 0) <= poolBytes, 'the pool is within its size');
  const wanted = [active, previous, staged, ...pool].flatMap((one) => (one ? [`blobs/${one.digest}`] : []));
  assert.equal(disk.files(), [...new Set([...wanted, 'state'])].sort(), 'nothing else is left');
  return floor;
}

const all = (n: number) => n;
const none = () => 0;

for (const [name, journey] of Object.entries(journeys))
  test(`${name}: a crash at every operation leaves the old or the new bundle`, async () => {
    let points = 0;
    for (let crashAt = 0; ; crashAt++) {
      let ended = false;
      for (const torn of [0, 0.5, 1]) {
        const disk = await started({ crashAt, torn });
        try {
          const store = await Store.open(disk);
          assert.is(store.slot('main').active?.sequence, 1);
          await journey(store);
          ended = true;
        } catch (error) {
          if (!(error instanceof Crash)) throw error;
        }
        const may = mayRun[name] ?? [1];
        for (const [names, keep] of [
          [none, none],
          [all, all],
          [all, none],
          [none, all],
          [(n: number) => n >> 1, (n: number) => n >> 1],
        ] as const)
          await check(disk.survivor(names, keep), 1, may);
      }
      if (ended) break;
      points++;
    }
    console.log(`${name}: ${points} operations`);
    assert.ok(points >= 8, `${points} operations`);
  });

test('random double faults leave a whole bundle: a crash, a second one while opening or continuing, a full disk', async () => {
  const random = randomOf(seed);
  let crashes = 0;
  let full = 0;
  for (let run = 0; run < runs; run++) {
    let disk = await started({
      crashAt: random(40),
      torn: random(5) / 4,
      ...(random(3) === 0 && { roomBytes: 900 + random(1600) }),
    });
    let floor = 1;
    for (let fault = 0; fault < 2; fault++) {
      const all = Object.values(journeys);
      const journey = all[random(all.length)] as (store: Store) => Promise<unknown>;
      try {
        const store = await Store.open(disk, { safeAfter: 1000 });
        assert.ok(store.slot('main').active, 'something runs');
        floor = Math.max(floor, store.slot('main').floor);
        await journey(store);
        floor = Math.max(floor, store.slot('main').floor);
      } catch (error) {
        if (error instanceof Crash) crashes++;
        else if ((error as { code?: string }).code === 'RN802') full++;
        else if ((error as { code?: string }).code !== 'RN804') throw error;
      }
      // after a full disk the process may continue with what it has
      disk = disk.survivor(
        (n) => random(n + 1),
        (n) => random(n + 1),
        { crashAt: random(40), torn: random(5) / 4, ...(random(3) === 0 && { roomBytes: 900 + random(1600) }) },
      );
    }
    disk.faults = {};
    await check(disk, floor, [1, 2, 3, 4]);
  }
  console.log(`${crashes} crashes, ${full} times a full disk`);
  assert.ok(crashes > runs / 4 && full > runs / 100);
});

test('a pool keeps confirmed bundles within its size: the one longest out of use goes first, one that fails leaves', async () => {
  const store = await Store.open(await started());
  const sequences = () => (store.slot('main').pool ?? []).map(({ sequence }) => sequence);
  const confirm = async (sequence: number) => {
    await store.install('main', bundle(sequence), about(sequence));
    await store.beginTrial('main');
    await store.confirm('main');
  };
  await confirm(2);
  await confirm(3);
  assert.equal(sequences(), [], 'without a size there is no pool');
  await store.sizePool('main', 3 * bundle(9).length);
  for (const sequence of [4, 5, 6, 7]) await confirm(sequence);
  assert.equal(sequences(), [3, 4, 5]);
  await store.prefer('main', digestOf(bundle(3)));
  await confirm(8);
  assert.equal(sequences(), [5, 3, 6], 'the preferred one stays longer');
  assert.is(await codeOf(() => store.stageKept('main', digestOf(bundle(4)))), 'RN804');
  assert.is(await codeOf(() => store.stageKept('main', digestOf(bundle(8)))), 'RN804', 'it runs');

  await store.stageKept('main', digestOf(bundle(5)));
  assert.is(await codeOf(() => store.stageKept('main', digestOf(bundle(3)))), 'RN804', 'another is staged');
  await store.beginTrial('main');
  assert.is(await codeOf(() => store.stageKept('main', digestOf(bundle(3)))), 'RN804', 'another is on trial');
  await store.confirm('main');
  const { active, previous, floor } = store.slot('main');
  assert.equal([active?.sequence, previous?.sequence, floor, sequences()], [5, 8, 8, [3, 6, 7]]);

  await store.stageKept('main', digestOf(bundle(3)));
  await store.beginTrial('main');
  await store.revert('main', 'RN833', 'a reason');
  assert.equal(sequences(), [6, 7], 'it failed its trial');
  await store.rollBack('main', 'RN831', 'a trap');
  assert.equal([store.slot('main').active?.sequence, sequences()], [8, [6, 7]]);
  await store.sizePool('main', bundle(7).length);
  assert.equal(sequences(), [7]);
  await store.sizePool('main', 0);
  assert.equal(sequences(), []);
});

test('a stop during the trial of a kept bundle keeps it, a crash does not', async () => {
  for (const stops of [true, false]) {
    const disk = await started();
    const store = await Store.open(disk);
    await store.sizePool('main', 1e6);
    for (const sequence of [2, 3]) {
      await store.install('main', bundle(sequence), about(sequence));
      await store.beginTrial('main');
      await store.confirm('main');
    }
    await store.stageKept('main', digestOf(bundle(1)));
    await store.beginTrial('main');
    if (stops) await store.close();
    const { pool = [], last } = (await Store.open(disk.survivor(all, all))).slot('main');
    assert.is(last?.code, 'RN801');
    assert.equal(
      pool.map(({ sequence }) => sequence),
      stops ? [1] : [],
    );
  }
});

test('a bundle runs even if the disk is full at the start', async () => {
  const disk = await started({ roomBytes: 0 });
  const store = await Store.open(disk);
  assert.is(store.slot('main').active?.sequence, 1);
  assert.is(await codeOf(() => store.install('main', bundle(2), about(2))), 'RN802');
  assert.is(store.slot('main').staged, undefined);
  assert.is(disk.files().length, 2);
  // a bundle that misbehaves is rolled back even on a full disk
  disk.faults = {};
  await journeys.confirm?.(store);
  assert.is(store.slot('main').active?.sequence, 2);
  disk.faults = { roomBytes: 0 };
  assert.is((await store.rollBack('main', 'RN831', 'a trap')).sequence, 1);
  assert.is(store.slot('main').active?.sequence, 1);
});

test('crashes in a row lead to safe mode, a healthy run between them does not, and an unconfirmed trial is reverted', async () => {
  let disk = await started();
  const again = () => {
    disk = disk.survivor(all, all);
    return Store.open(disk, { safeAfter: 3 });
  };
  let store = await again();
  await store.install('main', bundle(2), about(2));
  await store.beginTrial('main');
  store = await again();
  assert.is(store.slot('main').active?.sequence, 1);
  assert.is(store.slot('main').last?.code, 'RN801');
  assert.is(store.slot('main').floor, 1);
  assert.equal([store.state.crashes, store.state.safeMode], [1, false]);
  await store.healthy();
  for (const [crashes, safeMode] of [
    [1, false],
    [2, false],
    [3, true],
  ] as const) {
    store = await again();
    assert.equal([store.state.crashes, store.state.safeMode], [crashes, safeMode]);
  }
  await store.leaveSafeMode();
  assert.not.ok(store.state.safeMode);
  await store.close();
  store = await again();
  assert.is(store.state.crashes, 0);
});

test('a changed state and a changed blob are reported', async () => {
  const disk = await started();
  const state = (await disk.read('state')) as Uint8Array;
  assert.equal(encodeState(decodeState(state, 'state')), state);
  for (let i = 0; i < state.length; i += 7) {
    const changed = state.slice();
    changed[i] = (changed[i] as number) ^ 1;
    assert.is(await codeOf(() => decodeState(changed, 'state')), 'RN800');
  }
  const store = await Store.open(disk);
  const { active } = store.slot('main');
  const file = await disk.create(`blobs/${active?.digest}`);
  await file.write(bundle(3));
  assert.is(active?.digest, digestOf(bundle(1)));
  assert.is(await codeOf(() => store.blob(active as { digest: string })), 'RN803');
});

test.run();
