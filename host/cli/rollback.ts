/**
 * runlet rollback: discards the bundle that waits in a slot; if none waits, returns to the previous bundle.
 */
import { printJson } from '../command/args.ts';
import { jsonArg } from '../command/options.ts';
import { clientOf, lineText, remoteArgs, slotLines } from '../command/remote.ts';
import { defineVerb } from '../command/verb.ts';

export default defineVerb({
  examples: [
    ['rollback --to http://gateway:8080 --token-file token', 'discards the waiting bundle, or returns to the previous one'],
  ],
  args: { ...remoteArgs, ...jsonArg },
  async run({ args }) {
    const status = await (await clientOf(args)).rollBack(args.slot);
    if (args.json) return printJson(status);
    process.stdout.write(slotLines(status).map(lineText).join(''));
  },
});
