/**
 * examples/arduino and examples/zephyr: the model as C, in a sketch and in an application with a simulated
 * sensor, gives the answers of the bundle in Node.
 *
 * In: the zoo's recording demo-watch.csv, as registers of an MPU-6050 and as values of Zephyr's sensor
 * interface; one frame in the middle is lost. Out: printed lines, compared with a session over the same
 * values. Headers of Arduino and Zephyr are stand-ins (test/examples).
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { cores } from '../../host/bench/count.ts';
import { openSession, type Session } from '../../host/session/index.ts';
import { maxOf } from '../../models/lists.ts';
import { root } from '../shared.ts';
import { examples, installed, Workspace } from './workspace.ts';

const here = import.meta.dirname;
const work = new Workspace('arduino', 'zephyr');
const where = (...tools: string[]) => {
  const absent = tools.filter((tool) => !installed(tool));
  for (const tool of absent) console.log(`skipped: ${tool} is not installed`);
  return absent.length > 0 ? test.skip : test;
};

const frames = readFileSync(join(root, 'models/zoo/har/demo-watch.csv'), 'utf8')
  .trim()
  .split('\n')
  .slice(1)
  .map((line) => line.split(',').slice(1, 7).map(Number));
/** Index of the lost frame, in the middle of a hop. */
const lostAt = 1003;

let session: Session;
test.before(async () => {
  await work.make('arduino');
  session = await openSession(readFileSync(work.at('out/activity.wasm')));
});

/** Returns label and score of every output over real values. The session restarts after the lost frame. */
function expected(values: number[][]): { label: string; score: number }[] {
  const found: { label: string; score: number }[] = [];
  for (const part of [values.slice(0, lostAt), values.slice(lostAt + 1)]) {
    session.reset();
    session.pushAll(Float32Array.from(part.flat()), () => {
      const scores = [...session.output()];
      const score = maxOf(scores);
      found.push({ label: session.manifest.labels?.[scores.indexOf(score)] ?? '', score });
    });
  }
  return found;
}

/**
 * Compares printed lines with the expected ones. The sensor's rounding may change a score by a step of int8.
 */
function same(printed: string, wanted: ReturnType<typeof expected>, percent: boolean): void {
  const lines = printed.trim().split('\n');
  const answers = lines.filter((line) => !line.includes('lost'));
  assert.is(answers.length, wanted.length);
  assert.is(lines.length - answers.length, 1, 'one line says that a frame was lost');
  for (const [i, { label, score }] of wanted.entries()) {
    const [, name, value] = /^(.+) ([\d.]+)(?: %)?$/.exec(answers[i] as string) ?? [];
    assert.is(name, label, `output ${i}`);
    assert.ok(Math.abs(Number(value) / (percent ? 100 : 1) - score) < 0.02, `output ${i}: ${answers[i]} and ${score}`);
  }
  assert.ok(new Set(wanted.map(({ label }) => label)).size >= 4, 'the recording has most activities');
}

const sketch = () => work.at('examples/arduino/activity/activity.ino');
const ours = ['-Wall', '-Wextra', '-Werror', `-I${join(here, 'arduino')}`, '-Iout/activity/src', '-include', 'Arduino.h'];

where('gcc', 'g++')('Arduino: the sketch prints the answers of the bundle', () => {
  work.run('gcc', ['-std=c99', '-O2', '-c', 'out/activity/src/activity.c', '-o', 'activity.o']);
  const sanitize = ['-std=c++11', '-g', '-fsanitize=address,undefined', '-fno-sanitize-recover=all'];
  work.run('g++', [
    ...sanitize,
    ...ours,
    '-x',
    'c++',
    sketch(),
    join(here, 'arduino/main.cpp'),
    '-x',
    'none',
    'activity.o',
    '-o',
    'sketch',
  ]);
  const int16 = (x: number) => Math.max(-32768, Math.min(32767, Math.round(x)));
  const registers = frames.map((f) => f.map((x, i) => int16(x * (i < 3 ? 8192 : 65.5 * 250))));
  const lines = registers.map((r, i) => (i === lostAt ? 'lost' : [...r.slice(0, 3), 0, ...r.slice(3)].join(' ')));
  const printed = work.run(work.at('sketch'), [], `${lines.join('\n')}\n`);
  same(printed, expected(registers.map((r) => r.map((x, i) => x / (i < 3 ? 8192 : 65.5 * 250)))), false);
});

for (const core of ['m4', 'rv32'] as const) {
  const { compiler, flags, name } = cores[core];
  const machine = flags.filter((flag) => /^-m|^--specs=picolibc/.test(flag));
  where(compiler, compiler.replace(/gcc$/, 'g++'))(
    `Arduino and Zephyr: sketch, application and model can be compiled for ${name}`,
    () => {
      const target = [...machine, '-Os', '-Wall', '-Wextra', '-Werror', '-Iout/activity/src', '-c', '-o', 'target.o'];
      work.run(compiler, ['-std=c99', ...target, 'out/activity/src/activity.c']);
      work.run(compiler, ['-std=gnu11', ...target, `-I${join(here, 'zephyr')}`, 'examples/zephyr/src/main.c']);
      work.run(compiler.replace(/gcc$/, 'g++'), [...target, '-std=c++11', '-fno-exceptions', ...ours, '-x', 'c++', sketch()]);
    },
  );
}

where('cmake', 'gcc')('Zephyr: CMake builds application and module, which print the answers of the bundle', () => {
  work.run('cmake', ['-S', 'examples/zephyr', '-B', 'made', `-DZephyr_DIR=${join(here, 'zephyr')}`]);
  work.run('cmake', ['--build', 'made']);
  const units = (i: number) => (i < 3 ? 9.80665 : (250 * Math.PI) / 180);
  const lines = frames.map((f, i) => `${i === lostAt ? 'late ' : ''}${f.map((x, k) => (x * units(k)).toFixed(6)).join(' ')}`);
  same(work.run(work.at('made/app'), [], `${lines.join('\n')}\n`), expected(frames), true);
});

test('PlatformIO reads its project, and the library that it names exists', () => {
  const pio = process.env.RUNLET_ESPHOME && join(process.env.RUNLET_ESPHOME, '../pio');
  const ini = readFileSync(join(examples, 'arduino/platformio.ini'), 'utf8');
  const [, link] = /^lib_deps = activity=symlink:\/\/(\S+)$/m.exec(ini) ?? [];
  assert.match(readFileSync(work.at('examples/arduino', link ?? '', 'library.properties'), 'utf8'), /^name=activity$/m);
  if (!pio) return console.log('not asked: PlatformIO; pip install esphome==2026.6.5, and RUNLET_ESPHOME names its esphome');
  const { status, stdout, stderr } = spawnSync(pio, ['project', 'config', '-d', 'examples/arduino', '--json-output'], {
    cwd: work.path,
    encoding: 'utf8',
    env: { ...process.env, PLATFORMIO_CORE_DIR: work.at('pio') },
  });
  assert.is(status, 0, stderr);
  const sections = (JSON.parse(stdout) as [string, [string, unknown][]][]).map(([name]) => name);
  assert.equal(sections, ['platformio', 'env', 'env:esp32', 'env:nano33ble']);
});

test.run();
