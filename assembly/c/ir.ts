/**
 * The subset of WebAssembly that Runlet's kernels use, as plain objects: structured control flow, integers of
 * 32 and 64 bits, loads, stores and calls.
 *
 * In: a module's bytes.  Out: its functions as trees (ir-worker.mjs). Anything else in the module is an
 * error, so that the printed C means the same.
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
  /** Name of an import; an import has no body. */
  base?: string;
  params: number;
  result: Type;
  locals: { type: Type; name?: string }[];
  body?: Node;
}

export interface Ir {
  functions: IrFunction[];
  /** Names of exports, and the functions that they stand for. */
  exports: { name: string; value: string }[];
}

/** Returns RN511: the C form does not support something. */
export const notInC = (why: string): RunletError =>
  new RunletError('RN511', {
    what: 'this model cannot be written as C',
    where: '--emit-c',
    why,
    tryThis: 'report it with the model; a module (without --emit-c) has everything',
  });

/** Reads the functions of a module. @throws RN511 */
export function irOf(wasm: Uint8Array): Promise<Ir> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./ir-worker.mjs', import.meta.url), { execArgv: [], workerData: wasm });
    worker.once('message', (ir: Ir & { failed?: string }) => (ir.failed === undefined ? resolve(ir) : reject(notInC(ir.failed))));
    worker.once('error', reject);
  });
}

/** Returns a node's operands, in the order of evaluation. */
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

/** Yields the node and all nodes below it. */
export function* nodesIn(node: Node): Generator<Node> {
  yield node;
  for (const operand of operandsOf(node)) yield* nodesIn(operand);
}
