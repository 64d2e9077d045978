/**
 * Checks a manifest from a file: types, ranges, and fields that must agree.
 *
 * In: any JSON value.  Out: a new Manifest of the known fields (unknown ones are dropped), or a RunletError
 * that names the field. Hand-written, because host/session uses it in a browser and has no dependencies.
 */
import { RunletError } from '../../models/error.ts';
import { printable } from '../../models/printable.ts';
import {
  type BytesManifest,
  type DetectorManifest,
  type FeaturesManifest,
  type FrontEndManifest,
  forms,
  isInt16,
  type LayerManifest,
  type Manifest,
  manifestSection,
  maxSlidingWindow,
  type PortManifest,
  truthPlaces,
  type WeightsManifest,
} from './manifest.ts';

type Fields = Record<string, unknown>;

function refuse(code: string, what: string, at: string, why: string): never {
  const tryThis = 'build the bundle again with this version of Runlet';
  throw new RunletError(code, { what, where: `custom section ${manifestSection}, ${at}`, why, tryThis });
}

function wrong(at: string, expected: string, got: unknown): never {
  const shown = got === undefined ? 'nothing' : JSON.stringify(got).slice(0, 60);
  refuse('RN605', `the manifest's ${at} should be ${expected}`, at, `it is ${shown}`);
}

function disagree(at: string, why: string): never {
  refuse('RN606', 'the manifest contradicts itself', at, why);
}

const fieldsOf = (value: unknown, at: string): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : wrong(at, 'an object', value);

const listOf = <T>(value: unknown, at: string, atLeast: number, item: (v: unknown, at: string) => T): T[] =>
  Array.isArray(value) && value.length >= atLeast
    ? value.map((v, i) => item(v, `${at}[${i}]`))
    : wrong(at, `a list of ${atLeast} or more`, value);

/** Returns a text in printable form: names and labels go to terminals, logs and pages. */
const textOf = (value: unknown, at: string): string =>
  typeof value === 'string' ? printable(value) : wrong(at, 'a text', value);

const oneOf = <T extends string>(value: unknown, at: string, allowed: readonly T[]): T =>
  allowed.includes(value as T) ? (value as T) : wrong(at, allowed.join(' or '), value);

/** Returns an integer in [min, max]. */
const wholeOf = (value: unknown, at: string, min: number, max: number): number =>
  Number.isInteger(value) && (value as number) >= min && (value as number) <= max
    ? (value as number)
    : wrong(at, `a whole number from ${min} to ${max}`, value);

const positiveOf = (value: unknown, at: string): number =>
  typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : wrong(at, 'a number above 0', value);

const digestOf = (value: unknown, at: string): string =>
  typeof value === 'string' && /^[0-9a-f]{64}$/.test(value) ? value : wrong(at, 'a SHA-256 of 64 lower-case hex digits', value);

/** Frames, elements and addresses are i32 in the module. */
const maxI32 = 0x7fffffff;
const maxSafe = Number.MAX_SAFE_INTEGER;
const axes = ['t', 'f', 'c'] as const;

function portOf(value: unknown, at: string, elementsOf: (t: number, f: number, c: number) => number): PortManifest {
  const port = fieldsOf(value, at);
  const shape = listOf(port.shape, `${at}.shape`, 3, (v, w) => wholeOf(v, w, 1, maxI32));
  if (shape.length !== 3) wrong(`${at}.shape`, '[t, f, c]', port.shape);
  const [t, f, c] = shape as [number, number, number];
  const order = listOf(port.order, `${at}.order`, 0, (v, w) => oneOf(v, w, axes));
  if (new Set(order).size !== order.length) disagree(`${at}.order`, `an axis occurs twice in ${order.join(', ')}`);
  const elements = wholeOf(port.elements, `${at}.elements`, 1, maxI32);
  if (elements !== elementsOf(t, f, c))
    disagree(at, `elements is ${elements}, but shape [${shape.join(', ')}] gives ${elementsOf(t, f, c)}`);
  const scale = positiveOf(port.scale, `${at}.scale`);
  if (!(Math.fround(scale) > 0 && Number.isFinite(Math.fround(scale))))
    wrong(`${at}.scale`, 'within the range of float32', scale);
  return {
    name: textOf(port.name, `${at}.name`),
    hostType: oneOf(port.hostType, `${at}.hostType`, ['float32', 'int8', 'uint8', 'int16']),
    elements,
    shape: [t, f, c],
    order,
    fileShape: listOf(port.fileShape, `${at}.fileShape`, 0, (v, w) => wholeOf(v, w, -1, maxI32)),
    scale,
    zeroPoint: wholeOf(port.zeroPoint, `${at}.zeroPoint`, -128, 127),
    ...(port.type !== undefined && { type: oneOf(port.type, `${at}.type`, ['int16'] as const) }),
  };
}

/** Upper bound of the frames of an input per tick (models/stream/check-clock.ts). */
const maxFramesPerTick = 4096;

/** Reads an input with its rate. checkRates compares the inputs with the window. */
function inputOf(value: unknown, at: string): PortManifest {
  const port = portOf(value, at, (_t, f, c) => f * c);
  const { rate } = value as Fields;
  return rate === undefined ? port : { ...port, rate: wholeOf(rate, `${at}.rate`, 1, maxFramesPerTick) };
}

function checkRates({ inputs, window }: Manifest): void {
  if (inputs.length === 1 && inputs[0]?.rate === undefined) return;
  for (const [i, { shape, rate = 1 }] of inputs.entries())
    if (shape[0] !== rate * window)
      disagree(`inputs[${i}]`, `a window has ${shape[0]} frames, but ${window} ticks of ${rate} frames are ${rate * window}`);
}

function layerOf(value: unknown, at: string): LayerManifest {
  const layer = fieldsOf(value, at);
  return {
    name: textOf(layer.name, `${at}.name`),
    op: textOf(layer.op, `${at}.op`),
    section: oneOf(layer.section ?? 'trunk', `${at}.section`, ['trunk', 'head']),
    macsPerHop: wholeOf(layer.macsPerHop, `${at}.macsPerHop`, 0, maxSafe),
    macsPerWindow: wholeOf(layer.macsPerWindow ?? layer.macsPerHop, `${at}.macsPerWindow`, 0, maxSafe),
  };
}

const parts = ['weightBytes', 'tableBytes', 'stateBytes', 'scratchBytes', 'ioBytes', 'paddingBytes'] as const;

function bytesOf(value: unknown): BytesManifest {
  const fields = fieldsOf(value, 'bytes');
  const read = (name: string) => wholeOf(fields[name], `bytes.${name}`, 0, 2 ** 32);
  const bytes = {
    weightBytes: read('weightBytes'),
    tableBytes: read('tableBytes'),
    stateBytes: read('stateBytes'),
    scratchBytes: read('scratchBytes'),
    ioBytes: read('ioBytes'),
    paddingBytes: read('paddingBytes'),
    memoryBytes: read('memoryBytes'),
  };
  const sum = parts.reduce((total, name) => total + bytes[name], 0);
  if (sum !== bytes.memoryBytes) disagree('bytes', `memoryBytes is ${bytes.memoryBytes}, but the parts add up to ${sum}`);
  return bytes;
}

function weightsOf(value: unknown, { weightBytes, scratchBytes }: BytesManifest): WeightsManifest {
  const fields = fieldsOf(value, 'weights');
  const home = oneOf(fields.home, 'weights.home', ['linear', 'tile'] as const);
  const bytes = wholeOf(fields.bytes, 'weights.bytes', 1, maxI32);
  const weights: WeightsManifest = { home, bytes, digest: digestOf(fields.digest, 'weights.digest') };
  const inMemory = home === 'linear' ? bytes : 0;
  if (weightBytes !== inMemory)
    disagree('weights', `home ${home} has ${inMemory} bytes of weights in memory, but bytes.weightBytes is ${weightBytes}`);
  if (home === 'linear') return weights;
  const tileBytes = wholeOf(fields.tileBytes, 'weights.tileBytes', 1, bytes);
  if (tileBytes > scratchBytes) disagree('weights', `tiles of ${tileBytes} bytes do not fit ${scratchBytes} bytes of scratch`);
  return { ...weights, tileBytes };
}

const numberIn = (value: unknown, at: string, max: number): number =>
  typeof value === 'number' && value >= 0 && value <= max ? value : wrong(at, `a number from 0 to ${max}`, value);

function detectorOf(value: unknown, { outputs, labels }: Manifest): DetectorManifest {
  const fields = fieldsOf(value, 'detector');
  const detector: DetectorManifest = {
    cutoff: numberIn(fields.cutoff, 'detector.cutoff', 1),
    slidingWindow: wholeOf(fields.slidingWindow, 'detector.slidingWindow', 1, maxSlidingWindow),
    refractoryMs: numberIn(fields.refractoryMs, 'detector.refractoryMs', maxI32),
    output: wholeOf(fields.output, 'detector.output', 0, outputs.length - 1),
  };
  const { elements } = outputs[detector.output] as PortManifest;
  if (fields.label !== undefined) detector.label = textOf(fields.label, 'detector.label');
  if (fields.cutoffs !== undefined)
    detector.cutoffs = Object.fromEntries(
      Object.entries(fieldsOf(fields.cutoffs, 'detector.cutoffs')).map(([label, cutoff]) => [
        printable(label),
        numberIn(cutoff, `detector.cutoffs.${label}`, 1),
      ]),
    );
  if (fields.voice !== undefined) detector.voice = flagOf(fields.voice, 'detector.voice');
  if (elements === 1) return detector;
  if (labels?.length !== elements)
    disagree('detector', `output ${detector.output} has ${elements} elements, and there are ${labels?.length ?? 0} labels`);
  for (const label of [...(detector.label === undefined ? [] : [detector.label]), ...Object.keys(detector.cutoffs ?? {})])
    if (!labels.includes(label)) disagree('detector', `there is no label ${label}`);
  return detector;
}

/** Reads the column names: one per element of the only input. */
function columnsOf(value: unknown, { inputs }: Manifest): string[] {
  const columns = listOf(value, 'columns', 1, textOf);
  const elements = inputs.length === 1 ? inputs[0]?.elements : 0;
  if (columns.length !== elements) disagree('columns', `there are ${columns.length} names for ${elements} elements of one input`);
  return columns;
}

function featuresOf(value: unknown): FeaturesManifest {
  const fields = fieldsOf(value, 'features');
  return {
    preset: textOf(fields.preset, 'features.preset'),
    stepSamples: wholeOf(fields.stepSamples, 'features.stepSamples', 1, maxI32),
    sampleRateHz: positiveOf(fields.sampleRateHz, 'features.sampleRateHz'),
  };
}

const flagOf = (value: unknown, at: string): boolean => (typeof value === 'boolean' ? value : wrong(at, 'true or false', value));

const finiteOf = (value: unknown, at: string): number =>
  typeof value === 'number' && Number.isFinite(value) ? value : wrong(at, 'a number', value);

const numbersOf = (value: unknown, at: string): Record<string, number> =>
  Object.fromEntries(Object.entries(fieldsOf(value, at)).map(([name, n]) => [printable(name), finiteOf(n, `${at}.${name}`)]));

function frontEndOf(value: unknown): FrontEndManifest {
  const fields = fieldsOf(value, 'frontEndConfig');
  const get = <T>(name: string, read: (v: unknown, at: string) => T): T => read(fields[name], `frontEndConfig.${name}`);
  const whole = (name: string) => get(name, (v, at) => wholeOf(v, at, 1, maxI32));
  const maybe = <T>(name: string, read: (v: unknown, at: string) => T) =>
    fields[name] === undefined ? {} : { [name]: get(name, read) };
  return {
    name: get('name', textOf),
    sampleRateHz: get('sampleRateHz', positiveOf),
    windowSamples: whole('windowSamples'),
    stepSamples: whole('stepSamples'),
    channels: whole('channels'),
    fftSamples: whole('fftSamples'),
    noiseReduction: get('noiseReduction', flagOf),
    gainControl: get('gainControl', flagOf),
    logarithm: get('logarithm', flagOf),
    scale: get('scale', positiveOf),
    zeroPoint: get('zeroPoint', (v, at) => wholeOf(v, at, -128, 127)),
    ...maybe('lowerHz', finiteOf),
    ...maybe('upperHz', finiteOf),
    ...maybe('tables', textOf),
    ...maybe('noise', numbersOf),
    ...maybe('pcan', numbersOf),
    ...maybe('log', numbersOf),
  };
}

/**
 * Checks that int16 ports have zero point 0, and that a front end takes one int16 input, scale 1 / 32768.
 */
function checkInt16({ inputs, outputs, frontEndConfig }: Manifest): void {
  for (const port of [...inputs, ...outputs]) {
    if (port.type && port.hostType !== 'float32')
      disagree(port.name, `hostType ${port.hostType} already says what the module holds; type is for float32 only`);
    if (isInt16(port) && port.zeroPoint !== 0) disagree(port.name, 'int16 has zero point 0');
  }
  if (!frontEndConfig) return;
  const [{ hostType, elements, scale }] = inputs as [PortManifest];
  if (hostType !== 'int16' || elements !== 1 || scale !== 1 / 32768 || inputs.length > 1)
    disagree('frontEndConfig', 'sound must be the only input: int16, 1 element, scale 1 / 32768');
}

function referenceOf(value: unknown, at: string): string {
  const reference = textOf(value, at);
  return /^[\x20-\x7e]{1,120}$/.test(reference) ? reference : wrong(at, 'up to 120 printable letters', value);
}

/** Reads a range of i32 words inside the state. */
function sumsOf(value: unknown, at: string, stateBytes: number): { offset: number; words: number } {
  const fields = fieldsOf(value, at);
  const offset = wholeOf(fields.offset, `${at}.offset`, 0, stateBytes);
  return { offset, words: wholeOf(fields.words, `${at}.words`, 1, Math.floor((stateBytes - offset) / 4)) };
}

/**
 * Returns a checked copy of a manifest.
 * @throws RN604 if this reader does not know the version, RN605 if a field is missing or out of range, RN606
 * if fields disagree.
 */
export function checkManifest(value: unknown): Manifest {
  const m = fieldsOf(value, 'manifest');
  for (const field of ['manifest', 'abi'] as const)
    if (m[field] !== 1)
      throw new RunletError('RN604', {
        what: `this reader knows version 1 of '${field}', the bundle has ${JSON.stringify(m[field] ?? null).slice(0, 40)}`,
        where: `custom section ${manifestSection}, ${field}`,
        tryThis: 'use the version of Runlet that built the bundle, or build it again',
      });
  const hop = wholeOf(m.hop, 'hop', 1, maxI32);
  const golden = fieldsOf(m.golden, 'golden');
  const manifest: Manifest = {
    manifest: 1,
    abi: 1,
    name: textOf(m.name, 'name'),
    producer: textOf(m.producer, 'producer'),
    target: textOf(m.target, 'target'),
    mode: oneOf(m.mode, 'mode', ['windowed', 'edge-exact', 'stream', 'approx', 'misaligned']),
    inputs: listOf(m.inputs, 'inputs', 1, inputOf),
    outputs: listOf(m.outputs, 'outputs', 1, (v, at) => portOf(v, at, (t, f, c) => t * f * c)),
    window: wholeOf(m.window, 'window', 1, maxI32),
    hop,
    microHop: wholeOf(m.microHop, 'microHop', 1, hop),
    warmUpHops: wholeOf(m.warmUpHops, 'warmUpHops', 0, maxI32),
    delayFrames: wholeOf(m.delayFrames, 'delayFrames', 0, maxI32),
    macsPerHop: wholeOf(m.macsPerHop, 'macsPerHop', 0, maxSafe),
    macsPerWindow: wholeOf(m.macsPerWindow, 'macsPerWindow', 0, maxSafe),
    layers: listOf(m.layers, 'layers', 0, layerOf),
    bytes: bytesOf(m.bytes),
    stateDigest: digestOf(m.stateDigest, 'stateDigest'),
    sourceDigest: digestOf(m.sourceDigest, 'sourceDigest'),
    golden: {
      seed: wholeOf(golden.seed, 'golden.seed', 1, 0xffffffff),
      hops: wholeOf(golden.hops, 'golden.hops', 1, 1 << 20),
      outputs: wholeOf(golden.outputs, 'golden.outputs', 0, 1 << 20),
      digest: digestOf(golden.digest, 'golden.digest'),
    },
  };
  /** Reads a field if it is there. */
  const maybe = <K extends keyof Manifest>(name: K, read: (value: unknown, at: string) => Manifest[K]): void => {
    if (m[name] !== undefined) manifest[name] = read(m[name], name);
  };
  maybe('version', textOf);
  maybe('sequence', (v, at) => wholeOf(v, at, 0, maxSafe));
  maybe('form', (v, at) => oneOf(v, at, forms));
  maybe('weights', (v) => weightsOf(v, manifest.bytes));
  maybe('reference', referenceOf);
  maybe('style', (v, at) => oneOf(v, at, ['calls', 'table'] as const));
  checkRates(manifest);
  maybe('sampleRateHz', positiveOf);
  maybe('frontEnd', textOf);
  maybe('unit', textOf);
  maybe('runningSums', (v, at) => listOf(v, at, 1, (one, where) => sumsOf(one, where, manifest.bytes.stateBytes)));
  maybe('carriesState', flagOf);
  maybe('frontEndConfig', frontEndOf);
  checkInt16(manifest);
  maybe('labels', (v, at) => listOf(v, at, 0, textOf));
  maybe('columns', (v) => columnsOf(v, manifest));
  maybe('truthAt', (v, at) => oneOf(v, at, truthPlaces));
  maybe('accuracy', (v, at) => numberIn(v, at, 100));
  maybe('detector', (v) => detectorOf(v, manifest));
  maybe('features', featuresOf);
  maybe('provenance', (v) => v);
  return manifest;
}
