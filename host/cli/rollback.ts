/**
 * runlet rollback: gives up the bundle that waits in a slot, or, where none does, goes back to the bundle before.
 */
import { defineCommand } from 'citty';
import { jsonArg, printJson } from './args.ts';
import { clientOf, lineText, remoteArgs, slotArg, slotLines } from './remote.ts';

export default defineCommand({
  meta: { name: 'rollback', description: 'Go back to the bundle before on a gateway' },
  args: { ...remoteArgs, ...slotArg, ...jsonArg },
  async run({ args }) {
    const status = await (await clientOf(args)).rollBack(args.slot);
    if (args.json) return printJson(status);
    process.stdout.write(slotLines(status).map(lineText).join(''));
  },
});
