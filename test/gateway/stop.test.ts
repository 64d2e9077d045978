/** A stop runs every step even if an earlier one fails, and reports the failures. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Gateway } from '../../host/gateway/gateway.ts';
import { runAll } from '../../host/gateway/store/run-all.ts';
import { RunletError } from '../../models/error.ts';
import { codeOf } from '../host/helpers.ts';
import { CrashDisk } from './crash-disk.ts';

const all = (n: number) => n;

test('the run is marked as stopped even if another step of the stop fails', async () => {
  const disk = new CrashDisk();
  const gateway = await Gateway.open(disk);
  let fails = 0;
  gateway.uploads.close = () => {
    fails++;
    return Promise.reject(new Error('the first fault'));
  };
  const error = await gateway.close().catch((found: unknown) => found);
  assert.is(fails, 1);
  assert.match(String(error), /the first fault/);
  const next = await Gateway.open(disk.survivor(all, all));
  assert.is(next.store.state.crashes, 0, 'a stop is no crash');
  await next.close();
});

test('a stop on a full disk ends the threads and the uploads, and reports the failure', async () => {
  const disk = new CrashDisk();
  const gateway = await Gateway.open(disk);
  await gateway.uploads.begin('main', 10);
  disk.faults = { roomBytes: 0 };
  assert.is(await codeOf(() => gateway.close()), 'RN802');
  assert.is(gateway.uploads.size, 0);
});

test('each step runs once and in order, and several failures become one error that names them', async () => {
  const ran: number[] = [];
  const step = (i: number, error?: Error) => async () => {
    ran.push(i);
    if (error) throw error;
  };
  await runAll([step(0), step(1)]);
  const only = new Error('only this');
  assert.is(await runAll([step(2, only), step(3)]).catch((error: unknown) => error), only);
  const both = runAll([step(4, only), step(5, new RunletError('RN802', { what: 'no room' })), step(6)]);
  const error = (await both.catch((found: unknown) => found)) as RunletError;
  assert.is(error.code, 'RN837');
  assert.match(error.message, /only this/);
  assert.match(error.message, /RN802 no room/);
  assert.equal(ran, [0, 1, 2, 3, 4, 5, 6]);
});

test.run();
