/**
 * The files that `build --emit-c` writes next to the C, checked by their readers: CMake, Zephyr's functions,
 * YAML, Arduino's rules for libraries, and a C++ compiler for the sketch. Options without a meaning are
 * refused. Several models in one firmware do not clash.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Manifest } from '../../assembly/bundle/manifest.ts';
import { cName } from '../../assembly/c/build-c.ts';
import { floatText, labelsOf } from '../../assembly/c/header.ts';
import { runCli } from '../host/helpers.ts';
import { root } from '../shared.ts';
import { installed } from './run.ts';

const folder = mkdtempSync(join(tmpdir(), 'runlet-c-package-'));
const at = (...parts: string[]) => join(folder, ...parts);
test.after(() => rmSync(folder, { recursive: true }));
const build = (...args: string[]) => runCli(folder, ['build', 'q.onnx', '-o', 'q.wasm', ...args]);
const run = (command: string, ...args: string[]) => {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: folder, encoding: 'utf8' });
  assert.is(status, 0, `${command} ${args.join(' ')}\n${stdout}${stderr}`);
  return stdout + stderr;
};
const where = (tool: string) => (installed(tool) ? test : test.skip);
for (const tool of ['gcc', 'g++', 'cmake', 'python3']) if (!installed(tool)) console.log(`skipped: ${tool} is not installed`);

/** Labels with a letter beyond ASCII, an escape and a trigraph of C. */
const labels = ['größer', 'a "\\b"', 'what??=1'];

test.before(async () => {
  cpSync(join(root, 'test/fixtures/onnx/q-plain-s8.onnx'), at('q.onnx'));
  const named = await build('--target', 'native', '--emit-c', 'named', '--c-name', 'named', '--labels', labels.join());
  assert.is(named.code, 0, named.stderr);
  for (const name of ['one', 'two']) {
    const { code, stdout, stderr } = await build('--target', 'native', '--emit-c', name, '--c-name', name);
    assert.is(code, 0, stderr);
    assert.match(stdout, new RegExp(`^C +${name}/src/${name}\\.c: constants [\\d,]+ bytes of flash, [\\d,]+ bytes of RAM`, 'm'));
  }
});

test('options without a meaning are refused', async () => {
  for (const target of ['simd', 'interp', 'all']) {
    const { code, stderr } = await build('--target', target, '--emit-c', 'c');
    assert.is(code, 2);
    assert.match(stderr, /RN512 .*--target native/s);
  }
  assert.match((await build('--emit-c', 'c')).stderr, /RN512/);
  assert.match((await build('--target', 'native', '--c-name', 'x')).stderr, /RN740 .*a name only together with --emit-c/s);
  assert.match((await build('--target', 'native', '--emit-c', 'c', '--c-name', '2x')).stderr, /RN740 .*a letter first/s);
});

test("the detector's word names a single value, and labels that do not fit are omitted", () => {
  const of = (elements: number, more: Partial<Manifest>) => labelsOf({ outputs: [{ elements }], ...more } as unknown as Manifest);
  const word = { label: 'okay', cutoff: 0.5, slidingWindow: 1, refractoryMs: 0, output: 0 };
  assert.equal(of(1, { detector: word }), { output: 0, labels: ['okay'] });
  assert.equal(of(2, { detector: { ...word, label: 'a' }, labels: ['a', 'b'] }), { output: 0, labels: ['a', 'b'] });
  assert.is(of(3, { labels: ['a', 'b'] }), undefined);
  assert.is(of(3, {}), undefined);
});

test('names and floats are written as valid C', () => {
  assert.equal(['okay_nabu', 'ppg-hr', '3 x', '', 'Ä'].map(cName), ['okay_nabu', 'ppg_hr', 'model_3_x', 'model', 'model']);
  for (const x of [0.5, 1, 1e-7, 0.1, 3.4e38, 1 / 256]) assert.is(Math.fround(Number(floatText(x).slice(0, -1))), Math.fround(x));
  assert.is(floatText(1), '1.0f');
});

where('gcc')('two models in one program are in separate sections', () => {
  writeFileSync(
    at('both.c'),
    '#include "one.h"\n#include "two.h"\nint main(void) { one_reset(); two_reset(); return one_push(1) < 0 || two_push(1) < 0 || ONE_HOP != TWO_HOP; }\n',
  );
  const places = ['FLASH=model_flash', 'RAM=model_ram', 'CODE=model_code'].map((place) => {
    const [name, section] = place.split('=');
    return `-DRUNLET_${name}=__attribute__((section("${section}")))`;
  });
  const includes = ['-Ione/src', '-Itwo/src'];
  run(
    'gcc',
    '-std=c99',
    '-Wall',
    '-Wextra',
    '-Werror',
    ...includes,
    ...places,
    'both.c',
    'one/src/one.c',
    'two/src/two.c',
    '-o',
    'both',
  );
  run(at('both'));
  const sections = run('gcc', '-std=c99', '-O2', ...places, '-c', 'one/src/one.c', '-o', 'one.o') + run('objdump', '-h', 'one.o');
  for (const section of ['model_flash', 'model_ram', 'model_code']) assert.match(sections, section);
  const names = run('nm', '-g', 'one.o').match(/\S+$/gm) ?? [];
  assert.equal(names.sort(), ['one_input', 'one_output', 'one_push', 'one_reset', 'one_state']);
});

where('gcc')('labels are an array of strings in UTF-8', () => {
  const program =
    '#include <stdio.h>\n#include "named.h"\nint main(void) { for (int i = 0; i < NAMED_LABELS; i++) puts(named_labels[i]); }\n';
  writeFileSync(at('labels.c'), program);
  const strict = ['-std=c99', '-Wall', '-Wextra', '-Wpedantic', '-Werror'];
  run('gcc', ...strict, '-Inamed/src', 'labels.c', 'named/src/named.c', '-o', 'labels');
  assert.equal(run(at('labels')).trim().split('\n'), labels);
});

where('g++')('the sketch compiles as C++ after the lines that Arduino puts before it', () => {
  writeFileSync(
    at('Arduino.h'),
    'struct Port { void begin(long) {} template <class T> void print(T) {} template <class T> void println(T) {} };\nextern Port Serial;\nunsigned long micros();\n',
  );
  const strict = ['-std=c++11', '-Wall', '-Wextra', '-Werror', '-include', 'Arduino.h', '-I.'];
  for (const name of ['one', 'named']) {
    const sketch = readFileSync(at(`${name}/examples/${name}/${name}.ino`), 'utf8');
    assert.is(sketch.includes('named_labels[best]'), name === 'named');
    writeFileSync(at('sketch.cpp'), sketch);
    run('g++', ...strict, `-I${name}/src`, '-c', 'sketch.cpp', '-o', 'sketch.o');
  }
});

where('g++')("the gate's header takes a model in C++ too, as a sketch does", () => {
  const source =
    '#include "one.h"\n#include "runlet-gate.h"\nRUNLET_PLAIN_MODEL(one, ONE);\nstatic unsigned char kept[ONE_KEPT_BYTES];\n' +
    'int start(struct runlet_gated *g) { return runlet_gated_init(g, &one_model, ONE_PRE_ROLL, kept, sizeof kept); }\n';
  writeFileSync(at('gated.cpp'), source);
  const strict = ['-std=c++11', '-Wall', '-Wextra', '-Wpedantic', '-Werror'];
  run('g++', ...strict, '-Ione/src', `-I${join(root, 'host/mcu')}`, '-c', 'gated.cpp', '-o', 'gated.o');
});

test("library.properties follows Arduino's rules", () => {
  const lines = readFileSync(at('one/library.properties'), 'utf8').trim().split('\n');
  const fields = new Map(lines.map((line) => line.split(/=(.*)/).slice(0, 2) as [string, string]));
  for (const name of ['name', 'version', 'author', 'maintainer', 'sentence', 'paragraph', 'category', 'url', 'architectures'])
    assert.ok(fields.get(name), name);
  assert.match(fields.get('name') ?? '', /^[a-zA-Z0-9][\w .-]{0,62}$/);
  assert.match(fields.get('version') ?? '', /^\d+\.\d+\.\d+$/);
  assert.match(fields.get('url') ?? '', /^https:\/\//);
  assert.is(fields.get('includes'), 'one.h');
  const categories = ['Display', 'Communication', 'Signal Input/Output', 'Sensors', 'Device Control', 'Timing', 'Data Storage', 'Data Processing', 'Other']; // biome-ignore format: one line
  assert.ok(categories.includes(fields.get('category') ?? ''));
});

where('cmake')('CMake makes a static library, and Zephyr finds its module', () => {
  writeFileSync(at('CMakeLists.txt'), 'cmake_minimum_required(VERSION 3.13)\nproject(test C)\nadd_subdirectory(one)\n');
  run('cmake', '-S', '.', '-B', 'made');
  run('cmake', '--build', 'made');
  writeFileSync(
    at('zephyr.cmake'),
    `${['library_named', 'library_sources', 'include_directories'].map((fn) => `function(zephyr_${fn})\nmessage("${fn} \${ARGV}")\nendfunction()`).join('\n')}
set(CONFIG_RUNLET_ONE y)
include(one/zephyr/CMakeLists.txt)
include(two/zephyr/CMakeLists.txt)
`,
  );
  const said = run('cmake', '-P', 'zephyr.cmake');
  assert.match(said, /library_named one\s+library_sources \.\.\/src\/one\.c\s+include_directories \.\.\/src/);
  assert.not.match(said, /two/);
  assert.match(readFileSync(at('one/zephyr/Kconfig'), 'utf8'), /^config RUNLET_ONE\n\tbool ".+"\n\thelp\n\t {2}\S/);
});

where('python3')("Zephyr's module.yml is YAML", () => {
  const script =
    'import sys\ntry:\n import yaml\nexcept ImportError:\n sys.exit(print("no yaml"))\nprint(yaml.safe_load(open("one/zephyr/module.yml")))';
  assert.match(
    run('python3', '-c', script),
    /no yaml|\{'name': 'one', 'build': \{'cmake': 'zephyr', 'kconfig': 'zephyr\/Kconfig'\}\}/,
  );
});

test.run();
