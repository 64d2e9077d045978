/**
 * runlet status: what runs on a gateway, slot by slot; --confirm lets a bundle run that has passed its trial.
 */
import { defineCommand } from 'citty';
import { RunletError } from '../../models/error.ts';
import type { GatewayClient } from '../remote/client.ts';
import { coloursFor, jsonArg, numberOption, printJson } from './args.ts';
import { clientOf, lineText, remoteArgs, slotArg, slotLines } from './remote.ts';

/** Until the gateway has made its token and answers, or the time is over. @throws RN720, RN860 */
async function answering(args: Parameters<typeof clientOf>[0], untilMs: number): Promise<GatewayClient> {
  for (;;)
    try {
      const client = await clientOf(args);
      await client.status();
      return client;
    } catch (error) {
      const starts = error instanceof RunletError && (error.code === 'RN860' || error.code === 'RN720');
      if (!starts || performance.now() > untilMs) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
}

export default defineCommand({
  meta: { name: 'status', description: 'Show what runs on a gateway, and confirm what has passed its trial' },
  args: {
    ...remoteArgs,
    ...slotArg,
    wait: { type: 'string', description: 'Wait so long for a gateway that has just been started', valueHint: 's' },
    confirm: { type: 'boolean', description: 'Let the bundle run that has passed its trial in --slot' },
    leaveSafeMode: { type: 'boolean', description: 'End safe mode, in which a gateway is after crashes in a row' },
    ...jsonArg,
  },
  async run({ args }) {
    const wait = numberOption('wait', args.wait, { min: 0, max: 3600 });
    const client = await (wait === undefined ? clientOf(args) : answering(args, performance.now() + 1000 * wait));
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
