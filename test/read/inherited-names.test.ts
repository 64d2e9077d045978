/**
 * Names that every JavaScript object inherits, used as the name of an operator, a type or a preset in a file
 * or on the command line. They are unknown, like any other unlisted name.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openSource } from '../../host/sources/index.ts';
import { readNpy } from '../../host/sources/npy.ts';
import { isPreset } from '../../models/frontend/presets.ts';
import { lookup } from '../../models/lookup.ts';
import { readModel } from '../../models/read/index.ts';
import { readOnnx } from '../../models/read/onnx/index.ts';
import { writeModel } from '../../models/write/onnx/proto.ts';
import { codeOf } from '../host/helpers.ts';

const names = ['constructor', 'toString', 'valueOf', 'hasOwnProperty', '__proto__', '__defineGetter__'];
const text = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

/** Returns a layers model of TensorFlow.js with one layer of this class. */
const tfjsOf = (className: string): Uint8Array => {
  const layer = { class_name: className, config: { name: 'n', batch_input_shape: [null, 8, 2] } };
  const topology = { class_name: 'Sequential', config: { name: 's', layers: [layer] } };
  return text({ format: 'layers-model', modelTopology: { model_config: topology }, weightsManifest: [] });
};

function npyOf(descr: string): Uint8Array {
  const header = `{'descr': '${descr}', 'fortran_order': False, 'shape': (1,), }\n`;
  const bytes = new Uint8Array(10 + header.length + 8);
  bytes.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, header.length, 0]);
  bytes.set(new TextEncoder().encode(header), 10);
  return bytes;
}

for (const name of names)
  test(`${name} is not an operator, type, preset or format`, async () => {
    assert.is(lookup({ a: 1 }, name), undefined);
    const onnx = writeModel({
      nodes: [{ op: name, name: 'n', inputs: ['x'], outputs: ['y'] }],
      inputs: { x: [1, 2, 8] },
      outputs: ['y'],
      tensors: {},
      opset: 17,
    });
    assert.is(await codeOf(async () => readOnnx(onnx)), await codeOf(async () => readOnnx(renamed(onnx, name))), 'ONNX');
    assert.is(await codeOf(() => readModel(tfjsOf(name), { files: {} })), await codeOf(() => readModel(tfjsOf('NoSuchLayer'), { files: {} })), 'TensorFlow.js'); // biome-ignore format: one line
    assert.match(await codeOf(async () => readNpy(npyOf(name))), /^RN73[01]$/, 'NPY');
    assert.not.ok(isPreset(name));
    const missing = (ending: string) => codeOf(() => openSource(`/no/such/file.${ending}`, { frameElements: 1 }));
    assert.is(await missing(name), await missing('nothing'));
  });

/** Returns the model with an unknown operator name of the same length in place of `name`. */
function renamed(model: Uint8Array, name: string): Uint8Array {
  const at = Buffer.from(model).indexOf(name);
  const bytes = new Uint8Array(model);
  bytes.set(new TextEncoder().encode('Z'.repeat(name.length)), at);
  return bytes;
}

test.run();
