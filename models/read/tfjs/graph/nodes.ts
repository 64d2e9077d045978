/**
 * readNodes: reads the nodes of a GraphDef in JSON, with typed access to their attributes.
 *
 * In: `modelTopology` of a graph model, which is not trusted.  Out: nodes by name.  Source: TensorFlow's
 * graph.proto and attr_value.proto in proto3 JSON: 64-bit integers are strings, bytes are base64 (in older
 * converters, lists of character codes).
 */
import { malformed, refuse, tooLarge } from '../fail.ts';
import { isObject, type Json } from '../model.ts';

const maxNodes = 10_000;
const maxInputs = 100_000;

/** A node, and its attributes by name. */
export class NodeDef {
  readonly name: string;
  readonly op: string;
  /** Values: `node` is its first output, `node:i` another one. Control inputs are left out. */
  readonly inputs: readonly string[];
  private readonly attributes: Json;

  constructor(name: string, op: string, inputs: readonly string[], attributes: Json) {
    this.name = name;
    this.op = op;
    this.inputs = inputs;
    this.attributes = attributes;
  }

  private field(name: string, kind: string): unknown {
    const attribute = Object.hasOwn(this.attributes, name) ? this.attributes[name] : undefined;
    if (attribute === undefined) return undefined;
    return isObject(attribute) && Object.hasOwn(attribute, kind) ? attribute[kind] : undefined;
  }

  private list(name: string, kind: string): unknown[] {
    const list = this.field(name, 'list');
    const values = isObject(list) ? (list[kind] ?? []) : [];
    return Array.isArray(values) ? values : refuse(`its ${name} is malformed`);
  }

  integer(name: string, fallback: number): number {
    const value = this.field(name, 'i');
    return value === undefined ? fallback : whole(value, name);
  }

  integers(name: string): number[] {
    return this.list(name, 'i').map((value) => whole(value, name));
  }

  /** @param fallback default; without one the attribute is required */
  number(name: string, fallback?: number): number {
    const value = this.field(name, 'f') ?? fallback;
    return typeof value === 'number' && Number.isFinite(value) ? value : refuse(`its ${name} is ${String(value)}`);
  }

  flag(name: string): boolean {
    return this.field(name, 'b') === true;
  }

  text(name: string, fallback: string): string {
    const value = this.field(name, 's');
    return value === undefined ? fallback : decoded(value, name);
  }

  texts(name: string): string[] {
    return this.list(name, 's').map((value) => decoded(value, name));
  }

  /** Returns the type, as `DT_FLOAT`; '' if there is none. */
  type(name: string): string {
    const value = this.field(name, 'type');
    return typeof value === 'string' ? value : '';
  }

  /** Returns dimensions; '' is an open one. Undefined if the rank is unknown. */
  shape(name: string): (number | string)[] | undefined {
    return dimsOf(this.field(name, 'shape'));
  }
}

function whole(value: unknown, name: string): number {
  const n = typeof value === 'string' && /^-?\d{1,19}$/.test(value) ? Number(value) : value;
  return typeof n === 'number' && Number.isSafeInteger(n) ? n : refuse(`its ${name} is malformed`);
}

function decoded(value: unknown, name: string): string {
  try {
    if (typeof value === 'string') return atob(value);
    if (Array.isArray(value) && value.length < 1000)
      return Array.from(value, (code: number) => String.fromCharCode(code)).join('');
  } catch {
    // refused below
  }
  return refuse(`its ${name} is malformed`);
}

/** Returns the dimensions of a TensorShapeProto. */
export function dimsOf(shape: unknown): (number | string)[] | undefined {
  if (!isObject(shape) || shape.unknownRank === true) return undefined;
  const { dim = [] } = shape;
  if (!Array.isArray(dim) || dim.length > 8) throw malformed('a shape is malformed', 'Placeholder');
  return dim.map((d) => {
    const size = isObject(d) ? Number(d.size ?? 0) : Number.NaN;
    if (!Number.isSafeInteger(size)) throw malformed('a shape is malformed', 'Placeholder');
    return size < 0 ? '' : size;
  });
}

/** Returns a value's name, without `:0` for a first output; undefined for a control input. */
export function valueName(input: unknown, where: string): string | undefined {
  if (typeof input !== 'string' || input === '' || input.length > 2000) throw malformed('an input is no name', where);
  return input.startsWith('^') ? undefined : input.replace(/:0$/, '');
}

/** Returns nodes by name, in the file's order. @throws RN161, RN165 */
export function readNodes(topology: Json): Map<string, NodeDef> {
  const list = topology.node;
  if (!Array.isArray(list) || list.length === 0) throw malformed('there are no nodes', 'modelTopology');
  if (list.length > maxNodes) throw tooLarge(`${list.length} nodes`, 'modelTopology');
  const nodes = new Map<string, NodeDef>();
  let count = 0;
  for (const [i, node] of list.entries()) {
    const where = `node ${i}`;
    if (!isObject(node) || typeof node.name !== 'string' || typeof node.op !== 'string' || node.name === '')
      throw malformed('a node has no name or no operator', where);
    const { name, op, input = [], attr = {} } = node as { name: string; op: string; input?: unknown; attr?: unknown };
    if (!Array.isArray(input) || !isObject(attr)) throw malformed('a node is malformed', `node ${name}`);
    count += input.length;
    if (count > maxInputs) throw tooLarge(`more than ${maxInputs} inputs of nodes`, 'modelTopology');
    if (nodes.has(name)) throw malformed(`two nodes are named ${name}`, 'modelTopology');
    const inputs = input.flatMap((value) => valueName(value, `node ${name}`) ?? []);
    nodes.set(name, new NodeDef(name, op, inputs, attr));
  }
  return nodes;
}
