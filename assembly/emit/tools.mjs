/**
 * Calls the compiler, in any thread or page. Plain JavaScript, for asc-worker.mjs.
 *
 * In: the package, loaded by the caller, and a job.  Out: bytes.  It touches no file.
 */
import Transform from '../../asconfig.mjs';

/** Runs asc on module.ts and its imports; wasm is undefined if the source does not compile. */
export async function runAsc(asc, { files, argv, transform }) {
  let wasm;
  let diagnostics = '';
  const sink = {
    write: (text) => {
      diagnostics += text;
    },
  };
  try {
    const { error } = await asc.main(['module.ts', '--outFile=module.wasm', ...argv], {
      readFile: (name) => files[name.replaceAll('\\', '/').replace(/^\.\//, '')] ?? null,
      writeFile: (name, content) => {
        if (name === 'module.wasm') wasm = content;
      },
      listFiles: () => [],
      transforms: transform ? [Transform] : [],
      stdout: sink,
      stderr: sink,
    });
    if (error) wasm = undefined;
    if (error && !diagnostics) diagnostics = String(error);
  } catch (error) {
    diagnostics += String(error);
  }
  return { wasm, diagnostics };
}
