/**
 * Rewriter: what the rules of a graph model's operators share: its constants, and the nodes that stand for
 * it.
 *
 * In: nodes of a GraphDef, inputs before their readers.  Out: the same network in ONNX's operators, which
 * models/read/onnx lowers. A value keeps its name; values between the parts of one operator are named
 * `node#i`. TensorFlow's tensors are channels-last, so a sliding operator stands between two transpositions,
 * which cost nothing: the lowering only keeps where each axis lies.
 */
import { attributesOf, type Given } from '../../onnx/apply.ts';
import { constantOf } from '../../onnx/constants.ts';
import type { OnnxNode } from '../../onnx/proto.ts';
import type { Const, ElementType } from '../../onnx/tensor.ts';
import { refuse } from '../fail.ts';
import type { NodeDef } from './nodes.ts';

/** Dimensions that SpaceToBatchND has split, with the block of each; see rules/batch.ts. */
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

  /** The constant that is input `at`. */
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

  /** A constant of our own. */
  given(values: readonly number[], dims: number[], type: ElementType = 'int64'): string {
    const name = `#${this.count++}`;
    this.initializers.push({ name, value: constantOf(values, dims, type) });
    return name;
  }

  /**
   * One of the nodes that stand for `node`. @param last it gives the node's value. @param named its name; by
   * default that of its output.
   * @returns the output's name
   */
  emit(node: NodeDef, op: string, inputs: string[], attributes: Given = {}, last = false, named?: string): string {
    const output = last ? node.name : `${node.name}#${this.count++}`;
    const name = named ?? output;
    this.nodes.push({ name, op, from: node.op, domain: '', inputs, outputs: [output], attributes: attributesOf(attributes) });
    return output;
  }

  /** What SpaceToBatchND has split of a value. */
  splitOf(value: string): Split | undefined {
    return this.splits.get(value);
  }

  split(value: string, split: Split): void {
    this.splits.set(value, split);
  }

  /** The node is refused when its turn comes. */
  unsupported(node: NodeDef, refused: string): void {
    const { name, op, inputs } = node;
    this.nodes.push({ name, op, from: op, domain: '', inputs: [...inputs], outputs: [name], attributes: new Map(), refused });
  }
}
