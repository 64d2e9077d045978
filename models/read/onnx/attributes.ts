/**
 * Attributes: a node's attributes by name and type.
 *
 * In: the attributes in the file.  Out: typed values with ONNX's defaults. The lowering must read every
 * attribute: one that it does not read makes the node unsupported, because it could change the meaning.
 */
import type { AttributeValue, OnnxGraph, OnnxNode } from './proto.ts';
import { refuse } from './refuse.ts';
import type { Const } from './tensor.ts';

type Kind = AttributeValue['kind'];

export class Attributes {
  private readonly values: ReadonlyMap<string, AttributeValue>;
  private readonly known = new Set<string>();

  constructor(node: OnnxNode) {
    this.values = node.attributes;
  }

  has(name: string): boolean {
    this.known.add(name);
    return this.values.has(name);
  }

  int(name: string, fallback: number): number {
    const value = this.get(name, 'int')?.value ?? fallback;
    if (!Number.isSafeInteger(value)) refuse(`attribute ${name} = ${value} is out of range`);
    return value;
  }

  float(name: string, fallback: number): number {
    const value = this.get(name, 'float')?.value ?? fallback;
    if (!Number.isFinite(value)) refuse(`attribute ${name} = ${value}`);
    return value;
  }

  string(name: string, fallback: string): string {
    return this.get(name, 'string')?.value ?? fallback;
  }

  ints(name: string): number[] | undefined {
    return this.get(name, 'ints')?.value;
  }

  tensor(name: string): Const | undefined {
    return this.get(name, 'tensor')?.value;
  }

  floats(name: string): number[] | undefined {
    return this.get(name, 'floats')?.value;
  }

  graph(name: string): OnnxGraph | undefined {
    return this.get(name, 'graph')?.value;
  }

  strings(name: string): string[] | undefined {
    return this.get(name, 'strings')?.value;
  }

  /** Marks attributes as known that change nothing in inference. */
  ignore(...names: string[]): void {
    for (const name of names) this.known.add(name);
  }

  /** Refuses the node if an attribute was not read. */
  finish(): void {
    const rest = [...this.values.keys()].filter((name) => !this.known.has(name));
    if (rest.length > 0) refuse(`attribute ${rest.join(', ')} is not supported`);
  }

  private get<K extends Kind>(name: string, kind: K): Extract<AttributeValue, { kind: K }> | undefined {
    this.known.add(name);
    const value = this.values.get(name);
    if (value && value.kind !== kind) refuse(`attribute ${name} is of type ${value.kind}, ${kind} is expected`);
    return value as Extract<AttributeValue, { kind: K }> | undefined;
  }
}
