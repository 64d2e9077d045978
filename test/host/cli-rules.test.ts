/** What all verbs share, without a process: exit codes, options, rows of arrays, limits of file sizes. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { asHost, splitRows, windowToFrames } from '../../host/cli/rows.ts';
import { exitCodeOf } from '../../host/command/args.ts';
import { distance, nearest } from '../../host/command/nearest.ts';
import {
  argument,
  choice,
  flag,
  folder as folderOf,
  input,
  list,
  number,
  type Option,
  type Options,
  onOff,
  output,
  signals,
  text,
} from '../../host/command/options.ts';
import { parse } from '../../host/command/parse.ts';
import { readBytes, readNamed } from '../../host/command/read-file.ts';
import { RunletError } from '../../models/error.ts';
import { codeOf } from './helpers.ts';
import { tinyManifest } from './tiny-bundle.ts';

const folder = mkdtempSync(join(tmpdir(), 'runlet-cli-rules-'));
test.after(() => rmSync(folder, { recursive: true }));

test('the exit code is 1 for a failed check, 2 for usage, 3 for unsupported models, 4 for input and output', () => {
  const of = (code: string) => exitCodeOf(new RunletError(code as ConstructorParameters<typeof RunletError>[0], { what: '' }));
  for (const [code, exit] of [['RN101', 3], ['RN201', 3], ['RN302', 3], ['RN410', 1], ['RN435', 2], ['RN506', 2], ['RN501', 1], ['RN608', 1], ['RN610', 1], ['RN611', 4], ['RN720', 4], ['RN740', 2], ['RN814', 4], ['RN815', 1], ['RN840', 1], ['RN841', 4], ['RN895', 2]] as const) assert.is(of(code), exit, code); // biome-ignore format: a table
  assert.is(exitCodeOf(new Error('a bug')), 1);
  assert.is(exitCodeOf(Object.assign(new Error(''), { syscall: 'open' })), 4);
});

/** Returns the values of a line, or the code of its refusal. */
const parsed = async (line: string, options: Options = declared) => {
  let args: Record<string, unknown> = {};
  const code = await codeOf(() => {
    args = parse('verb', line.split(' ').filter(Boolean), options).args;
  });
  return code === 'none' ? args : code;
};

const declared = {
  model: argument(text('a model')),
  hop: number('frames', { min: 1, max: 4, short: 'n' }),
  maxAge: number('whole', { min: 0, whole: true }),
  mode: choice('a mode', ['fast', 'good'], { default: 'good' }),
  only: list('names'),
  equalise: onOff('scales'),
  json: flag('as JSON'),
};

test('an option accepts both limits of its range and nothing beyond, and no fraction if it wants an integer', async () => {
  const of = async (name: string, value: string) => {
    const { args } = parse('verb', ['m', `--${name}=${value}`], declared);
    return args;
  };
  for (const value of ['1', '4', '2.5', ' 3 ']) assert.is((await of('hop', value)).hop, Number(value));
  for (const value of ['0.999', '4.001', '', ' ', 'x', '1,5', 'NaN', 'Infinity'])
    assert.is(await codeOf(() => of('hop', value)), 'RN740', value);
  for (const value of ['', ' ', '2.5', '-1', '1e400']) assert.is(await codeOf(() => of('max-age', value)), 'RN740', value);
  assert.is((await of('max-age', '1e3')).maxAge, 1000);
  assert.is((await of('mode', 'fast')).mode, 'fast');
  for (const value of ['Fast', '', 'fast,good']) assert.is(await codeOf(() => of('mode', value)), 'RN740', value);
  assert.equal((await of('only', 'a, b')).only, ['a', 'b']);
  assert.equal((await of('only', '--json')).only, ['--json'], 'behind = stands a value, whatever it looks like');
  assert.is(await parsed('m --only --json'), 'RN740');
  assert.is(await codeOf(() => of('only', 'a,,b')), 'RN740');
  assert.equal([(await of('equalise', 'on')).equalise, (await of('equalise', 'off')).equalise], [true, false]);
  assert.is(await codeOf(() => of('equalise', 'toString')), 'RN740');
});

test('a line has values, short and camel-case names, negations and an end of options; anything else is refused', async () => {
  const base = {
    model: 'm',
    hop: undefined,
    maxAge: undefined,
    mode: 'good',
    only: undefined,
    equalise: undefined,
    json: undefined,
  };
  for (const [line, said] of [
    ['m', {}],
    ['m --hop 3 --json', { hop: 3, json: true }],
    ['m -n 3 --max-age 4 --maxAge 5', { hop: 3, maxAge: 5 }],
    ['m --json=false', { json: false }],
    ['m --json --no-json', { json: false }],
    ['--hop 2 -- --odd', { hop: 2, model: '--odd' }],
    ['- --hop 2', { hop: 2, model: '-' }],
  ] as const)
    assert.equal(await parsed(line), { ...base, ...said }, line);
  for (const [line, code] of [
    ['m --bad', 'RN741'],
    ['m --bad=7', 'RN741'],
    ['m -x', 'RN741'],
    ['m --no-hop', 'RN741'],
    ['m more', 'RN741'],
    ['m --hop', 'RN740'],
    ['m --hop --json', 'RN740'],
    ['m --json=7', 'RN740'],
    ['', 'RN754'],
    // the whole line is checked: an unknown option is reported before an invalid value
    ['--hop 9 --bad', 'RN741'],
    ['--hop 9', 'RN740'],
  ] as const)
    assert.is(await parsed(line), code, line);
  assert.equal([...parse('verb', ['m', '-n', '3'], declared).given].sort(), ['hop', 'model']);
});

test('folders, missing files and impossible outputs are refused, and nothing is read', async () => {
  const at = (name: string) => join(folder, name);
  writeFileSync(at('five'), '12345');
  mkdirSync(at('saved'), { recursive: true });
  writeFileSync(at('saved/saved_model.pb'), '');
  const of = (option: Option<string | undefined>, path: string) =>
    codeOf(() => parse('verb', [path], { path: argument(option) }));
  const file = input('read', {}, /^preset$/);
  for (const [option, path, code] of [
    [file, at('five'), 'none'],
    [file, 'preset', 'none'],
    [file, at('none'), 'RN720'],
    [file, folder, 'RN753'],
    [file, '/dev/null', 'none'],
    [signals('signals'), `${at('five')},gen:sine?freq=2,-,x=${at('five')},y=gen:ecg`, 'none'],
    [signals('signals'), `gen:sine,${at('none')}`, 'RN720'],
    [signals('signals'), folder, 'RN753'],
    [output('written'), at('new/deep/file'), 'none'],
    [output('written'), folder, 'RN753'],
    [output('written'), `${at('new')}/`, 'RN753'],
    [output('written'), at('five/file'), 'RN753'],
    [folderOf('into'), at('new'), 'none'],
    [folderOf('into'), at('five'), 'RN753'],
  ] as const)
    assert.is(await of(option, path), code, `${option.about} ${path}`);
  const saved = (() => {
    try {
      parse('verb', [at('saved')], { path: argument(file) });
    } catch (error) {
      return (error as RunletError).parts.tryThis;
    }
    return undefined;
  })();
  assert.match(String(saved), 'from_saved_model');
});

test('the nearest word differs by a letter or two or is completed, and a distant one is not suggested', () => {
  const words = ['quantize', 'plan', 'run', 'validate', 'sign', 'status'];
  for (const [word, meant] of [
    ['quantise', 'quantize'],
    ['paln', 'plan'],
    ['rnu', 'run'],
    ['valid', 'validate'],
    ['pla', 'plan'],
    ['xyz', undefined],
    ['', undefined],
    ['a'.repeat(100), undefined],
  ] as const)
    assert.is(nearest(word, words), meant, word);
  assert.equal([distance('', 'abc'), distance('ab', 'ba'), distance('abc', 'abd'), distance('same', 'same')], [3, 1, 1, 0]);
});

test('rows of arrays are whole, of the wanted type and in the order of frames', async () => {
  const of = (length: number, perRow: number) => codeOf(() => splitRows({ data: new Int8Array(length), shape: [length] } as never, perRow, 'here')); // biome-ignore format: one line
  assert.equal([await of(12, 4), await of(12, 5), await of(0, 4), await of(3, 4)], ['none', 'RN743', 'RN743', 'RN743']);
  for (const [data, type, code] of [[new Float64Array(1), 'float32', 'none'], [new Int8Array(1), 'float32', 'RN744'], [new Uint8Array(1), 'int8', 'RN744'], [new Int16Array(1), 'int16', 'none'], [new Float64Array(1), 'int8', 'RN744']] as const) assert.is(await codeOf(() => asHost(data, type, 'here')), code, `${data.constructor.name} ${type}`); // biome-ignore format: a table
  const [port] = tinyManifest().inputs as [ReturnType<typeof tinyManifest>['inputs'][number]];
  const row = Int8Array.of(0, 1, 2, 10, 11, 12);
  assert.equal([...windowToFrames(row, { ...port, shape: [3, 1, 2], order: ['c', 't'] })], [0, 10, 1, 11, 2, 12]);
  assert.equal([...windowToFrames(row, { ...port, shape: [3, 1, 2], order: ['t', 'c'] })], [...row]);
});

test('a file is read up to an exact limit, and a folder is refused', async () => {
  const path = join(folder, 'five');
  writeFileSync(path, Uint8Array.of(1, 2, 3, 4, 5));
  assert.equal([...(await readBytes(path, 5))], [1, 2, 3, 4, 5]);
  assert.is(await codeOf(() => readBytes(path, 4)), 'RN724');
  assert.is(await codeOf(() => readBytes(join(folder, 'none'))), 'RN720');
  // a device without a length is also read up to the limit
  assert.is(await codeOf(() => readBytes('/dev/zero', 1 << 16)), 'RN724');
  assert.equal([...(await readNamed(path, 5))], [1, 2, 3, 4, 5]);
  for (const [named, limit] of [[path, 4], [folder, 5], ['/dev/zero', 5], ['/dev/null', 5]] as const) {
    const failed = await readNamed(named, limit).then(() => 'read', () => 'refused');
    assert.is(failed, 'refused', named);
  } // biome-ignore format: a table
});

test.run();
