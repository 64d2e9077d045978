/**
 * okay_nabu with its weights in flash, in WAMR's two interpreters on two cores without an operating system:
 * the RAM that it needs, and the cost of fetching weights.
 *
 * RAM is the file, into which WAMR's loader writes, linear memory and the peak of WAMR's pool. All are
 * counted in QEMU and exact. Counts are compared with exact numbers for the compilers of Debian 12; the
 * limits hold for any compiler.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { bareTools, countInWamr, type Interpreter } from './bare.ts';
import { sharedSubjects } from './models.ts';
import { absentTools, type Module } from './runner.ts';

/** Upper bound of file, linear memory and pool, in bytes; `maxPool` is that of the pool only. */
const maxRam: Record<Interpreter, number> = { fast: 32 * 1024, classic: 20 * 1024 };
const maxPool = 18 * 1024;
/** Large enough for the frames of okay_nabu's functions; the classic interpreter keeps their locals there. */
const stackBytes = 1536;

/** Instructions of a hop: [interp linear, interp tile, native linear, native tile]. */
const pinned: Record<'m4' | 'rv32', Record<Interpreter, number[]>> = {
  m4: { fast: [1178720, 1280560, 1788320, 1883200], classic: [2581960, 2764560, 3372480, 3515280] },
  rv32: { fast: [1687813, 1830614, 2766746, 2899538], classic: [3166167, 3393185, 4180800, 4357169] },
};

const okayNabu = sharedSubjects().find(({ name }) => name === 'mww/v2/okay_nabu');
for (const core of ['m4', 'rv32'] as const) {
  const absent =
    absentTools() ?? absentTools(bareTools(core)) ?? (okayNabu ? undefined : 'no models of others beside this folder');
  if (absent) console.log(`skipped: ${absent}`);
  for (const interpreter of ['fast', 'classic'] as const)
    (absent ? test.skip : test)(`${core}, ${interpreter}: RAM of home tile, and instructions against linear`, async () => {
      const make = await okayNabu?.open();
      assert.ok(make);
      const modules: (Module & { name: string })[] = [];
      for (const target of ['interp', 'native'] as const)
        for (const home of ['linear', 'tile'] as const)
          modules.push({ ...(await make(target, home)), name: `${target} ${home}` });
      // throws if the outputs are not those of this engine
      const { counts, tools } = await countInWamr(modules, { core, interpreter, stackBytes });
      for (const [i, { linearBytes, poolBytes, most }] of counts.entries()) {
        const { name, wasm } = modules[i] as (typeof modules)[number];
        const ram = wasm.length + linearBytes + poolBytes;
        console.log(
          `  ${core} ${interpreter}, ${name}: file ${wasm.length}, memory ${linearBytes}, pool ${poolBytes}, together ${ram}; ${most} instructions`,
        );
        assert.ok(poolBytes <= maxPool, `${name}: pool ${poolBytes}`);
        if (i % 2 === 0) continue;
        // Here too interp is faster, but 2 KB larger than native. Whoever chooses the classic interpreter for
        // its size builds for native.
        if (interpreter === 'fast' || name.startsWith('native')) assert.ok(ram <= maxRam[interpreter], `${name}: ${ram} bytes`);
        assert.ok(most <= 1.1 * (counts[i - 1]?.most ?? 0), `${name}: ${most} instructions`);
      }
      if (/ 12\.2\./.test(tools)) assert.equal(counts.map(({ most }) => most), pinned[core][interpreter]); // biome-ignore format: one line
    });
}

test.run();
