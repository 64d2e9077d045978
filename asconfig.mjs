/**
 * What the kernels need of asc beside flags: a transform, which asconfig.json names. Plain JavaScript,
 * because asc itself loads it.
 *
 * Fields of parameter blocks are loads. asc calls a function for each, which its optimiser inlines: late, so
 * that the code around them comes out a little worse, and not at all for C (docs/adr/0026).
 *
 * binaryen's optimiser runs once more at the end, for size: asc inlines a function that is called once only
 * up to a size, and no option changes that; binaryen's own values have no such limit (docs/adr/0022). asc has
 * no hook behind its optimiser. The last that it does with the module is to run the passes of `--runPasses`,
 * and this stands in their place.
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
    // for C the code stays as it is written
    if (program.options.optimizeLevelHint === 0) return;
    module.runPasses = () => {
      // asc leaves values of its own behind
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
