/**
 * Prints one function as C99. Names, loops and conditions stay those of the kernels.
 *
 * In: an instance with the regions of its values (regions.ts).  Out: lines of C.
 */
import type { Text } from './expression.ts';
import { type Node, notInC, operandsOf } from './ir.ts';
import { declaration, effects, ValuePrinter } from './values.ts';

interface Frame {
  name: string | undefined;
  kind: 'while' | 'do' | 'block';
  label: string;
  /** True if a goto needs the label. */
  used: boolean;
  /** block: the loop at its end. To leave the block is to leave that loop. */
  around?: Node;
  node: Node;
  /** Block with a value: the variable that receives it, and its type in C. */
  result?: string;
  type: string;
}

export class FunctionPrinter extends ValuePrinter {
  private readonly frames: Frame[] = [];
  private labels = 0;

  /** Returns the declaration, without a semicolon. */
  signature(): string {
    const { fn, name } = this.of;
    const params = this.names.slice(0, fn.params).map((param, i) => declaration(this.typeOf(i), param));
    return `static RUNLET_CODE ${declaration(this.resultType(), name)}(${params.join(', ') || 'void'})`;
  }

  print(): string[] {
    const { fn } = this.of;
    const body = fn.body as Node;
    if (fn.result === 'none' || body.type === 'none') this.statement(body);
    else {
      const last = body.kind === 'block' && body.name === undefined ? (body.body.at(-1) as Node) : body;
      if (last !== body && body.kind === 'block') for (const child of body.body.slice(0, -1)) this.statement(child);
      this.line(`return ${this.as(this.resultType(), last)};`);
    }
    const params = fn.params;
    const locals = this.names.flatMap((name, i) =>
      i >= params && this.read.has(i) ? [`  ${declaration(this.typeOf(i), name)} = 0;`] : [],
    );
    const unused = this.names.filter((_, i) => (i < params || this.read.has(i)) && !this.printed.has(i));
    return [
      `${this.signature()} {`,
      ...locals,
      ...this.temporaries,
      ...unused.map((name) => `  (void)${name};`),
      ...this.lines,
      '}',
    ];
  }

  private statement(node: Node): void {
    switch (node.kind) {
      case 'block':
        this.blockStatement(node);
        break;
      case 'if':
        this.ifStatement(node);
        break;
      case 'loop':
        this.loop(node);
        break;
      case 'br':
        this.branch(node);
        break;
      case 'set':
        if (!this.read.has(node.index)) this.discard(node.value);
        else if (node.value.kind !== 'get' || node.value.index !== node.index)
          this.assign(this.names[node.index] as string, node.value, this.typeOf(node.index));
        break;
      case 'store':
        this.store(node);
        break;
      case 'drop':
        this.discard(node.value);
        break;
      case 'call':
        this.discard(node);
        break;
      case 'return':
        this.line(node.value ? `return ${this.as(this.resultType(), node.value)};` : 'return;');
        break;
      default:
        throw notInC(`${this.of.fn.name} has ${node.kind} as a statement`);
    }
  }

  /** Prints a value for its effects only. A pure value leaves no text. */
  private discard(value: Node): void {
    if (value.kind === 'call') {
      const [first] = value.args;
      const remark = first?.kind === 'const' ? this.remarks.get(first.value as number) : undefined;
      if (remark) this.line(`/* ${remark.replace(/\*\//g, '')} */`);
      this.line(`${this.call(value).text};`);
    } else if (value.kind === 'set') this.statement({ ...value, tee: false, type: 'none' });
    else if (value.kind === 'block' || value.kind === 'if') {
      if (effects(value).changes) throw notInC(`${this.of.fn.name} drops the value of ${value.kind}`);
    } else for (const operand of operandsOf(value)) this.discard(operand);
  }

  private branch(node: Extract<Node, { kind: 'br' }>): void {
    if (node.value) {
      const frame = this.frames.findLast(({ name }) => name === node.name);
      if (!frame?.result) throw notInC(`${this.of.fn.name} has a value for a block without one`);
      this.line(`${frame.result} = ${this.as(frame.type, node.value)};`);
    }
    if (node.condition) {
      this.line(`if (${this.condition(node.condition)}) {`);
      this.block(() => this.leave(node.name));
      this.line('}');
    } else this.leave(node.name);
  }

  protected blockStatement(node: Extract<Node, { kind: 'block' }>, result?: string): void {
    const last = node.body.at(-1);
    const frame = this.frame('block', node, last?.kind === 'loop' ? last : undefined, result);
    if (node.name !== undefined) this.frames.push(frame);
    for (const [i, child] of node.body.entries()) {
      if (result !== undefined && i === node.body.length - 1 && child.type !== 'none')
        this.line(`${result} = ${this.as(frame.type, child)};`);
      else this.statement(child);
    }
    if (node.name === undefined) return;
    this.frames.pop();
    if (frame.used) this.line(`${frame.label}:;`);
  }

  protected ifStatement(node: Extract<Node, { kind: 'if' }>, result?: string): void {
    const arm = (child: Node) => () => {
      if (result !== undefined && child.type !== 'none') this.line(`${result} = ${this.as(this.cTypeOf(node), child)};`);
      else this.statement(child);
    };
    this.line(`if (${this.condition(node.condition)}) {`);
    this.block(arm(node.then));
    if (node.otherwise) {
      this.line('} else {');
      this.block(arm(node.otherwise));
    }
    this.line('}');
  }

  private frame(kind: Frame['kind'], node: Node, around?: Node, result?: string): Frame {
    const name = 'name' in node ? node.name : undefined;
    const label = `${(name ?? 'l').replace(/\W+/g, '_')}_${this.labels++}`;
    return {
      name,
      kind,
      label,
      used: false,
      node,
      type: this.cTypeOf(node),
      ...(around && { around }),
      ...(result !== undefined && { result }),
    };
  }

  /**
   * Prints a loop: `while` if its body is a condition that repeats the loop at its end, `do` if the body ends
   * with such a condition; else `for`, which is left at its end.
   */
  private loop(node: Extract<Node, { kind: 'loop' }>): void {
    const { body } = node;
    const again = (x: Node | undefined) => x?.kind === 'br' && x.name === node.name && !x.value;
    if (body.kind === 'if' && !body.otherwise) {
      const inner = body.then.kind === 'block' && body.then.name === undefined ? body.then.body : [body.then];
      if (again(inner.at(-1)) && !(inner.at(-1) as { condition?: Node }).condition) {
        this.whileLoop(node, body.condition, inner.slice(0, -1));
        return;
      }
    }
    const children = body.kind === 'block' && body.name === undefined ? body.body : [body];
    const last = children.at(-1);
    if (last?.kind === 'br' && again(last) && last.condition) {
      const frame = this.frame('do', node);
      const at = this.lines.length;
      this.frames.push(frame);
      this.line('do {');
      this.block(() => {
        for (const child of children.slice(0, -1)) this.statement(child);
      });
      this.depth++;
      const condition = this.condition(last.condition);
      this.depth--;
      this.line(`} while (${condition});`);
      this.frames.pop();
      if (frame.used) this.lines.splice(at, 0, `${'  '.repeat(this.depth)}${frame.label}:;`);
      return;
    }
    const ends = last?.kind === 'br' && !last.condition && !again(last);
    this.whileLoop(
      node,
      undefined,
      again(last) ? children.slice(0, -1) : children,
      !again(last) && !ends && last?.kind !== 'return',
    );
  }

  private whileLoop(node: Extract<Node, { kind: 'loop' }>, condition: Node | undefined, children: Node[], once = false): void {
    const frame = this.frame('while', node);
    const simple = !condition || !effects(condition).any;
    this.line(condition && simple ? `while (${this.condition(condition)}) {` : 'for (;;) {');
    this.frames.push(frame);
    this.block(() => {
      if (condition && !simple) this.line(`if (!(${this.condition(condition)})) break;`);
      for (const child of children) this.statement(child);
      if (once) this.line('break;');
      if (frame.used) this.line(`${frame.label}:;`);
    });
    this.frames.pop();
    this.line('}');
  }

  /** Jumps to the next round of a loop, or behind a block. */
  private leave(name: string): void {
    const frame = this.frames.findLast((f) => f.name === name);
    if (!frame) throw notInC(`${this.of.fn.name} leaves ${name}, which is not around it`);
    const innermost = this.frames.findLast((f) => f.kind !== 'block');
    if (frame.kind === 'while' && innermost === frame) this.line('continue;');
    else if (frame.kind === 'block' && frame.around && innermost?.node === frame.around) this.line('break;');
    else {
      frame.used = true;
      this.line(`goto ${frame.label};`);
    }
  }

  private store(node: Extract<Node, { kind: 'store' }>): void {
    const [at, value] = this.operands([node.at, node.value]) as [Text, Text];
    const name = { 1: 'S8', 2: 'S16', 4: 'S32', 8: node.align < 4 ? 'S64U' : 'S64' }[node.bytes];
    this.line(`${name}(${this.address(node.at, at, node.offset)}, ${value.text});`);
  }
}
