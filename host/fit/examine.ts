/**
 * Estimates one bundle on a board: runs the module with counters, or counts it in QEMU.
 *
 * In: a bundle, a board, options of `runlet fit`.  Out: the subject of the estimate, its figures, its rate.
 * The engine is by default the one that the bundle's target is made for.
 */
import type { Bundle } from '../../assembly/build.ts';
import { readManifest } from '../../assembly/bundle/read.ts';
import { isScalar, type ScalarTarget } from '../../assembly/emit/target.ts';
import { RunletError } from '../../models/error.ts';
import { countInstructions } from '../bench/count.ts';
import { type Board, type CoreModel, coreModels } from './boards.ts';
import { countHops } from './counts.ts';
import { type EngineName, engines } from './engines.ts';
import { type Estimate, estimate, rateOf, type Subject } from './estimate.ts';
import { countedUnasked } from './measured.ts';

export interface ExamineOptions {
  engine?: EngineName | undefined;
  /** Frames per second. Default: from the bundle. */
  rate?: number | undefined;
  /** True: count in QEMU or fail. False: estimate. Default: count if that is possible and takes seconds. */
  measure?: boolean | undefined;
}

export interface Examined {
  subject: Subject;
  figures: Estimate;
  rate: number | undefined;
}

/** Checks that microcontrollers run modules of this target. @throws RN761 */
export function requireScalar(target: string, where: string): asserts target is ScalarTarget {
  if (isScalar(target)) return;
  throw new RunletError('RN761', {
    what: 'the bundle has SIMD128 instructions',
    where,
    why: `no microcontroller engine runs them (${Object.keys(engines).join(', ')})`,
    tryThis: 'build with --target interp for an interpreter, --target native for AOT or C',
  });
}

/** @param where name of the bundle, for messages. @throws RN740, RN761, RN790 */
export async function examine(
  bundle: Pick<Bundle, 'wasm' | 'weights'>,
  where: string,
  board: Board,
  { engine: chosen, rate: asked, measure }: ExamineOptions,
): Promise<Examined> {
  const { wasm, weights } = bundle;
  const manifest = readManifest(wasm);
  requireScalar(manifest.target, where);
  const engine = chosen ?? (manifest.target === 'interp' ? 'wamr-fast' : 'c');
  const compiled = engines[engine].counted === 'native';
  if (measure && !compiled)
    throw new RunletError('RN740', {
      what: `--measure counts compiled code, and ${engines[engine].name} is an interpreter`,
      where: '--measure',
      why: 'the module is compiled as C for the core of the board and runs in QEMU without an interpreter',
      tryThis: '--engine c or --engine aot, or omit --measure: docs/fit.md describes the estimate for interpreters',
    });
  const core: CoreModel = coreModels[board.core];
  const required = measure ? { counted: await countInstructions(bundle, core.counted) } : undefined;
  const counts = await countHops(bundle);
  const measured = measure === undefined && compiled ? await countedUnasked(bundle, counts, core.counted) : required;
  const subject = { wasm, manifest, counts, apart: weights?.length ?? 0, ...measured };
  const rate = asked ?? rateOf(manifest);
  return { subject, figures: estimate(subject, board, engine, rate), rate };
}
