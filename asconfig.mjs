/**
 * A transform of asc for the kernels; asconfig.json names it. Plain JavaScript, because asc itself loads it.
 *
 * Field reads: asc calls a getter for each field of a parameter block, and its optimiser inlines these calls
 * late. The code around them becomes slightly worse; for C they are not inlined at all (docs/adr/0026). The
 * transform emits a load instead of each call.
 *
 * Size: binaryen's optimiser runs once more at the end. asc inlines a function that is called only once up to
 * a size limit that no option changes; binaryen itself has no such limit (docs/adr/0022). asc has no hook
 * after its optimiser. Its last step is to run the passes of `--runPasses`, so the transform replaces that
 * step.
 */
export default class Transform {
  afterInitialize(program) {
    const { module, instancesByName } = program;
    const call = module.call.bind(module);
    module.call = (name, operands, ...rest) => {
      const [, field] = name.split('#get:');
      const { isField, instance } = instancesByName.get(name)?.parent.getMember(field ?? '') ?? {};
      if (!isField) return call(name, operands, ...rest);
      const { type, memoryOffset } = instance;
      return module.load(type.byteSize, type.isSignedIntegerValue, operands[0], type.toRef(), memoryOffset);
    };
  }

  afterCompile(module) {
    const { binaryen, program } = this;
    // the C form prints the code as it was written
    if (program.options.optimizeLevelHint === 0) return;
    module.runPasses = () => {
      // asc has changed these settings of binaryen
      for (const name of ['ClosedWorld', 'FastMath', 'GenerateStackIR', 'OptimizeStackIR']) binaryen[`set${name}`](false);
      binaryen.setOptimizeLevel(3);
      binaryen.setShrinkLevel(2);
      binaryen.setAlwaysInlineMaxSize(2);
      binaryen.setFlexibleInlineMaxSize(20);
      binaryen.setOneCallerInlineMaxSize(-1);
      module.optimize();
    };
  }
}
