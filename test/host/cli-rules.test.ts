/** What all verbs share, without a process: exit codes, numbers of options, options that are none, rows of arrays, files up to a limit. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { choiceOption, exitCodeOf, numberOption, unknownOptions } from '../../host/cli/args.ts';
import { readBytes, readNamed } from '../../host/cli/read-file.ts';
import { asHost, splitRows, windowToFrames } from '../../host/cli/rows.ts';
import { RunletError } from '../../models/error.ts';
import { codeOf } from './helpers.ts';
import { tinyManifest } from './tiny-bundle.ts';

test('exit codes: 1 a check, 2 usage, 3 not supported, 4 input and output', () => {
  const of = (code: string) => exitCodeOf(new RunletError(code as ConstructorParameters<typeof RunletError>[0], { what: '' }));
  for (const [code, exit] of [['RN101', 3], ['RN201', 3], ['RN302', 3], ['RN410', 1], ['RN435', 2], ['RN506', 2], ['RN501', 1], ['RN608', 1], ['RN610', 1], ['RN611', 4], ['RN720', 4], ['RN740', 2], ['RN814', 4], ['RN815', 1], ['RN840', 1], ['RN841', 4], ['RN895', 2]] as const) assert.is(of(code), exit, code); // biome-ignore format: a table
  assert.is(exitCodeOf(new Error('a bug')), 1);
  assert.is(exitCodeOf(Object.assign(new Error(''), { syscall: 'open' })), 4);
  assert.is(exitCodeOf(Object.assign(new Error(''), { name: 'CLIError' })), 2);
});

test('numbers and words of options: both ends are taken, nothing beyond, no half where whole ones are wanted', async () => {
  const of = (text: string, whole = false) => codeOf(() => numberOption('x', text, { min: 1, max: 4, whole }));
  for (const text of ['1', '4', '2.5', ' 3 ']) assert.is(await of(text), 'none', text);
  for (const text of ['0.999', '4.001', '', ' ', 'x', '1,5', 'NaN', 'Infinity']) assert.is(await of(text), 'RN740', text);
  for (const blank of ['', ' '])
    assert.is(await codeOf(() => numberOption('x', blank, { min: 0 })), 'RN740', 'nothing is not zero');
  assert.is(await of('2.5', true), 'RN740');
  assert.is(await of('2', true), 'none');
  assert.is(numberOption('x', undefined), undefined);
  assert.is(choiceOption('x', 'a', ['a', 'b']), 'a');
  assert.is(await codeOf(() => choiceOption('x', 'A', ['a', 'b'])), 'RN740');
});

test('options that a verb does not have are told; values, aliases and negations are none', () => {
  const args = {
    model: { type: 'positional' },
    hop: { type: 'string', alias: 'n' },
    maxAge: { type: 'string' },
    json: { type: 'boolean' },
  } as const;
  for (const [line, unknown] of [
    ['m --hop 3 --json', []],
    ['m --hop --bad', []],
    ['m --hop=3 --bad', ['--bad']],
    ['m -n 3 --max-age 4 --maxAge 5', []],
    ['m --no-json --no-hop', ['--no-hop']],
    ['m --bad=7 - x', ['--bad']],
    ['m -- --bad', []],
    ['m --json --bad', ['--bad']],
  ] as const)
    assert.equal(unknownOptions(line.split(' '), args), [...unknown], line);
});

test('rows of arrays: whole ones, of the type that is wanted, in the order of frames', async () => {
  const of = (length: number, perRow: number) => codeOf(() => splitRows({ data: new Int8Array(length), shape: [length] } as never, perRow, 'here')); // biome-ignore format: one line
  assert.equal([await of(12, 4), await of(12, 5), await of(0, 4), await of(3, 4)], ['none', 'RN743', 'RN743', 'RN743']);
  for (const [data, type, code] of [[new Float64Array(1), 'float32', 'none'], [new Int8Array(1), 'float32', 'RN744'], [new Uint8Array(1), 'int8', 'RN744'], [new Int16Array(1), 'int16', 'none'], [new Float64Array(1), 'int8', 'RN744']] as const) assert.is(await codeOf(() => asHost(data, type, 'here')), code, `${data.constructor.name} ${type}`); // biome-ignore format: a table
  const [port] = tinyManifest().inputs as [ReturnType<typeof tinyManifest>['inputs'][number]];
  const row = Int8Array.of(0, 1, 2, 10, 11, 12);
  assert.equal([...windowToFrames(row, { ...port, shape: [3, 1, 2], order: ['c', 't'] })], [0, 10, 1, 11, 2, 12]);
  assert.equal([...windowToFrames(row, { ...port, shape: [3, 1, 2], order: ['t', 'c'] })], [...row]);
});

const folder = mkdtempSync(join(tmpdir(), 'runlet-cli-rules-'));
test.after(() => rmSync(folder, { recursive: true }));

test('files are read up to their limit, to the byte, and folders not at all', async () => {
  const path = join(folder, 'five');
  writeFileSync(path, Uint8Array.of(1, 2, 3, 4, 5));
  assert.equal([...(await readBytes(path, 5))], [1, 2, 3, 4, 5]);
  assert.is(await codeOf(() => readBytes(path, 4)), 'RN724');
  assert.is(await codeOf(() => readBytes(join(folder, 'none'))), 'RN720');
  // what has no length of its own is read to the limit as well
  assert.is(await codeOf(() => readBytes('/dev/zero', 1 << 16)), 'RN724');
  assert.equal([...(await readNamed(path, 5))], [1, 2, 3, 4, 5]);
  for (const [named, limit] of [[path, 4], [folder, 5], ['/dev/zero', 5], ['/dev/null', 5]] as const) {
    const failed = await readNamed(named, limit).then(() => 'read', () => 'refused');
    assert.is(failed, 'refused', named);
  } // biome-ignore format: a table
});

test.run();
