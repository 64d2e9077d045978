/**
 * Errors of a running session: an engine that is not exact, too many frames, a trap, a result that the ABI
 * does not define, and a session that failed before.
 *
 * Out: RN700, RN707, RN710, RN752 (docs/errors.md).
 */
import { RunletError } from '../../models/error.ts';

/** The engine has the module's instructions, but with results that it cannot use (kernels/mac-relaxed.ts). */
export const notExact = (): RunletError =>
  new RunletError('RN700', {
    what: 'this engine does not run the module exactly',
    where: 'rn_reset',
    why: 'on this CPU, or in this version of the engine, the dot product of relaxed SIMD is not exact for all int8 values',
    tryThis: 'use a module of target simd, or pass both in a list: openSession takes the first that this engine runs',
  });

export const tooMany = (hop: number, got: string, why: string): RunletError =>
  new RunletError('RN707', {
    what: `push takes 1 frame to one hop of ${hop} frames, ${got}`,
    where: 'push',
    why,
    tryThis: 'use pushAll or stream, or split the frames',
  });

export const failedBefore = (): RunletError =>
  new RunletError('RN752', {
    what: 'the module failed, and its state is undefined',
    where: 'session',
    why: 'an export trapped, or returned a value that the ABI does not define (RN710)',
    tryThis: 'reset the session, restore a snapshot, or open the bundle again',
  });

export const trap = (name: string, error: unknown): RunletError =>
  new RunletError('RN710', {
    what: `${name} trapped`,
    where: name,
    why: error instanceof Error ? error.message : String(error),
    tryThis: 'reset or restore the session; if it happens again, build the bundle again',
  });

/** rn_push returned something other than 0 or 1. */
export const badAnswer = (result: unknown, count: number, atFrame: number, hop: number): RunletError =>
  new RunletError('RN710', {
    what: `rn_push returned ${String(result)}`,
    where: `rn_push(${count}) at frame ${atFrame}`,
    why: result === -1 ? 'rn_reset has not been called' : result === -2 ? `frames is not 1 to ${hop}` : 'ABI 1 has no such value',
    tryThis: 'build the bundle again; see docs/abi.md',
  });
