/**
 * The C header of a model, and the functions and labels that it declares.
 *
 * In: a manifest, the memory map.  Out: text. All names begin with the model's name, so that one firmware can
 * have several models. The interface is that of docs/abi.md without addresses; constants are macros.
 */
import { type DetectorManifest, isInt16, labelCutoff, type Manifest, type PortManifest } from '../bundle/manifest.ts';
import { frameBytes, keptOf } from '../bundle/timing.ts';
import type { MemoryMap } from '../emit/memory.ts';
import { ramBase } from './place.ts';

const elementsOf = (port: PortManifest, frames: number) => port.elements * frames;
export const typeOf = (port: PortManifest) => (isInt16(port) ? 'int16_t' : 'int8_t');

/** Returns the type that addresses of these inputs or outputs point to; `void` if they have two types. */
export function pointedType(ports: PortManifest[]): string {
  const [type, other] = new Set(ports.map(typeOf));
  return other ? 'void' : (type as string);
}

/** Prints a float32 as a constant of C that reads back as the same number. */
export function floatText(x: number): string {
  const f = Math.fround(x);
  for (let digits = 1; digits < 17; digits++) {
    const text = f.toPrecision(digits);
    if (Math.fround(Number(text)) === f) return `${/[.e]/.test(text) ? text : `${text}.0`}f`;
  }
  return `${f.toPrecision(17)}f`;
}

/** Prints a C string: UTF-8, special characters as octal digits, `?` escaped because of trigraphs. */
const text = (x: string) =>
  `"${[...new TextEncoder().encode(x)]
    .map((byte) => {
      if (byte < 0x20 || byte > 0x7e) return `\\${byte.toString(8).padStart(3, '0')}`;
      return String.fromCharCode(byte).replace(/[\\"?]/, '\\$&');
    })
    .join('')}"`;

/**
 * Returns the output whose elements have names, and the names; undefined if none fit it. The name of a single
 * value comes from the detector.
 */
export function labelsOf({ detector, labels, outputs }: Manifest): { output: number; labels: string[] } | undefined {
  const output = detector?.output ?? 0;
  const elements = outputs[output]?.elements;
  const word = elements === 1 && detector?.label !== undefined ? [detector.label] : labels;
  return word?.length === elements && word ? { output, labels: word } : undefined;
}

function portLines(macro: string, kind: 'INPUT' | 'OUTPUT', ports: PortManifest[], hop: number): string[] {
  return ports.flatMap((port, i) => {
    const rate = port.rate ?? 1;
    const n = elementsOf(port, kind === 'INPUT' ? hop * rate : 1);
    const at = `#define ${macro}_${kind}${i}`;
    return [
      `/* ${kind.toLowerCase()} ${i}: ${port.name.replace(/\*\//g, '').replace(/[^\x20-\x7e]/g, '?')}, ${typeOf(port)} [${kind === 'INPUT' ? `${hop * rate} frames][${port.elements}` : port.shape.join('][')}] */`,
      `${at}_LENGTH ${n}`,
      ...(kind === 'INPUT' ? [`${at}_FRAME ${port.elements}`] : []),
      ...(rate > 1 ? [`${at}_RATE ${rate}`] : []),
      `${at}_SCALE ${floatText(port.scale)}`,
      `${at}_ZERO_POINT ${port.zeroPoint}`,
    ];
  });
}

/** Constants for runlet-gate.h: a model that carries a state has no kept frames. */
function gateLines(macro: string, m: Manifest): string[] {
  const kept = keptOf(m);
  const frame = m.inputs.length > 1 ? 'tick' : 'frame';
  const define = (what: string, value: string | number) => `#define ${macro}_${what} ${value}`;
  return [
    `/* For runlet-gate.h: ${frame}s that go through the layers in one pass; bytes of one ${frame} of each input; 1 if the model may sleep. */`,
    define('MICRO_HOP', m.microHop),
    define('FRAME_BYTES', `{${m.inputs.map(frameBytes).join(', ')}}`),
    define('MAY_SLEEP', kept ? 1 : 0),
    ...(kept
      ? [
          `/* Outputs before a wanted one that the detector needs; ${frame}s, and bytes of all inputs, that are kept behind a gate. */`,
          define('PRE_ROLL', kept.preRoll),
          define('KEPT_FRAMES', kept.frames),
          define('KEPT_BYTES', kept.bytes),
        ]
      : []),
  ];
}

/** Declares the array of names. */
const labelsArray = (name: string) => `const char *const ${name}_labels[${name.toUpperCase()}_LABELS]`;

/** Defines the detector's parameters: CUTOFFS has one for each label if some have their own. */
function detectorLines(
  macro: string,
  { label, cutoff, cutoffs, slidingWindow, refractoryMs }: DetectorManifest,
  labels: string[],
) {
  const define = (what: string, value: string | number) => `#define ${macro}_DETECTOR_${what} ${value}`;
  const of = (name: string) => floatText(labelCutoff(cutoffs, name) ?? cutoff);
  return [
    ...(label === undefined ? [] : [define('LABEL', text(label))]),
    define('CUTOFF', floatText(cutoff)),
    ...(cutoffs && labels.length > 0 ? [define('CUTOFFS', `{${labels.map(of).join(', ')}}`)] : []),
    define('SLIDING_WINDOW', slidingWindow),
    define('REFRACTORY_MS', refractoryMs),
  ];
}

export function headerOf(name: string, m: Manifest, bytes: { flashBytes: number; ramBytes: number }): string {
  const macro = name.toUpperCase();
  const named = labelsOf(m);
  const define = (what: string, value: string | number) => `#define ${macro}_${what} ${value}`;
  const detector = m.detector && detectorLines(macro, m.detector, named?.labels ?? []);
  return [
    `/*`,
    ` * ${m.name.replace(/\*\//g, '')}: a streaming network as C. Generated by runlet ${m.producer}; do not edit.`,
    ' *',
    ` *   ${name}_reset();                                  once, and after a gap`,
    ` *   write ${macro}_INPUT0_LENGTH values to ${name}_input(0)`,
    ` *   if (${name}_push(${macro}_HOP) == 1) ...            an output is at ${name}_output(0)`,
    ' *',
    ' * A real value is SCALE * (value - ZERO_POINT). One instance; not to be called from two tasks at once. No heap, no C library.',
    ' */',
    `#ifndef RUNLET_${macro}_H`,
    `#define RUNLET_${macro}_H`,
    '#include <stdint.h>',
    '#ifdef __cplusplus',
    'extern "C" {',
    '#endif',
    '',
    `/* Time in ${m.inputs.length > 1 ? 'ticks' : 'frames'}. */`,
    define('HOP', m.hop),
    define('WINDOW', m.window),
    define('DELAY', m.delayFrames),
    '/* Outputs at the start that are not reported. */',
    define('WARM_UP', m.warmUpHops),
    ...(m.sampleRateHz ? [define('RATE_HZ', floatText(m.sampleRateHz))] : []),
    define('INPUTS', m.inputs.length),
    define('OUTPUTS', m.outputs.length),
    ...portLines(macro, 'INPUT', m.inputs, m.hop),
    ...portLines(macro, 'OUTPUT', m.outputs, m.hop),
    ...(named
      ? [`/* Names of the elements of output ${named.output}: ${name}_labels. */`, define('LABELS', named.labels.length)]
      : []),
    ...(detector ?? []),
    ...gateLines(macro, m),
    '/* Constants in flash beside the code, and memory in RAM beside the stack; of which the state. */',
    define('FLASH_BYTES', bytes.flashBytes),
    define('RAM_BYTES', bytes.ramBytes),
    define('STATE_BYTES', m.bytes.stateBytes),
    '',
    '/* The start of the stream. Call it before the first push. */',
    `void ${name}_reset(void);`,
    `/* Takes the first \`frames\` frames (1 to ${macro}_HOP) of every input. 1: an output fell due; 0: none yet; -1: not reset; -2: frames out of range. */`,
    `int ${name}_push(int frames);`,
    '/* Where frames are written before each push; NULL if there is no such input. */',
    `${pointedType(m.inputs)} *${name}_input(int which);`,
    '/* The latest output, which holds until the next push that gives 1; NULL if there is no such output. */',
    `const ${pointedType(m.outputs)} *${name}_output(int which);`,
    `/* ${macro}_STATE_BYTES bytes: copy them out and back, to go on later. */`,
    `void *${name}_state(void);`,
    ...(named ? ['/* UTF-8, in flash. */', `extern ${labelsArray(name)};`] : []),
    '',
    '#ifdef __cplusplus',
    '}',
    '#endif',
    '#endif',
    '',
  ].join('\n');
}

/** Prints the functions and the labels that the header declares. */
export function doorsOf(name: string, memory: MemoryMap, m: Manifest): string[] {
  const macro = name.toUpperCase();
  const at = (address: number) => address - ramBase;
  const choose = (addresses: number[], type: string) => [
    ...addresses.map((address, i) => `  if (which == ${i}) return (${type} *)(void *)(ram + ${at(address)});`),
    '  return NULL;',
    '}',
  ];
  const named = labelsOf(m);
  const inputs = memory.sound ? [memory.sound.samples] : memory.inputs.map(({ address }) => address);
  const outputs = [...memory.outputs.values()];
  return [
    `void ${name}_reset(void) { rn_reset(); }`,
    `int ${name}_push(int frames) { return (int)(int32_t)rn_push((uint32_t)frames); }`,
    `${pointedType(m.inputs)} *${name}_input(int which) {`,
    ...choose(inputs, pointedType(m.inputs)),
    `const ${pointedType(m.outputs)} *${name}_output(int which) {`,
    ...choose(outputs, pointedType(m.outputs)),
    `void *${name}_state(void) { return ram + ${at(memory.state.address)}; }`,
    ...(named ? [`${labelsArray(name)} = {${named.labels.map(text).join(', ')}};`] : []),
    '',
    "/* the header is this source's */",
    `typedef char same_bytes[${macro}_RAM_BYTES == sizeof ram_words && ${macro}_FLASH_BYTES == sizeof flash_words ? 1 : -1];`,
  ];
}
