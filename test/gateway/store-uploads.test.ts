/**
 * Partial uploads on the disk: a crash at every operation while one is begun, sent, resumed, finished,
 * refused, ended or expires; double faults, torn writes, zeros in place of bytes, a full disk; limits;
 * changed files.
 *
 * After each crash the upload has at least the bytes that its sender was told, and they are the sender's. It
 * resumes and is staged, and nothing else is left.
 */
import { createHash } from 'node:crypto';
import { appendFileSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { nodeDisk } from '../../host/gateway/store/disk.ts';
import { Store } from '../../host/gateway/store/store.ts';
import { Uploads } from '../../host/gateway/store/uploads.ts';
import { codeOf, randomOf } from '../host/helpers.ts';
import { Crash, CrashDisk, type Faults } from './crash-disk.ts';
import { type Begun, begun, pieces, policy } from './uploads-of.ts';

const seed = Number(process.env.RUNLET_SEED ?? 20260722);
const runs = Number(process.env.RUNLET_STORE_FAULTS ?? 500);
console.log(`seed ${seed}, ${runs} random runs`);

const bundle = Uint8Array.from({ length: 1201 }, (_, i) => (i * 31 + (i >> 8)) & 255);
const digestOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const all = (n: number) => n;
const none = () => 0;
const half = (n: number) => n >> 1;

async function* breaking(part: Uint8Array) {
  yield part;
  throw Object.assign(new Error('the line broke'), { code: 'ECONNRESET' });
}

/** What the sender of an upload knows. */
interface Told {
  id?: string;
  offset: number;
  /** True if the sender has asked to end the upload. */
  ends?: boolean;
  /** True if the sender was told that the upload has ended. */
  ended?: boolean;
  staged?: boolean;
}

const stage = ({ store, uploads }: Begun, id: string) =>
  uploads.finish(id, ({ slot, bytes }) => store.install(slot, bytes, { name: 'heart', version: '1.0.0', sequence: 1 }));

async function send(one: Begun, told: Told, upTo = bundle.length): Promise<void> {
  told.id ??= await one.uploads.begin('main', bundle.length);
  const id = told.id;
  while (told.offset < upTo) {
    const part = bundle.subarray(told.offset, Math.min(upTo, told.offset + 330));
    told.offset = await one.uploads.append(id, pieces(part.subarray(0, 70), part.subarray(70)), told.offset);
  }
}
async function finish(one: Begun, told: Told): Promise<void> {
  told.ends = true;
  await stage(one, told.id as string);
  told.staged = true;
  told.ended = true;
}

/** Operations on the uploads of a gateway, by name. */
const journeys: Record<string, (one: Begun, told: Told) => Promise<void>> = {
  whole: async (one, told) => {
    await send(one, told);
    await finish(one, told);
  },
  broken: async (one, told) => {
    await send(one, told, 400);
    const fails = one.uploads.append(told.id as string, breaking(bundle.subarray(told.offset, told.offset + 290)));
    await fails.catch((error: Error) => {
      if (error.message !== 'the line broke') throw error;
    });
    told.offset = one.uploads.offset(told.id as string);
    await send(one, told, 1000);
  },
  refused: async (one, told) => {
    await send(one, told, 700);
    told.ends = true;
    const code = await codeOf(() => one.uploads.append(told.id as string, pieces(new Uint8Array(600)), told.offset));
    if (code !== 'RN809') throw new Crash('it ended before');
    told.ended = true;
  },
  ended: async (one, told) => {
    await send(one, told, 700);
    told.ends = true;
    await one.uploads.remove(told.id as string);
    told.ended = true;
  },
};

/** Opens a disk, checks the upload and all other files, then resumes the upload and stages it. */
async function check(disk: CrashDisk, told: Told): Promise<void> {
  const one = await begun(disk);
  const { staged } = one.store.slot('main');
  const there = disk.files().filter((path) => path.startsWith('uploads/'));
  assert.is(one.uploads.size, there.length, 'nothing is left beside the uploads');
  assert.ok(there.length <= 1, 'at most one upload is there');
  if (told.staged) assert.is(staged?.digest, digestOf(bundle), 'the bundle that was reported as staged is staged');
  if (told.ended) assert.is(there.length, 0, 'the upload that was reported as ended is gone');
  else if (told.id && !told.ends) assert.equal(there, [`uploads/${told.id}`], 'the upload that was begun is there');
  const id = there[0]?.slice('uploads/'.length);
  if (id) {
    const offset = one.uploads.offset(id);
    assert.ok(offset >= told.offset && offset <= bundle.length, `${offset} bytes are there, and ${told.offset} were said`);
    await send(one, { id, offset });
    const whole = await one.uploads.finish(id, async ({ slot, bytes }) => {
      assert.is(slot, 'main');
      return bytes;
    });
    // torn bytes must not be taken: all bytes are the sender's
    assert.is(digestOf(whole.subarray(0, offset)), digestOf(bundle.subarray(0, offset)), 'the bytes are those that were sent');
    assert.is(digestOf(whole), digestOf(bundle));
  }
  assert.equal(disk.files(), [...(staged ? [`blobs/${staged.digest}`] : []), 'state'], 'nothing is left');
  await one.uploads.close();
}

const survivals = [
  [none, none, false],
  [all, all, false],
  [all, none, false],
  [none, all, false],
  [half, half, false],
  [all, all, true],
  [all, half, true],
] as const;

for (const [name, journey] of Object.entries(journeys))
  for (const resumed of [false, true])
    test(`${name}${resumed ? ', resumed after a crash' : ''}: a crash at every operation loses nothing that was reported`, async () => {
      let points = 0;
      for (let crashAt = 0; ; crashAt++) {
        let crashed = false;
        for (const torn of [0, 0.5, 1]) {
          const told: Told = { offset: 0 };
          let disk = new CrashDisk();
          if (resumed) {
            const before = await begun(disk);
            await send(before, told, 500);
            disk.faults = { crashAt: disk.operations, torn: 0.5 };
            await send(before, told).catch(() => {});
            await before.uploads.close();
            disk = disk.survivor(all, half);
          }
          disk.faults = { crashAt, torn };
          try {
            const one = await begun(disk);
            if (told.id) told.offset = one.uploads.offset(told.id);
            await journey(one, told);
          } catch (error) {
            if (!(error instanceof Crash)) throw error;
            crashed = true;
          }
          for (const [names, keep, zeros] of survivals) await check(disk.survivor(names, keep, {}, zeros), told);
        }
        if (!crashed) break;
        points++;
      }
      console.log(`${name}${resumed ? ', resumed' : ''}: ${points} operations`);
      assert.ok(points >= 12, `${points} operations`);
    });

test('random double faults lose nothing: a crash, a second one while the upload resumes, a full disk', async () => {
  const random = randomOf(seed);
  let [crashes, full, resumed] = [0, 0, 0];
  for (let run = 0; run < runs; run++) {
    const faults = (): Faults => ({
      crashAt: random(36),
      torn: random(5) / 4,
      ...(random(3) === 0 && { roomBytes: 300 + random(2400) }),
    });
    let disk = new CrashDisk(faults());
    let told: Told = { offset: 0 };
    /** True if a full disk may have removed the upload before the crash. */
    let tight = false;
    for (let fault = 0; fault < 3; fault++) {
      const journey = Object.values(journeys)[random(4)] as (one: Begun, told: Told) => Promise<void>;
      try {
        const one = await begun(disk);
        if (told.id && one.uploads.size === 0) {
          assert.ok(told.ends || tight, 'what was begun is there');
          told = { offset: 0, staged: told.staged };
          tight = false;
        } else if (told.id) {
          const offset = one.uploads.offset(told.id);
          assert.ok(offset >= told.offset);
          // more bytes are there than this journey sends
          if (offset > 1000) throw new Crash('enough');
          told = { id: told.id, offset, staged: told.staged };
          resumed++;
        } else if (one.uploads.size > 0) {
          // its sender was not told the upload's id
          const [path] = disk.files().filter((file) => file.startsWith('uploads/'));
          await one.uploads.remove((path as string).slice('uploads/'.length));
        }
        await journey(one, told);
      } catch (error) {
        if (error instanceof Crash) crashes++;
        else if ((error as { code?: string }).code === 'RN802') {
          full++;
          // refused and removed; a bundle that is on the disk already may be staged again
          told.ends = true;
        } else throw error;
      }
      tight ||= disk.faults.roomBytes !== undefined;
      disk = disk.survivor(
        (n) => random(n + 1),
        (n) => random(n + 1),
        faults(),
        random(4) === 0,
      );
    }
    disk.faults = {};
    await check(disk, { ...told, ends: told.ends || tight });
  }
  console.log(`${crashes} crashes, ${full} times a full disk, ${resumed} times it went on`);
  assert.ok(crashes > runs / 4 && full > runs / 100 && resumed > runs / 10);
});

test('on a full disk the upload is refused and removed, and its room is free again', async () => {
  const disk = new CrashDisk();
  const one = await begun(disk);
  disk.faults = { roomBytes: 900 };
  const told: Told = { offset: 0 };
  assert.is(await codeOf(() => send(one, told)), 'RN802');
  assert.is(await codeOf(async () => one.uploads.offset(told.id as string)), 'RN806');
  disk.faults = { roomBytes: 0 };
  assert.is(await codeOf(() => one.uploads.begin('main')), 'RN802');
  assert.equal(disk.files(), ['state']);
  disk.faults = {};
  const again: Told = { offset: 0 };
  await send(one, again);
  await finish(one, again);
  assert.is(one.store.slot('main').staged?.digest, digestOf(bundle));
  await one.uploads.close();
});

test('an upload that a request is writing at the stop is kept for the next run', async () => {
  const disk = new CrashDisk();
  // closing takes a while, and the request continues meanwhile
  disk.create = async (path) => {
    const file = await CrashDisk.prototype.create.call(disk, path);
    return { ...file, close: () => new Promise((resolve) => setTimeout(resolve, 20)) };
  };
  const one = await begun(disk);
  const told: Told = { offset: 0 };
  await send(one, told, 600);
  const others = [await one.uploads.begin('main'), await one.uploads.begin('main')];
  const closes: Promise<void>[] = [];
  async function* closing() {
    yield bundle.subarray(told.offset, told.offset + 100);
    closes.push(one.uploads.close());
    // the disk refuses further writes, as a closed file does
    disk.faults = { roomBytes: 0 };
    yield bundle.subarray(told.offset + 100, told.offset + 500);
  }
  assert.is(await codeOf(() => one.uploads.append(told.id as string, closing(), told.offset)), 'RN802');
  await Promise.all(closes);
  disk.faults = {};
  const again = await begun(disk);
  assert.is(again.uploads.size, 3);
  assert.ok(again.uploads.offset(told.id as string) >= told.offset);
  for (const id of [...others, told.id as string]) await again.uploads.remove(id);
  assert.equal(disk.files(), ['state']);
  await again.uploads.close();
});

test('a changed upload file gives the bytes before the change or nothing, and files that are no uploads are removed', async () => {
  const disk = new CrashDisk();
  const one = await begun(disk);
  const told: Told = { offset: 0 };
  await send(one, told, 900);
  const path = `uploads/${told.id}`;
  const file = (await disk.read(path)) as Uint8Array;
  await one.uploads.close();
  let kept = 0;
  for (let at = 0; at < file.length; at++)
    for (const bit of [1, 128]) {
      const changed = file.slice();
      changed[at] = (changed[at] as number) ^ bit;
      const damaged = new CrashDisk({}, new Map([[path, changed], ['uploads/other', changed], ['uploads/..', changed]])); // biome-ignore format: one line
      const { uploads } = await begun(damaged);
      if (uploads.size === 1) {
        const offset = uploads.offset(told.id as string);
        assert.ok(offset < 900);
        await send({ store: one.store, uploads }, { id: told.id, offset });
        const whole = await uploads.finish(told.id as string, async ({ bytes }) => bytes);
        assert.is(digestOf(whole), digestOf(bundle));
        kept++;
      }
      assert.equal(damaged.files(), ['state']);
      await uploads.close();
    }
  assert.ok(kept > file.length && kept < 2 * file.length - 100, `${kept}`);
});

test('on a real disk a torn end is cut off, and the upload resumes', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'runlet-uploads-'));
  const disk = nodeDisk(folder);
  const open = async () => ({
    store: await Store.open(disk),
    uploads: await Uploads.open(disk, policy, { pieceBytes: 200 }),
  });
  const told: Told = { offset: 0 };
  let one = await open();
  await send(one, told, 900);
  await one.uploads.close();
  appendFileSync(join(folder, 'uploads', told.id as string), bundle.subarray(900, 1100));
  one = await open();
  assert.is(one.uploads.offset(told.id as string), 900);
  await send(one, told);
  await one.uploads.close();
  one = await open();
  assert.is(one.uploads.offset(told.id as string), bundle.length);
  await finish(one, told);
  assert.equal(readdirSync(join(folder, 'uploads')), []);
  assert.equal(readdirSync(join(folder, 'blobs')), [digestOf(bundle)]);
  await one.uploads.close();
  rmSync(folder, { recursive: true });
});

test.run();
