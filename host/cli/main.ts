/**
 * The command line: finds the verb, loads its file and nothing else, and turns errors into exit codes.
 *
 * `runlet --help` loads no verb: names and descriptions stand here. Each host/cli/<verb>.ts exports a citty command by default.
 */
import { readFileSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';
import { type ArgsDef, type CommandDef, defineCommand, renderUsage, runCommand } from 'citty';
import { RunletError } from '../../models/error.ts';
import { guardStreams, rawStream } from '../report/terminal.ts';
import { kebab, output, reportError, unknownOptions } from './args.ts';
import { gatewayPart } from './gateway-package.ts';

const verbs: Record<string, string> = {
  inspect: 'Show what a model file holds, or what a bundle holds',
  plan: 'Plan how a model streams: state, delay, work per hop',
  quantize: 'Turn a float model into int8 with calibration data',
  build: 'Build a streaming WebAssembly module from a model',
  image: 'Make one file for a partition of flash: module, weights and what is heard',
  validate: 'Check that a bundle gives the numbers of its model',
  golden: "Write a bundle's self-test as files, for any other runtime: frames, and the outputs that must come",
  run: 'Run a bundle over a signal: CSV, WAV, NPY, NPZ, standard input or made up',
  keygen: 'Make a pair of keys to sign bundles with',
  sign: 'Sign a bundle, so that devices and gateways can tell whose it is',
  verify: "Verify a bundle's signature",
  gateway: 'Run a gateway: it receives bundles, tries them, swaps them in, and runs streams',
  flash: 'Send a bundle to a gateway or a device, which tries it and swaps it in, or goes back',
  rollback: 'Go back to the bundle before on a gateway',
  status: 'Show what runs on a gateway, and confirm what has passed its trial',
  features: 'Turn sound into rows of features with an audio front end',
  bench: 'Measure what a hop costs: time, or instructions on a microcontroller core',
  fit: 'Estimate whether a bundle fits a microcontroller board: flash, RAM, time',
  ops: 'List the operators that are supported',
  explain: 'Explain an error code or a rule of streaming: what it means and what to try',
  doctor: 'Check this machine: Node, WebAssembly, optional tools',
};

/** Verbs of other packages. */
const elsewhere: Record<string, () => Promise<object>> = {
  gateway: () => gatewayPart('runlet gateway', () => import('../gateway/command.ts')),
};

const load = async (verb: string): Promise<CommandDef> =>
  ((await (elsewhere[verb]?.() ?? import(`./${verb}.ts`))) as { default: CommandDef }).default;

const version = (): string => {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
};

const root = (): CommandDef =>
  defineCommand({
    meta: { name: 'runlet', version: version(), description: 'Streaming int8 time-series CNNs in one small WebAssembly module' },
    subCommands: Object.fromEntries(Object.entries(verbs).map(([name, description]) => [name, { meta: { name, description } }])),
  });

const settle = async <T>(value: unknown): Promise<T> => (typeof value === 'function' ? value() : value) as T;

/** Options are shown as they are written everywhere, `--budget-ram`; citty takes either form and would show `--budgetRam`. */
async function usage(stream: NodeJS.WriteStream, command: CommandDef, parent?: CommandDef): Promise<void> {
  const named = Object.entries(await settle<ArgsDef>(command.args ?? {})).map(([name, arg]) => [kebab(name), arg]);
  const text = await renderUsage({ ...command, args: Object.fromEntries(named) }, parent);
  rawStream(stream).write(`${stream.isTTY ? text : stripVTControlCharacters(text).replace(/ +$/gm, '')}\n`);
}

const isHelp = (arg: string): boolean => arg === '--help' || arg === '-h';

async function runVerb(verb: string, rawArgs: string[]): Promise<void> {
  const command = await load(verb);
  if (rawArgs.some(isHelp)) return usage(process.stdout, command, root());
  const unknown = command.subCommands ? [] : unknownOptions(rawArgs, await settle<ArgsDef>(command.args ?? {}));
  if (unknown.length > 0)
    throw new RunletError('RN741', {
      what: `runlet ${verb} has no option ${unknown.join(', ')}`,
      where: 'command line',
      tryThis: `runlet ${verb} --help`,
    });
  await runCommand(command, { rawArgs });
}

/**
 * Runs the command line. Never throws: errors are printed, and process.exitCode is set (see args.ts).
 * @param argv the arguments after `node bin.js`.
 */
export async function main(argv: string[]): Promise<void> {
  guardStreams();
  // A reader such as `head` may close the pipe: that is no failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE' && error.code !== 'ERR_STREAM_DESTROYED') throw error;
    output.closed = true;
  });
  const [verb, ...rest] = argv;
  try {
    if (verb === '--version' || verb === '-v') process.stdout.write(`${version()}\n`);
    else if (verb === undefined || isHelp(verb) || verb === 'help') {
      await usage(verb ? process.stdout : process.stderr, root());
      if (!verb) process.exitCode = 2;
    } else if (Object.hasOwn(verbs, verb)) await runVerb(verb, rest);
    else
      throw new RunletError('RN741', {
        what: `there is no command ${verb}`,
        where: 'command line',
        why: `there are ${Object.keys(verbs).join(', ')}`,
        tryThis: 'runlet --help',
      });
  } catch (error) {
    reportError(error, rest.includes('--json'));
  }
}
