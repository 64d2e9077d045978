/**
 * binaryen's optimiser once more at the end of asc, for size: a transform of asc, which asconfig.json names.
 * Plain JavaScript, because asc itself loads it.
 *
 * asc inlines a function that is called once only up to a size, and no option changes that; binaryen's own
 * values have no such limit (docs/adr/0022). asc has no hook behind its optimiser. The last that it does with
 * the module is to run the passes of `--runPasses`, and this stands in their place.
 */
export default class Optimise {
  afterCompile(module) {
    const { binaryen } = this;
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
