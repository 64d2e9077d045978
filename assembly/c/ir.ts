/**
 * The subset of WebAssembly that Runlet's kernels are, as plain objects: structured control flow, integers of
 * 32 and 64 bits, loads, stores and calls.
 *
 * In: a module's bytes.  Out: its functions as trees (ir-worker.mjs). Anything else in the module is an
 * error, so that what is printed as C means the same.
 */
import { Worker } from 'node:worker_threads';
import { RunletError } from '../../models/error.ts';

export type Type = 'none' | 'i32' | 'i64';

export type Node =
  | { kind: 'block'; name?: string; type: Type; body: Node[] }
  | { kind: 'if'; type: Type; condition: Node; then: Node; otherwise?: Node }
  | { kind: 'loop'; name?: string; type: Type; body: Node }
  | { kind: 'br'; name: string; type: Type; condition?: Node; value?: Node }
  | { kind: 'call'; target: string; type: Type; args: Node[] }
  | { kind: 'get'; index: number; type: Type }
  | { kind: 'set'; index: number; tee: boolean; type: Type; value: Node }
  | { kind: 'load'; type: Type; bytes: number; signed: boolean; offset: number; align: number; at: Node }
  | { kind: 'store'; type: 'none'; of: Type; bytes: number; offset: number; align: number; at: Node; value: Node }
  | { kind: 'const'; type: Type; value: number | bigint }
  | { kind: 'unary'; type: Type; op: string; value: Node }
  | { kind: 'binary'; type: Type; op: string; left: Node; right: Node }
  | { kind: 'select'; type: Type; then: Node; otherwise: Node; condition: Node }
  | { kind: 'drop'; type: 'none'; value: Node }
  | { kind: 'return'; type: 'none'; value?: Node };

export interface IrFunction {
  name: string;
  /** What it imports, of which there is no body. */
  base?: string;
  params: number;
  result: Type;
  locals: { type: Type; name?: string }[];
  body?: Node;
}

export interface Ir {
  functions: IrFunction[];
  /** Names that the host sees, and the functions that they stand for. */
  exports: { name: string; value: string }[];
}

/** RN511: the C form does not know something. */
export const notInC = (why: string): RunletError =>
  new RunletError('RN511', {
    what: 'this model cannot be written as C',
    where: '--emit-c',
    why,
    tryThis: 'report it with the model; a module (without --emit-c) has everything',
  });

/** @throws RN511 */
export function irOf(wasm: Uint8Array): Promise<Ir> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./ir-worker.mjs', import.meta.url), { execArgv: [], workerData: wasm });
    worker.once('message', (ir: Ir & { failed?: string }) => (ir.failed === undefined ? resolve(ir) : reject(notInC(ir.failed))));
    worker.once('error', reject);
  });
}

/** A node's operands, in the order in which they are evaluated. */
export function operandsOf(node: Node): Node[] {
  switch (node.kind) {
    case 'block':
      return node.body;
    case 'if':
      return [node.condition, node.then, ...(node.otherwise ? [node.otherwise] : [])];
    case 'loop':
      return [node.body];
    case 'br':
      return [...(node.value ? [node.value] : []), ...(node.condition ? [node.condition] : [])];
    case 'call':
      return node.args;
    case 'set':
    case 'unary':
    case 'drop':
      return [node.value];
    case 'load':
      return [node.at];
    case 'store':
      return [node.at, node.value];
    case 'binary':
      return [node.left, node.right];
    case 'select':
      return [node.then, node.otherwise, node.condition];
    case 'return':
      return node.value ? [node.value] : [];
    default:
      return [];
  }
}

/** The node and all below it. */
export function* nodesIn(node: Node): Generator<Node> {
  yield node;
  for (const operand of operandsOf(node)) yield* nodesIn(operand);
}
