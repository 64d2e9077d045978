/**
 * Determines which handlers WAMR's fast interpreter runs for each segment of a function.
 *
 * In: a decoded function and its segments.  Out: per segment, the number of runs of each handler.
 * Rules of the loader: `local.get` and constants are operands, not instructions. `local.set` after an
 * instruction with a result becomes the destination of that instruction. A local that is still on the stack
 * is copied before it is written, or before a block begins. A block's result is copied unless it is in its
 * place. `if` without `else` gets an `else`.
 * Source: WAMR 2.4.3, core/iwasm/interpreter/wasm_loader.c (wasm_loader_prepare_bytecode and what it calls).
 */
import { type DecodedModule, type Instruction, op, type WasmFunction } from './wasm/decode.ts';
import type { Segment } from './wasm/segments.ts';

/** Runs per segment by handler. A name with `:taken` or `:else` runs only if the segment ends that way. */
export type Handlers = Map<string, number>;

const i32 = 0x7f;
const cellsOf = (type: number): number => (type === 0x7e || type === 0x7c ? 2 : 1);

/** [operands, result type] of an opcode that is not a control, local, global, call or memory instruction. */
function plain(code: number): [number, number] {
  if (code === 0x45) return [1, i32];
  if (code <= 0x4f) return [2, i32];
  if (code === 0x50) return [1, i32];
  if (code <= 0x66) return [2, i32];
  if (code <= 0x69) return [1, i32];
  if (code <= 0x78) return [2, i32];
  if (code <= 0x7b) return [1, 0x7e];
  if (code <= 0x8a) return [2, 0x7e];
  if (code <= 0x91) return [1, 0x7d];
  if (code <= 0x98) return [2, 0x7d];
  if (code <= 0x9f) return [1, 0x7c];
  if (code <= 0xa6) return [2, 0x7c];
  if (code <= 0xab || code === 0xbc || code === 0xc0 || code === 0xc1) return [1, i32];
  if (code <= 0xb1 || code === 0xbd || (code >= 0xc2 && code <= 0xc4)) return [1, 0x7e];
  if (code <= 0xb6 || code === 0xbe) return [1, 0x7d];
  if (code <= 0xbf) return [1, 0x7c];
  return [1, code - 0xfc00 < 4 ? i32 : 0x7e]; // saturating truncations
}

/** Result type of a load. */
const loaded = (code: number): number =>
  code === 0x28 || (code >= 0x2c && code <= 0x2f) ? i32 : code === 0x2a ? 0x7d : code === 0x2b ? 0x7c : 0x7e;

/** Checks whether a following local.set costs nothing (LAST_OP_OUTPUT_I32 and _I64 of the loader). */
function givesDestination(code: number): boolean {
  return (code >= 0x28 && code <= 0x35) || (code >= 0x45 && code <= 0xbf);
}

interface Block {
  kind: number;
  results: number[];
  height: number;
  dynamic: number;
  hasElse: boolean;
  /** Dynamic offset after the condition; `else` starts from it too. */
  start: number;
}

class Loader {
  readonly module: DecodedModule;
  readonly fn: WasmFunction;
  private readonly offsets: number[] = [];
  private readonly firstDynamic: number;
  private dynamic: number;
  private maxDynamic: number;
  private preserved = 1 << 20;
  private stack: { slot: number; type: number }[] = [];
  private blocks: Block[] = [];
  private out: Handlers = new Map();
  private dead = false;

  constructor(module: DecodedModule, fn: WasmFunction) {
    this.module = module;
    this.fn = fn;
    let cells = 0;
    for (const type of fn.locals) {
      this.offsets.push(cells);
      cells += cellsOf(type);
    }
    this.firstDynamic = cells;
    this.dynamic = cells;
    this.maxDynamic = cells;
    this.open(op.block, fn.type.results);
  }

  private emit(name: string, times = 1): void {
    if (times > 0) this.out.set(name, (this.out.get(name) ?? 0) + times);
  }

  private push(type: number): void {
    this.stack.push({ slot: this.dynamic, type });
    this.dynamic += cellsOf(type);
    this.maxDynamic = Math.max(this.maxDynamic, this.dynamic);
  }

  private pop(): { slot: number; type: number } {
    const top = this.stack.pop() ?? { slot: -1, type: i32 };
    if (top.slot > this.firstDynamic && top.slot < this.maxDynamic) this.dynamic -= cellsOf(top.type);
    return top;
  }

  private open(kind: number, results: number[]): void {
    const { dynamic } = this;
    this.blocks.push({ kind, results, height: this.stack.length, dynamic, hasElse: false, start: dynamic });
  }

  private copyLocal(slot: number): boolean {
    const uses = this.stack.filter((entry) => entry.slot === slot);
    const [first] = uses;
    if (!first) return false;
    this.emit(cellsOf(first.type) === 1 ? 'copy' : 'copy64');
    for (const entry of uses) entry.slot = this.preserved;
    this.preserved += 2;
    return true;
  }

  private copyLocals(): void {
    for (const { slot } of [...this.stack]) if (slot >= 0 && slot < this.firstDynamic) this.copyLocal(slot);
  }

  /** Copies a block's result unless it is in its place. */
  private copyResult({ results, dynamic }: Block): void {
    const top = this.stack.at(-1);
    if (results.length !== 1 || !top || top.slot === dynamic) return;
    this.emit(cellsOf(top.type) === 1 ? 'copy' : 'copy64');
    top.slot = dynamic;
  }

  private reset({ height }: Block): void {
    while (this.stack.length > height) this.pop();
  }

  /** Handlers of instructions [from, to). */
  segment({ from, to }: Segment): Handlers {
    this.out = new Map();
    for (let i = from; i < to; i++) this.step(this.fn.code[i] as Instruction, this.fn.code[i - 1]?.op ?? 0);
    return this.out;
  }

  private step(instruction: Instruction, before: number): void {
    const { op: code, list = [] } = instruction;
    if (code === op.end) this.end();
    else if (code === op.else) this.otherwise();
    else if (code >= op.block && code <= op.if) {
      if (!this.dead) this.begin(code);
      this.open(code, list);
    } else if (!this.dead) this.live(instruction, before);
  }

  private begin(code: number): void {
    this.copyLocals();
    if (code !== op.if) return;
    this.pop();
    this.emit('if');
    this.emit('if:else');
  }

  private otherwise(): void {
    const block = this.blocks.at(-1) as Block;
    if (!this.dead) {
      this.copyResult(block);
      this.emit('else');
    }
    this.reset(block);
    this.dynamic = block.start;
    block.hasElse = true;
    this.dead = false;
  }

  private live(instruction: Instruction, before: number): void {
    const { op: code, value } = instruction;
    if (code === op.nop) return;
    if (code === op.br || code === op.brTable || code === op.return || code === op.unreachable) this.jump(code, value);
    else if (code === op.brIf) {
      this.pop();
      this.branch('br_if', this.blocks.at(-1 - value));
    } else if (code === op.call || code === op.callIndirect) this.call(code, value);
    else if (code === op.drop) this.pop();
    else if (code === op.select) {
      this.pop();
      this.pop();
      const { type } = this.pop();
      this.emit(cellsOf(type) === 1 ? 'select' : 'select64');
      this.push(type);
    } else if (code >= op.localGet && code <= op.localTee) this.local(code, value, before);
    else if (code === op.globalGet) {
      this.emit('global.get');
      this.push(i32); // Runlet's modules have 32-bit globals only
    } else if (code === op.globalSet) {
      this.pop();
      this.emit('global.set');
    } else if (code >= op.i32Const && code <= op.f64Const)
      this.stack.push({ slot: -1, type: [i32, 0x7e, 0x7d, 0x7c][code - op.i32Const] as number });
    else this.compute(code);
  }

  private jump(code: number, value: number): void {
    if (code === op.br) this.branch('br', this.blocks.at(-1 - value));
    if (code === op.brTable) {
      this.pop();
      this.emit('br_table');
    }
    if (code === op.return) this.leave();
    this.dead = true;
  }

  private leave(): void {
    this.emit('return');
    this.emit('return.cells', this.fn.type.results.length);
  }

  private call(code: number, value: number): void {
    const { imported, functions, types } = this.module;
    const callee = functions[value - imported.length];
    const type = code === op.callIndirect ? types[value] : (imported[value] ?? callee?.type);
    if (code === op.callIndirect) this.pop();
    this.emit(code === op.callIndirect ? 'call_indirect' : callee ? 'call' : 'call.import');
    this.emit('call.cells', type?.params.length);
    if (callee) this.emit('call.locals', callee.locals.length - callee.type.params.length);
    for (const _ of type?.params ?? []) this.pop();
    for (const result of type?.results ?? []) this.push(result);
  }

  private local(code: number, index: number, before: number): void {
    const type = this.fn.locals[index] as number;
    const slot = this.offsets[index] as number;
    const wide = cellsOf(type) === 2;
    if (code === op.localGet) {
      this.stack.push({ slot, type });
      return;
    }
    const copied = this.copyLocal(slot);
    if (code === op.localTee) this.emit(wide ? 'tee64' : 'tee');
    else if (copied || !givesDestination(before)) {
      this.emit(wide ? 'set64' : 'set');
      this.pop();
    } else {
      this.stack.pop();
      this.dynamic -= cellsOf(type);
    }
  }

  private compute(code: number): void {
    this.emit(code.toString(16));
    const store = code >= 0x36 && code <= 0x3e;
    const bulk = code === 0xfc0a || code === 0xfc0b;
    const [operands, result] = store ? [2, 0] : bulk ? [3, 0] : code <= 0x35 ? [1, loaded(code)] : plain(code);
    for (let i = 0; i < operands; i++) this.pop();
    if (result) this.push(result);
  }

  private branch(name: string, target?: Block): void {
    this.emit(name);
    const cells = target && target.kind !== op.loop ? target.results.length : 0;
    if (name === 'br_if') this.emit('br_if:taken');
    if (cells) this.emit(name === 'br_if' ? 'br.cells:taken' : 'br.cells', cells);
  }

  private end(): void {
    const block = this.blocks.at(-1) as Block;
    if (!this.dead) {
      this.copyResult(block);
      if (block.kind === op.if && !block.hasElse) this.emit('else');
      if (this.blocks.length === 1) this.leave();
    }
    this.reset(block);
    this.blocks.pop();
    this.dynamic = block.dynamic;
    for (const result of block.results) this.push(result);
    this.dead = false;
  }
}

/** Handlers per function and segment. */
export const handlersOf = (module: DecodedModule, segments: readonly Segment[][]): Handlers[][] =>
  module.functions.map((fn, f) => {
    const loader = new Loader(module, fn);
    return (segments[f] ?? []).map((segment) => loader.segment(segment));
  });

/** Number of runs of each handler, from the counts of the segments. */
export function handlerCounts(
  handlers: readonly Handlers[][],
  segments: readonly (Segment & { counter?: number })[][],
  counts: Uint32Array,
): Map<string, number> {
  const sum = new Map<string, number>();
  const of = (segment?: { counter?: number }) => (segment?.counter === undefined ? 0 : (counts[segment.counter] ?? 0));
  for (const [f, list] of segments.entries())
    for (const [s, segment] of list.entries()) {
      const times = of(segment);
      if (times === 0) continue;
      for (const [name, count] of handlers[f]?.[s] ?? []) {
        const leaves = name.endsWith(':taken') || name.endsWith(':else');
        sum.set(name, (sum.get(name) ?? 0) + count * (leaves ? times - of(list[s + 1]) : times));
      }
    }
  return sum;
}
