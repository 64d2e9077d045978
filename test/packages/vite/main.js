/**
 * Code as a web developer writes it: runs a finished bundle, and compiles and runs a model file in the page.
 *
 * In: model.onnx, calibration.f32, signal.f32 and built.wasm next to the page.  Out: `globalThis.done`, a
 * promise of the outputs of both.
 */
import { openSession } from '@runlet/session';
import { compile } from 'runlet/compile';

const bytesOf = async (name) => new Uint8Array(await (await fetch(name)).arrayBuffer());
const floatsOf = async (name) => new Float32Array((await bytesOf(name)).buffer);

async function outputsOf(wasm, signal) {
  const session = await openSession(wasm);
  const outputs = [];
  session.pushAll({ data: signal, channels: session.frameElements }, () => outputs.push(...session.output()));
  return outputs;
}

async function run() {
  const signal = await floatsOf('signal.f32');
  const { wasm } = await compile(await bytesOf('model.onnx'), { name: 'ppg-hr', calibration: await floatsOf('calibration.f32') });
  return {
    built: await outputsOf(await bytesOf('built.wasm'), signal),
    compiled: await outputsOf(wasm, signal),
    bytes: wasm.length,
  };
}

globalThis.done = run();
