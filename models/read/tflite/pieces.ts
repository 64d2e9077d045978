/**
 * withPieces: finds SELU, ELU and leaky ReLU that a file writes as a SELECT.
 *
 * In: a file with SELECT_V2 or SELECT between two branches by the sign of one tensor x.
 * Out: the file in which such an operator reads only x and names its function; live.ts removes the branches.
 * A branch is a x + b exp(x) + c, derived from its operators. Above zero it is s x; below zero l x (slope),
 * or k (exp(x) - 1). Float files only.
 * Source: Klambauer et al. 2017 (selu), Clevert et al. 2016 (elu).
 */
import { makersOf, type Piece, type TfModel, type TfOperator } from './model.ts';

/** Coefficients of a x + b exp(x) + c. */
type Form = readonly [a: number, b: number, c: number];

const tolerance = 1e-5;
const near = (x: number, y: number): boolean => Math.abs(x - y) <= tolerance * Math.max(1, Math.abs(y));
/** Largest number of operators from a branch to x. */
const maxDepth = 6;

/** Checks whether a branch may have this operator. Arithmetic must have no fused activation (field 0). */
const isStep = ({ op, inputs, options }: TfOperator): boolean =>
  /^(EXP|NEG)$/.test(op) ? inputs.length === 1 : /^(ADD|SUB|MUL|DIV)$/.test(op) && inputs.length === 2 && !options?.int8(0);

class Forms {
  private readonly model: TfModel;
  private readonly makers: Map<number, TfOperator>;

  constructor(model: TfModel) {
    this.model = model;
    this.makers = makersOf(model);
  }

  maker = (index = -1): TfOperator | undefined => this.makers.get(index);

  /** Returns the value of a float constant of one element. */
  number(index = -1): number | undefined {
    const { constant, type } = this.model.tensors[index] ?? {};
    return type === 'float32' && constant?.length === 4
      ? new DataView(constant.buffer, constant.byteOffset).getFloat32(0, true)
      : undefined;
  }

  of(index: number | undefined, x: number, depth = 0): Form | undefined {
    const value = this.number(index);
    const op = this.maker(index);
    if (index === x) return [1, 0, 0];
    if (value !== undefined) return [0, 0, value];
    if (!op || depth > maxDepth || !isStep(op)) return undefined;
    const [left, right] = op.inputs.map((input) => this.of(input, x, depth + 1));
    return left && (op.inputs.length < 2 || right) ? joined(op.op, left, right ?? [0, 0, 0]) : undefined;
  }
}

function joined(op: string, left: Form, right: Form): Form | undefined {
  const times = ([a, b, c]: Form, k: number): Form => [a * k, b * k, c * k];
  const plus = (one: Form, other: Form): Form => [one[0] + other[0], one[1] + other[1], one[2] + other[2]];
  const number = ([a, b, c]: Form): number | undefined => (a === 0 && b === 0 ? c : undefined);
  const [k, l] = [number(left), number(right)];
  if (op === 'EXP') return left[0] === 1 && left[1] === 0 && left[2] === 0 ? [0, 1, 0] : undefined;
  if (op === 'NEG') return times(left, -1);
  if (op === 'ADD') return plus(left, right);
  if (op === 'SUB') return plus(left, times(right, -1));
  if (op === 'MUL') return l !== undefined ? times(left, l) : k !== undefined ? times(right, k) : undefined;
  return op === 'DIV' && l !== undefined && l !== 0 ? times(left, 1 / l) : undefined;
}

function pieceOf([s, above, offset]: Form, [slope, k, c]: Form): Piece | undefined {
  if (above !== 0 || offset !== 0 || s === 0 || ![s, slope, k, c].every(Number.isFinite)) return undefined;
  if (k === 0 && c === 0) return { fn: 'leakyrelu', alpha: slope / s, scale: s };
  if (slope !== 0 || !near(c, -k)) return undefined;
  const isSelu = near(s, 1.0507009873554805) && near(k / s, 1.6732632423543772);
  return isSelu ? { fn: 'selu', scale: 1 } : { fn: 'elu', alpha: k / s, scale: s };
}

/** Whether a comparison holds above 0, if x is its first input and 0 its second. */
const comparisons = new Map([
  ['GREATER', true],
  ['GREATER_EQUAL', true],
  ['LESS', false],
  ['LESS_EQUAL', false],
]);

function found(forms: Forms, { inputs: [condition, yes, no] }: TfOperator): [x: number, piece: Piece] | undefined {
  const compare = forms.maker(condition);
  const isAbove = comparisons.get(compare?.op ?? '');
  if (!compare || isAbove === undefined) return undefined;
  const isFirst = forms.number(compare.inputs[1]) === 0;
  const x = compare.inputs[isFirst ? 0 : 1] ?? -1;
  if (!isFirst && forms.number(compare.inputs[0]) !== 0) return undefined;
  const [first, second] = [forms.of(yes, x), forms.of(no, x)];
  if (!first || !second) return undefined;
  const piece = isAbove === isFirst ? pieceOf(first, second) : pieceOf(second, first);
  return piece && [x, piece];
}

export function withPieces(model: TfModel): TfModel {
  if (!model.operators.some(({ op }) => op.startsWith('SELECT'))) return model;
  const forms = new Forms(model);
  const operators = model.operators.map((op) => {
    const [x, piece] = (/^SELECT(_V2)?$/.test(op.op) ? found(forms, op) : undefined) ?? [];
    const same = model.tensors[x ?? -1]?.shape.join() === model.tensors[op.outputs[0] ?? -1]?.shape.join();
    return x !== undefined && piece && same ? { ...op, inputs: [x], piece } : op;
  });
  return { ...model, operators };
}
