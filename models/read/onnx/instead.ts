/**
 * Instead: operators of ONNX in the place of one node, as they are written one after the other.
 *
 * In: the node.  Out: its nodes; values between them are named after its first output, and what it gave is
 * given by the last one.
 */
import type { Attributes } from './attributes.ts';
import type { AttributeValue, OnnxNode } from './proto.ts';

/**
 * Adds the operators that stand in a node's place, and returns the value whose operator gets its name.
 * Throws Unsupported.
 */
export type Rewrite = (made: Instead, node: OnnxNode, given: Attributes) => string;

export type Given = Readonly<Record<string, AttributeValue | undefined>>;

export const int = (value: number): AttributeValue => ({ kind: 'int', value });
export const ints = (...value: number[]): AttributeValue => ({ kind: 'ints', value });
export const float = (value: number): AttributeValue => ({ kind: 'float', value });

export class Instead {
  private readonly node: OnnxNode;
  private readonly made: OnnxNode[] = [];

  constructor(node: OnnxNode) {
    this.node = node;
  }

  /** Adds an operator. @param to its output. @returns the name of that */
  add(op: string, inputs: readonly (string | undefined)[], given: Given = {}, to?: string): string {
    const { name, outputs, op: from } = this.node;
    const place = `${op}.${this.made.length}`;
    const output = to || `${outputs[0]}/${place}`;
    const attributes = new Map(Object.entries(given).flatMap(([key, value]) => (value ? [[key, value] as const] : [])));
    const own = inputs.map((input) => input ?? '');
    while (own.at(-1) === '') own.pop();
    this.made.push({ name: `${name}/${place}`, op, domain: '', inputs: own, outputs: [output], attributes, from });
    return output;
  }

  /** A constant of float32. */
  number(value: number): string {
    return this.add('Constant', [], { value_float: float(value) });
  }

  /** A constant of int64. */
  dims(...values: number[]): string {
    return this.add('Constant', [], { value_ints: ints(...values) });
  }

  /**
   * The nodes. The last one has the node's outputs that no other has, and that of `main` its name, by which
   * messages find it.
   */
  nodes(main: string): OnnxNode[] {
    const { name, outputs } = this.node;
    const last = this.made.length - 1;
    const inner = new Set(this.made.slice(0, last).flatMap((one) => one.outputs));
    return this.made.map((one, i) => ({
      ...one,
      ...(i === last && { outputs: outputs.filter((output) => !inner.has(output)) }),
      ...(one.outputs[0] === main && { name }),
    }));
  }
}
