/**
 * runlet collect pull: fetches the windows that a gateway has collected, into one .npz file.
 * runlet collect labels: their labels out and in, or how far annotators agree (collect-labels.ts).
 *
 * In: the address of a gateway, a slot, filters.  Out: a file that `quantize --calib` and `--eval` read
 * (host/remote/window-set.ts); a summary on stdout.  Errors: RN740, RN874, RN893, and those of the gateway.
 */
import { rm } from 'node:fs/promises';
import { RunletError } from '../../models/error.ts';
import { bytesText } from '../bytes-text.ts';
import { printJson } from '../command/args.ts';
import { argument, choice, flag, group, input, jsonArg, number, output, text } from '../command/options.ts';
import { clientOf, doorArgs, lineText } from '../command/remote.ts';
import { defineVerb } from '../command/verb.ts';
import { reasons } from '../learn/reasons.ts';
import { fetched, listed, noWindows } from '../remote/pull.ts';
import { writeWindowSet } from '../remote/window-set.ts';
import { emptyLine, rawStream } from '../report/terminal.ts';
import { labels } from './collect-labels.ts';

export default defineVerb({
  examples: [
    ['collect pull --from http://gateway:8080 --token-file token -o set.npz', 'fetches the windows of slot main'],
    [
      'collect pull --from http://gateway:8080 --token-file token --reason random --labelled -o eval.npz',
      'only labelled random ones',
    ],
    ['collect labels --from http://gateway:8080 --token-file token', 'shows how far annotators agree'],
    ['collect labels --from http://gateway:8080 --token-file token -o labels.csv', 'writes all labels'],
    ['collect labels --from http://gateway:8080 --token-file token -o tasks.json', 'writes tasks for Label Studio'],
    ['collect labels --from http://gateway:8080 --token-file token --import tasks.json', 'reads labels back'],
  ],
  args: {
    action: argument(choice('What to do', ['pull', 'labels'])),
    ...group('Gateway', {
      from: text('Address of the gateway', { required: true, hint: 'http://host:8080' }),
      slot: text('Slot of the gateway', { default: 'main', hint: 'name' }),
      ...doorArgs,
    }),
    ...group('Windows', {
      out: output('File to write: .npz for pull; .csv or .json (Label Studio) for labels', { short: 'o' }),
      import: input('File of labels to read, .csv or .json, for labels'),
      reason: choice('Only windows that were chosen for this reason', reasons, { hint: 'reason' }),
      labelled: flag('Only windows that have a label'),
      max: number('Largest number of windows', { min: 1, max: 1_000_000, whole: true, default: 100_000 }),
      maxBytes: number('Largest size of the windows in the file', {
        min: 1,
        max: 2 ** 31,
        whole: true,
        default: 2 ** 28,
        hint: 'bytes',
      }),
    }),
    ...jsonArg,
  },
  async run({ args, given }) {
    const client = await clientOf({ ...args, to: args.from });
    if (args.action === 'labels') return labels(client, args, given);
    const out = neededOut(args.out, given);
    const { signal } = await client.slot(args.slot);
    if (!signal) throw noWindows(args.slot, 'no bundle runs in it');
    const onWindow = (count: number) => {
      if (process.stderr.isTTY) rawStream(process.stderr).write(`\r\x1b[K${count} windows`);
    };
    const list = listed(client, args.slot, args);
    const windows = fetched(client, args.slot, list, args.max);
    const set = await writeWindowSet(out, windows, { signal, maxBytes: args.maxBytes, onWindow });
    emptyLine(process.stderr);
    if (set.windows === 0) {
      await rm(out, { force: true });
      throw noWindows(
        args.slot,
        set.otherShape > 0 ? `${set.otherShape} windows have another shape than its bundle takes` : undefined,
      );
    }
    if (args.json) return printJson({ file: out, ...set });
    const counts = Object.entries(set.reasons).map(([reason, n]) => `${n} ${reason}`);
    process.stdout.write(lineText(['windows', `${set.windows}, ${bytesText(set.bytes)}: ${counts.join(', ')}`]));
    process.stdout.write(
      lineText(['labels', `${set.labelled} windows by ${set.annotators} annotators; a verdict on ${set.agreed}`]),
    );
    if (set.otherShape > 0) process.stdout.write(lineText(['left out', `${set.otherShape} of another shape`]));
    if (set.full) process.stdout.write(lineText(['full', 'the newest are missing; see --max-bytes']));
    process.stdout.write(lineText(['file', out]));
  },
});

/** Returns the file that `pull` writes. @throws RN740 */
function neededOut(out: string | undefined, given: ReadonlySet<string>): string {
  if (given.has('import')) throw new RunletError('RN740', { what: 'pull imports nothing', where: '--import', tryThis: 'collect labels --import FILE' }); // biome-ignore format: one line
  if (out !== undefined) return out;
  throw new RunletError('RN740', { what: 'pull needs a file to write', where: '--out', tryThis: '-o set.npz' });
}
