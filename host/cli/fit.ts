/**
 * runlet fit: estimates whether a bundle fits a board, and advises what to change if not (exit code 1).
 *
 * The module runs in this process with counters. The estimate is the number of its instructions times
 * measured coefficients (docs/fit.md). If the engine compiles and the tools are installed, the module is
 * compiled for the board's core and counted in QEMU instead; --measure requires it, --no-measure disables it.
 */
import { readManifest } from '../../assembly/bundle/read.ts';
import { isScalar } from '../../assembly/emit/target.ts';
import { RunletError } from '../../models/error.ts';
import { coloursFor, exitCodes, printJson } from '../command/args.ts';
import { weightsBeside } from '../command/bundle-file.ts';
import { isWasm, readBytes } from '../command/load.ts';
import { argument, choice, flag, group, input, jsonArg, number } from '../command/options.ts';
import { defineVerb } from '../command/verb.ts';
import { type Board, boards, type CoreModel, coreModels } from '../fit/boards.ts';
import { type EngineName, engines } from '../fit/engines.ts';
import { whileWorking } from '../report/progress.ts';

export default defineVerb({
  examples: [
    ['fit model.wasm --board esp32s3', 'estimates flash, RAM and time per hop on this board'],
    ['fit model.wasm --board rp2040 --measure', 'counts instructions in QEMU instead of estimating them'],
  ],
  args: {
    bundle: argument(input('Bundle (.wasm), with its weights file in the same folder if it has one')),
    ...group('Board', {
      board: choice('Board to check', Object.keys(boards), { required: true, hint: 'board' }),
      engine: choice(
        'Engine that runs the module (default: wamr-fast for interp, c for native)',
        Object.keys(engines) as EngineName[],
        {
          hint: 'engine',
        },
      ),
      rate: number('Frames per second (default: from the bundle)', { above: 0, hint: 'Hz' }),
      measure: flag(
        'Compile for the core and count in QEMU (engines aot, c; default if wasm2c, gcc and QEMU are installed and it takes only seconds)',
        'Always estimate, do not use QEMU',
      ),
    }),
    ...jsonArg,
  },
  async run({ args }) {
    const { board: boardName, engine: chosen, rate: asked } = args;
    const wasm = await readBytes(args.bundle);
    if (!isWasm(wasm))
      throw new RunletError('RN763', {
        what: 'this is not a bundle',
        where: args.bundle,
        why: 'fit runs the module to count its instructions',
        tryThis: 'run runlet build first, then fit the .wasm that it writes',
      });
    const manifest = readManifest(wasm);
    if (!isScalar(manifest.target))
      throw new RunletError('RN761', {
        what: 'the bundle has SIMD128 instructions',
        where: args.bundle,
        why: `no microcontroller engine runs them (${Object.keys(engines).join(', ')})`,
        tryThis: 'build with --target interp for an interpreter, --target native for AOT or C',
      });
    const engine = chosen ?? (manifest.target === 'interp' ? 'wamr-fast' : 'c');
    if (args.measure && engines[engine].counted !== 'native')
      throw new RunletError('RN740', {
        what: `--measure counts compiled code, and ${engines[engine].name} is an interpreter`,
        where: '--measure',
        why: 'the module is compiled as C for the core of the board and runs in QEMU without an interpreter',
        tryThis: '--engine c or --engine aot, or omit --measure: docs/fit.md describes the estimate for interpreters',
      });
    const weights = await weightsBeside(args.bundle, wasm);
    const { countHops } = await import('../fit/counts.ts');
    const { estimate, fitsAll, rateOf } = await import('../fit/estimate.ts');
    const { countedUnasked } = await import('../fit/measured.ts');
    const { adviceFor } = await import('../fit/advice.ts');
    const { countInstructions } = await import('../bench/count.ts');
    const board = boards[boardName] as Board;
    const core: CoreModel = coreModels[board.core];
    const bundle = { wasm, weights };
    const required = args.measure ? { counted: await countInstructions(bundle, core.counted) } : undefined;
    const unasked = args.measure === undefined && engines[engine].counted === 'native';
    const { counts, measured } = await whileWorking('running the module with counters', async () => {
      const counts = await countHops(bundle);
      return { counts, measured: unasked ? await countedUnasked(bundle, counts, core.counted) : required };
    });
    const subject = { wasm, manifest, counts, apart: weights?.length ?? 0, ...measured };
    const rate = asked ?? rateOf(manifest);
    const figures = estimate(subject, board, engine, rate);
    const advice = adviceFor(subject, board, figures, rate);
    const { name, hop, target } = manifest;
    if (!fitsAll(figures)) process.exitCode = exitCodes.checkFailed;
    if (args.json)
      return printJson({
        name,
        hop,
        target,
        rate,
        board: { ...board, id: boardName },
        fit: fitsAll(figures),
        ...figures,
        advice,
      });
    const { fitText } = await import('../report/fit-text.ts');
    process.stdout.write(
      fitText(
        { name, hop, target, tiles: manifest.weights?.home === 'tile', rate, board, estimate: figures, advice },
        coloursFor(process.stdout),
      ),
    );
  },
});
