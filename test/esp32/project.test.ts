/**
 * The ESP-IDF project's files agree with one another, with the page that explains them and with WAMR's
 * Kconfig. Needs no ESP-IDF.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { root } from '../shared.ts';
import { sourcesIn, textOf } from '../sources.ts';
import { absentTools, wamrSource } from '../wamr/runner.ts';

const project = 'host/mcu/esp32';
const file = (name: string): string => readFileSync(join(root, project, name), 'utf8');
const main = [
  'main.c',
  'model.c',
  'trust.c',
  'console.c',
  'receive.c',
  'microphone.c',
  'accelerometer.c',
  'inference.c',
  'heartbeat.c',
];
const defaults = ['sdkconfig.defaults', ...['esp32', 'esp32s3', 'esp32c3'].map((target) => `sdkconfig.defaults.${target}`)];

interface Partition {
  name: string;
  type: string;
  offset: number;
  size: number;
}
const partitions: Partition[] = file('partitions.csv')
  .split('\n')
  .filter((line) => line && !line.startsWith('#'))
  .map((line) => line.split(',').map((cell) => cell.trim()))
  .map(([name, type, , offset, size]) => ({ name, type, offset: Number(offset), size: Number(size) }) as Partition);

test('partitions.csv fits 4 MB without overlaps, at sector borders, with two slots of one size', () => {
  const sorted = [...partitions].sort((a, b) => a.offset - b.offset);
  assert.equal(partitions, sorted, 'in order');
  let end = 0x9000;
  for (const { name, type, offset, size } of sorted) {
    assert.ok(offset >= end, `${name} begins before the one before it ends`);
    assert.is(offset % (type === 'app' ? 0x10000 : 0x1000), 0, name);
    end = offset + size;
  }
  assert.ok(end <= 4 << 20, `${end}`);
  const slots = partitions.filter(({ name }) => /^model_\d$/.test(name));
  assert.equal(slots.map(({ name, size }) => [name, size]), [['model_0', slots[0]?.size], ['model_1', slots[0]?.size]]); // biome-ignore format: one line
  const page = textOf('docs/esp32.md');
  assert.ok(page.includes(`--partition-bytes ${slots[0]?.size}`), "the size of a slot in docs/esp32.md's commands");
  assert.ok(page.includes(`write-flash 0x${slots[0]?.offset.toString(16)} `), 'the offset of slot 0');
  assert.match(file('sdkconfig.defaults'), /^CONFIG_ESPTOOLPY_FLASHSIZE_4MB=y$/m);
});

test('idf_component.yml pins WAMR and libsodium exactly, and the page names those versions', () => {
  const [, version] = /espressif\/wasm-micro-runtime: "==([\d.]+(?:~\d+)?)"/.exec(file('main/idf_component.yml')) ?? [];
  assert.ok(version);
  assert.ok(textOf('docs/esp32.md').includes(`espressif/wasm-micro-runtime ${version}`));
  const [, libsodium] = /espressif\/libsodium: "==([\d.]+(?:~\d+)?)"/.exec(file('main/idf_component.yml')) ?? [];
  assert.ok(libsodium && textOf('docs/esp32.md').includes(`espressif/libsodium ${libsodium}`));
});

/** Returns the symbols that a Kconfig file defines. */
const symbolsOf = (kconfig: string): string[] =>
  [...kconfig.matchAll(/^\s*(?:menu)?config (\w+)|^\s*choice (\w+)/gm)].map(([, a, b]) => (a ?? b) as string);

test('every CONFIG_RUNLET_ symbol that is read is defined, and every defined one is read', () => {
  const defined = new Set(symbolsOf(file('main/Kconfig.projbuild')));
  const text = [...main.map((name) => file(`main/${name}`)), file('main/CMakeLists.txt')].join('\n');
  const read = new Set([...text.matchAll(/\bCONFIG_(RUNLET_\w+)/g)].map(([, name]) => name as string));
  assert.equal([...read].filter((name) => !defined.has(name)), []); // biome-ignore format: one line
  // a choice itself and its last option, which is the remaining case, are not read
  const left = ['RUNLET_SENSOR', 'RUNLET_SENSOR_MICROPHONE', 'RUNLET_ACC_RANGE', 'RUNLET_ACC_RANGE_16G'];
  assert.equal([...defined].filter((name) => !read.has(name)).sort(), left.sort());
});

test('every file of main is compiled or included, and compiled files exist', () => {
  const cmake = file('main/CMakeLists.txt');
  for (const name of main) assert.ok(cmake.includes(name), name);
  for (const [, name] of cmake.matchAll(/\$\{host\}\/([\w-]+\.c)/g)) assert.ok(existsSync(join(root, 'host/mcu', name as string)), name); // biome-ignore format: one line
  for (const own of readdirSync(join(root, 'host/mcu')).filter((name) => name.endsWith('.c')))
    assert.ok(cmake.includes(`\${host}/${own}`), own);
});

test('each setting is set once, and each group is explained', () => {
  for (const name of defaults) {
    const lines = file(name).split('\n').filter(Boolean);
    const set = lines.filter((line) => line.startsWith('CONFIG_')).map((line) => line.split('=')[0]);
    assert.equal(set, [...new Set(set)], name);
    assert.match(lines[0] as string, /^# /, name);
  }
});

const absent = absentTools();
if (absent) console.log(`skipped: ${absent}`);
(absent ? test.skip : test)("WAMR's settings in sdkconfig.defaults are those of its Kconfig", () => {
  const kconfig = readFileSync(join(wamrSource(), 'build-scripts/esp-idf/wamr/Kconfig'), 'utf8');
  const known = symbolsOf(kconfig);
  const set = [...file('sdkconfig.defaults').matchAll(/^CONFIG_(WAMR_\w+)=/gm)].map(([, name]) => name as string);
  assert.ok(set.length >= 10);
  assert.equal(set.filter((name) => !known.includes(name)), []); // biome-ignore format: one line
});

test('C files have a header comment and no line longer than 150', () => {
  assert.ok(sourcesIn('host').length > 0);
  for (const name of [...main, 'model.h', 'trust.h', 'console.h', 'receive.h', 'sensor.h', 'inference.h', 'heartbeat.h']) {
    const text = file(`main/${name}`);
    assert.match(text, /^\/\*[\s\S]{40,}?\*\//, name);
    assert.ok(
      text.split('\n').every((line) => line.length <= 150),
      name,
    );
  }
});

test.run();
