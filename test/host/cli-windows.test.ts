/** `--windows`: lengths in frames and in seconds, the names of the outputs, and messages. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { zooFile } from '../../host/demo/zoo.ts';
import { writeModel } from '../../models/write/onnx/proto.ts';
import { poolingNetwork } from '../property/pooling-network.ts';
import { runCli } from './helpers.ts';

const folder = mkdtempSync(join(tmpdir(), 'runlet-windows-'));
test.after(() => rmSync(folder, { recursive: true }));
const kws = zooFile('kws', 'kws.onnx');

test('kws answers for three windows with the work of one and two more last layers', async () => {
  const work = async (...more: string[]): Promise<number> => {
    const { code, stdout, stderr } = await runCli(folder, ['plan', kws, '--json', ...more]);
    assert.is(code, 0, stderr);
    return JSON.parse(stdout).macsPerHop;
  };
  const [one, three] = [await work(), await work('--windows', '900ms,47')];
  // 900 ms are 45 frames at 50 Hz
  assert.is(await work('--windows', '0.9s,47,45,49'), three);
  assert.ok(three > one && three <= 1.1 * one, `${three} against ${one}`);
});

test('messages say what does not fit', async () => {
  const refused = async (model: string, windows: string, exit: number, ...words: RegExp[]): Promise<void> => {
    const { code, stderr } = await runCli(folder, ['plan', model, '--windows', windows]);
    assert.is(code, exit, stderr);
    for (const word of words) assert.match(stderr, word);
  };
  await refused(kws, '50', 3, /RN212/, /50 frames do not lie in its window of 49/);
  await refused(kws, '1m', 2, /RN740/);
  await refused(kws, '1.5', 2, /RN740/);
  await refused(kws, '', 2, /RN740/);
  await refused(kws, '10', 3, /RN212/, /does not fit a window of 10 frames/);
  writeFileSync(join(folder, 'no-rate.onnx'), writeModel(poolingNetwork('gem', 3).model));
  await refused(join(folder, 'no-rate.onnx'), '1s', 2, /RN740/, /frames here/);
});

test.run();
