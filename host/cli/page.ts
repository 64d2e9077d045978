/**
 * runlet page <bundle.wasm> [more bundles] [data]: serves the web page with bundles, and plays a recording.
 *
 * In: bundles, a recording.  Out: the address on stdout, with --json as JSON. The page is served until
 * Ctrl-C or SIGTERM.
 */
import { RunletError } from '../../models/error.ts';
import { exitCodes, printJson } from '../command/args.ts';
import { openPage } from '../command/browser.ts';
import { gateArg } from '../command/gate-option.ts';
import { labelsArg, signalArgs, truthArgs } from '../command/model-options.ts';
import { anyRest, argument, flag, group, input, jsonArg, number, signals } from '../command/options.ts';
import { defineVerb } from '../command/verb.ts';
import { pageWith } from './page-files.ts';
import { type Served, serveFiles } from './page-server.ts';

async function served(files: Parameters<typeof serveFiles>[0], port: number): Promise<Served> {
  try {
    return await serveFiles(files, port);
  } catch (error) {
    throw new RunletError('RN764', {
      what: `port ${port} cannot be used`,
      where: '--port',
      why: (error as Error).message,
      tryThis: 'another port, or no --port for any free one',
    });
  }
}

/** Splits the arguments into bundles and a recording, which is the last one if it is not a .wasm file. */
function splitArguments(first: string, others: readonly string[]): { bundles: string[]; data: string | undefined } {
  const isBundle = (name: string) => /\.wasm$/i.test(name);
  const data = others.filter((name) => !isBundle(name));
  if (data.length <= 1 && others.slice(0, -1).every(isBundle))
    return { bundles: [first, ...others.filter(isBundle)], data: data[0] };
  throw new RunletError('RN741', {
    what: 'the page plays one recording, and it is the last argument',
    where: data.join(' '),
    why: 'the arguments before it are bundles (.wasm)',
    tryThis: 'runlet page --help',
  });
}

/** Resolves at SIGTERM or Ctrl-C; Ctrl-C also sets the exit code. */
function ended(): Promise<void> {
  return new Promise((resolve) => {
    process.once('SIGTERM', () => resolve());
    process.once('SIGINT', () => {
      process.exitCode = exitCodes.interrupted;
      resolve();
    });
  });
}

export default defineVerb({
  examples: [
    ['page model.wasm recording.csv', 'plays the recording on the page, with the outputs of the model'],
    ['page model.wasm', 'asks on the page for a recording, or uses the microphone'],
    ["page kws.wasm vad.wasm talk.wav --gate 'kws=vad>0.5 for 1s'", 'one model wakes the other; shows the work that it saves'],
    ['page model.wasm walk.csv --truth activity --open', 'compares outputs with a column; opens the browser'],
  ],
  args: {
    bundle: argument(
      input('Bundle: the .wasm file that build or make wrote; several may be given, and the page shows one at a time'),
    ),
    data: anyRest(
      signals(
        'Recording to play: .csv, .npy, .npz, or for a sound model .wav and other sound files (default: the page asks for one)',
      ),
    ),
    ...group('Page', {
      port: number('Port on 127.0.0.1 (default: any free port)', { min: 0, max: 65_535, whole: true, default: 0 }),
      open: flag('Open the page in a browser'),
    }),
    ...group('Sound models', gateArg),
    ...signalArgs,
    ...truthArgs,
    ...labelsArg,
    ...jsonArg,
  },
  async run({ args, given }) {
    const { bundles, data } = splitArguments(args.bundle, args.data);
    const files = await pageWith(bundles, { ...args, data }, given);
    const { address, close } = await served(files, args.port);
    const end = ended();
    if (args.json) printJson({ address });
    else process.stdout.write(`${address}\n`);
    process.stderr.write('Ctrl-C ends the page.\n');
    if (args.open) openPage(address);
    await end;
    await close();
  },
});
