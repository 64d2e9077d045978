/**
 * The models that are tested as C: those of the zoo, and those of others where they are there.
 *
 * In: nothing.  Out: a name, and what makes a bundle and its C of it.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Bundle, build } from '../../assembly/build.ts';
import { buildC, type CForm } from '../../assembly/c/build-c.ts';
import { loadGraph, loadQuantPlan, planOptions } from '../../host/cli/load.ts';
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
  /** Too slow for an emulator. */
  hostOnly?: boolean;
  make(): Promise<Made>;
}

async function fromFile(model: string, args: { hop?: number; calib?: string }, sound?: FrontEnd): Promise<Made> {
  // an image has two dimensions that may be time
  const graph = await loadGraph({ model, ...(model.includes('Resnet') && { timeAxis: 1 }) });
  const quant = await loadQuantPlan(graph, planOptions(graph, { hop: hopInFile(graph) ?? windowOf(graph), ...args }), args);
  const bundle = await build(quant, { target: 'native', ...(sound && { frontEnd: sound }) });
  return { bundle, c: await buildC(quant, bundle.manifest, { frontEnd: sound }) };
}

const zoo = (...parts: string[]) => join(root, 'models/zoo', ...parts);
const kws = (sound?: FrontEnd) => fromFile(zoo('kws/kws.onnx'), { calib: zoo('kws/calib.npy') }, sound);

/** The four of which figures are kept come first. */
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
