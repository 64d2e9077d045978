/**
 * The compiler and the optimiser as they are called, in whichever thread or page they run. Plain JavaScript, for asc-worker.mjs.
 *
 * In: the packages, loaded by the caller, and a job.  Out: bytes.  Neither touches a file.
 */

/** asc on one entry file and the kernels that it imports: { wasm, diagnostics }; wasm is undefined where it does not compile. */
export async function runAsc(asc, { source, files, argv }) {
  let wasm;
  let diagnostics = '';
  const sink = {
    write: (text) => {
      diagnostics += text;
    },
  };
  try {
    const { error } = await asc.main(['module.ts', '--outFile=module.wasm', ...argv], {
      readFile: (name) => (name === 'module.ts' ? source : (files[name.replaceAll('\\', '/').replace(/^\.\//, '')] ?? null)),
      writeFile: (name, content) => {
        if (name === 'module.wasm') wasm = content;
      },
      listFiles: () => [],
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

/** binaryen's optimiser once more, for size, features as asc left them. */
export function optimised(binaryen, wasm) {
  const module = binaryen.readBinary(wasm);
  const { MutableGlobals, SignExt, NontrappingFPToInt, SIMD128 } = binaryen.Features;
  module.setFeatures(MutableGlobals | SignExt | NontrappingFPToInt | SIMD128);
  binaryen.setOptimizeLevel(3);
  binaryen.setShrinkLevel(2);
  // binaryen's own values: where asc ran in the same instance, it has left others
  for (const name of ['ClosedWorld', 'FastMath', 'GenerateStackIR', 'OptimizeStackIR']) binaryen[`set${name}`](false);
  binaryen.setAlwaysInlineMaxSize(2);
  binaryen.setFlexibleInlineMaxSize(20);
  binaryen.setOneCallerInlineMaxSize(-1);
  module.optimize();
  const out = module.emitBinary();
  module.dispose();
  return out;
}
