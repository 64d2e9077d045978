/**
 * Prints values of a function as C99 expressions.
 *
 * In: nodes that give a value, with their regions (regions.ts).  Out: expressions, and statements that must
 * come before them. WebAssembly evaluates operands from left to right, C in any order. So an effect inside an
 * expression becomes a statement before it, and earlier operands that could see the effect are kept in
 * temporaries.
 */
import { atom, binaryText, cast, choice, constantText, inside, type Text, unaryText } from './expression.ts';
import { type Node, nodesIn, notInC, type Type } from './ir.ts';
import { flashBase, ramBase } from './place.ts';
import { type Instance, isAddress, type Regions } from './regions.ts';

const keywords = new Set(
  'auto break case char const continue default do double else enum extern float for goto if inline int long register restrict return short signed sizeof static struct switch typedef union unsigned void volatile while flash ram word32 word16 signed16'.split(
    ' ',
  ),
);

export abstract class ValuePrinter {
  protected lines: string[] = [];
  protected depth = 1;
  protected readonly of: Instance;
  protected readonly regions: Regions;
  protected readonly names: string[];
  protected readonly taken = new Set<string>();
  protected readonly temporaries: string[] = [];
  protected readonly read = new Set<number>();
  /** Locals whose value is printed. Reads of other locals have no effect and are not printed. */
  protected readonly printed = new Set<number>();

  protected readonly remarks: ReadonlyMap<number, string>;

  /** `remarks`: a description of the layer, by the address of its parameter block. */
  constructor(of: Instance, regions: Regions, remarks: ReadonlyMap<number, string>) {
    this.of = of;
    this.remarks = remarks;
    this.regions = regions;
    const taken = this.taken;
    for (const { name } of regions.instances.values()) taken.add(name);
    this.names = of.fn.locals.map(({ name }, i) => {
      let unique = name === undefined || keywords.has(name) || !/^[a-z_]\w*$/i.test(name) ? `v${i}` : name;
      while (taken.has(unique)) unique = `${unique}_${i}`;
      taken.add(unique);
      return unique;
    });
    for (const node of nodesIn(of.fn.body as Node)) if (node.kind === 'get') this.read.add(node.index);
  }

  protected abstract blockStatement(node: Extract<Node, { kind: 'block' }>, result?: string): void;
  protected abstract ifStatement(node: Extract<Node, { kind: 'if' }>, result?: string): void;

  protected typeOf(local: number): string {
    const value = this.of.locals[local];
    return isAddress(value) ? pointer[value.is] : numbers[this.of.fn.locals[local]?.type ?? 'i32'];
  }

  protected resultType(): string {
    const { fn, result } = this.of;
    return isAddress(result) ? pointer[result.is] : numbers[fn.result];
  }

  protected line(text: string): void {
    this.lines.push(`${'  '.repeat(this.depth)}${text}`);
  }

  protected block(run: () => void): void {
    this.depth++;
    run();
    this.depth--;
  }

  protected temporary(text: string, type: string): string {
    const name = this.unused();
    this.temporaries.push(`  ${declaration(type, name)};`);
    if (text) this.line(`${name} = ${text};`);
    return name;
  }

  protected unused(): string {
    for (let i = this.temporaries.length; ; i++) if (!this.taken.has(`t${i}`)) return this.taken.add(`t${i}`) && `t${i}`;
  }

  protected cTypeOf(node: Node): string {
    const value = this.regions.value(this.of, node);
    return isAddress(value) ? pointer[value.is] : numbers[node.type];
  }

  protected assign(to: string, value: Node, type: string): void {
    this.line(`${to} = ${this.as(type, value)};`);
  }

  /** Prints a value for a variable of this type. For a pointer, 0 becomes NULL. */
  protected as(type: string, node: Node, text = this.value(node)): string {
    if (type.endsWith('*') === isAddress(this.regions.value(this.of, node))) return text.text;
    if (type.endsWith('*') && node.kind === 'const' && node.value === 0) return 'NULL';
    throw notInC(`${this.of.fn.name} takes a number for an address`);
  }

  protected condition(node: Node): string {
    return this.value(node).text;
  }

  /** Prints operands in order. Those that a later operand could change are kept in temporaries. */
  protected operands(nodes: Node[]): Text[] {
    return nodes.map((node, i) => {
      const text = this.value(node);
      const later = nodes.slice(i + 1).map(effects);
      if (!later.some((e) => disturbs(e, node))) return text;
      return atom(this.temporary(text.text, this.cTypeOf(node)));
    });
  }

  protected value(node: Node): Text {
    switch (node.kind) {
      case 'const':
        return this.constant(node);
      case 'get':
        this.printed.add(node.index);
        return atom(this.names[node.index] as string);
      case 'set': {
        const name = this.names[node.index] as string;
        this.assign(name, node.value, this.typeOf(node.index));
        this.read.add(node.index);
        this.printed.add(node.index);
        return atom(name);
      }
      case 'load':
        return this.load(node);
      case 'unary': {
        const text = unaryText(node.op, this.value(node.value));
        if (!text) throw notInC(`${this.of.fn.name} has ${node.op}`);
        return text;
      }
      case 'binary':
        return this.binary(node);
      case 'select': {
        const type = this.cTypeOf(node);
        const [then, otherwise, condition] = this.operands([node.then, node.otherwise, node.condition]) as [Text, Text, Text];
        const or = (text: Text, from: Node) => this.as(type, from, { ...text, text: inside(text, 2) });
        return choice(`${inside(condition, 2)} ? ${or(then, node.then)} : ${or(otherwise, node.otherwise)}`);
      }
      case 'call':
        return atom(this.temporary(this.call(node).text, this.cTypeOf(node)));
      case 'block':
      case 'if': {
        if (node.kind === 'block' && node.name === undefined && node.body.length === 1) return this.value(node.body[0] as Node);
        const result = this.temporary('', this.cTypeOf(node));
        if (node.kind === 'block') this.blockStatement(node, result);
        else this.ifStatement(node, result);
        return atom(result);
      }
      default:
        throw notInC(`${this.of.fn.name} has ${node.kind} as a value`);
    }
  }

  private constant({ value }: Extract<Node, { kind: 'const' }>): Text {
    const region = typeof value === 'number' ? this.regions.value(this.of, { kind: 'const', type: 'i32', value }) : undefined;
    if (!isAddress(region)) return constantText(value);
    return { text: `${region.is} + ${(value as number) - (region.is === 'flash' ? flashBase : ramBase)}`, binds: 6 };
  }

  protected call(node: Extract<Node, { kind: 'call' }>): Text {
    const target = this.regions.target(this.of, node);
    if (!target) throw notInC(`${this.of.fn.name} calls ${node.target} with values that are never set`);
    const types = node.args.map((_, i) => {
      const local = target.locals[i];
      return isAddress(local) ? pointer[local.is] : 'uint32_t';
    });
    const args = this.operands(node.args).map((arg, i) => this.as(types[i] as string, node.args[i] as Node, arg));
    return atom(`${target.name}(${args.join(', ')})`);
  }

  protected address(node: Node, text: Text, offset: number): string {
    const region = this.regions.value(this.of, node);
    // an address that is 0 in every block: this code never runs
    if (region?.is === 'number' && region.zero) return `flash + ${cast('int32_t', text).text} + ${offset}`;
    if (!isAddress(region)) throw notInC(`${this.of.fn.name} reads or writes at a number, ${text.text}`);
    return offset === 0 ? text.text : `${inside(text, 6)} + ${offset}`;
  }

  private load(node: Extract<Node, { kind: 'load' }>): Text {
    const at = this.address(node.at, this.value(node.at), node.offset);
    const pointed = this.regions.value(this.of, node);
    if (isAddress(pointed)) return { text: `${pointed.is} + (int32_t)L32(${at})`, binds: 6 };
    const name = {
      1: node.signed ? 'L8S' : 'L8U',
      2: node.signed ? 'L16S' : 'L16U',
      4: 'L32',
      8: node.align < 4 ? 'L64U' : 'L64',
    }[node.bytes];
    const text = atom(`${name}(${at})`);
    if (node.type === 'i32' || node.bytes === 8) return text;
    return cast('uint64_t', node.signed ? cast('int64_t', cast('int32_t', text)) : text);
  }

  /** Prints a binary operation. A sum of an address and a number moves a pointer by a signed number. */
  private binary(node: Extract<Node, { kind: 'binary' }>): Text {
    const [l, r] = [node.left, node.right].map((x) => this.regions.value(this.of, x));
    const [left, right] = this.operands([node.left, node.right]) as [Text, Text];
    if (isAddress(l) !== isAddress(r) && /^(Add|Sub)Int32$/.test(node.op)) {
      const [base, by] = isAddress(l) ? [left, right] : [right, left];
      const sign = node.op === 'AddInt32' ? '+' : '-';
      const shown = by.value === undefined ? cast('int32_t', by).text : `${Math.abs(by.value)}`;
      const turned = by.value !== undefined && by.value < 0 ? (sign === '+' ? '-' : '+') : sign;
      return { text: `${inside(base, 6)} ${turned} ${shown}`, binds: 6 };
    }
    if (isAddress(l) && isAddress(r) && node.op === 'SubInt32')
      return cast('uint32_t', { text: `(${left.text} - (${right.text}))`, binds: 9 });
    if (isAddress(l) || isAddress(r)) {
      const plain = (x: Text) => (x.value === 0 ? atom('NULL') : x);
      const text = binaryText(node.op.replace(/S(?=Int)/, 'U'), plain(left), plain(right));
      if (text) return text;
    }
    const amount = node.right.kind === 'const' ? Number(node.right.value) : undefined;
    const text = binaryText(node.op, left, right, amount);
    if (!text) throw notInC(`${this.of.fn.name} has ${node.op}`);
    return text;
  }
}

const numbers: Record<Type, string> = { none: 'void', i32: 'uint32_t', i64: 'uint64_t' };
const pointer = { flash: 'const uint8_t *', ram: 'uint8_t *' } as const;
export const declaration = (type: string, name: string): string => (type.endsWith('*') ? `${type}${name}` : `${type} ${name}`);

export interface Effects {
  /** Locals that it sets. */
  sets: Set<number>;
  /** True if it may write memory. */
  writes: boolean;
  /** True if it sets a local or may write memory. */
  changes: boolean;
  /** True if printing it makes statements. */
  any: boolean;
}

/** Returns what evaluating a node changes. A node that becomes statements counts too. */
export function effects(node: Node): Effects {
  const found: Effects = { sets: new Set(), writes: false, changes: false, any: false };
  for (const n of nodesIn(node)) {
    if (n.kind === 'set') found.sets.add(n.index);
    if (n.kind === 'call' || n.kind === 'store') found.writes = true;
    if (!['get', 'const', 'load', 'unary', 'binary', 'select'].includes(n.kind)) found.any = true;
  }
  found.changes = found.writes || found.sets.size > 0;
  return found;
}

const disturbs = (later: Effects, node: Node): boolean =>
  later.changes &&
  [...nodesIn(node)].some(
    (n) => ((n.kind === 'get' || n.kind === 'set') && later.sets.has(n.index)) || (n.kind === 'load' && later.writes),
  );
