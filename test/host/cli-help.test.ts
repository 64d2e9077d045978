/**
 * Help and tables at the width of a terminal, also a real one: no word is broken, and no line is too long.
 */
import { spawnSync } from 'node:child_process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { commandHelp, roadHelp, verbHelp } from '../../host/cli/help.ts';
import { loadVerb, road, verbs } from '../../host/cli/verbs.ts';
import { nearest } from '../../host/command/nearest.ts';
import { parse } from '../../host/command/parse.ts';
import { table } from '../../host/report/table.ts';
import { coloursFor } from '../../host/report/terminal.ts';
import { fitLines, wrap } from '../../host/report/wrap.ts';
import { root } from '../shared.ts';
import { codeOf } from './helpers.ts';

const colours = coloursFor({ isTTY: false });
const names = Object.keys(verbs);
const wordsOf = (text: string) => text.split(/\s+/).filter(Boolean);

test('at 80, 100 and 200 columns, no line of the help is longer and every word is whole', async () => {
  for (const columns of [80, 100, 200]) {
    const page = { columns, colours };
    const texts = [commandHelp('1.0.0', page), roadHelp(page)];
    for (const name of names) {
      const verb = await loadVerb(name);
      const lines = verbHelp(name, verb, page);
      texts.push(lines);
      const shown = new Set(wordsOf(lines.join('\n')));
      for (const [option, { about }] of Object.entries(verb.args))
        for (const word of wordsOf(about))
          assert.ok(
            [...shown].some((found) => found.startsWith(word)),
            `${name} --${option}, ${columns} columns: ${word}`,
          );
    }
    for (const lines of texts)
      for (const line of lines) assert.ok(line.length <= columns, `${columns} columns: ${line} (${line.length})`);
  }
});

test('every verb has examples that its own parser accepts', async () => {
  for (const name of names) {
    const { args, examples } = await loadVerb(name);
    assert.ok(examples.length > 0, name);
    for (const [line] of examples) {
      const [verb, ...words] = line.replace(/ >.*/, '').split(' ');
      assert.is(verb, name);
      // the files of an example do not exist
      assert.ok(['none', 'RN720'].includes(await codeOf(() => parse(name, words, args))), line);
    }
  }
  for (const [line] of road) assert.ok(names.includes(line.split(' ')[0] as string), line);
  assert.is(nearest('quantise', names), 'quantize');
});

/** Returns the lines on a terminal of 80 columns; undefined if `script` is not installed. */
function onTerminal(command: string): string[] | undefined {
  const shell = `stty cols 80; ${command}`;
  const { error, stdout } = spawnSync('script', ['-qec', shell, '/dev/null'], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
  });
  if (error) {
    console.log('  not run, no pseudo-terminal: apt install bsdutils');
    return undefined;
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape codes that clear a line
  return stdout.split(/\r?\n/).map((line) => line.replace(/.*\r/, '').replace(/\x1b\[[\d;]*[mK]/g, ''));
}

const bin = `'${process.execPath}' host/cli/bin.js`;

/** Checks that no word is broken: each occurs in the output without a width. A cut text ends in `…`. */
function compare(what: string, shown: string[], wide: string) {
  const all = new Set(wordsOf(wide));
  for (const line of shown) {
    assert.ok(line.length <= 80, `${what}: ${line} (${line.length})`);
    if (line.startsWith('not shown here:')) continue;
    for (const word of wordsOf(line)) assert.ok(all.has(word) || word.includes('…'), `${what}: ${word} in: ${line}`);
  }
}

test('on a terminal of 80 columns, help and plans fit and no word is broken', () => {
  const lists: string[][] = [
    ...names.map((name) => ['help', name]),
    ['plan', 'models/zoo/kws/kws.onnx', '--hop', '3', '--explain', '--rules'],
    ['plan', 'models/zoo/ppg-hr/ppg-hr.onnx', '--hop', '8', '--explain', '--rules'],
    ['plan', 'models/zoo/har/har.onnx', '--sweep', 'hop'],
    ['inspect', 'models/zoo/ppg-hr/ppg-hr.onnx'],
    ['plann'],
  ];
  const command = [process.execPath, '--import', 'tsx', 'test/host/verbs.ts', JSON.stringify(lists)];
  const shown = onTerminal(command.map((part) => `'${part}'`).join(' '));
  if (!shown) return;
  const env: NodeJS.ProcessEnv = { ...process.env, NO_COLOR: '1' };
  delete env.COLUMNS;
  const wide = spawnSync(command[0] as string, command.slice(1), { cwd: root, encoding: 'utf8', env });
  assert.ok(shown.length > 300, `${shown.length} lines`);
  // help has 80 columns unless the environment says otherwise
  compare('all', shown, wide.stdout + wide.stderr);
  assert.ok(
    shown.some((line) => line.startsWith('not shown here:')),
    'a plan has more columns than fit',
  );
  assert.ok(
    shown.some((line) => /^conv#2 /.test(line)),
    'layers have short names',
  );
});

test('runlet without arguments shows the usual steps and not all verbs', () => {
  const shown = onTerminal(bin);
  if (!shown) return;
  const text = shown.join('\n');
  for (const verb of ['make', 'run', 'page', 'build']) assert.match(text, `runlet ${verb} `);
  for (const verb of ['keygen', 'rollback', 'golden']) assert.not.match(text, verb);
});

test('a narrow table drops and names columns, then cuts texts, and keeps numbers whole', () => {
  const rows = [
    ['first/second/third/conv', 1_234_567, 'a text with several words in it', 8],
    ['b', 2, 'short', 9],
  ];
  const head = ['layer', 'work', 'why', 'delay'];
  const of = (columns?: number) => table(rows, { head, spare: ['delay'], ...(columns && { columns }) }).split('\n');
  assert.is(of(1000).length, 3);
  for (const columns of [40, 50, 60, 66]) {
    const lines = of(columns);
    for (const line of lines) assert.ok(line.length <= columns, `${columns}: ${line}`);
    assert.match(lines.join('\n'), '1,234,567');
    assert.is(lines.at(-1), 'not shown here: delay');
  }
  assert.match(of(50).join('\n'), '…');
  assert.match(of(40)[1] as string, /^….*conv /, 'of a name the end is kept');
  const many = Array.from({ length: 30 }, (_, i) => i + 1000);
  const lines = table([many], { head: many.map((n) => `c${n}`), columns: 60 }).split('\n');
  for (const line of lines) assert.ok(line.length <= 60, line);
  assert.match(lines.join('\n'), 'not shown here: c1');
});

test('lines are broken between words and indented under the text after a label, and JSON is unchanged', () => {
  assert.is(wrap('aa bb cc', 5), 'aa bb\ncc');
  assert.is(wrap('aaaaaaaa b', 5), 'aaaaaaaa\nb');
  assert.is(fitLines('mode        one two three four', 22), 'mode        one two\n            three four');
  assert.is(fitLines('R2  note    one two three four', 22), 'R2  note    one two\n            three four');
  assert.is(fitLines('  why   one two three four', 18), '  why   one two\n        three four');
  assert.is(fitLines('{"a": "one two three four"}', 10), '{"a": "one two three four"}');
  assert.is(fitLines('one\ntwo\n', 10), 'one\ntwo\n');
});

test.run();
