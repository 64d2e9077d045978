/**
 * All verbs: name, group and text of the help. Nothing of a verb is loaded here.
 */

import type { Verb } from '../command/verb.ts';
import { gatewayPart } from './gateway-package.ts';

/** Groups of `runlet --help`, in their order. */
export const verbGroups: Record<string, Record<string, string>> = {
  'The short road': {
    make: 'Go the whole way: a model and your recording to a module that runs',
    demo: 'Show what Runlet does: beats in an ECG, found by an int8 network that streams',
  },
  'Step by step': {
    plan: 'Plan how a model streams: state, delay, work per hop',
    quantize: 'Turn a float model into int8 with calibration data',
    build: 'Build a streaming WebAssembly module from a model',
    validate: 'Check that a bundle gives the numbers of its model',
    run: 'Run a bundle over a signal: CSV, WAV, NPY, NPZ, standard input or made up',
    page: 'Show a bundle on a web page, as it answers a recording or the microphone',
  },
  'Look and measure': {
    inspect: 'Show what a model file holds, or what a bundle holds',
    bench: 'Measure what a hop costs: time, or instructions on a microcontroller core',
    fit: 'Estimate whether a bundle fits a microcontroller board: flash, RAM, time',
    features: 'Turn sound into rows of features with an audio front end',
    golden: "Write a bundle's self-test as files, for any other runtime",
  },
  'Devices and gateways': {
    image: 'Make one file for a partition of flash: module, weights and what is heard',
    flash: 'Send a bundle to a gateway or a device, which tries it and swaps it in, or goes back',
    gateway: 'Run a gateway: it receives bundles, tries them, swaps them in, and runs streams',
    status: 'Show what runs on a gateway, and confirm what has passed its trial',
    rollback: 'Go back to the bundle before on a gateway',
  },
  Signatures: {
    keygen: 'Make a pair of keys to sign bundles with',
    sign: 'Sign a bundle, so that devices and gateways can tell whose it is',
    verify: "Verify a bundle's signature",
  },
  Help: {
    explain: 'Explain an error code or a rule of streaming: what it means and what to try',
    ops: 'List the operators that are supported',
    doctor: 'Check this machine: Node, WebAssembly, optional tools',
    completion: 'Print a script that lets bash, zsh or fish complete commands and options',
  },
};

/** Text by name. */
export const verbs: Readonly<Record<string, string>> = Object.assign({}, ...Object.values(verbGroups));

/** Verbs of other packages. */
const elsewhere: Record<string, () => Promise<object>> = {
  gateway: () => gatewayPart('runlet gateway', () => import('../gateway/command.ts')),
};

export const loadVerb = async (name: string): Promise<Verb> =>
  ((await (elsewhere[name]?.() ?? import(`./${name}.ts`))) as { default: Verb }).default;

/** What `runlet` alone shows: the short road. */
export const road: Verb['examples'] = [
  ['demo', 'what it is about, on a signal that comes with it'],
  [
    'make MODEL DATA',
    'your model and your recording to one small WebAssembly module: planned, quantised, built, checked, plotted',
  ],
  ['run MODEL.wasm DATA', 'what it answers on a recording'],
  ['page MODEL.wasm DATA', 'the same in a browser, as it comes'],
  ['build MODEL.rnq --target native --emit-c FOLDER', 'for a device: the same in C, for Arduino, Zephyr and ESP-IDF'],
];
