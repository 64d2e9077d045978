/**
 * The compiler as it is called, in whichever thread or page it runs. Plain JavaScript, for asc-worker.mjs.
 *
 * In: the package, loaded by the caller, and a job.  Out: bytes.  It touches no file.
 */
import Transform from '../../asconfig.mjs';

/**
 * asc on module.ts and what it imports: { wasm, diagnostics }; wasm is undefined where it does not compile.
 */
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
