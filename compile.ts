/**
 * `runlet/compile` turns a model file into a running module without Node and without a compiler, for example
 * in a web page.
 *
 * In: a model file.  Out: `compile(bytes, { hop, calibration })` returns a bundle, and `openSession` runs it.
 * The stages have the same names as in `runlet` (readModel, planStream, quantize, quantPlan, build). `build`
 * makes modules of style `table`: an interpreter that was compiled beforehand (14 KB) plus a table of layers
 * (docs/adr/0008). The same file gives the same bytes in Node and in browsers. Dependencies: valibot and
 * @bufbuild/protobuf, which bundlers include. It does not need binaryen or assemblyscript. The reader of a
 * model format is loaded on first use. A calibration takes seconds: in a page, run it in a Web Worker.
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
