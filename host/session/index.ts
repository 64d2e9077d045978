/**
 * The public names of `@runlet/session`. Runs in Node and in browsers.
 */

export type { DetectorManifest, Manifest, PortManifest } from '../../assembly/bundle/manifest.ts';
export { parseManifest, readManifest, wasmBytes, wasmSections } from '../../assembly/bundle/read.ts';
export { isRunletError, RunletError } from '../../models/error.ts';
export type { WarmUp } from './clock.ts';
export type { CountedFrames, FrameRows } from './counted.ts';
export { type Detection, Detector, type DetectorOptions } from './detector.ts';
export type { Signal } from './frames.ts';
export type { GapPolicy, GapResult } from './gap.ts';
export { Gate, type GateThreshold } from './gate.ts';
export { type GateCondition, gateText, gateValueName, readGates } from './gate-condition.ts';
export { type GateSummary, gateSummary } from './gate-summary.ts';
export { type GatedCount, GatedStream } from './gated-stream.ts';
export type { Frames } from './kinds.ts';
export { type DetectorSettings, isBackground, LabelDetector } from './label-detector.ts';
export { Listener, type ListenerEvents, type ListeningCount } from './listener.ts';
export type { SleepCount } from './listening-gate.ts';
export type { ListeningModel, ModelGate } from './listening-model.ts';
export { withGates } from './named-gates.ts';
export type { Stored } from './open.ts';
export { openSession, type SessionOptions } from './open-session.ts';
export { dequantiseValue, quantiseValue } from './quantise.ts';
export type { Result } from './result.ts';
export { type Segment, SegmentDetector, type SegmentOptions } from './segments.ts';
export { type GoldenHop, goldenBytes, requireSelfTest, type SelfTestResult, selfTest } from './self-test.ts';
export { Session } from './session.ts';
export type { StreamChunk, StreamOutput } from './stream.ts';
