/**
 * runlet fit --choose: of sizes of one model the most accurate that fits, for every board and for rates at
 * which all, some and none of the sizes fit; the report, and what is refused.
 *
 * The expected choice is computed here: what boards have from the data sheets, what sizes need from the
 * estimate, and a rule written out as a loop.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Bundle, build } from '../../assembly/build.ts';
import { openInt8, readFloat, toInt8, zooArray } from '../../host/demo/zoo.ts';
import { boards } from '../../host/fit/boards.ts';
import { countHops } from '../../host/fit/counts.ts';
import { estimate } from '../../host/fit/estimate.ts';
import { manifestFields } from '../../host/model-fields.ts';
import { type Graph, noClamp } from '../../models/graph/types.ts';
import { planStream } from '../../models/stream/plan.ts';
import { quantPlan } from '../../quant/plan.ts';
import { Maker } from '../property/random-network.ts';
import { root } from '../shared.ts';

const folder = mkdtempSync(join(tmpdir(), 'runlet-choose-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));

const hop = 12;

/** A network of this many channels: two convolutions, a mean and a dense layer of `classes` units. */
function network(channels: number, classes = 3): Graph {
  const m = new Maker(channels);
  const same = { strideT: 1, strideF: 1, dilationT: 1, dilationF: 1, kernelF: 1, padF: [0, 0] as const, groups: 1 };
  let x = m.b.input('x', { t: 48, f: 1, c: 2 }, { quant: m.quant(0.05), hostType: 'int8' });
  for (const name of ['first', 'second']) {
    const { c } = m.b.shape(x);
    const { quant, ...mac } = m.mac(x, 3 * c, channels, channels * 3 * c);
    const attrs = { ...same, kernelT: 3, padT: [0, 0] as const, outChannels: channels, clamp: noClamp, ...mac };
    x = m.b.node('conv', [x], attrs, name, quant);
  }
  x = m.b.node('globalavg', [x], { overF: true, rule: 'mean' as const, clamp: noClamp }, 'mean', m.quantOf(x));
  const { quant, ...mac } = m.mac(x, channels, classes, classes * channels);
  m.b.output(m.b.node('dense', [x], { units: classes, clamp: noClamp, ...mac }, 'dense', quant), 'y', { hostType: 'int8' });
  return m.b.build();
}

const built = (channels: number, options: object = {}, classes?: number): Promise<Bundle> =>
  build(quantPlan(planStream(network(channels, classes), { hop })), { target: 'native', ...options });

function write(name: string, { wasm }: Bundle): string {
  writeFileSync(join(folder, name), wasm);
  return name;
}

/** Runs several command lines in one process. @returns what each printed, and all messages. */
function runAll(lines: readonly string[][]): { printed: string[]; errors: string[] } {
  const args = [
    '--import',
    join(root, 'node_modules/tsx/dist/loader.mjs'),
    join(root, 'test/host/verbs.ts'),
    JSON.stringify(lines),
  ];
  const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8', maxBuffer: 1 << 26 });
  const parts = (text: string) => text.split(/\n== \w+\n/).slice(0, -1);
  return { printed: parts(stdout), errors: parts(stderr) };
}

/** Flash and RAM that a model may have on each board, in KB of 1,024 bytes: docs/fit.md. */
const free: Record<string, { flash: number; ram: number }> = {
  esp32: { flash: 4096 - 512, ram: 320 - 96 },
  esp32s3: { flash: 8192 - 512, ram: 416 - 96 },
  esp32c3: { flash: 4096 - 512, ram: 384 - 96 },
  nrf52840: { flash: 1024 - 128, ram: 256 - 32 },
  rp2040: { flash: 2048 - 128, ram: 264 - 32 },
  stm32l4: { flash: 1024 - 64, ram: 128 - 16 },
};

interface Row {
  file: string;
  accuracy: number;
  flash: number;
  ram: number;
  ms: number;
}

/** What each size needs on a board, by the estimate of `runlet fit`. */
async function rowsOn(board: string, sizes: readonly { file: string; accuracy: number; bundle: Bundle }[]): Promise<Row[]> {
  const rows: Row[] = [];
  for (const { file, accuracy, bundle } of sizes) {
    const { wasm, manifest } = bundle;
    const subject = { wasm, manifest, counts: await countHops(bundle), apart: 0 };
    const { flash, ram, ms } = estimate(subject, boards[board] as (typeof boards)[string], 'c');
    rows.push({ file, accuracy, flash: flash.needs, ram: ram.needs, ms: ms.worst });
  }
  return rows;
}

/** The rule, written out: of the rows that fit, the highest accuracy; of equal ones the shortest time. */
function bestOf(rows: readonly Row[], board: string, limitMs: number): string | null {
  const has = free[board] as { flash: number; ram: number };
  let best: Row | undefined;
  for (const row of rows) {
    if (row.flash > 1024 * has.flash || row.ram > 1024 * has.ram || row.ms > limitMs) continue;
    if (!best || row.accuracy > best.accuracy || (row.accuracy === best.accuracy && row.ms < best.ms)) best = row;
  }
  return best?.file ?? null;
}

interface Wanted {
  board: string;
  rate: number;
  best: string | null;
}

/** Computes the choices by hand for every board and rates between the times of two sizes, and compares. */
async function checkChoices(sizes: readonly { file: string; accuracy: number; bundle: Bundle }[]): Promise<Wanted[]> {
  assert.equal(Object.keys(free), Object.keys(boards));
  const hop = sizes[0]?.bundle.manifest.hop ?? 1;
  const wanted: Wanted[] = [];
  for (const board of Object.keys(boards)) {
    const rows = await rowsOn(board, sizes);
    const times = rows.map(({ ms }) => ms).sort((a, b) => a - b);
    // limits between the times of two sizes, and beyond both ends
    const limits = [(times[0] as number) / 2, ...times.map((ms, i) => Math.sqrt(ms * (times[i + 1] ?? 4 * ms)))];
    for (const limit of limits) {
      const rate = Number(((1000 * hop) / limit).toPrecision(6));
      wanted.push({ board, rate, best: bestOf(rows, board, (1000 * hop) / rate) });
    }
  }
  const files = sizes.map(({ file }) => file);
  const { printed } = runAll(
    wanted.map(({ board, rate }) => ['fit', ...files, '--choose', board, '--rate', String(rate), '--no-measure', '--json']),
  );
  for (const [i, { board, rate, best }] of wanted.entries()) {
    const { chosen, sizes: shown, advice } = JSON.parse(printed[i] as string);
    assert.is(chosen, best, `${board} at ${rate} Hz`);
    assert.is(shown.length, files.length);
    assert.is(advice.length > 0, best === null, 'advice only if none fits');
  }
  return wanted;
}

/** Names of all choices, in order. */
const picked = (wanted: readonly Wanted[]): string[] => [...new Set(wanted.map(({ best }) => String(best)))].sort();

test('on every board and at every rate the choice is that of a table computed by hand', async () => {
  // the largest has more weights than an STM32L476 has RAM; those of 20 and 24 channels are equally accurate
  const stated = [
    [6, 80],
    [24, 90],
    [20, 90],
    [210, 95.5],
  ] as const;
  const sizes = [];
  for (const [channels, accuracy] of stated) {
    const bundle = await built(channels, { accuracy });
    sizes.push({ file: write(`c${channels}.wasm`, bundle), accuracy, bundle });
  }
  const wanted = await checkChoices(sizes);
  assert.equal(picked(wanted), ['c20.wasm', 'c210.wasm', 'c6.wasm', 'null'], 'each size wins somewhere, and none');
  const slowest = wanted.filter(({ board }) => board === 'stm32l4').at(-1);
  assert.is(slowest?.best, 'c20.wasm', 'the largest lacks RAM there');
});

/** Models of the zoo in three sizes, with the accuracies of their cards; har-watch.onnx states none. */
const zooSizes = [
  { model: 'har', name: 'har-watch', calibration: 'calib-watch.npy', hop: 8, accuracies: [92.91, 92.47, 91.48] },
  { model: 'kws', name: 'kws', calibration: 'calib.npy', hop: 2, accuracies: [92.72, 88.44, 84.16] },
] as const;

for (const { model, name, calibration, hop, accuracies } of zooSizes)
  test(`the sizes of ${name}, with the accuracies that their files state`, async () => {
    const names = ['', '-small', '-tiny'].map((size) => `${name}${size}`);
    const sizes = [];
    for (const one of names) {
      const graph = await readFloat(model, `${one}.onnx`);
      const { accuracy = accuracies[0], labels, sampleRateHz } = manifestFields(graph);
      const int8 = toInt8(graph, hop, zooArray(model, calibration).data as Float32Array);
      const { bundle } = await openInt8(int8, { hop }, { target: 'native', accuracy, labels, sampleRateHz });
      sizes.push({ file: write(`${one}.wasm`, bundle), accuracy, bundle });
    }
    assert.equal(
      sizes.map(({ accuracy }) => accuracy),
      [...accuracies],
    );
    const wanted = await checkChoices(sizes);
    assert.equal(picked(wanted), [...names.map((one) => `${one}.wasm`), 'null'].sort());
  });

test('the report shows all sizes, marks the chosen one and says what the others lack, in 80 columns', async () => {
  for (const channels of [6, 210]) write(`c${channels}.wasm`, await built(channels));
  const fit = (...more: string[]) => ['fit', 'c6.wasm', 'c210.wasm', '--accuracy', '80,95.5', '--no-measure', ...more];
  const { printed } = runAll([fit('--choose', 'stm32l4', '--rate', '20'), fit('--choose', 'rp2040', '--rate', '1e7')]);
  const [some = '', none = ''] = printed;
  assert.match(some, /c6\.wasm, the most accurate of 2 sizes that fits/);
  assert.match(some, /^\* +c6\.wasm +80 % .* fits$/m);
  assert.match(some, /^ +c210\.wasm +95\.5 % .* RAM \+[\d.]+ KB$/m);
  assert.match(none, /none of 2 sizes fits/);
  assert.match(none, /^ +c6\.wasm .* time x[\d.]+$/m);
  assert.match(none, /What to change in c6\.wasm:\n {2}- /);
  for (const line of [...some.split('\n'), ...none.split('\n')]) assert.ok(line.length <= 80, line);
});

test('exit code 1 if none fits; sizes without accuracy, other outputs and wrong options are refused', async () => {
  write('a.wasm', await built(6, { accuracy: 80 }));
  write('unstated.wasm', await built(8));
  write('other.wasm', await built(6, { accuracy: 90 }, 4));
  write('labels.wasm', await built(6, { accuracy: 90, labels: ['x', 'y', 'z'] }));
  const bin = join(root, 'host/cli/bin.js');
  const status = (...args: string[]) => spawnSync(process.execPath, [bin, 'fit', ...args], { cwd: folder }).status;
  assert.is(status('a.wasm', '--choose', 'rp2040', '--rate', '1e7', '--no-measure'), 1);
  assert.is(status('a.wasm', 'unstated.wasm', '--choose', 'rp2040', '--no-measure'), 2);
  const cases: [code: string, ...args: string[]][] = [
    ['RN766', 'a.wasm', 'unstated.wasm', '--choose', 'rp2040', '--no-measure'],
    ['RN767', 'a.wasm', 'other.wasm', '--choose', 'rp2040', '--no-measure'],
    ['RN767', 'a.wasm', 'labels.wasm', '--choose', 'rp2040', '--no-measure'],
    ['RN740', 'a.wasm', 'unstated.wasm', '--choose', 'rp2040', '--accuracy', '90'],
    ['RN740', 'a.wasm', 'unstated.wasm', '--choose', 'rp2040', '--accuracy', '90,100.1'],
    ['RN740', 'a.wasm', 'unstated.wasm', '--choose', 'rp2040', '--accuracy', '90,,'],
    ['RN740', 'a.wasm', 'unstated.wasm', '--board', 'rp2040'],
    ['RN740', 'a.wasm', '--board', 'rp2040', '--accuracy', '90'],
    ['RN740', 'a.wasm', '--board', 'rp2040', '--choose', 'rp2040'],
    ['RN740', 'a.wasm', '--choose', 'esp8266'],
    ['RN754', 'a.wasm'],
    ['RN754', '--choose', 'rp2040'],
    ['RN720', 'a.wasm', 'nothing.wasm', '--choose', 'rp2040'],
  ];
  const { errors } = runAll(cases.map(([, ...args]) => ['fit', ...args]));
  for (const [i, [code, ...args]] of cases.entries()) assert.match(errors[i] as string, code, args.join(' '));
});

test.run();
