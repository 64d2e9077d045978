/** Optimises workerData (a module) for size, and posts it back. */
import { parentPort, workerData } from 'node:worker_threads';
import binaryen from 'binaryen';
import { optimised } from './tools.mjs';

parentPort.postMessage(optimised(binaryen, workerData));
