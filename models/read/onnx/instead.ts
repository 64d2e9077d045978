/**
 * Instead: builds the ONNX operators that replace one node, in their order.
 *
 * In: the node.  Out: the new nodes. Values between them are named after the node's first output. The last
 * one gives the node's outputs.
 */
import type { Attributes } from './attributes.ts';
import type { AttributeValue, OnnxNode } from './proto.ts';

/**
 * Adds the operators that replace a node, and returns the value whose operator gets the node's name. Throws
 * Unsupported.
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

  /** Adds an operator. @param to name of its output, default a new name. @returns the name of its output */
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

  /** Adds a float32 constant. */
  number(value: number): string {
    return this.add('Constant', [], { value_float: float(value) });
  }

  /** Adds an int64 constant. */
  dims(...values: number[]): string {
    return this.add('Constant', [], { value_ints: ints(...values) });
  }

  /**
   * Returns the new nodes. The last one gives the node's outputs that no other gives. The one that gives
   * `main` gets the node's name, which messages show.
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
