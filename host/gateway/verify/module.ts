/**
 * Checks a module's declarations against ABI 1 and its manifest before an engine reads the module.
 *
 * In: the bytes of a module with a valid signature, its manifest, a limit of memory.
 * Errors: RN601, RN820, RN825, RN826, RN829.  Source: WebAssembly core specification 1.0, section 5.5.
 * The engine checks types, bodies and order when it compiles.
 */
import type { Manifest } from '../../../assembly/bundle/manifest.ts';
import { Cursor, type WasmSection, wasmSections } from '../../../assembly/bundle/read.ts';
import { RunletError } from '../../../models/error.ts';

const pageBytes = 65536;
const rebuild = 'build the bundle again with `runlet build`';

const cursorOf = ({ bytes }: WasmSection): Cursor => new Cursor(bytes, 0, bytes.length);

function feature(what: string, where: string): RunletError {
  return new RunletError('RN829', { what: `the module has ${what}`, where, why: 'ABI 1 has none', tryThis: rebuild });
}

/** Sections that a bundle must not have, by id. */
const foreign: Record<number, string> = { 4: 'a table', 8: 'a start function', 9: 'elements of a table', 13: 'exception tags' };

/** Returns the size of the fixed memory that a module declares, in bytes. @throws RN825 */
function declaredBytes(sections: WasmSection[]): number {
  const wrong = (why: string): RunletError =>
    new RunletError('RN825', {
      what: "the module's memory does not have a fixed size",
      where: 'memory section',
      why,
      tryThis: rebuild,
    });
  const section = sections.find(({ id }) => id === 5);
  if (!section) throw wrong('it declares none');
  const cursor = cursorOf(section);
  const count = cursor.u32('the number of memories');
  if (count !== 1) throw wrong(`it declares ${count}`);
  const flags = cursor.byte('a memory');
  if (flags !== 1)
    throw wrong(
      flags === 0 ? 'it declares no maximum, so it can grow' : `its flags are ${flags}: shared, or with 64-bit addresses`,
    );
  const minPages = cursor.u32("a memory's minimum");
  const maxPages = cursor.u32("a memory's maximum");
  if (minPages !== maxPages) throw wrong(`it has ${minPages} pages and may grow to ${maxPages}`);
  return minPages * pageBytes;
}

/** Checks sections and memory. @throws RN601, RN820, RN825, RN826, RN829 */
export function checkDeclarations(wasm: Uint8Array, manifest: Manifest, maxMemoryBytes: number): void {
  const sections = wasmSections(wasm);
  for (const { id, offset } of sections) {
    const what = foreign[id];
    if (what) throw feature(what, `byte ${offset}`);
  }
  const declared = declaredBytes(sections);
  const { memoryBytes } = manifest.bytes;
  for (const [bytes, where] of [
    [declared, 'memory section'],
    [memoryBytes, 'manifest, bytes.memoryBytes'],
  ] as const)
    if (bytes > maxMemoryBytes)
      throw new RunletError('RN820', {
        what: `the module needs ${bytes} bytes of memory`,
        where,
        why: `this gateway allows at most ${maxMemoryBytes}`,
        tryThis: 'use a smaller model, or start the gateway with a larger --max-memory',
      });
  // the manifest's number excludes the stack and the bytes below the arena
  if (declared < memoryBytes || declared > memoryBytes + 2 * pageBytes)
    throw new RunletError('RN826', {
      what: 'the module does not have the memory that its manifest says',
      where: 'memory section',
      why: `it declares ${declared} bytes, and the manifest says ${memoryBytes}`,
      tryThis: rebuild,
    });
}
