/**
 * runlet rollback: gives up the bundle that waits in a slot, or, where none does, goes back to the bundle
 * before.
 */
import { printJson } from '../command/args.ts';
import { jsonArg } from '../command/options.ts';
import { clientOf, lineText, remoteArgs, slotLines } from '../command/remote.ts';
import { defineVerb } from '../command/verb.ts';

export default defineVerb({
  examples: [['rollback --to http://gateway:8080 --token-file token', 'give up what waits, or go back to the bundle before']],
  args: { ...remoteArgs, ...jsonArg },
  async run({ args }) {
    const status = await (await clientOf(args)).rollBack(args.slot);
    if (args.json) return printJson(status);
    process.stdout.write(slotLines(status).map(lineText).join(''));
  },
});
