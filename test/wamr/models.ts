/**
 * The bundles that WAMR is tested with: models of the zoo, and reference models if they are present.
 *
 * In: nothing.  Out: a name, and a function that builds the bundle for a target, a home of weights and a
 * form. Models that are front ends are built as such; kws is also built with its front end.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Bundle, build } from '../../assembly/build.ts';
import { buildFrontEnd } from '../../assembly/build-front-end.ts';
import type { Form } from '../../assembly/bundle/manifest.ts';
import type { Home } from '../../assembly/emit/home.ts';
import type { Target } from '../../assembly/emit/target.ts';
import { loadGraph, loadQuantPlan, planOptions, readBytes } from '../../host/command/load.ts';
import { frontEnd } from '../../host/demo/kws-model.ts';
import { hopInFile, windowOf } from '../../host/model-fields.ts';
import type { FrontEnd } from '../../models/frontend/types.ts';
import { readFrontEnd } from '../../models/read/tflite/signal/index.ts';
import { root, shared } from '../shared.ts';

export interface Subject {
  name: string;
  /** Reads and quantises the model. @returns a function that builds it for a target */
  open(): Promise<(target: Target, weights?: Home, form?: Form) => Promise<Bundle>>;
}

const zoo = (...parts: string[]) => join(root, 'models/zoo', ...parts);

async function fromFile(model: string, args: { hop?: number; calib?: string } = {}, sound?: FrontEnd) {
  const alone = model.endsWith('.tflite') && readFrontEnd(await readBytes(model), { name: 'front-end' });
  if (alone) return (_target: Target, _weights?: Home, form?: Form) => buildFrontEnd(alone, { form });
  const graph = await loadGraph({ model, ...(model.includes('Resnet') && { timeAxis: 1 }) }); // either of an image's two dimensions may be time
  const quant = await loadQuantPlan(graph, planOptions(graph, { hop: hopInFile(graph) ?? windowOf(graph), ...args }), args);
  return (target: Target, weights?: Home, form?: Form) => build(quant, { target, weights, form, frontEnd: sound });
}

const kws = (sound?: FrontEnd) => fromFile(zoo('kws/kws.onnx'), { calib: zoo('kws/calib.npy') }, sound);

export const zooSubjects: Subject[] = [
  { name: 'kws', open: () => kws() },
  { name: 'kws with its front end', open: () => kws(frontEnd) },
  { name: 'ppg-hr', open: () => fromFile(zoo('ppg-hr/ppg-hr.onnx'), { calib: zoo('ppg-hr/calib.npy') }) },
  { name: 'har-watch-gru', open: () => fromFile(zoo('har/har-watch-gru.onnx'), { calib: zoo('har/calib-watch.npy') }) },
];

/** Returns the reference models, each at its own hop, and two that slide by one row. */
export function sharedSubjects(): Subject[] {
  const folder = shared('models');
  if (!folder) return [];
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((f) => f.endsWith('model.tflite'))
    .map((f) => f.replace(/.model\.tflite$/, ''))
    .sort();
  const slid = ['mlperf-tiny/str_ww_ref_model', 'mlperf-tiny/kws_ref_model'].filter((name) => names.includes(name));
  const subject = (name: string, hop?: number): Subject => ({
    name: hop ? `${name}, hop ${hop}` : name,
    open: () => fromFile(join(folder, name, 'model.tflite'), { hop }),
  });
  return [...names.map((name) => subject(name)), ...slid.map((name) => subject(name, 1))];
}
