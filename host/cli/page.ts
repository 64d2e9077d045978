/**
 * runlet page <bundle.wasm> [data]: serves the web page with a bundle, and plays a recording.
 *
 * In: a bundle, a recording.  Out: the address on stdout, with --json as JSON. The page is served until
 * Ctrl-C or SIGTERM.
 */
import { RunletError } from '../../models/error.ts';
import { exitCodes, printJson } from '../command/args.ts';
import { openPage } from '../command/browser.ts';
import { labelsArg, signalArgs, truthArgs } from '../command/model-options.ts';
import { argument, flag, group, input, jsonArg, number, optional, signals } from '../command/options.ts';
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
    ['page model.wasm walk.csv --truth activity --open', 'compares outputs with a column; opens the browser'],
  ],
  args: {
    bundle: argument(input('Bundle: the .wasm file that build or make wrote')),
    data: optional(
      signals(
        'Recording to play: .csv, .npy, .npz, or for a sound model .wav and other sound files (default: the page asks for one)',
      ),
    ),
    ...group('Page', {
      port: number('Port on 127.0.0.1 (default: any free port)', { min: 0, max: 65_535, whole: true, default: 0 }),
      open: flag('Open the page in a browser'),
    }),
    ...signalArgs,
    ...truthArgs,
    ...labelsArg,
    ...jsonArg,
  },
  async run({ args, given }) {
    const files = await pageWith(args.bundle, args, given);
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
