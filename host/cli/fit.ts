/**
 * runlet fit: whether a bundle fits a board, and what to change where it does not. Exit 1 where it does not.
 *
 * The module runs in this process with counters; its instructions times coefficients that were measured once
 * are the estimate (docs/fit.md). Where an engine compiles and the tools are installed it is compiled for the
 * board's core and counted in QEMU instead: --measure insists on it, --no-measure does without.
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
    ['fit model.wasm --board esp32s3', 'flash, RAM and time of a hop on this board'],
    ['fit model.wasm --board rp2040 --measure', 'instructions counted in QEMU in place of an estimate'],
  ],
  args: {
    bundle: argument(input('Bundle (.wasm), its weights beside it where they are apart')),
    ...group('The board', {
      board: choice('The board', Object.keys(boards), { required: true, hint: 'board' }),
      engine: choice('What runs the module (default: wamr-fast for interp, c for native)', Object.keys(engines) as EngineName[], {
        hint: 'engine',
      }),
      rate: number('Frames a second (default: what the bundle says)', { above: 0, hint: 'Hz' }),
      measure: flag(
        'Count in QEMU, compiled for the core (engines aot, c; default where wasm2c, gcc and QEMU are installed and it takes seconds)',
        'Estimate, whatever is installed',
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
        why: 'fit counts how often each piece of a module runs, so it needs the module',
        tryThis: 'runlet build first, then fit the .wasm that it wrote',
      });
    const manifest = readManifest(wasm);
    if (!isScalar(manifest.target))
      throw new RunletError('RN761', {
        what: 'the bundle has SIMD128 instructions',
        where: args.bundle,
        why: `no engine of a microcontroller runs them (${Object.keys(engines).join(', ')})`,
        tryThis: 'build with --target interp for an interpreter, --target native for AOT or C',
      });
    const engine = chosen ?? (manifest.target === 'interp' ? 'wamr-fast' : 'c');
    if (args.measure && engines[engine].counted !== 'native')
      throw new RunletError('RN740', {
        what: `--measure counts compiled code, and ${engines[engine].name} is an interpreter`,
        where: '--measure',
        why: 'the module is compiled as C for the core of the board and run in QEMU, without an interpreter around it',
        tryThis: '--engine c or --engine aot, or leave --measure out: the estimate of interpreters is described in docs/fit.md',
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
