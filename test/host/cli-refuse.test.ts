/** Every verb refuses a wrong command line by its declared options, before a file is opened. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { loadVerb, verbs } from '../../host/cli/verbs.ts';
import { kebab } from '../../host/command/args.ts';
import type { Option, Options } from '../../host/command/options.ts';
import { parse } from '../../host/command/parse.ts';
import { codeOf, runCli } from './helpers.ts';

const folder = mkdtempSync(join(tmpdir(), 'runlet-refuse-'));
test.after(() => rmSync(folder, { recursive: true }));
const file = join(folder, 'file');
writeFileSync(file, 'text');

/** Returns a value that the option accepts; for a path, a file that exists or can be written. */
function valueFor({ words, path, read }: Option): string {
  if (words) return words[0] as string;
  if (path) return join(folder, 'file');
  for (const value of ['1', 'text', '0.5', '100'])
    try {
      read?.(value, 'x');
      return value;
    } catch {}
  throw new Error('no value fits');
}

/** Returns the shortest command line that the verb accepts, with arguments before options. */
const lineOf = (options: Options): string[] => [
  ...Object.values(options).flatMap((option) => (option.place && option.required ? [valueFor(option)] : [])),
  ...Object.entries(options).flatMap(([name, option]) =>
    !option.place && option.required ? [`--${kebab(name)}`, valueFor(option)] : [],
  ),
];

for (const verb of Object.keys(verbs))
  test(`${verb} refuses unknown options, surplus arguments, folders, wrong numbers and wrong words`, async () => {
    const { args } = await loadVerb(verb);
    const base = lineOf(args);
    const of = (...more: string[]) => codeOf(() => parse(verb, [...base, ...more], args));
    assert.is(await of(), 'none', base.join(' '));
    assert.is(await of('--odd'), 'RN741');
    assert.is(await of('-Z'), 'RN741');
    const positions = Object.values(args).filter(({ place }) => place);
    const open = positions.some(({ place, required }) => place === 'rest' || !required);
    if (!open) assert.is(await of('more'), 'RN741');
    if (base.length > 0) assert.is(await codeOf(() => parse(verb, [], args)), 'RN754');
    let checked = 0;
    for (const [name, option] of Object.entries(args) as [string, Option][]) {
      const { place, words, path, read, check } = option;
      if (place || !read) continue;
      const given = `--${kebab(name)}`;
      checked++;
      assert.is(await of(`${given}=`), 'RN740', `${verb} ${given}: nothing`);
      if (words) assert.is(await of(given, 'no-such-word'), 'RN740', `${verb} ${given}`);
      else if (path && check && /folder/.test(option.hint ?? '')) assert.is(await of(given, file), 'RN753', `${verb} ${given}`);
      else if (path && check) assert.is(await of(given, folder), 'RN753', `${verb} ${given}`);
      else if (/^n$|Hz|ms|bytes/.test(option.hint ?? '')) assert.is(await of(given, 'many'), 'RN740', `${verb} ${given}`);
    }
    for (const { place, path, check, words } of positions) {
      if (place === 'one' && words) assert.is(await codeOf(() => parse(verb, ['no-such-word'], args)), 'RN740');
      if (!path || !check) continue;
      const wrong = base.map((value) => (value === file ? folder : value));
      assert.is(await codeOf(() => parse(verb, wrong, args)), 'RN753', `${verb}: a folder`);
    }
    assert.is(checked, Object.values(args).filter(({ place, read }) => !place && read).length);
  });

test('the whole command line is checked before a file is opened, so an idle pipe does not block an error', async () => {
  const pipe = join(folder, 'pipe');
  if (spawnSync('mkfifo', [pipe]).status !== 0) return console.log('  not run, no mkfifo');
  for (const [line, code] of [
    [['plan', pipe, '--hop', 'x'], 'RN740'],
    [['plan', pipe, '--hopp', '3'], 'RN741'],
    [['build', pipe, '--target', 'esp'], 'RN740'],
    [['quantize', pipe, '--calib', folder], 'RN753'],
    [['run', pipe, join(folder, 'none')], 'RN720'],
  ] as const) {
    const { stderr, code: exit } = await runCli(folder, line);
    assert.match(stderr, code, line.join(' '));
    assert.is(exit, code === 'RN720' ? 4 : 2, line.join(' '));
  }
});

test.run();
