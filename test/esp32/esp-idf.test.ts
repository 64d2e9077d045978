/**
 * Builds the ESP-IDF project as docs/esp32.md describes, if ESP-IDF is installed: `idf.py set-target`,
 * `idf.py build`, the partition table, and an image in it.
 *
 * RUNLET_IDF_TARGET: the chip (esp32c3). WAMR_PATH: WAMR's sources in place of the component registry. Takes
 * minutes.
 */

import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { build } from '../../assembly/build.ts';
import { makeImage } from '../../assembly/bundle/image.ts';
import { planStream } from '../../models/stream/plan.ts';
import { quantPlan } from '../../quant/plan.ts';
import { root } from '../shared.ts';
import { tinyStream } from '../stages/tiny-networks.ts';

const { IDF_PATH, WAMR_PATH, RUNLET_IDF_TARGET = 'esp32c3' } = process.env;
const idf = join(IDF_PATH ?? '', 'tools/idf.py');
/** The interpreter that ESP-IDF's export.sh puts first in PATH. */
const python = 'python';
const works = IDF_PATH !== undefined && existsSync(idf) && spawnSync(python, [idf, '--version']).status === 0;
if (!works) console.log('skipped: no ESP-IDF: docs.espressif.com/projects/esp-idf, then `. $IDF_PATH/export.sh`');
const only = works ? test : test.skip;

const folder = mkdtempSync(join(tmpdir(), 'runlet-idf-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));
const project = join(folder, 'host/mcu/esp32');
const call = (...args: string[]): string =>
  execFileSync(python, args, { cwd: project, encoding: 'utf8', stdio: 'pipe', maxBuffer: 1 << 28 });

only(`idf.py set-target ${RUNLET_IDF_TARGET} and idf.py build succeed, with every default setting`, () => {
  cpSync(join(root, 'host/mcu'), join(folder, 'host/mcu'), { recursive: true });
  if (WAMR_PATH) {
    const manifest = join(project, 'main/idf_component.yml');
    const text = readFileSync(manifest, 'utf8');
    const local = text.replace(
      /wasm-micro-runtime: .*/,
      `wasm-micro-runtime:\n    version: "*"\n    override_path: "${WAMR_PATH}"`,
    );
    assert.is.not(local, text);
    writeFileSync(manifest, local);
  }
  // any 32 bytes serve as a public key
  writeFileSync(join(project, 'main/model-keys.inc'), `{${new Array(32).fill(1).join(', ')}},\n`);
  call(idf, 'set-target', RUNLET_IDF_TARGET);
  call(idf, 'build');
  assert.ok(statSync(join(project, 'build/runlet-esp32.bin')).size > 100_000);
  const config = readFileSync(join(project, 'sdkconfig'), 'utf8');
  // ESP-IDF silently drops a name that it does not know
  for (const name of ['sdkconfig.defaults', `sdkconfig.defaults.${RUNLET_IDF_TARGET}`])
    for (const [, symbol, value] of readFileSync(join(project, name), 'utf8').matchAll(/^(CONFIG_\w+)=(.*)$/gm)) {
      const set = new RegExp(`^${symbol}=${value}$`, 'm').test(config);
      const off = value === 'n' && !new RegExp(`^${symbol}=y`, 'm').test(config);
      assert.ok(set || off, `${symbol}=${value} of ${name} is not in sdkconfig`);
    }
});

only('gen_esp32part.py accepts partitions.csv, and an image is in flash at the offset of model_0', async () => {
  const tools = join(IDF_PATH ?? '', 'components/partition_table');
  call(join(tools, 'gen_esp32part.py'), '--flash-size', '4MB', 'partitions.csv', join(folder, 'partitions.bin'));
  const info = call(
    join(tools, 'parttool.py'),
    ...[
      '--quiet',
      '--partition-table-file',
      'partitions.csv',
      'get_partition_info',
      '--partition-name',
      'model_0',
      '--info',
      'offset',
      'size',
    ],
  );
  assert.is(info.trim(), '0x190000 0x130000');
  const image = makeImage(await build(quantPlan(planStream(tinyStream(), { hop: 12 }))));
  writeFileSync(join(folder, 'model.bin'), image);
  const flash = join(folder, 'flash.bin');
  call('-m', 'esptool', '--chip', RUNLET_IDF_TARGET, 'merge-bin', '-o', flash, '0x190000', join(folder, 'model.bin'));
  assert.equal(new Uint8Array(readFileSync(flash)).slice(0x190000, 0x190000 + image.length), image);
});

test.run();
