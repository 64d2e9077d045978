/** External data of ONNX files: only from the model's folder, of limited size, and part of the digest. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { compile } from '../../host/compile.ts';
import { type ModelFiles, readModel } from '../../models/read/index.ts';
import { type TensorOf, writeModel } from '../../models/write/onnx/proto.ts';
import { root } from '../shared.ts';
import { refusalOf } from './refusal.ts';

const floats = Float32Array.from({ length: 24 }, (_, i) => i / 8 - 1);
const bias = Float32Array.of(1, 2, 3, 4);
const data = new Uint8Array([...new Uint8Array(64), ...new Uint8Array(floats.buffer), ...new Uint8Array(bias.buffer)]);

/** Returns a convolution whose weights and bias have these external locations. */
function model(
  w: TensorOf['external'],
  b: TensorOf['external'] = { location: 'm.data', offset: '160', length: '16' },
): Uint8Array {
  const tensors: Record<string, TensorOf> = {
    w: { dims: [4, 2, 3], floats: w ? [] : floats, ...(w && { external: w }) },
    b: { dims: [4], floats: w ? [] : bias, ...(w && b && { external: b }) },
  };
  const nodes = [{ op: 'Conv', inputs: ['x', 'w', 'b'], outputs: ['y'] }];
  return writeModel({ inputs: { x: [1, 2, 8] }, tensors, nodes, outputs: ['y'] });
}
const right = { location: 'm.data', offset: '64', length: '96' };
const files = { 'm.data': data };

async function refusal(bytes: Uint8Array, given?: ModelFiles): Promise<string> {
  const { code, message } = await refusalOf(() => readModel(bytes, { files: given }));
  assert.is(code, 'RN153');
  return message;
}

test('external weights give the same graph as embedded ones', async () => {
  const inside = await readModel(model(undefined));
  assert.equal(await readModel(model(right), { files }), inside);
  assert.equal(await readModel(model({ location: './m.data', offset: '64' }), { files }), inside);
  const asked: [string, number][] = [];
  const fetch = async (path: string, limitBytes: number) => {
    asked.push([path, limitBytes]);
    return data;
  };
  assert.equal(await readModel(model(right), { files: fetch }), inside);
  assert.equal(asked, [['m.data', 176 + 2 ** 20]], 'one request for one file, with the largest useful size');
});

test('a location outside the folder is never requested', async () => {
  const outside = ['../m.data', '/etc/passwd', 'a/../../m.data', 'C:m.data', 'a\\m.data', '', '.', 'a//b', 'm.data\0'];
  for (const location of outside) {
    const fetch = async (path: string) => {
      assert.is(path, 'm.data');
      return data;
    };
    assert.match(await refusal(model({ ...right, location }), fetch), "leads out of the model's folder", location);
  }
});

test('the error names a missing or short file and an invalid number', async () => {
  assert.match(await refusal(model(right)), 'the file m.data was not given');
  const failing = async () => Promise.reject(new Error('no such file'));
  assert.match(await refusal(model(right), failing), 'm.data cannot be read: no such file');
  assert.match(await refusal(model(right), { 'm.data': data.subarray(0, 175) }), 'end at byte 176 of m.data, which has 175');
  assert.match(await refusal(model({ ...right, offset: '-1' }), files), "offset '-1' is no number");
  assert.match(await refusal(model({ ...right, offset: '9'.repeat(15) }), files), 'at most 1073741824 are read');
  assert.match(await refusal(model({ ...right, length: '92' }), files), "length '92' is not the 96 bytes");
});

test('tensors that share bytes have a limit on their total size', async () => {
  const shared = { location: 'm.data', offset: '0', length: '96' };
  const tensors = Object.fromEntries(
    Array.from({ length: 9 }, (_, i): [string, TensorOf] => [`w${i}`, { dims: [4, 2, 3], floats: [], external: shared }]),
  );
  const nodes = [{ op: 'Conv', inputs: ['x', 'w0'], outputs: ['y'] }];
  const bytes = writeModel({ inputs: { x: [1, 2, 8] }, tensors, nodes, outputs: ['y'] });
  assert.match(await refusal(bytes, files), 'add up to more than 4 times');
});

test('the digest covers both files, in the library and on the command line', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'runlet-external-'));
  const bytes = model(right);
  const expected = createHash('sha256').update(bytes).update(data).digest('hex');
  const calibration = Float32Array.from({ length: 2 * 64 }, (_, i) => Math.sin(i));
  const { manifest } = await compile(bytes, { files, calibration });
  assert.ok(JSON.stringify(manifest).includes(expected));
  const inspect = (path: string): string =>
    execFileSync(process.execPath, [join(root, 'host/cli/bin.js'), 'inspect', '--json', path], {
      encoding: 'utf8',
      stdio: 'pipe',
    });
  try {
    writeFileSync(join(folder, 'm.onnx'), bytes);
    writeFileSync(join(folder, 'm.data'), data);
    assert.is(JSON.parse(inspect(join(folder, 'm.onnx'))).sourceDigest, expected);
    if (process.platform === 'win32') return; // creating links needs a privilege there
    mkdirSync(join(folder, 'other'));
    writeFileSync(join(folder, 'other/m.onnx'), bytes);
    symlinkSync(join(folder, 'm.data'), join(folder, 'other/m.data'));
    assert.throws(() => inspect(join(folder, 'other/m.onnx')), /RN153[\s\S]*a link out of the model's folder/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.run();
