/**
 * Finds out for every value of a function whether it is a number, or an address in flash or in RAM.
 *
 * In: functions (ir.ts), constants with known addresses (place.ts).  Out: each function once for each
 * combination of regions that it is called with, also of the addresses in its parameter blocks, and the
 * region of every local in it.  Addresses in the
 * constants show what a field of a parameter block points into, and the calls of a function show its blocks.
 * The analysis runs forward over all functions until nothing changes. A local has one region in the whole
 * function. A value that stays ambiguous is refused where it is used.
 */
import type { Ir, IrFunction, Node } from './ir.ts';
import { notInC } from './ir.ts';
import { flashBase, type Placed, type Region, regionOf } from './place.ts';

/**
 * `zero`: true for a number that may be a null address: 0, or a sum that begins with it. `at`: all addresses
 * that the value can be, if they are known.
 */
export type Value = { is: 'number'; zero: boolean } | { is: Region; at?: ReadonlySet<number> };
type Maybe = Value | undefined;

/** A function for one combination of regions of its parameters. */
export interface Instance {
  fn: IrFunction;
  name: string;
  locals: Maybe[];
  /** Regions of the addresses in its parameter blocks, by "parameter, distance in bytes". */
  fields: Map<string, Region>;
  result: Maybe;
  /** Values that leave blocks, by the name of the block. */
  labels: Map<string, Maybe>;
}

const number: Value = { is: 'number', zero: false };
const maxAddresses = 4096;

export class Regions {
  readonly instances = new Map<string, Instance>();
  private readonly functions: Map<string, IrFunction>;
  private readonly words: Int32Array;
  private readonly placed: Placed;
  private readonly names = new Map<string, number>();
  private changed = false;

  constructor(ir: Ir, placed: Placed) {
    this.functions = new Map(ir.functions.map((f) => [f.name, f]));
    this.placed = placed;
    const { buffer, byteOffset, length } = placed.flash;
    this.words = new Int32Array(buffer, byteOffset, length >> 2);
    for (const { name, value } of ir.exports) {
      const fn = this.functions.get(value) as IrFunction;
      const args = fn.locals.slice(0, fn.params).map(() => number);
      this.instance(fn, args, name);
    }
    do {
      this.changed = false;
      for (const instance of [...this.instances.values()]) {
        const { body } = instance.fn;
        if (!body) continue;
        const last = this.value(instance, body);
        if (instance.fn.result !== 'none' && body.type !== 'none') this.returns(instance, last);
      }
    } while (this.changed);
  }

  /** Returns the value of a node in an instance. */
  value(of: Instance, node: Node): Maybe {
    switch (node.kind) {
      case 'const':
        return node.type === 'i32' ? this.constant(node.value as number) : number;
      case 'get':
        return of.locals[node.index];
      case 'set': {
        const value = this.value(of, node.value);
        of.locals[node.index] = this.keep(of.locals[node.index], value, of, 'a local');
        return value;
      }
      case 'block':
      case 'if':
      case 'loop':
      case 'br':
        return this.control(of, node);
      case 'call':
        return this.call(of, node);
      case 'load':
        return this.load(of, this.value(of, node.at), node);
      case 'store':
        this.value(of, node.at);
        if (isAddress(this.value(of, node.value))) throw notInC(`${of.fn.name} stores an address`);
        return undefined;
      case 'unary':
        if (isAddress(this.value(of, node.value)) && node.op !== 'EqZInt32')
          throw notInC(`${of.fn.name} computes ${node.op} of an address`);
        return number;
      case 'binary':
        return this.binary(of, node.op, this.value(of, node.left), this.value(of, node.right));
      case 'select': {
        const [then, otherwise] = [this.value(of, node.then), this.value(of, node.otherwise)];
        this.value(of, node.condition);
        return this.join(then, otherwise, of, 'a choice');
      }
      case 'drop':
        this.value(of, node.value);
        return undefined;
      case 'return':
        if (node.value) this.returns(of, this.value(of, node.value));
        return undefined;
    }
  }

  /** Returns the instance that a call uses; undefined until all arguments are known. */
  target(of: Instance, node: Extract<Node, { kind: 'call' }>): Instance | undefined {
    const args = node.args.map((arg) => this.value(of, arg));
    const fn = this.functions.get(node.target);
    if (!fn) throw notInC(`${of.fn.name} calls ${node.target}, which is not there`);
    if (args.some((arg) => arg === undefined)) return undefined;
    return this.instance(fn, args as Value[]);
  }

  /**
   * Returns the regions of the addresses that a function may load from the blocks of a call. A field that has
   * both in the blocks of one argument is left out.
   */
  private fieldsOf(fn: IrFunction, args: readonly Value[]): Map<string, Region> {
    const fields = new Map<string, Region>();
    const differ = new Set<string>();
    for (const [i, arg] of args.entries())
      for (const address of (arg.is === 'flash' && arg.at) || [])
        for (const offset of loadedFields(fn).get(i) ?? []) {
          const region = this.pointed(address + offset);
          const name = `${i}, ${offset}`;
          if (!region) continue;
          if ((fields.get(name) ?? region) !== region) differ.add(name);
          fields.set(name, region);
        }
    for (const name of differ) fields.delete(name);
    return fields;
  }

  /** Returns the array that a word of flash points into. */
  private pointed(address: number): Region | undefined {
    const offset = address - flashBase;
    return offset % 4 === 0 ? this.placed.pointers.get(offset >> 2) : undefined;
  }

  private instance(fn: IrFunction, args: Value[], called = fn.name): Instance {
    const fields = [...this.fieldsOf(fn, args)];
    const differs = (one?: Instance) => fields.some(([name, region]) => (one?.fields.get(name) ?? region) !== region);
    const keyOf = (n: number) => `${fn.name}(${args.map(({ is }) => is).join()})${n}`;
    let n = 0;
    while (differs(this.instances.get(keyOf(n)))) n++;
    const key = keyOf(n);
    let found = this.instances.get(key);
    if (!found) {
      const short = fn.base ?? (called.split('/').at(-1) as string).replace(/\W/g, '_');
      const same = this.names.get(short) ?? 0;
      if (!fn.base) this.names.set(short, same + 1);
      found = {
        fn,
        name: same > 0 ? `${short}_${same + 1}` : short,
        locals: [],
        fields: new Map(),
        result: undefined,
        labels: new Map(),
      };
      this.instances.set(key, found);
      this.changed = true;
    }
    for (const [name, region] of fields) found.fields.set(name, region);
    for (const [i, arg] of args.entries()) found.locals[i] = this.keep(found.locals[i], arg, found, 'a parameter');
    return found;
  }

  private call(of: Instance, node: Extract<Node, { kind: 'call' }>): Maybe {
    const target = this.target(of, node);
    if (node.type === 'none' || !target) return undefined;
    return target.fn.body ? target.result : number;
  }

  private control(of: Instance, node: Extract<Node, { kind: 'block' | 'if' | 'loop' | 'br' }>): Maybe {
    if (node.kind === 'block') {
      const values = node.body.map((child) => this.value(of, child));
      const last = node.type === 'none' ? undefined : values.at(-1);
      return node.name === undefined ? last : this.join(last, of.labels.get(node.name), of, 'a block');
    }
    if (node.kind === 'if') {
      this.value(of, node.condition);
      const then = this.value(of, node.then);
      const otherwise = node.otherwise && this.value(of, node.otherwise);
      return node.type === 'none' ? undefined : this.join(then, otherwise, of, 'a choice');
    }
    if (node.kind === 'loop') return this.value(of, node.body);
    if (node.condition) this.value(of, node.condition);
    if (node.value) of.labels.set(node.name, this.keep(of.labels.get(node.name), this.value(of, node.value), of, 'a block'));
    return undefined;
  }

  private returns(of: Instance, value: Maybe): void {
    of.result = this.keep(of.result, value, of, 'a result');
  }

  private constant(value: number): Value {
    const region = regionOf(value);
    return region ? { is: region, at: new Set([value]) } : { is: 'number', zero: value === 0 };
  }

  /**
   * Returns the value of a load. A word of flash at known addresses may be an address; other words, such as
   * those of tables, are numbers.
   */
  private load(of: Instance, at: Maybe, node: Extract<Node, { kind: 'load' }>): Maybe {
    if (at === undefined) return undefined;
    if (at.is !== 'flash' || !at.at || node.bytes !== 4) return number;
    let value: Maybe;
    for (const address of at.at) {
      const region = this.pointed(address + node.offset);
      const pointed = this.words[(address + node.offset - flashBase) >> 2] as number;
      const one: Value = region ? { is: region, at: new Set([pointed]) } : { is: 'number', zero: pointed === 0 };
      value = this.join(value, one, of, 'a field');
    }
    return value;
  }

  private binary(of: Instance, op: string, left: Maybe, right: Maybe): Maybe {
    if (left === undefined || right === undefined) return isAddress(left) || isAddress(right) ? undefined : left && right;
    const [l, r] = [isAddress(left), isAddress(right)];
    // a value that was 0 so far may still become an address
    if (!l && !r && isZero(left) && /^(Add|Sub)Int32$/.test(op)) return left;
    if (!l && !r) return isZero(right) && op === 'AddInt32' ? right : number;
    if (op === 'AddInt32' && l !== r) return { is: l ? left.is : right.is } as Value;
    if (op === 'SubInt32' && l && !r) return { is: left.is } as Value;
    const compares = /^(Eq|Ne|Lt|Gt|Le|Ge)/.test(op);
    if ((compares && (left.is === right.is || isZero(left) || isZero(right))) || (op === 'SubInt32' && left.is === right.is))
      return number;
    throw notInC(`${of.fn.name} computes ${op} of ${left.is} and ${right.is}`);
  }

  /** Returns a value that may be either of two. */
  private join(a: Maybe, b: Maybe, of: Instance, what: string): Maybe {
    if (a === undefined || b === undefined) return a ?? b;
    if (isAddress(a) && isZero(b)) return a;
    if (isAddress(b) && isZero(a)) return b;
    if (!isAddress(a) || !isAddress(b)) {
      if (isAddress(a) || isAddress(b)) throw notInC(`${what} of ${of.fn.name} is ${a.is} and ${b.is}`);
      return { is: 'number', zero: a.zero && b.zero };
    }
    if (a.is !== b.is) throw notInC(`${what} of ${of.fn.name} is ${a.is} and ${b.is}`);
    if (!a.at || !b.at) return { is: a.is };
    const at = new Set([...a.at, ...b.at]);
    return at.size > maxAddresses ? { is: a.is } : { is: a.is, at };
  }

  /** Returns the same, to be stored. If it is new, all functions are analysed again. */
  private keep(old: Maybe, value: Maybe, of: Instance, what: string): Maybe {
    const now = this.join(old, value, of, what);
    const size = (v: Maybe) => (isAddress(v) ? (v.at?.size ?? -1) : v && isZero(v));
    if (now?.is !== old?.is || size(now) !== size(old)) this.changed = true;
    return now;
  }
}

export const isAddress = (value: Maybe): value is Extract<Value, { is: Region }> => value !== undefined && value.is !== 'number';
const isZero = (value: Value): boolean => value.is === 'number' && value.zero;

/** Distances of the words that a function loads from an address in a parameter, by parameter. */
const loaded = new WeakMap<IrFunction, ReadonlyMap<number, ReadonlySet<number>>>();
function loadedFields(fn: IrFunction): ReadonlyMap<number, ReadonlySet<number>> {
  const known = loaded.get(fn);
  if (known) return known;
  const found = new Map<number, Set<number>>();
  const visit = (part: unknown): void => {
    if (typeof part !== 'object' || part === null) return;
    const node = part as Node;
    if (node.kind === 'load' && node.bytes === 4 && node.at.kind === 'get' && node.at.index < fn.params)
      found.set(node.at.index, (found.get(node.at.index) ?? new Set()).add(node.offset));
    for (const child of Object.values(part)) visit(child);
  };
  visit(fn.body);
  loaded.set(fn, found);
  return found;
}
