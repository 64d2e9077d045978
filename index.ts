/**
 * The library's public names: `import { readModel, planStream, quantize, quantPlan, build, openSession } from
 * 'runlet'`.
 *
 * In: a model file.  Out, stage by stage: Graph -> StreamPlan -> QuantPlan -> Bundle -> Session
 * (docs/pipeline.md). It needs Node 20 or newer: `build` runs the AssemblyScript compiler (with binaryen, 110
 * MB installed) in a worker thread and reads its kernels from files. Bundlers for browsers resolve this name
 * to compile.ts (`runlet/compile`), which has the same stages without the compiler and without Node.
 * `@runlet/session` (also `runlet/session`) contains only the last stage and has no dependencies.
 */
export { type BuildOptions, type Bundle, build } from './assembly/build.ts';
export { buildFrontEnd, type FrontEndBuildOptions } from './assembly/build-front-end.ts';
export type { Manifest, PortManifest, WeightsManifest } from './assembly/bundle/manifest.ts';
export type { Home } from './assembly/emit/home.ts';
export {
  type CountedFrames,
  type Detection,
  Detector,
  type DetectorOptions,
  type FrameRows,
  type Frames,
  type GapPolicy,
  type GapResult,
  LabelDetector,
  Listener,
  type ListeningModel,
  openSession,
  type Result,
  readManifest,
  type SelfTestResult,
  type Session,
  type SessionOptions,
  type Signal,
  type StreamOutput,
  selfTest,
  type WarmUp,
} from './host/session/index.ts';
export { type ErrorParts, isRunletError, RunletError } from './models/error.ts';
export { makeFrontEnd } from './models/frontend/parameters.ts';
export { presetNames, presetParameters } from './models/frontend/presets.ts';
export type { FrontEnd, FrontEndParameters } from './models/frontend/types.ts';
export { readGraph, writeGraph } from './models/graph/file.ts';
export {
  type Graph,
  isQuantised,
  type Node,
  type OpName,
  type Port,
  type QuantParams,
  type Shape,
} from './models/graph/types.ts';
export { type ReadOptions, readModel } from './models/read/index.ts';
export { readFrontEnd } from './models/read/tflite/signal/index.ts';
export { type Deviation, deviationOf } from './models/report/deviation.ts';
export { type PlanRow, planRows, planSummary } from './models/report/print.ts';
export { type Rule, type RuleFinding, rulesFor, rulesOf } from './models/report/rules.ts';
export { chainGraphs } from './models/stream/chain.ts';
export type { Mode } from './models/stream/modes.ts';
export { planStream } from './models/stream/plan.ts';
export type { PlanOptions, Preference, StreamPlan } from './models/stream/types.ts';
export type { CalibrationSet, Sampling } from './quant/calibration/signals.ts';
export type { CalibrationWarning } from './quant/calibration/warnings.ts';
export { type Advice, adviceFor } from './quant/diagnose/advice.ts';
export { type Diagnosis, diagnose, type LayerDiagnosis, worstLayers } from './quant/diagnose/diagnose.ts';
export { compareForms, type Form, type FormComparison } from './quant/evaluate/compare-forms.ts';
export { type Evaluation, type EvaluationData, evaluate } from './quant/evaluate/evaluate.ts';
export { type Labels, type Metric, readLabels } from './quant/evaluate/labels.ts';
export type { ClassMetrics, ValueMetrics } from './quant/evaluate/metrics.ts';
export { FrontEndReference, featureRows } from './quant/frontend/reference.ts';
export { normaliseInputs } from './quant/methods/normalise-inputs.ts';
export { type Sensitivities, type Sensitivity, sensitivity } from './quant/methods/sensitivity.ts';
export { type Mixed, type MixedGroup, type MixedOptions, mixed } from './quant/mixed.ts';
export { type QuantPlan, quantPlan } from './quant/plan.ts';
export type { Methods, Preset } from './quant/presets.ts';
export { type QdqOptions, writeQdq } from './quant/qdq.ts';
export {
  type CalibrationReport,
  type Progress,
  type Quantized,
  type QuantizeOptions,
  type QuantizeStreamOptions,
  quantize,
  quantizeStream,
} from './quant/quantize.ts';
export type { LayerReport } from './quant/report.ts';
export { type Search, type SearchOptions, search, type Tried } from './quant/search/search.ts';
