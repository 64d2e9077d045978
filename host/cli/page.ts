/**
 * runlet page <bundle.wasm> [data]: the web page with a bundle, and a recording that is played at once.
 *
 * In: a bundle, a recording.  Out: the address on stdout, as JSON with --json; the page until Ctrl-C or
 * SIGTERM.
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
      tryThis: 'another port; without --port any that is free is taken',
    });
  }
}

/** Until Ctrl-C, which is the exit code then, or SIGTERM. */
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
    ['page model.wasm recording.csv', 'the recording plays on the page, with what the model says of it'],
    ['page model.wasm', 'a page that asks for a recording, or listens'],
    ['page model.wasm walk.csv --truth activity --open', 'answers scored against a column, in the browser at once'],
  ],
  args: {
    bundle: argument(input('The .wasm file that build or make wrote')),
    data: optional(
      signals(
        'A recording to play: .csv, .npy, .npz, or .wav and other sound for a model that listens; left out: the page asks for one',
      ),
    ),
    ...group('The page', {
      port: number('Port on 127.0.0.1 (default: any that is free)', { min: 0, max: 65_535, whole: true, default: 0 }),
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
