/**
 * `runlet/compile`: from a model file to a running module in a web page, or wherever there is no Node and no
 * compiler.
 *
 * In: a model file.  Out, in one call: `compile(bytes, { hop, calibration })` gives a bundle, and
 * `openSession` runs it. The stages that it goes through have the names of `runlet` (readModel, planStream,
 * quantize, quantPlan, build), and `build` makes modules of style `table`: an interpreter that was compiled
 * beforehand (14 KB) and a table of layers (docs/adr/0008). The same file gives the same bytes in Node and in
 * browsers. It needs valibot and @bufbuild/protobuf, which bundlers take along, and loads the reader of a
 * format when it is first wanted. It does not need binaryen or assemblyscript. A calibration takes seconds:
 * in a page, run it in a Web Worker.
 */
export { build, type TableBuildOptions } from './assembly/build-table.ts';
export { type Compiled, type CompileOptions, compile } from './host/compile.ts';
export { readGraph, writeGraph } from './models/graph/file.ts';
export { type Graph, isQuantised, type Node, type OpName, type Port, type Shape } from './models/graph/types.ts';
export { type ReadOptions, readModel } from './models/read/index.ts';
export { type PlanRow, planRows, planSummary } from './models/report/print.ts';
export type { Mode } from './models/stream/modes.ts';
export { planStream } from './models/stream/plan.ts';
export type { PlanOptions, Preference, StreamPlan } from './models/stream/types.ts';
export type { Calibration } from './quant/calibration/signals.ts';
export { type QuantPlan, quantPlan } from './quant/plan.ts';
export type { Methods, Preset } from './quant/presets.ts';
export { type Quantized, type QuantizeOptions, quantize } from './quant/quantize.ts';
export * from './session.ts';
