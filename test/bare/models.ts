/**
 * The models that are tested as C: those of the zoo, and reference models if they are present.
 *
 * In: nothing.  Out: a name, and a function that makes a bundle and its C.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Bundle, build } from '../../assembly/build.ts';
import { buildC, type CForm } from '../../assembly/c/build-c.ts';
import { loadGraph, loadQuantPlan, planOptions } from '../../host/command/load.ts';
import { frontEnd } from '../../host/demo/kws-model.ts';
import { hopInFile, windowOf } from '../../host/model-fields.ts';
import type { FrontEnd } from '../../models/frontend/types.ts';
import { root, shared } from '../shared.ts';

export interface Made {
  bundle: Bundle;
  c: CForm;
}
export interface BareSubject {
  name: string;
  /** True if the model is too slow for an emulator. */
  hostOnly?: boolean;
  make(): Promise<Made>;
}

/** Figures of a model in TensorFlow Lite Micro. Each pair: with reference kernels, with CMSIS-NN. */
export interface MicroFigures {
  /** Bytes of code with interpreter and resolver. */
  code: [number, number];
  model: number;
  arena: [number, number];
  instructions: [number, number];
  /** The unit of `instructions`. */
  invoke: 'a step' | 'a window';
}

/** Figures of TensorFlow Lite Micro on a Cortex-M4 in QEMU, gcc -Os. Measured once. */
export const micro: Record<string, MicroFigures> = {
  okay_nabu: {
    code: [42_984, 78_128],
    model: 60_264,
    arena: [18_372, 19_124],
    instructions: [1_253_720, 227_080],
    invoke: 'a step',
  },
  vad: { code: [42_984, 78_128], model: 34_328, arena: [9_012, 9_972], instructions: [696_760, 108_120], invoke: 'a step' },
  'str_ww_ref_model, hop 1': {
    code: [35_240, 72_432],
    model: 74_520,
    arena: [15_252, 16_596],
    instructions: [39_249_560, 2_555_360],
    invoke: 'a window',
  },
  'kws_ref_model, hop 1': {
    code: [35_232, 72_424],
    model: 53_936,
    arena: [22_772, 22_820],
    instructions: [134_174_200, 9_416_600],
    invoke: 'a window',
  },
  micro_speech_quantized: {
    code: [35_232, 72_424],
    model: 18_800,
    arena: [6_788, 6_836],
    instructions: [17_785_560, 2_389_920],
    invoke: 'a window',
  },
};

async function fromFile(model: string, args: { hop?: number; calib?: string }, sound?: FrontEnd): Promise<Made> {
  // either of an image's two dimensions may be time
  const graph = await loadGraph({ model, ...(model.includes('Resnet') && { timeAxis: 1 }) });
  const quant = await loadQuantPlan(graph, planOptions(graph, { hop: hopInFile(graph) ?? windowOf(graph), ...args }), args);
  const bundle = await build(quant, { target: 'native', ...(sound && { frontEnd: sound }) });
  return { bundle, c: await buildC(quant, bundle.manifest, { frontEnd: sound }) };
}

const zoo = (...parts: string[]) => join(root, 'models/zoo', ...parts);
const kws = (sound?: FrontEnd) => fromFile(zoo('kws/kws.onnx'), { calib: zoo('kws/calib.npy') }, sound);

/** Returns the models; the four with recorded figures come first. */
export function bareSubjects(): BareSubject[] {
  const folder = shared('models');
  const other = (path: string, hop?: number): BareSubject[] => {
    const model = folder && join(folder, path, 'model.tflite');
    if (!model || !existsSync(model)) return [];
    return [{ name: `${path.split('/').at(-1)}${hop ? `, hop ${hop}` : ''}`, make: () => fromFile(model, { hop }) }];
  };
  return [
    { name: 'kws', make: () => kws() },
    { name: 'ppg-hr', make: () => fromFile(zoo('ppg-hr/ppg-hr.onnx'), { calib: zoo('ppg-hr/calib.npy') }) },
    ...other('mww/v2/okay_nabu'),
    ...other('mlperf-tiny/str_ww_ref_model', 1),
    { name: 'kws with its front end', make: () => kws(frontEnd) },
    ...other('mww/v2/vad'),
    ...other('mlperf-tiny/kws_ref_model', 1),
    ...other('mltk/keyword_spotting_on_off'),
    ...other('mlperf-tiny/ic_pretrainedResnet_quant').map((subject) => ({ ...subject, hostOnly: true })),
    ...other('tflm/micro_speech_quantized'),
  ];
}
