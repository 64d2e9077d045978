/**
 * A module's declarations, held against ABI 1 and the manifest before an engine sees the module.
 *
 * In: the bytes of a module whose signature holds, its manifest, limits.  Out: nothing, or a refusal. Source:
 * WebAssembly core specification 1.0, section 5.5. What the engine checks itself when it compiles (types,
 * bodies, order) is left to it.
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

/** Sections that no bundle has, by id. */
const foreign: Record<number, string> = { 4: 'a table', 8: 'a start function', 9: 'elements of a table', 13: 'exception tags' };

/** The fixed memory that a module declares. @throws RN825 */
function declaredBytes(sections: WasmSection[]): number {
  const wrong = (why: string): RunletError =>
    new RunletError('RN825', {
      what: "the module's memory is not one of a fixed size",
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
    throw wrong(flags === 0 ? 'it declares no maximum, so it can grow' : `its flags are ${flags}: shared, or of 64 bits`);
  const least = cursor.u32("a memory's minimum");
  const most = cursor.u32("a memory's maximum");
  if (least !== most) throw wrong(`it has ${least} pages and may grow to ${most}`);
  return least * pageBytes;
}

/** @throws RN601, RN820, RN825, RN826, RN829 */
export function checkDeclarations(wasm: Uint8Array, manifest: Manifest, mostMemoryBytes: number): void {
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
    if (bytes > mostMemoryBytes)
      throw new RunletError('RN820', {
        what: `the module wants ${bytes} bytes of memory`,
        where,
        why: `this gateway gives at most ${mostMemoryBytes}`,
        tryThis: 'a smaller model, or a gateway with --most-memory',
      });
  // the stack and what lies below the arena are not in the manifest's figure
  if (declared < memoryBytes || declared > memoryBytes + 2 * pageBytes)
    throw new RunletError('RN826', {
      what: 'the module does not have the memory that its manifest says',
      where: 'memory section',
      why: `it declares ${declared} bytes, and the manifest says ${memoryBytes}`,
      tryThis: rebuild,
    });
}
