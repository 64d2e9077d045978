/**
 * runlet status: what runs on a gateway, slot by slot; --confirm lets a bundle run that has passed its trial.
 */
import { defineCommand } from 'citty';
import { coloursFor, jsonArg, printJson } from './args.ts';
import { clientOf, lineText, remoteArgs, slotArg, slotLines } from './remote.ts';

export default defineCommand({
  meta: { name: 'status', description: 'Show what runs on a gateway, and confirm what has passed its trial' },
  args: {
    ...remoteArgs,
    ...slotArg,
    confirm: { type: 'boolean', description: 'Let the bundle run that has passed its trial in --slot' },
    leaveSafeMode: { type: 'boolean', description: 'End safe mode, in which a gateway is after crashes in a row' },
    ...jsonArg,
  },
  async run({ args }) {
    const client = await clientOf(args);
    if (args.leaveSafeMode) await client.leaveSafeMode();
    if (args.confirm) await client.confirm(args.slot);
    const status = await client.status();
    if (args.json) return printJson(status);
    const { yellow, bold } = coloursFor(process.stdout);
    if (status.insecureUnsigned) process.stdout.write(`${yellow('INSECURE: this gateway takes unsigned bundles')}\n`);
    if (status.safeMode)
      process.stdout.write(`${yellow('safe mode: crashed in a row, runs what was confirmed and tries nothing')}\n`);
    for (const slot of status.slots)
      process.stdout.write(`${bold(`slot ${slot.slot}`)}\n${slotLines(slot).map(lineText).join('')}`);
    if (status.slots.length === 0) process.stdout.write('no bundle has been flashed yet\n');
  },
});
