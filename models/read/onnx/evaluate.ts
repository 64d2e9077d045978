/**
 * One node of an ONNX graph on numbers: what the body of a spelt-out cell needs.
 *
 * In: a node and its inputs as constants.  Out: its outputs. Rule: as foldConstant, and MatMul, Gemm, Split
 * and functions of one value. Errors: Unsupported.
 */
import { unaryNames, unaryOf } from '../../ops/unary.ts';
import type { Work } from '../work.ts';
import { Attributes } from './attributes.ts';
import { foldConstant } from './constants.ts';
import type { OnnxNode } from './proto.ts';
import { refuse } from './refuse.ts';
import { splitParts } from './states.ts';
import type { Const } from './tensor.ts';

/** @throws Unsupported where no more may be done */
const check = (may: boolean): void => {
  if (!may) refuse('its cell is too large to be evaluated');
};

export function evaluate(node: OnnxNode, inputs: (Const | undefined)[], work: Work): Const[] {
  const [x, w, c] = inputs;
  if (!x) return refuse('its cell reads what does not come from a row, a state or a constant');
  const attributes = new Attributes(node);
  check(work.start(x.data.length));
  if (node.op === 'Split') return splitParts(node, x, w);
  if ((node.op === 'MatMul' || node.op === 'Gemm') && w) {
    const factor = (name: string) => (node.op === 'Gemm' ? attributes.float(name, 1) : 1);
    if (attributes.int('transA', 0) !== 0) refuse('transA = 1');
    return [product(x, w, attributes.int('transB', 0) === 1, factor('alpha'), c, factor('beta'), work)];
  }
  const f = unaryNames.onnx.get(node.op);
  if (f && inputs.length === 1) {
    const { of } = unaryOf(f.fn);
    const [min, max] = f.clamp;
    const data = Float64Array.from(x.data, (v) => Math.min(max, Math.max(min, of(v, f.alpha ?? 0))));
    return [{ kind: 'const', type: 'float64', dims: x.dims, data }];
  }
  const made = foldConstant(node, { inputs }) ?? refuse(`its cell has ${node.op}, which is not evaluated`);
  check(work.spend(made.data.length));
  return [made];
}

/** One row times a matrix. Most rows have a one and zeros. */
function product(x: Const, w: Const, transposed: boolean, alpha: number, c: Const | undefined, beta: number, work: Work): Const {
  const [rows = 0, columns = 0] = w.dims;
  const [inputs, outputs] = transposed ? [columns, rows] : [rows, columns];
  const fits = c === undefined || c.data.length === outputs || c.data.length === 1;
  if (w.dims.length !== 2 || x.data.length !== inputs || x.dims.at(-1) !== inputs || !fits)
    return refuse(`its cell multiplies [${x.dims.join(', ')}] with [${w.dims.join(', ')}]`);
  const data = Float64Array.from(
    { length: outputs },
    (_, o) => beta * ((c?.data[c.data.length === 1 ? 0 : o] as number | undefined) ?? 0),
  );
  for (const [i, v] of x.data.entries()) {
    if (v === 0) continue;
    check(work.spend(outputs));
    for (let o = 0; o < outputs; o++)
      data[o] = (data[o] as number) + alpha * v * (w.data[transposed ? o * inputs + i : i * outputs + o] as number);
  }
  return { kind: 'const', type: 'float64', dims: x.dims.with(-1, outputs), data };
}
