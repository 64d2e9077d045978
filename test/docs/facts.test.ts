/**
 * Facts that pages repeat from the code: names of functions, fields of the manifest, command-line options.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { commandLinePage, verbs } from '../../scripts/docs/command-line.ts';
import { figures } from '../../scripts/docs/figures.ts';
import { root } from '../shared.ts';
import { allFiles, textOf } from '../sources.ts';

/**
 * Returns the names that a source file declares: functions, constants, classes, interfaces, types, and
 * members of classes and objects.
 */
function namesIn(file: string): Set<string> {
  const names = new Set<string>();
  const source = ts.createSourceFile(file, textOf(file), ts.ScriptTarget.Latest, false);
  const visit = (node: ts.Node): void => {
    const { name } = node as ts.Node & { name?: ts.Node };
    if (name && ts.isIdentifier(name)) names.add(name.text);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return names;
}

test('editors have the indentation and the line length of the formatters', () => {
  const { formatter } = JSON.parse(textOf('biome.json')) as { formatter: Record<string, string | number> };
  const { printWidth } = JSON.parse(textOf('.prettierrc.json')) as { printWidth: number };
  const lines = textOf('.editorconfig').split('\n');
  for (const line of [`indent_style = ${formatter.indentStyle}`, `indent_size = ${formatter.indentWidth}`])
    assert.ok(lines.includes(line), line);
  assert.equal(
    lines.filter((line) => line.startsWith('max_line_length')),
    [`max_line_length = ${formatter.lineWidth}`],
  );
  assert.is(printWidth, formatter.lineWidth);
});

test('README can be read in a few minutes', () => {
  const page = textOf('README.md');
  const lines = page.trimEnd().split('\n').length;
  const words = page.split(/\s+/).filter(Boolean).length;
  assert.ok(lines <= 150 && words <= 1300, `${lines} lines of at most 150, ${words} words of at most 1,300`);
});

/** Names in the tour that are no function of one file: folders, modes, and a table that two readers have. */
const words = ['models', 'quant', 'assembly', 'host', 'build', 'lowerings'];

test('the tour of the code names existing files, and functions that are in them', () => {
  const tour = textOf('docs/tour.md').replace(/\s+/g, ' ');
  const found = new Set<string>();
  // "`planStream` in [models/stream/plan.ts](…)"; several names are separated by commas
  for (const [, listed, file] of tour.matchAll(/((?:`\w+`(?:, | and )?)+) (?:in|of) \[([\w./-]+\.ts)\]/g)) {
    assert.ok(allFiles.includes(file as string), file);
    const declared = namesIn(file as string);
    for (const [, name] of (listed as string).matchAll(/`(\w+)`/g)) {
      found.add(name as string);
      assert.ok(declared.has(name as string), `${file} declares no ${name}`);
    }
  }
  assert.ok(found.size >= 50, `${found.size} names`);
  // the tour never names a function without its file
  const named = [...tour.matchAll(/`([a-z]\w*)`/g)].map(([, name]) => name as string);
  assert.equal(
    named.filter((name) => !found.has(name) && !words.includes(name)),
    [],
  );
  for (const [, path] of tour.matchAll(/\[((?:models|quant|assembly|host)\/[\w./-]*)\]/g))
    assert.ok(existsSync(join(root, path as string)), path);
});

test('docs/manifest.md has the fields of the manifest, and no others', () => {
  const text = ['manifest', 'provenance'].map((name) => textOf(`assembly/bundle/${name}.ts`)).join('\n');
  const source = ts.createSourceFile('m.ts', text, ts.ScriptTarget.Latest, false);
  const fields: string[] = [];
  ts.forEachChild(source, (node) => {
    if (!ts.isInterfaceDeclaration(node)) return;
    for (const member of node.members)
      if (member.name && ts.isIdentifier(member.name)) fields.push(`${node.name.text}.${member.name.text}`);
  });
  const listed: string[] = [];
  let section = '';
  for (const line of textOf('docs/manifest.md').split('\n')) {
    section = /^## .*`(\w+)`/.exec(line)?.[1] ?? section;
    const [, name] = /^\| `(\w+)` \|/.exec(line) ?? [];
    if (name) listed.push(`${section}.${name}`);
  }
  assert.equal(listed.sort(), fields.sort());
});

test('the page "Command line" has every verb with its options', async () => {
  const page = await commandLinePage();
  const all = await verbs();
  assert.ok(all.length > 15, `${all.length} verbs`);
  for (const { name, about, args } of all) {
    assert.ok(page.includes(`\n## ${name}\n\n${about.slice(0, 10)}`), `${name} has a section`);
    assert.ok(Object.keys(args).length > 0, `${name} has options`);
  }
  for (const option of ['--calib ', '--hop ', '--json`', '-o, --output']) assert.ok(page.includes(`\`${option}`), option);
});

test('the pictures of streaming are those that scripts/docs/figures.ts draws', () => {
  for (const [name, svg] of Object.entries(figures()))
    assert.ok(
      readFileSync(join(root, 'docs/images', name), 'utf8') === svg,
      `stale: docs/images/${name}; run npm run figure:docs`,
    );
  const drawn = readdirSync(join(root, 'docs/images')).filter((name) => name.startsWith('streaming-'));
  assert.equal(drawn.sort(), Object.keys(figures()).sort());
});

test.run();
