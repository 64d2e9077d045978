/**
 * Errors of the ONNX reader.
 *
 * In: what is wrong and where.  Out: a RunletError, or an Unsupported. The lowering collects the latter, so
 * that one error lists all unsupported operators of a model (RN150). Codes: docs/errors.md.
 */
import { RunletError } from '../../error.ts';

/**
 * A node that cannot be lowered; `message` is the reason. The lowering collects one per node; callers of
 * readOnnx never see it.
 */
export class Unsupported extends Error {}

/** A node that computes in float inside a quantised graph (RN158 if all nodes in error do). */
export class MixedFloat extends Unsupported {}

/** Refuses the node that is being lowered. */
export function refuse(reason: string): never {
  throw new Unsupported(reason);
}

/** RN151: the bytes are not a well-formed ONNX file. `offset` is in bytes from the file's start. */
export const damaged = (what: string, offset: number, why?: string): RunletError =>
  new RunletError('RN151', {
    what,
    where: `byte ${offset}`,
    ...(why ? { why } : {}),
    tryThis: 'export or copy the file again, and check it with onnx.checker',
  });

/** RN152: a tensor's data do not fit its type or shape. */
export const badTensor = (name: string, what: string, why?: string): RunletError =>
  new RunletError('RN152', {
    what,
    where: `tensor ${name || '(unnamed)'}`,
    ...(why ? { why } : {}),
    tryThis: 'export the model again with float32, int8 or uint8 weights',
  });

/** RN154: the graph's names do not connect. */
export const badGraph = (what: string, where: string, why?: string): RunletError =>
  new RunletError('RN154', { what, where, ...(why ? { why } : {}), tryThis: 'check the file with onnx.checker' });

/** RN159: the model is larger than the reader's limits. */
export const tooLarge = (what: string, where: string, why = 'the reader bounds what a file may make it allocate'): RunletError =>
  new RunletError('RN159', {
    what,
    where,
    why,
    tryThis: 'a shorter window',
  });
