/**
 * All verbs: name, group and short description. Loads no verb.
 */

import type { Verb } from '../command/verb.ts';
import { gatewayPart } from './gateway-package.ts';

/** Groups of `runlet --help`, in order. */
export const verbGroups: Record<string, Record<string, string>> = {
  'Quick start': {
    make: 'Make a working module from a model and a recording, in one step',
    demo: 'Run a demo: an int8 network finds the heartbeats in an ECG stream',
  },
  'Step by step': {
    plan: 'Plan how a model streams: state, delay, work per hop',
    quantize: 'Quantise a float model to int8 with calibration data',
    build: 'Build a streaming WebAssembly module from a model',
    validate: 'Check that a bundle computes the same outputs as its model',
    run: 'Run a bundle over a signal: CSV, WAV, NPY, NPZ, standard input or generated',
    page: 'Run a bundle on a web page, over a recording or the microphone',
  },
  'Inspect and measure': {
    inspect: 'Show the contents of a model file or a bundle',
    bench: 'Measure the cost of a hop: time, or instructions on a microcontroller core',
    fit: 'Estimate whether a bundle fits a microcontroller board: flash, RAM, time',
    features: 'Compute rows of features from sound with an audio front end',
    select: 'Choose windows of a pool: to label, or to calibrate with',
    golden: "Write a bundle's self-test to files, for other runtimes",
  },
  'Devices and gateways': {
    image: 'Pack module, weights and detector into one file for a flash partition',
    flash: 'Install a bundle on a gateway or a device, with a trial and rollback',
    gateway: 'Run a gateway: it receives bundles, tries them, swaps them in, and runs streams',
    status: 'Show what runs on a gateway, or confirm a bundle that passed its trial',
    rollback: 'Return to the previous bundle on a gateway',
    collect: 'Fetch the windows that a gateway has collected, as calibration or evaluation data',
    recalibrate: 'Quantise a model again on collected windows, and try the bundle on their gateway',
  },
  Signatures: {
    keygen: 'Create a key pair for signing bundles',
    sign: 'Sign a bundle, so that devices and gateways can check who made it',
    verify: "Verify a bundle's signature",
  },
  Help: {
    explain: 'Explain an error code or a streaming rule: what it means and what to try',
    ops: 'List the supported operators',
    doctor: 'Check this machine: Node, WebAssembly, optional tools',
    completion: 'Print a completion script for bash, zsh or fish',
  },
};

/** Short descriptions by name. */
export const verbs: Readonly<Record<string, string>> = Object.assign({}, ...Object.values(verbGroups));

/** Verbs that are in other packages. */
const elsewhere: Record<string, () => Promise<object>> = {
  gateway: () => gatewayPart('runlet gateway', () => import('../gateway/command.ts')),
};

/** Loads a verb. */
export const loadVerb = async (name: string): Promise<Verb> =>
  ((await (elsewhere[name]?.() ?? import(`./${name}.ts`))) as { default: Verb }).default;

/** The quick start, which `runlet` without arguments shows. */
export const road: Verb['examples'] = [
  ['demo', 'shows what Runlet does, on an included signal'],
  [
    'make MODEL DATA',
    'turns your model and recording into one small WebAssembly module: plans, quantises, builds, checks and plots it',
  ],
  ['run MODEL.wasm DATA', 'prints the outputs over a recording'],
  ['page MODEL.wasm DATA', 'shows the outputs live in a browser'],
  ['build MODEL.rnq --target native --emit-c FOLDER', 'writes the model as C for a device: Arduino, Zephyr and ESP-IDF'],
];
