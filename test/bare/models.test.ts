/**
 * Models as C, without a runtime: every golden gives the bytes of the module and of the integer reference, on
 * this machine under sanitizers and on two microcontroller cores in QEMU. Prints instructions, flash, RAM and
 * stack next to those of TensorFlow Lite Micro.
 *
 * Skipped with a message if compilers or QEMU are not installed.
 */
import { createHash } from 'node:crypto';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { CoreName } from '../../host/bench/count.ts';
import { todays } from '../shared.ts';
import { signalOf } from '../wamr/signal.ts';
import { bareSubjects, micro } from './models.ts';
import { coreTools, Folder, missing } from './run.ts';

const onHost = missing(['gcc']);
if (onHost) console.log(onHost);
const onCores = (['rv32', 'm4'] as CoreName[]).filter((core) => {
  const absent = missing(coreTools(core));
  if (absent) console.log(absent);
  return !absent;
});

for (const { name, hostOnly, make } of onHost ? [] : todays(bareSubjects())) {
  test(`${name}: C gives the reference's bytes`, async () => {
    const { bundle, c } = await make();
    const { frames, outputs } = await signalOf(bundle);
    const { golden, outputs: ports } = bundle.manifest;
    const first = outputs.subarray(0, golden.outputs * ports.reduce((sum, { elements }) => sum + elements, 0));
    assert.is(createHash('sha256').update(first).digest('hex'), golden.digest, 'the reference');
    const folder = new Folder(c, bundle, frames, outputs);
    try {
      const here = await folder.onHost();
      assert.is(here.differing, 0, 'bytes that differ');
      assert.is(here.bytes, outputs.length);
      for (const core of hostOnly ? [] : onCores) {
        const ran = await folder.onCore(core, ['-O2']);
        const { differing, bytes, code, constants, ram, stack, least, most } = ran;
        assert.is(differing, 0, `${core}: bytes that differ`);
        assert.is(bytes, outputs.length);
        assert.equal(ran.undefined, [], `${core}: it needs no library`);
        assert.is(constants, c.flashBytes, 'constants are in flash, all of them');
        assert.is(ram, c.ramBytes, 'and nothing else is in RAM');
        assert.ok(stack > 0 && stack < 1024, `stack ${stack}`);
        assert.ok(most - least < 0.01 * most + 400, `from ${least} to ${most} instructions`);
        console.log(
          `  ${name}, ${core}: flash ${code + constants} (code ${code}, constants ${constants}), RAM ${ram} and stack ${stack}, instructions ${least} to ${most}`,
        );
        if (name !== 'okay_nabu') continue;
        assert.ok(code + constants <= 40 * 1024, 'flash');
        assert.ok(ram + stack <= 8 * 1024, 'RAM');
        assert.ok(most <= (core === 'rv32' ? 110_000 : 90_000), `${most} instructions`);
      }
      if (micro[name]) console.log(`  TensorFlow Lite Micro on a Cortex-M4: ${JSON.stringify(micro[name])}`);
    } finally {
      folder.remove();
    }
  });
}

test.run();
