/**
 * Rewriter: shared by the rules for graph models. It has constants, and the ONNX nodes that replace
 * operators.
 *
 * In: nodes of a GraphDef, inputs before their readers.  Out: the same network in ONNX operators, which
 * models/read/onnx lowers. A value keeps its name; values between the parts of one operator are named
 * `node#i`. TensorFlow's tensors are channels-last, so a sliding operator gets a transposition before and
 * after it. These cost nothing: the lowering only records where each axis lies.
 */
import { attributesOf, type Given } from '../../onnx/apply.ts';
import { constantOf } from '../../onnx/constants.ts';
import type { OnnxNode } from '../../onnx/proto.ts';
import type { Const, ElementType } from '../../onnx/tensor.ts';
import { refuse } from '../fail.ts';
import type { NodeDef } from './nodes.ts';

/** Dimensions that SpaceToBatchND splits, with the block of each; see rules/batch.ts. */
export type Split = ReadonlyMap<number, number>;

export class Rewriter {
  readonly nodes: OnnxNode[] = [];
  readonly initializers: { name: string; value: Const }[] = [];
  private readonly constants: ReadonlyMap<string, Const>;
  private readonly splits = new Map<string, Split>();
  private count = 0;

  constructor(constants: ReadonlyMap<string, Const>) {
    this.constants = constants;
  }

  /** Returns the constant at input `at`. */
  constant(node: NodeDef, at: number, what: string): Const {
    return this.constants.get(node.inputs[at] ?? '') ?? refuse(`its ${what} is no constant`);
  }

  isConstant(node: NodeDef, at: number): boolean {
    return this.constants.has(node.inputs[at] ?? '');
  }

  integers(node: NodeDef, at: number, what: string): number[] {
    const { data } = this.constant(node, at, what);
    if (data.length > 64 || !data.every(Number.isSafeInteger)) refuse(`its ${what} is malformed`);
    return [...data];
  }

  integer(node: NodeDef, at: number, what: string): number {
    const [value, more] = this.integers(node, at, what);
    return value === undefined || more !== undefined ? refuse(`its ${what} is no number`) : value;
  }

  input(node: NodeDef, at: number): string {
    return node.inputs[at] ?? refuse(`it has ${node.inputs.length} inputs`);
  }

  /** Adds a constant and returns its name. */
  given(values: readonly number[], dims: number[], type: ElementType = 'int64'): string {
    const name = `#${this.count++}`;
    this.initializers.push({ name, value: constantOf(values, dims, type) });
    return name;
  }

  /**
   * Adds one of the nodes that replace `node`. @param last true if it gives the node's value. @param named
   * its name; by default the name of its output.
   * @returns name of the output
   */
  emit(node: NodeDef, op: string, inputs: string[], attributes: Given = {}, last = false, named?: string): string {
    const output = last ? node.name : `${node.name}#${this.count++}`;
    const name = named ?? output;
    this.nodes.push({ name, op, from: node.op, domain: '', inputs, outputs: [output], attributes: attributesOf(attributes) });
    return output;
  }

  /** Returns the dimensions of a value that SpaceToBatchND splits. */
  splitOf(value: string): Split | undefined {
    return this.splits.get(value);
  }

  split(value: string, split: Split): void {
    this.splits.set(value, split);
  }

  /** Adds a node that is refused when it is lowered. */
  unsupported(node: NodeDef, refused: string): void {
    const { name, op, inputs } = node;
    this.nodes.push({ name, op, from: op, domain: '', inputs: [...inputs], outputs: [name], attributes: new Map(), refused });
  }
}
