/**
 * Files of other programs. The test makes each file as its program writes it. The reader recognises it by its
 * content, whatever its name is, and answers with a command that converts it.
 */
import { strToU8, zipSync } from 'fflate';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { foreignFolder } from '../../models/read/foreign/index.ts';
import { readModel } from '../../models/read/index.ts';
import { writeModel } from '../../models/write/onnx/proto.ts';
import { refusalOf } from './refusal.ts';
import { writeTflite } from './tflite-model.ts';

const bytesOf = (...parts: (string | number[] | Uint8Array)[]): Uint8Array =>
  Uint8Array.from(parts.flatMap((part) => (typeof part === 'string' ? [...part].map((c) => c.charCodeAt(0)) : [...part])));
const zip = (files: Record<string, string>): Uint8Array =>
  zipSync(Object.fromEntries(Object.entries(files).map(([name, text]) => [name, bytesOf(text)])), { level: 0 });
/** Returns a protobuf field that holds a message or a text. */
const field = (number: number, value: Uint8Array): Uint8Array => bytesOf([(number << 3) | 2, value.length], value);

const refusal = (bytes: Uint8Array, path?: string) => refusalOf(() => readModel(bytes, path === undefined ? {} : { path }));

/** Returns a file of torch.save: pickle protocol 2, with `pickle` as the beginning of the pickled data. */
const torch = (pickle: string, more: Record<string, string> = {}) =>
  zip({ 'net/data.pkl': `\x80\x02${pickle}`, 'net/version': '3\n', 'net/data/0': '\0\0\0\0', ...more });
const stateDict =
  'ccollections\nOrderedDict\nq\x00)Rq\x01(X\x08\x00\x00\x000.weightq\x02ctorch._utils\n_rebuild_tensor_v2\nq\x03';
const node = (name: string, op: string) => field(1, bytesOf(field(1, strToU8(name)), field(2, strToU8(op))));
const metaGraph = bytesOf([0x08, 0x01], field(2, field(1, bytesOf(field(4, strToU8('serve')), field(5, strToU8('2.19.0'))))));
const safetensors = '{"__metadata__":{"format":"pt"},"0.weight":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}} ';

/** File name, content, error code, message, and the conversion command. */
const kinds: [name: string, bytes: Uint8Array, code: string, what: RegExp, line: RegExp][] = [
  ['arch.json', bytesOf('{"module": "keras", "class_name": "Functional", "config": {}}'), 'RN166', /without weights/, /model\.save/],
  ['saved_model.pb', metaGraph, 'RN166', /SavedModel/, /from_saved_model/],
  ['frozen.pb', bytesOf(node('x', 'Placeholder'), node('w', 'Const'), node('probabilities', 'Softmax')), 'RN166', /frozen TensorFlow graph/, /--graphdef frozen\.pb --inputs x:0 --outputs probabilities:0/],
  ['n.pt', torch('c__main__\nNet\nq\x00)\x81q\x01'), 'RN166', /class __main__\.Net/, /torch\.load\('n\.pt', weights_only=False.*torch\.onnx\.export/],
  ['s.pth', torch(stateDict), 'RN166', /state_dict/, /from YOUR_FILE import Net.*load_state_dict/],
  ['c.pth', torch(`}q\x00(X\x05\x00\x00\x00epochq\x01K\x03X\x05\x00\x00\x00modelq\x02${stateDict}`), 'RN166', /state_dict/, /load_state_dict/],
  ['old.pt', bytesOf('\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.\x80\x02}q\x00.\x80\x02c__main__\nNet\nq\x00)'), 'RN166', /class __main__\.Net/, /torch\.load/],
  ['j.pt', torch('c__torch__\nNet\n', { 'net/code/__torch__.py': 'x', 'net/constants.pkl': 'x' }), 'RN166', /TorchScript/, /torch\.jit\.load\('j\.pt'/],
  ['p.pt2', zip({ 'p/archive_format': 'pt2', 'p/models/model.json': '{}' }), 'RN166', /torch\.export/, /torch\.export\.load\('p\.pt2'\)/],
  ['rf.pkl', bytesOf('\x80\x04\x95\x10\0\0\0\0\0\0\0\x8c\x18sklearn.ensemble._forest\x94\x8c\x16RandomForestClassifier'), 'RN166', /scikit-learn/, /m2cgen.*joblib\.load\('rf\.pkl'\)/],
  ['any.pkl', bytesOf('\x80\x04\x95\x10\0\0\0\0\0\0\0}\x94\x8c\x01a\x94K\x01s.'), 'RN166', /Python pickle/, /export the network/],
  ['z.joblib', bytesOf('x\x9c\x01\x02\x03'), 'RN166', /joblib/, /m2cgen/],
  ['x.json', bytesOf('{"learner":{"attributes":{},"gradient_booster":{}},"version":[3,0,0]}'), 'RN166', /XGBoost/, /load_xgboost_model\('x\.json'\)/],
  ['x.ubj', bytesOf('{L\0\0\0\0\0\0\0\x07learner{'), 'RN166', /XGBoost/, /load_xgboost_model\('x\.ubj'\)/],
  ['l.txt', bytesOf('tree\nversion=v4\nnum_class=1\n'), 'RN166', /LightGBM/, /load_lightgbm_model\('l\.txt'\)/],
  ['w.safetensors', bytesOf([safetensors.length, 0, 0, 0, 0, 0, 0, 0], safetensors, new Uint8Array(8)), 'RN166', /safetensors/, /safetensors\.torch\.load_file\('w\.safetensors'\)/],
  ['m.mlmodel', bytesOf([0x08, 0x04], field(2, field(1, field(1, strToU8('image'))))), 'RN166', /Core ML/, /ONNX or TensorFlow Lite/],
  ['m.xml', bytesOf('<?xml version="1.0"?>\n<net name="m" version="11"><layers/></net>'), 'RN166', /OpenVINO/, /ONNX or TensorFlow Lite/],
  ['model.cc', bytesOf('const unsigned char g_model[] = {0x1c, 0x00, 0x00, 0x00, 0x54, 0x46, 0x4c, 0x33};'), 'RN166', /C array/, /open\('model\.tflite', 'wb'\)/],
  ['e.pte', bytesOf('\x1c\0\0\0ET12'), 'RN166', /ExecuTorch/, /ONNX/],
  ['a.zip', zip({ 'out/saved_model.pb': 'x', 'readme.txt': 'y' }), 'RN167', /ZIP archive, not a model/, /unzip a\.zip/],
  ['d.npz', zip({ 'x.npy': 'x' }), 'RN167', /NumPy archive/, /--calib/],
  ['d.npy', bytesOf('\x93NUMPY\x01\0'), 'RN167', /NumPy array/, /--calib/],
  ['page.onnx', bytesOf('<!DOCTYPE html>\n<html><title>404</title>'), 'RN167', /web page/, /curl -L/],
  ['lfs.tflite', bytesOf(`version https://git-lfs.github.com/spec/v1\noid sha256:${'a'.repeat(64)}\nsize 123456\n`), 'RN167', /Git LFS pointer/, /git lfs pull/],
  ['empty.onnx', new Uint8Array(0), 'RN167', /an empty file/, /download it again/],
  ['m.tar.gz', bytesOf([0x1f, 0x8b, 8, 0]), 'RN167', /packed archive/, /tar xf/],
  ['out.wasm', bytesOf('\0asm\x01\0\0\0'), 'RN167', /WebAssembly/, /runlet inspect/],
  ['data.csv', bytesOf('time,x\n0,1\n'), 'RN167', /text file/, /--calib/],
]; // biome-ignore format: a table

for (const [name, bytes, code, what, line] of kinds)
  test(`${name}: the error names the kind of file and the conversion command`, async () => {
    const error = await refusal(bytes, name);
    assert.is(error.code, code, error.message);
    assert.match(error.parts.what, what);
    assert.match(error.parts.tryThis as string, line);
    // the content decides: another name gives the same message
    assert.is((await refusal(bytes, 'model.bin')).parts.what, error.parts.what);
    assert.is((await refusal(bytes)).code, code);
  });

test('the error states the size in a Git LFS pointer and the model in an archive', async () => {
  const why = async (name: string) => (await refusal(kinds.find(([n]) => n === name)?.[1] as Uint8Array)).parts.why as string;
  assert.match(await why('lfs.tflite'), '123456 bytes');
  assert.match(await why('a.zip'), 'out/saved_model.pb');
});

test('a path with special characters is not copied into the command', async () => {
  const module = kinds.find(([name]) => name === 'n.pt')?.[1] as Uint8Array;
  for (const path of ["a'b.pt", 'a;rm -rf x.pt', '$(x).pt', '-x.pt', 'a b.pt'])
    assert.match((await refusal(module, path)).parts.tryThis as string, "torch.load('model.pt'", path);
});

test('tree ensembles in ONNX are refused', async () => {
  const inputs = { x: [1, 6] };
  const bytes = writeModel({ inputs, tensors: {}, nodes: [{ op: 'TreeEnsembleClassifier', domain: 'ai.onnx.ml', inputs: ['x'], outputs: ['y'] }], outputs: ['y'] }); // biome-ignore format: one line
  const { code, parts } = await refusal(bytes);
  assert.is(code, 'RN166');
  assert.match(parts.what, /tree model \(TreeEnsembleClassifier\)/);
});

test('folders are recognised by the names in them', () => {
  const saved = foreignFolder(['assets', 'saved_model.pb', 'variables'], 'out/net');
  assert.is(saved.code, 'RN166');
  assert.match(saved.parts.tryThis as string, "open('out/net.tflite', 'wb')");
  assert.match(saved.parts.tryThis as string, "from_saved_model('out/net')");
  assert.is(foreignFolder(['Manifest.json', 'Data'], 'm.mlpackage').code, 'RN166');
  const other = foreignFolder(['a.txt', 'net.onnx'], 'models/');
  assert.is(other.code, 'RN167');
  assert.match(other.parts.tryThis as string, 'models/net.onnx');
});

test('for a batch of 8, the command has batch 1 and the rest of the shape', async () => {
  const tfl = writeTflite({
    tensors: { x: { shape: [8, 128, 6] }, axis: { shape: [1], ints: [0] }, y: { shape: [128, 6] } },
    operators: [{ code: 40, inputs: ['x', 'axis'], outputs: ['y'] }],
    inputs: ['x'],
    outputs: ['y'],
  });
  const keras = await refusal(tfl);
  assert.match(keras.parts.what, 'the batch is 8');
  assert.match(keras.parts.tryThis as string, 'batch_shape=(1, 128, 6)');
  const onnx = await refusal(writeModel({ inputs: { x: [8, 6, 128] }, tensors: { w: { dims: [2, 6, 3], floats: new Array(36).fill(1) } }, nodes: [{ op: 'Conv', inputs: ['x', 'w'], outputs: ['y'] }], outputs: ['y'] })); // biome-ignore format: one line
  assert.match(onnx.parts.what, 'the batch is 8');
  assert.match(onnx.parts.tryThis as string, 'torch.randn(1, 6, 128)');
});

test.run();
