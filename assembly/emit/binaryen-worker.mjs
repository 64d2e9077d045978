/** Optimises workerData (a module) for size, features as asc left them, and posts it back. */
import { parentPort, workerData } from 'node:worker_threads';
import binaryen from 'binaryen';

const module = binaryen.readBinary(workerData);
const { MutableGlobals, SignExt, NontrappingFPToInt, SIMD128 } = binaryen.Features;
module.setFeatures(MutableGlobals | SignExt | NontrappingFPToInt | SIMD128);
binaryen.setOptimizeLevel(3);
binaryen.setShrinkLevel(2);
module.optimize();
parentPort.postMessage(module.emitBinary());
