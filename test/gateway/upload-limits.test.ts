/**
 * Limits of uploads: number, bytes and age, and which upload is removed when there are too many.
 *
 * Runs on a disk in memory with a clock of the test. The test compares the files on the disk.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Uploads } from '../../host/gateway/store/uploads.ts';
import { codeOf } from '../host/helpers.ts';
import { CrashDisk } from './crash-disk.ts';
import { begun, pieces, policy } from './uploads-of.ts';

test('a new upload replaces the one that has been idle longest, and never one that is being written', async () => {
  const disk = new CrashDisk();
  let nowMs = 1e12;
  const { uploads } = await begun(disk, { maxCount: 3, maxBundles: 2, idleMs: 1e6, oldestMs: 1e6, now: () => nowMs++ });
  const there = (ids: string[]) =>
    assert.equal(disk.files().filter((path) => path !== 'state'), ids.map((id) => `uploads/${id}`).sort()); // biome-ignore format: one line
  const [a, b, c] = [await uploads.begin('main', 100), await uploads.begin('main', 100), await uploads.begin('main', 100)];
  uploads.offset(a);
  const d = await uploads.begin('main');
  there([a, c, d]);
  assert.is(await codeOf(() => uploads.offset(b)), 'RN806');
  // announced bytes count; the limit is two bundles of the largest size, 3,000 bytes
  const e = await uploads.begin('main', 1500);
  const f = await uploads.begin('main', 1450);
  there([d, e, f]);
  const g = await uploads.begin('main', 1500);
  there([f, g]);
  // if many begin at once, only the allowed number remains
  const asked = await Promise.all(Array.from({ length: 7 }, () => uploads.begin('main')));
  there(asked.slice(-3));
  let go = () => {};
  const gone = new Promise<void>((resolve) => {
    go = resolve;
  });
  async function* slow() {
    yield new Uint8Array(10);
    await gone;
  }
  const writes = asked.slice(-3).map((id) => uploads.append(id, slow()));
  assert.is(await codeOf(() => uploads.begin('main')), 'RN813', 'all are being written');
  go();
  assert.equal(await Promise.all(writes), [10, 10, 10]);
  await uploads.close();
});

test('number, bytes and age are bounded, also across a restart, and uploads over a limit are removed', async () => {
  const disk = new CrashDisk();
  let nowMs = 1e12;
  const limits = { maxCount: 3, maxBundles: 2, idleMs: 1000, oldestMs: 5000, now: () => nowMs };
  let { uploads } = await begun(disk, limits);
  const stays = async (ids: string[]) => {
    assert.equal(disk.files().filter((path) => path !== 'state'), ids.map((id) => `uploads/${id}`).sort()); // biome-ignore format: one line
    assert.is(uploads.size, ids.length);
  };
  const first = await uploads.begin('main', 1500);
  const second = await uploads.begin('main', 1400);
  const third = await uploads.begin('main');
  await uploads.append(third, pieces(new Uint8Array(90)));
  assert.is(
    await codeOf(() => uploads.append(third, pieces(new Uint8Array(20)))),
    'RN813',
    'bytes that were not announced count',
  );
  await stays([first, second]);
  nowMs += 600;
  uploads.offset(second);
  nowMs += 600;
  await uploads.expire();
  await stays([second]);
  nowMs += 300;
  const fourth = await uploads.begin('main', 100);
  // a restart counts as a request, and the age continues
  await uploads.close();
  nowMs += 3300;
  ({ uploads } = await begun(disk, limits));
  await stays([second, fourth]);
  await uploads.close();
  nowMs += 900;
  ({ uploads } = await begun(disk, limits));
  await stays([fourth]);
  await uploads.close();
  ({ uploads } = await begun(disk));
  for (let n = 0; n < 3; n++) {
    nowMs += 10;
    await uploads.begin('main', 400);
  }
  await uploads.close();
  ({ uploads } = await begun(disk, { ...limits, maxCount: 2, oldestMs: 1e15 }));
  assert.is(uploads.size, 2, 'no more than now are taken');
  await uploads.close();
  uploads = await Uploads.open(disk, { ...policy, maxBytes: 300 }, limits);
  await stays([]);
  await uploads.close();
});

test.run();
