/**
 * Target interp: rewrites `local.tee` in innermost loops as `local.set` and `local.get`.
 *
 * In: a compiled module.  Out: the same functions, two bytes longer for each rewritten instruction.  WAMR's
 * fast interpreter keeps operands in slots. A set only names the slot that the operation before it writes to,
 * a get the slot that the next one reads; neither is executed. A tee is a copy, 7 to 13 instructions of a
 * Cortex-M4 (WAMR 2.4.3, wasm_loader.c, WASM_OP_SET_LOCAL and WASM_OP_TEE_LOCAL).  The optimiser makes tees
 * wherever it can, so this runs after it. Source of the format: WebAssembly core specification 2.0, 5.4.  A
 * function with an unknown opcode stays as it is.
 */
import { append } from '../../models/lists.ts';
import { entriesOf, leb, moduleOf, readLeb, sectionsOf, vector } from './patch.ts';

const codeSection = 10;
const op = { block: 0x02, if: 0x04, loop: 0x03, end: 0x0b, get: 0x20, set: 0x21, tee: 0x22 };
const between = (code: number, first: number, last: number) => code >= first && code <= last;

/** Returns where the immediates of an opcode end; undefined for an unknown opcode. */
function immediatesEnd(body: Uint8Array, code: number, at: number): number | undefined {
  const after = (count: number) => {
    let end = at;
    for (let i = 0; i < count; i++) {
      while ((body[end] as number) & 0x80) end++;
      end++;
    }
    return end;
  };
  if (between(code, op.block, op.if) || between(code, 0x0c, 0x0d) || code === 0x10 || between(code, op.get, 0x24))
    return after(1);
  if (code === 0x11 || between(code, 0x28, 0x3e)) return after(2);
  if (between(code, 0x3f, 0x42)) return after(1);
  if (between(code, 0x43, 0x44)) return at + (code === 0x43 ? 4 : 8);
  const plain = between(code, 0x00, 0x01) || code === 0x05 || code === op.end || code === 0x0f || between(code, 0x1a, 0x1b);
  return plain || between(code, 0x45, 0xc4) ? at : undefined;
}

/** Checks for loads and computations, which can write straight to the slot of a set that follows. */
const writes = (code: number): boolean => between(code, 0x28, 0x35) || between(code, 0x45, 0xc4);

/** Returns start and end of the tees to rewrite; undefined if an opcode is unknown. */
function teesOf(body: Uint8Array, start: number): [start: number, end: number][] | undefined {
  const found: [number, number][] = [];
  const open: { loop: boolean; inner: boolean; tees: [number, number][] }[] = [];
  let before = 0;
  for (let at = start; at < body.length; ) {
    const code = body[at] as number;
    const end = immediatesEnd(body, code, at + 1);
    if (end === undefined) return undefined;
    if (between(code, op.block, op.if)) {
      if (code === op.loop) for (const outer of open) outer.inner = true;
      open.push({ loop: code === op.loop, inner: false, tees: [] });
    } else if (code === op.end) {
      const closed = open.pop();
      if (closed?.loop && !closed.inner) append(found, closed.tees);
    } else if (code === op.tee && writes(before)) open.findLast(({ loop }) => loop)?.tees.push([at, end]);
    before = code;
    at = end;
  }
  return found.sort(([x], [y]) => x - y);
}

/** Rewrites the entry of a function: its length, its locals, its instructions. */
function rewritten(entry: Uint8Array): Uint8Array {
  const body = entry.subarray(readLeb(entry, 0)[1]);
  let [runs, at] = readLeb(body, 0);
  for (; runs > 0; runs--) at = readLeb(body, at)[1] + 1;
  const tees = teesOf(body, at);
  if (!tees?.length) return entry;
  const out: number[] = [];
  let done = 0;
  for (const [start, end] of tees) {
    const local = body.subarray(start + 1, end);
    append(out, [...body.subarray(done, start), op.set, ...local, op.get, ...local]);
    done = end;
  }
  append(out, body.subarray(done));
  return Uint8Array.from([...leb(out.length), ...out]);
}

/** Returns the module without tees in innermost loops. */
export function withoutTees(wasm: Uint8Array): Uint8Array {
  const functionEnd = (body: Uint8Array) => (at: number) => {
    const [length, start] = readLeb(body, at);
    return start + length;
  };
  return moduleOf(
    sectionsOf(wasm).map(({ id, body }) =>
      id === codeSection ? { id, body: vector(entriesOf(body, functionEnd(body)).map(rewritten)) } : { id, body },
    ),
  );
}
