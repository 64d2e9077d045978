/**
 * readOutput: reads the operators after the logarithm, which convert int16 to int8, as one formula.
 *
 * In: the operators after SignalFilterBankLog: CAST to int32, then MUL, ADD, DIV, ADD or SUB, MINIMUM,
 * MAXIMUM with constants (each is optional), CAST to int8.
 * Out: OutputScale.
 * Exact: equals TensorFlow Lite's int32 arithmetic; the ranges are checked, so that nothing overflows.
 */
import type { OutputScale } from '../../../frontend/types.ts';
import type { TfOperator } from '../model.ts';
import { type Chain, Mismatch } from './chain.ts';

/** Largest value that the logarithm returns. */
export const maxLog = 32767;

const maxI32 = 2 ** 31 - 1;

/** Returns the only value of a constant operand. `first` is true if the computed tensor is operand 0. */
function scalar(chain: Chain, op: TfOperator, at: number): { value: number; first: boolean } {
  const first = op.inputs[0] === at;
  const values = chain.int32s(op, first ? 1 : 0);
  const [value] = values;
  if (op.inputs.length !== 2 || value === undefined || values.some((v) => v !== value))
    throw new Mismatch(op.name, 'its constant is not one number');
  // the fused activation is field 0 of their options
  const kind = { ADD: 11, MUL: 21, SUB: 28, DIV: 29 }[op.op];
  const fused = kind === undefined ? 0 : (chain.options(op, kind)?.int8(0) ?? 0);
  if (fused !== 0) throw new Mismatch(op.name, 'it has a fused activation');
  return { value, first };
}

/** Follows the chain from tensor `from`. Returns the last tensor and the formula. */
export function readOutput(
  chain: Chain,
  from: number,
  name: string,
): { tensor: number; scale: Omit<OutputScale, 'scale' | 'zeroPoint'> } {
  const scale = { multiply: 1, add: 0, divide: 1, offset: 0, low: -128, high: 127 };
  const bounds = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY] as [number, number];
  const cast = chain.expect(from, name, 'CAST');
  chain.typed(cast, 'int32');
  let [at, where] = [cast.outputs[0] as number, cast.name];
  /** Stage of the last operator: 1 multiplies, 2 adds, 3 divides or adds after it, 4 clamps. */
  let stage = 0;
  const to = (op: TfOperator, next: number) => {
    if (next < stage) throw new Mismatch(op.name, 'it does not fit clamp((x * m + a) / d + b)');
    stage = next;
  };
  for (;;) {
    const found = chain.next(at, where);
    const { op } = found;
    if (op.op === 'CAST') {
      chain.used.add(op);
      const tensor = chain.tensor(op.outputs[0], op);
      if (tensor.type !== 'int8') throw new Mismatch(op.name, `it gives ${tensor.type}; int8 is expected`);
      const ends = [0, maxLog].map((x) => x * scale.multiply + scale.add);
      if (ends.some((x) => Math.abs(x) > maxI32 - 65536)) throw new Mismatch(op.name, 'the numbers before it do not fit int32');
      const results = ends.map((x) => Math.min(bounds[1], Math.max(bounds[0], Math.trunc(x / scale.divide) + scale.offset)));
      if (results.some((x) => x < -128 || x > 127)) throw new Mismatch(op.name, 'its result does not fit int8');
      return { tensor: tensor.index, scale: { ...scale, low: Math.max(-128, bounds[0]), high: Math.min(127, bounds[1]) } };
    }
    if (!['MUL', 'ADD', 'SUB', 'DIV', 'MINIMUM', 'MAXIMUM'].includes(op.op))
      throw new Mismatch(op.name, 'only MUL, ADD, SUB, DIV, MINIMUM, MAXIMUM and CAST can follow the logarithm');
    const { value, first } = scalar(chain, op, found.at);
    if (!first && (op.op === 'SUB' || op.op === 'DIV')) throw new Mismatch(op.name, 'its constant is the first operand');
    if (Math.abs(value) > maxI32 - 65536) throw new Mismatch(op.name, `${value} is too large`);
    if (op.op === 'MUL') {
      to(op, 1);
      if (scale.multiply !== 1) throw new Mismatch(op.name, 'it multiplies a second time');
      scale.multiply = value;
    } else if (op.op === 'DIV') {
      to(op, 3);
      if (value === 0 || scale.divide !== 1) throw new Mismatch(op.name, 'it divides a second time, or by 0');
      scale.divide = value;
    } else if (op.op === 'ADD' || op.op === 'SUB') {
      const added = op.op === 'ADD' ? value : -value;
      if (stage < 3) {
        to(op, 2);
        scale.add += added;
      } else {
        to(op, 3);
        scale.offset += added;
      }
    } else {
      to(op, 4);
      const [low, high] = bounds;
      const inner =
        op.op === 'MINIMUM'
          ? ([Math.min(low, value), Math.min(high, value)] as const)
          : ([Math.max(low, value), Math.max(high, value)] as const);
      bounds[0] = inner[0];
      bounds[1] = inner[1];
    }
    chain.used.add(op);
    [at, where] = [chain.tensor(op.outputs[0], op).index, op.name];
  }
}
